"""Figures of a period: traffic, votes and distributions."""

from collections.abc import Mapping
from typing import Annotated

import polars as pl
from fastapi import APIRouter, Response

from calculations.fpp.attributes import Kind
from calculations.fpp.breakdown import breakdown, visits_of
from calculations.fpp.distribution import Distribution, distribution, views_per_visit, visit_durations
from calculations.fpp.traffic import Visits
from calculations.fpp.votes import VotesOfPeriod, votes_of_period
from calculations.frames.collecting import collect
from routers.v1.asking import asked
from routers.v1.parameters import DistributionParameters, TrafficParameters, VotesParameters
from routers.v1.schemas import TrafficRow
from routers.v1.selecting import Selected, selected
from web.computing import computing
from web.questions.answers import object_answer, table_answer
from web.questions.figures import figures_answer
from web.questions.question import Part, Question
from web.questions.schemas import ALSO_ROWS, answer_of, chosen_type
from web.questions.tables import columns_of, computed, cut, ordered, parsed_order
from web.snapshot_route import SnapshotRoute

router = APIRouter(route_class=SnapshotRoute)

TrafficQuestion = Annotated[Question[TrafficParameters], asked(TrafficParameters)]
VotesQuestion = Annotated[Question[VotesParameters], asked(VotesParameters)]
DistributionQuestion = Annotated[Question[DistributionParameters], asked(DistributionParameters)]

TRAFFIC = answer_of(chosen_type(Visits), TrafficParameters) | answer_of(
    list[chosen_type(TrafficRow)],  # type: ignore[misc] # made for the OpenAPI schema
    TrafficParameters,
)
MEASURES: Mapping[str, tuple[Kind, str]] = {
    "vote_duration": ("votes", "duration"),
    "estimations_per_vote": ("votes", "amount_of_estimations"),
}


@router.get("/traffic", response_model=TRAFFIC, responses=ALSO_ROWS)
def get_traffic(question: TrafficQuestion) -> Response:
    """Visitors of a period and how long they stay; with `dimensions`, per value of one or two attributes."""
    if question.parameters.dimensions is not None:
        return _traffic_by_dimensions(question)
    chosen = question.parameters.chosen

    def traffic(part: Part) -> Visits:
        rows = selected(question, part)
        return visits_of(rows.within("page_views"), rows.within("estimations"), rows.selection, part.period, chosen)

    return figures_answer(question, traffic, "traffic", chosen)


def _traffic_by_dimensions(question: Question[TrafficParameters]) -> Response:
    dimensions, chosen = question.parameters.dimension_names, question.parameters.chosen

    def traffic(part: Part) -> pl.DataFrame:
        rows = selected(question, part)
        tables = rows.within("page_views"), rows.within("estimations")
        return breakdown(*tables, rows.attributes, rows.filter, dimensions).select(*dimensions, *chosen)

    largest_first = {chosen[0]: True} | dict.fromkeys(dimensions, False)
    order = parsed_order(question, [*dimensions, *columns_of(question, chosen)], largest_first)
    rows = ordered(computed(question, traffic, dimensions), order)
    return table_answer(question, cut(rows, question), "traffic", rows.frame.height)


@router.get("/votes", response_model=answer_of(chosen_type(VotesOfPeriod), VotesParameters), responses=ALSO_ROWS)
def get_votes(question: VotesQuestion) -> Response:
    """Totals and averages of the votes of a period."""

    def votes(part: Part) -> VotesOfPeriod:
        rows, kinds = selected(question, part), question.parameters.asked_counts().values()
        voted, estimated = (
            rows.rows(kind) if kind in kinds else rows.whole(kind).clear() for kind in ("votes", "estimations")
        )
        return votes_of_period(voted, estimated, part.period.zone)

    return figures_answer(question, votes, "votes", question.parameters.chosen)


@router.get("/distribution", response_model=answer_of(Distribution, DistributionParameters), responses=ALSO_ROWS)
def get_distribution(question: DistributionQuestion) -> Response:
    """Percentiles and a histogram of one measure. Other formats than JSON hold the histogram."""
    part = question.part(question.period)
    with computing(question.request, question.snapshot):
        found = distribution(_values(selected(question, part), question.parameters.of))
    bins = [each.model_dump(by_alias=True) for each in found.histogram]
    rows = pl.DataFrame(bins, {"from": pl.Float64, "to": pl.Float64, "n": pl.Int64})
    return object_answer(question, [found.model_dump_json(by_alias=True).encode()], rows, question.parameters.of)


def _values(rows: Selected, measure: str) -> pl.Series:
    """The values of a measure."""
    if measure in MEASURES:
        kind, column = MEASURES[measure]
        return collect(rows.rows(kind).select(column)).to_series()
    visits = rows.selection.visits(rows.within("page_views"), rows.within("estimations"))
    return visit_durations(visits) if measure == "visit_duration" else views_per_visit(visits)
