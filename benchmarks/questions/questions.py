"""The questions, and our answers as rows."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import polars as pl

from benchmarks.data import DataSet
from calculations.fpp.attributes import ATTRIBUTES, Attributes, is_of_users
from calculations.fpp.breakdown import FIGURES, breakdown, visits_of
from calculations.fpp.distribution import PERCENTILES, distribution, visit_durations
from calculations.fpp.funnel import funnel
from calculations.fpp.funnel_steps import parsed_steps
from calculations.fpp.selection import Selection
from calculations.fpp.tables import Tables
from calculations.frames.collecting import collect, collecting_with
from calculations.frames.filters import EVERYTHING, Filter, parsed_filter
from calculations.time.period import Period
from read_model.table import Span, Table
from read_model.tables.fpp import ESTIMATIONS, EVENTS, PAGE_VIEWS, ROOMS, USERS, VOTES

type Row = tuple[Any, ...]
type Rows = Sequence[Row]

STEPS = "page_view:HOME,page_view:ROOM,estimation,return:7d"
RECENT = timedelta(days=30)
UNFILTERED = "traffic"


@dataclass(frozen=True)
class Asked:
    """The rows of a period that a question is about."""

    tables: Tables
    period: Period

    @property
    def attributes(self) -> Attributes:
        """Of users and rooms."""
        return Attributes(self.tables.users, self.tables.rooms)

    def selection(self, filter_: Filter = EVERYTHING) -> Selection:
        """What a filter selects."""
        of_users = is_of_users(list(filter_.attributes()))
        return Selection(attributes=self.attributes, filter=filter_, of_users=of_users)


@dataclass(frozen=True)
class Question:
    """A question: how we answer it, and its target at scale 100 in milliseconds, or as a multiple of `traffic`."""

    name: str
    answer: Callable[[Asked], Rows]
    most_ms: float | None = None
    most_times: float | None = None
    days: timedelta | None = None

    def asked(self, data: DataSet) -> Rows:
        """Our answer; opens the snapshot anew, as a request does."""
        snapshot = data.open()
        period = data.period if self.days is None else Period(data.period.end - self.days, data.period.end)

        def within(table: Table, time: str) -> pl.LazyFrame:
            return snapshot.scan(table, Span(time, period.start, period.end)).filter(period.contains(time))

        time = snapshot.time_column(EVENTS)
        tables = Tables(
            users=snapshot.scan(USERS),
            rooms=snapshot.scan(ROOMS),
            votes=within(VOTES, "voted_at"),
            page_views=within(PAGE_VIEWS, "viewed_at"),
            estimations=within(ESTIMATIONS, "estimated_at"),
            events=within(EVENTS, time).rename({time: "event_at"}),
        )
        with collecting_with(snapshot.engine):
            return self.answer(Asked(tables, period))


def traffic(*clauses: object, names: Sequence[str] = FIGURES) -> Callable[[Asked], Rows]:
    """Traffic under a filter."""
    filter_ = parsed_filter(list(clauses), ATTRIBUTES)

    def answer(asked: Asked) -> Rows:
        tables = asked.tables
        selection = asked.selection(filter_)
        found = visits_of(tables.page_views, tables.estimations, selection, asked.period, names)
        return [tuple(getattr(found, name) for name in names)]

    return answer


def traffic_by(*dimensions: str) -> Callable[[Asked], Rows]:
    """Traffic per value of attributes."""

    def answer(asked: Asked) -> Rows:
        tables = asked.tables
        found = breakdown(tables.page_views, tables.estimations, asked.attributes, dimensions=dimensions)
        return found.select(*dimensions, *FIGURES).sort(dimensions).rows()

    return answer


def steps(asked: Asked) -> Rows:
    """Visitors and median times of a funnel."""
    found = funnel(asked.tables, asked.attributes, parsed_steps(STEPS))
    return [(step.visitors, step.median_time_s) for step in found.steps]


def visit_duration(asked: Asked) -> Rows:
    """The distribution of visit durations, in seconds."""
    visits = asked.selection().visits(asked.tables.page_views, asked.tables.estimations)
    return _percentiles(visit_durations(visits))


def vote_duration(asked: Asked) -> Rows:
    """The distribution of vote durations, in seconds."""
    return _percentiles(collect(asked.tables.votes.select("duration")).to_series())


def _percentiles(values: pl.Series) -> Rows:
    found = distribution(values)
    return [(found.n, *(getattr(found, name) for name in PERCENTILES))]


QUESTIONS = (
    Question(UNFILTERED, traffic()),
    Question("traffic, route is HOME", traffic(["is", "route", ["HOME"]]), most_times=1.5),
    Question("traffic, country is DE", traffic(["is", "country", ["DE"]]), most_times=1.5),
    Question("traffic by route", traffic_by("route"), most_times=1.5),
    Question("traffic by country", traffic_by("country"), most_times=1.5),
    Question("funnel of four steps", steps, most_ms=1500),
    Question("distribution of visit durations", visit_duration, most_ms=1000),
    Question("distribution of vote durations", vote_duration, most_ms=1000),
    Question("page views of 30 days", traffic(names=["page_views"]), most_ms=30, days=RECENT),
)
