"""A question to the API: its parameters, resolved against the clock and one snapshot, before any work."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import Annotated

import polars as pl
from fastapi import Query, Request

from calculations.time.buckets import SHORTEST, Buckets, Granularity, WeekStart, is_weekday
from calculations.time.date_ranges import as_elapsed, automatic, buckets_before, compared_period, period_of
from calculations.time.period import MICROSECOND, Period
from config import ServerSettings
from read_model.snapshot import Snapshot
from read_model.table import INSTANT, Table
from routers.health import Freshness, freshness
from web.callers import Caller, CallerDep
from web.conditional import headers_if_changed
from web.dependencies import NowDep, SettingsDep, SnapshotDep
from web.errors import InvalidParameterError
from web.limits import query_slot
from web.questions.formats import format_of
from web.questions.parameters import (
    ComparedParameters,
    Cut,
    CutByDays,
    Format,
    Formatted,
    OfPeriod,
    OnWeekdays,
    Parameters,
    RetentionParameters,
    Weekly,
)
from web.server_timing import timed
from web.shared_work import SharedWork

MOST_BUCKETS = 100_000  # eleven years of hours
MOST_CELLS = 1_000_000


@dataclass(frozen=True)
class Part:
    """The tables of a snapshot, and a period of them: what of it has begun is cut into buckets."""

    snapshot: Snapshot
    period: Period
    begun: Period
    buckets: Buckets

    def all_rows(self, table: Table) -> pl.LazyFrame:
        """A table's rows of all time."""
        return self.snapshot.scan(table)

    def rows(self, table: Table, time: str | None = None) -> pl.LazyFrame:
        """A table's rows within the period, by the column `time`, or else that of the table."""
        rows = self.snapshot.scan(table)
        time = time or self.snapshot.time_column(table)
        if rows.collect_schema()[time] != INSTANT:
            rows = rows.with_columns(pl.col(time).cast(INSTANT))
        return rows.filter(self.period.contains(time))


@dataclass(frozen=True)
class Question[P: Parameters]:
    """What is asked, of which data, and when."""

    request: Request
    caller: Caller
    parameters: P
    snapshot: Snapshot
    settings: ServerSettings
    now: datetime

    @property
    def known_until(self) -> datetime:
        """The instant up to which all is known: what happened later is not in the snapshot, or has not happened."""
        return min(self.now, self.snapshot.data_updated_at)

    @cached_property
    def freshness(self) -> Freshness:
        """How old the data are."""
        return freshness(self.snapshot.data_updated_at, self.now, self.settings)

    @cached_property
    def format(self) -> Format:
        """What to write the answer in."""
        asked = self.parameters.format if isinstance(self.parameters, Formatted) else "json"
        return asked or format_of(self.request.headers.get("accept", ""))

    @cached_property
    def period(self) -> Period:
        """The period the figures are of: all, for an endpoint without one; the first bucket whole, where it says so."""
        if not isinstance(self.parameters, OfPeriod):
            return self._asked_period
        return self._begun_whole(self._asked_period) if self.parameters.begins_whole else self._asked_period

    @cached_property
    def _asked_period(self) -> Period:
        date_range, zone = ("all", "UTC")
        if isinstance(self.parameters, OfPeriod):
            date_range, zone = self.parameters.date_range, self.parameters.timezone
        return period_of(date_range, self.now, self.settings.start_date, zone)

    def _begun_whole(self, period: Period) -> Period:
        """A period from the beginning of its first bucket; an empty one has none."""
        if period.start >= period.end:
            return period
        moment = replace(period, end=period.start + MICROSECOND)
        return replace(period, start=Buckets.of(moment, self.granularity, self.week_start).edges[0])

    @cached_property
    def comparison(self) -> Period | None:
        """The period to compare with, if any."""
        if not isinstance(self.parameters, ComparedParameters) or self.parameters.compare is None:
            return None
        return as_elapsed(self._whole_comparison(self.parameters), self.period, self.known_until)

    def _whole_comparison(self, parameters: ComparedParameters) -> Period:
        compare = parameters.compare or ""
        if not parameters.begins_whole:
            return compared_period(compare, parameters.date_range, self.period)
        if compare == "previous_period":
            return buckets_before(self.period, self.granularity, self.week_start)
        return self._begun_whole(compared_period(compare, parameters.date_range, self._asked_period))

    @cached_property
    def granularity(self) -> Granularity:
        """The length of a bucket.

        Raises:
            InvalidParameterError: Weekends are to be left out of buckets longer than a day.
        """
        granularity = self._granularity
        if not self._shows_weekends and granularity not in ("hour", "day"):
            message = f"`weekends` is `exclude`, but a {granularity} has weekends; allowed: include."
            raise InvalidParameterError("weekends", message, ["include"])
        return granularity

    @property
    def _granularity(self) -> Granularity:
        if isinstance(self.parameters, RetentionParameters):
            return self.parameters.period
        if not isinstance(self.parameters, Cut | CutByDays):
            return "day"
        if self.parameters.granularity != "auto":
            return self.parameters.granularity
        granularity = automatic(self._asked_period)
        if not self._shows_weekends and granularity != "hour":
            return "day"
        return "day" if granularity == "hour" and isinstance(self.parameters, CutByDays) else granularity

    def check(self) -> None:
        """Refuse what would be answered by chance or hardly ever.

        Raises:
            InvalidParameterError: A parameter is given twice, or the answer would have too many buckets.
        """
        names = [name for name, _ in self.request.query_params.multi_items()]
        for name in names:
            if names.count(name) > 1:
                raise InvalidParameterError(name, f"`{name}` is given {names.count(name)} times; once is allowed.")
        shown = min(self.period.end, self.now) - self.period.start
        most = min(MOST_BUCKETS, MOST_CELLS // getattr(self.parameters, "total_intervals", 1))
        if isinstance(self.parameters, Weekly) and shown / SHORTEST[self.granularity] > most:
            name = "period" if isinstance(self.parameters, RetentionParameters) else "granularity"
            message = (
                f"`{name}` is `{self.granularity}`, of which there are more than {most:,}: take a longer one or a "
                "shorter period."
            )
            raise InvalidParameterError(name, message)

    @property
    def week_start(self) -> WeekStart:
        """The first day of a week."""
        return self.parameters.week_start if isinstance(self.parameters, Weekly) else "monday"

    @property
    def _shows_weekends(self) -> bool:
        return not isinstance(self.parameters, OnWeekdays) or self.parameters.weekends == "include"

    @property
    def shown(self) -> pl.Expr:
        """Which buckets a series consists of, told by `date`."""
        return pl.lit(value=True) if self._shows_weekends else is_weekday("date")

    def part(self, period: Period) -> Part:
        """The tables, and a period of them in buckets that have begun."""
        begun = Period(period.start, max(period.start, min(period.end, self.now + MICROSECOND)), period.zone)
        return Part(self.snapshot, period, begun, Buckets.of(begun, self.granularity, self.week_start))

    def resolved(self) -> dict[str, object]:
        """Every parameter as it was understood, and the instants it means."""
        told: dict[str, object] = dict(self.parameters)
        if "format" in told:
            told["format"] = self.format
        if "granularity" in told:
            told["granularity"] = self.granularity
        if isinstance(self.parameters, OfPeriod):
            told |= _instants(self.period)
        if "compare" in told:
            told["comparison"] = self.comparison and _instants(self.comparison)
        return told

    def headers(self) -> dict[str, str]:
        """The headers of the answer.

        Raises:
            NotModified: The client has this answer already.
        """
        facts = [self.snapshot.id, self.request.url.path, str(self.resolved()), self.freshness.status]
        return headers_if_changed(self.request, self.caller, [*facts, self._last_bucket], "Accept")

    @property
    def _last_bucket(self) -> str:
        """When the last bucket of a series begins: the next one makes it another answer."""
        if not isinstance(self.parameters, Weekly):
            return ""
        last = max(self.period.start, min(self.now, self.period.end - MICROSECOND))
        moment = Period(last, last + MICROSECOND, self.period.zone)
        return str(Buckets.of(moment, self.granularity, self.week_start).edges[0])


def _instants(period: Period) -> dict[str, object]:
    return {"first_instant": period.start, "last_instant": period.end - MICROSECOND}


def asked[P: Parameters](parameters: type[P]) -> Callable[..., AsyncIterator[Question[P]]]:
    """A dependency for routes that take these parameters, to be used with `scope="function"`.

    It resolves the question, answers 304 to who has the answer, and then waits for the computation's turn.
    """

    async def ask(
        request: Request, caller: CallerDep, snapshot: SnapshotDep, settings: SettingsDep, now: NowDep, values: P
    ) -> AsyncIterator[Question[P]]:
        question = Question(request, caller, values, snapshot, settings, now)
        question.check()
        tag = question.headers()["ETag"]
        if question.format == "json":
            # The other formats are streamed.
            shared: SharedWork = request.app.state.shared_work
            with timed(request, "queue"):
                await shared.join(request, tag, settings.query_queue_seconds)
        async for _ in query_slot(request):
            yield question

    # The type is known here only, where an annotation can't name it.
    ask.__annotations__["values"] = Annotated[parameters, Query()]
    return ask
