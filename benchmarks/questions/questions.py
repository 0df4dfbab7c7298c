"""The questions, and our answers as rows."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

import polars as pl

from benchmarks.data import DataSet
from calculations.fpp.attributes import ATTRIBUTES
from calculations.fpp.breakdown import FIGURES, breakdown, visits_of
from calculations.fpp.distribution import PERCENTILES, distribution, visit_durations
from calculations.fpp.funnel import funnel
from calculations.fpp.funnel_steps import parsed_steps
from calculations.fpp.tables import Tables
from calculations.frames.collecting import collect, collecting_with
from calculations.frames.filters import parsed_filter
from calculations.time.period import Period
from routers.v1.selecting import Selected
from web.questions.question import Part

type Row = tuple[Any, ...]
type Rows = Sequence[Row]

STEPS = "page_view:HOME,page_view:ROOM,estimation,return:7d"
RECENT = timedelta(days=30)
UNFILTERED = "traffic"


@dataclass(frozen=True)
class Question:
    """A question: how we answer it, and its target at scale 100 in milliseconds, or as a multiple of `traffic`."""

    name: str
    answer: Callable[[Selected], Rows]
    most_ms: float | None = None
    most_times: float | None = None
    days: timedelta | None = None
    filter: Sequence[object] = ()

    def asked(self, data: DataSet) -> Rows:
        """Our answer; opens the snapshot anew and selects the rows, as the server does for a request."""
        snapshot = data.open()
        period = data.period if self.days is None else Period(data.period.end - self.days, data.period.end)
        rows = Selected(Part(snapshot, period, period, "day", "monday"), parsed_filter(list(self.filter), ATTRIBUTES))
        with collecting_with(snapshot.engine):
            return self.answer(rows)


def traffic(rows: Selected, names: Sequence[str] = FIGURES) -> Rows:
    """Traffic."""
    tables = rows.within("page_views"), rows.within("estimations")
    found = visits_of(*tables, rows.selection, rows.part.period, names)
    return [tuple(getattr(found, name) for name in names)]


def traffic_by(*dimensions: str) -> Callable[[Selected], Rows]:
    """Traffic per value of attributes."""

    def answer(rows: Selected) -> Rows:
        tables = rows.within("page_views"), rows.within("estimations")
        found = breakdown(*tables, rows.attributes, rows.filter, dimensions)
        return found.select(*dimensions, *FIGURES).sort(dimensions).rows()

    return answer


def steps(rows: Selected) -> Rows:
    """Visitors and median times of a funnel."""
    tables = Tables(**{kind: rows.within(kind) for kind in ("page_views", "estimations", "events")})
    found = funnel(tables, rows.attributes, parsed_steps(STEPS))
    return [(step.visitors, step.median_time_s) for step in found.steps]


def visit_duration(rows: Selected) -> Rows:
    """The distribution of visit durations, in seconds."""
    visits = rows.selection.visits(rows.within("page_views"), rows.within("estimations"))
    return _percentiles(visit_durations(visits))


def vote_duration(rows: Selected) -> Rows:
    """The distribution of vote durations, in seconds."""
    return _percentiles(collect(rows.within("votes").select("duration")).to_series())


def _percentiles(values: pl.Series) -> Rows:
    found = distribution(values)
    return [(found.n, *(getattr(found, name) for name in PERCENTILES))]


QUESTIONS = (
    Question(UNFILTERED, traffic),
    Question("traffic, route is HOME", traffic, most_times=1.5, filter=[["is", "route", ["HOME"]]]),
    Question("traffic, country is DE", traffic, most_times=1.5, filter=[["is", "country", ["DE"]]]),
    Question("traffic by route", traffic_by("route"), most_times=1.5),
    Question("traffic by country", traffic_by("country"), most_times=1.5),
    Question("funnel of four steps", steps, most_ms=1500),
    Question("distribution of visit durations", visit_duration, most_ms=1000),
    Question("distribution of vote durations", vote_duration, most_ms=1000),
    Question("page views of 30 days", partial(traffic, names=["page_views"]), most_ms=30, days=RECENT),
)
