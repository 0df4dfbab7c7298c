"""The rows that a question about the app covers: those of a period that its filter selects."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

import polars as pl

from calculations.fpp.attributes import Attributes, Kind, is_of_users
from calculations.fpp.selection import Selection
from calculations.fpp.tables import Tables
from calculations.frames.filters import Filter
from calculations.time.date_ranges import DAY
from calculations.time.period import Period, midnight
from read_model.table import INSTANT, Table
from read_model.tables.fpp import ESTIMATIONS, EVENTS, PAGE_VIEWS, ROOMS, USERS, VOTES
from routers.v1.parameters import Filtered
from web.questions.question import Part, Question

TABLES: Mapping[Kind, Table] = {
    "users": USERS,
    "page_views": PAGE_VIEWS,
    "events": EVENTS,
    "estimations": ESTIMATIONS,
    "votes": VOTES,
    "rooms": ROOMS,
}
# Columns that flat files may lack.
OPTIONAL: Mapping[Kind, Mapping[str, pl.DataType]] = {
    "page_views": {"room_id": pl.Int32()},
    "events": {"user_id": pl.String()},
    "rooms": {"last_used_at": INSTANT},
    "users": {"id": pl.String()},
}
FIRST_USED, HAPPENED = "first_used_at", "event_at"


@dataclass(frozen=True, eq=False)
class Selected:
    """The app's tables in a period, and the rows that a filter selects."""

    part: Part
    filter: Filter

    @cached_property
    def attributes(self) -> Attributes:
        """The attributes of users and rooms."""
        return Attributes(self.whole("users"), self.part.all_rows(ROOMS))

    @property
    def selection(self) -> Selection:
        """The page views and visits that the filter selects."""
        of_users = is_of_users(list(self.filter.attributes()))
        return Selection(attributes=self.attributes, filter=self.filter, of_users=of_users)

    def time(self, kind: Kind) -> str:
        """The column with the time of a table's rows."""
        return FIRST_USED if kind == "rooms" else self.part.snapshot.time_column(TABLES[kind])

    def whole(self, kind: Kind) -> pl.LazyFrame:
        """All rows of a table, of all time; the time of events is called `event_at`."""
        return self._completed(kind, self.part.all_rows(TABLES[kind]))

    def _completed(self, kind: Kind, rows: pl.LazyFrame) -> pl.LazyFrame:
        known = rows.collect_schema()
        absent = [
            pl.lit(None, dtype).alias(name) for name, dtype in OPTIONAL.get(kind, {}).items() if name not in known
        ]
        return rows.with_columns(absent).rename({self.time(kind): HAPPENED} if kind == "events" else {})

    def within(self, kind: Kind, period: Period | None = None) -> pl.LazyFrame:
        """The rows of the part's period, or of another one, unfiltered."""
        return self._completed(kind, self.part.rows(TABLES[kind], self.time(kind), period))

    def ever(self, kind: Kind) -> pl.LazyFrame:
        """All rows that the filter selects."""
        return self.attributes.selected(self.whole(kind), kind, self.filter)

    def rows(self, kind: Kind, period: Period | None = None) -> pl.LazyFrame:
        """The rows of the part's period, or of another one, that the filter selects."""
        return self.attributes.selected(self.within(kind, period), kind, self.filter)

    def tables(self, *kinds: Kind, period: Period | None = None, **others: pl.LazyFrame) -> Tables:
        """The selected rows of several tables, and further tables as they are."""
        return Tables(**{kind: self.rows(kind, period) for kind in kinds} | others)


def selected[P: Filtered](question: Question[P], part: Part) -> Selected:
    """The rows that a question selects from the tables of a part."""
    return Selected(part, question.parameters.filter)


def since_start[P: Filtered](question: Question[P], part: Part) -> Period:
    """From START_DATE, a local day, to the end of the last day of a part that has begun; empty if that is earlier."""
    end = min(part.period.end, midnight(part.begun.last + DAY, part.period.zone))
    return Period(min(start_of(question, part), end), end, part.period.zone)


def start_of[P: Filtered](question: Question[P], part: Part) -> datetime:
    """When START_DATE begins."""
    return midnight(question.first_day, part.period.zone)


def known[P: Filtered](question: Question[P], part: Part) -> datetime:
    """The instant at which counting of a part stops: where knowledge or the comparison ends."""
    return min(question.known_until, part.period.end)
