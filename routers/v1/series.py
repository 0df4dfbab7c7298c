"""Series: counts per bucket, reoccurring users and rooms, their lifecycle, and the rhythm of a week."""

from dataclasses import replace
from typing import Annotated

import polars as pl
from fastapi import APIRouter, Response

from calculations.fpp.active_users import active_users, counted_days
from calculations.fpp.attributes import Kind
from calculations.fpp.historical import SERIES, counts_per_bucket, enough_before, instants_of, moving_averages
from calculations.fpp.lifecycle import lifecycle
from calculations.fpp.reoccurring import returning_per_bucket
from calculations.fpp.rhythm import SLOT, Slot, rhythm
from calculations.fpp.visitors import visitors_per_bucket
from calculations.time.buckets import Buckets
from routers.v1.asking import asked
from routers.v1.cohort_parameters import LifecycleParameters
from routers.v1.parameters import BASE_SERIES, HistoricalParameters, ReoccurringParameters, RhythmParameters
from routers.v1.schemas import HistoricalBucket, LifecycleBucket, ReoccurringBucket
from routers.v1.selecting import Selected, known, selected, since_start, start_of
from web.questions.answers import table_answer
from web.questions.question import Part, Question
from web.questions.schemas import ALSO_ROWS, answer_of, chosen_type
from web.questions.series import series
from web.questions.tables import computed, ordered
from web.snapshot_route import SnapshotRoute

router = APIRouter(route_class=SnapshotRoute)

HistoricalQuestion = Annotated[Question[HistoricalParameters], asked(HistoricalParameters)]
ReoccurringQuestion = Annotated[Question[ReoccurringParameters], asked(ReoccurringParameters)]
LifecycleQuestion = Annotated[Question[LifecycleParameters], asked(LifecycleParameters)]
RhythmQuestion = Annotated[Question[RhythmParameters], asked(RhythmParameters)]

VISITORS = ("visitors", "visits", "bounce_rate")
ACTIVE = ("dau", "wau", "mau", "stickiness")
COUNTED_IN_SLOTS: tuple[Kind, Kind] = ("page_views", "votes")
IN_ORDER = dict.fromkeys(SLOT, False)


@router.get(
    "/historical",
    response_model=answer_of(list[chosen_type(HistoricalBucket)], HistoricalParameters),  # type: ignore[misc]
    responses=ALSO_ROWS,
)
def get_historical(question: HistoricalQuestion) -> Response:
    """New users, page views, rooms, estimations, votes, visitors and active users per bucket; running totals, moving
    averages."""
    chosen = question.parameters.chosen

    def counts(part: Part) -> pl.DataFrame:
        rows = selected(question, part)
        parts = [part.buckets.dated().filter(question.shown).select("bucket")]
        if base := [name for name in SERIES if {name, f"acc_{name}"} & set(chosen)]:
            instants = instants_of(rows.tables(*(BASE_SERIES[name] for name in base)), base)
            parts.append(counts_per_bucket(instants, part.buckets, shown=question.shown).drop("date"))
        if averaged := [name for name in SERIES if f"ma_{name}" in chosen]:
            parts.append(_averages(question, rows, averaged))
        if set(VISITORS) & set(chosen):
            tables = rows.within("page_views"), rows.within("estimations")
            parts.append(visitors_per_bucket(*tables, rows.selection, part.buckets))
        if set(ACTIVE) & set(chosen):
            estimations = rows.rows("estimations", counted_days(part.begun))
            parts.append(active_users(estimations, part.begun, part.buckets))
        found, *others = parts
        for other in others:
            found = found.join(other, on="bucket", how="left", maintain_order="left")
        return found.select("bucket", *chosen)

    return table_answer(question, series(question, counts), "historical")


def _averages(question: Question[HistoricalParameters], rows: Selected, names: list[str]) -> pl.DataFrame:
    """The moving averages of a part's buckets, including earlier rows since START_DATE: `bucket`, `ma_*`."""
    part = rows.part
    period = enough_before(part.begun, part.granularity, start_of(question, part))
    buckets = Buckets.of(period, part.granularity, part.week_start)
    counted_in = replace(period, end=part.period.end)
    instants = instants_of(rows.tables(*(BASE_SERIES[name] for name in names), period=counted_in), names)
    counted = counts_per_bucket(instants, buckets, shown=question.shown)
    starts = buckets.edges.gather(counted["bucket"])
    found = moving_averages(counted).with_columns(starts.alias("start"))
    shown = pl.DataFrame({"start": part.buckets.edges.head(len(part.buckets))}).with_row_index("bucket")
    return shown.with_columns(pl.col("bucket").cast(pl.Int32)).join(found, on="start", how="left").drop("start")


@router.get(
    "/reoccurring",
    response_model=answer_of(list[chosen_type(ReoccurringBucket)], ReoccurringParameters),  # type: ignore[misc]
    responses=ALSO_ROWS,
)
def get_reoccurring(question: ReoccurringQuestion) -> Response:
    """How many users and rooms are reoccurring since START_DATE, at the end of each bucket's last day."""

    def returning(part: Part) -> pl.DataFrame:
        estimations = selected(question, part).ever("estimations")
        found = returning_per_bucket(estimations, since_start(question, part), part.buckets)
        return found.select("bucket", *question.parameters.chosen)

    return table_answer(question, series(question, returning), "reoccurring")


@router.get("/lifecycle", response_model=answer_of(list[LifecycleBucket], LifecycleParameters), responses=ALSO_ROWS)
def get_lifecycle(question: LifecycleQuestion) -> Response:
    """New, returning, resurrecting and dormant users or rooms per bucket; active are those with the chosen activity."""
    kind, time = question.parameters.table

    def counts(part: Part) -> pl.DataFrame:
        return lifecycle(
            selected(question, part).ever(kind),
            part.begun,
            entity=question.parameters.entity,
            granularity=part.granularity,
            week_start=part.week_start,
            known_until=known(question, part),
            time=time,
        )

    return table_answer(question, series(question, counts), "lifecycle")


@router.get(
    "/rhythm",
    response_model=answer_of(list[chosen_type(Slot)], RhythmParameters),  # type: ignore[misc]
    responses=ALSO_ROWS,
)
def get_rhythm(question: RhythmQuestion) -> Response:
    """Page views, visitors and votes of every hour of every weekday, as clocks of the time zone show them."""
    chosen = question.parameters.chosen

    def slots(part: Part) -> pl.DataFrame:
        rows, kinds = selected(question, part), question.parameters.asked_counts().values()
        views, votes = (rows.rows(kind) if kind in kinds else None for kind in COUNTED_IN_SLOTS)
        return rhythm(views, votes, part.period.zone).select(*SLOT, *chosen)

    return table_answer(question, ordered(computed(question, slots, SLOT), IN_ORDER), "rhythm")
