"""A question to the API: its parameters, resolved against the clock and a snapshot before anything is computed."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property

import polars as pl
from fastapi import Request

from calculations.time.buckets import SHORTEST, Buckets, Granularity, WeekStart, is_weekday
from calculations.time.date_ranges import as_elapsed, buckets_before
from calculations.time.period import MICROSECOND, Period, local_day
from config import ServerSettings
from read_model.freshness import Freshness, freshness
from read_model.snapshot import Snapshot
from read_model.table import Between, Table
from web.callers import Caller
from web.conditional import headers_if_changed
from web.errors import InvalidParameterError
from web.questions.formats import Format
from web.questions.parameters import Meaning, Parameters

MOST_BUCKETS = 100_000  # eleven years of hours
MOST_CELLS = 1_000_000


@dataclass(frozen=True)
class Part:
    """The tables of a snapshot and a period; the part of it that has begun is cut into buckets."""

    snapshot: Snapshot
    period: Period
    begun: Period
    granularity: Granularity
    week_start: WeekStart

    @property
    def buckets(self) -> Buckets:
        """The buckets that have begun."""
        return Buckets.of(self.begun, self.granularity, self.week_start)

    def all_rows(self, table: Table) -> pl.LazyFrame:
        """All rows of a table."""
        return self.snapshot.scan(table)

    def rows(self, table: Table, time: str, period: Period | None = None) -> pl.LazyFrame:
        """A table's rows within the part's period, or another one, by the column `time`."""
        period = period or self.period
        return self.snapshot.scan(table, Between(time, period.start, period.end)).filter(period.contains(time))


@dataclass(frozen=True)
class Question[P: Parameters]:
    """Parameters, caller, snapshot and time of a request; `first_day` is the first day of the range `all`."""

    request: Request
    caller: Caller
    parameters: P
    snapshot: Snapshot
    settings: ServerSettings
    now: datetime
    first_day: date
    # Whether it is one of several questions that share a snapshot and an envelope.
    is_one_of_several: bool = False

    @property
    def known_until(self) -> datetime:
        """The instant up to which everything is known: later events are not in the snapshot or have not happened."""
        return min(self.now, self.snapshot.data_updated_at)

    @cached_property
    def freshness(self) -> Freshness:
        """How old the data are."""
        return freshness(
            self.snapshot,
            self.now,
            stale_after=timedelta(seconds=self.settings.health_stale_seconds),
            dead_after=timedelta(seconds=self.settings.health_dead_seconds),
        )

    @cached_property
    def format(self) -> Format:
        """The format of the answer."""
        if self.is_one_of_several:
            return "json"
        return self.parameters.asked_format(self.request.headers.get("accept", ""))

    @cached_property
    def period(self) -> Period:
        """The period of the figures, extended to whole buckets where those are counted in full."""
        return self._in_whole_buckets(self.asked_period) if self.parameters.has_whole_buckets else self.asked_period

    @cached_property
    def comparison(self) -> Period | None:
        """The period to compare with, if any; while the period is open, only the same elapsed time."""
        whole = self._whole_comparison()
        return whole and as_elapsed(whole, self.period, self.known_until)

    @cached_property
    def granularity(self) -> Granularity:
        """The length of a bucket.

        Raises:
            InvalidParameterError: Weekends are to be left out of buckets longer than a day.
        """
        return self.parameters.bucket_length(self.asked_period)

    @property
    def shown(self) -> pl.Expr:
        """Which buckets a series consists of, as a condition on `date`."""
        return pl.lit(value=True) if self.parameters.shows_weekends else is_weekday("date")

    @property
    def is_cheap(self) -> bool:
        """Whether the answer takes little time and memory, however much data there is."""
        return self.parameters.is_cheap(self.asked_period, self._asked_comparison)

    def part(self, period: Period) -> Part:
        """The tables and a period, in buckets that have begun."""
        begun = Period(period.start, max(period.start, min(period.end, self.now + MICROSECOND)), period.zone)
        return Part(self.snapshot, period, begun, self.granularity, self.parameters.first_weekday)

    def check(self) -> None:
        """Refuse ambiguous and excessive questions, by arithmetic alone: no bucket is computed.

        Raises:
            InvalidParameterError: A parameter is given twice, or the answer would have too many buckets.
        """
        given = (
            Counter()
            if self.is_one_of_several
            else Counter(name for name, _ in self.request.query_params.multi_items())
        )
        for name, times in given.items():
            if times > 1:
                raise InvalidParameterError(name, f"`{name}` is given {times} times; once is allowed.")
        self.parameters.check()
        if self.is_one_of_several and self.parameters.asked_format("") != "json":
            raise InvalidParameterError("format", "`format` must be JSON for several questions.", ["json"])
        if (cut_by := self.parameters.cut_by) is not None:
            self._check_length(self.asked_period, cut_by)
            if self._asked_comparison is not None:
                self._check_length(self._asked_comparison, cut_by)

    @property
    def notices(self) -> Iterable[str]:
        """The notices of a subject, besides those that all subjects share."""
        return ()

    def resolved(self) -> dict[str, object]:
        """Every parameter as it was understood, with the instants it stands for."""
        return self.parameters.meant(Meaning(self.format, self.granularity, self.period, self.comparison))

    @cached_property
    def headers(self) -> dict[str, str]:
        """The headers of the answer.

        Raises:
            NotModified: The client has this answer already.
        """
        days = (self.period.first.isoformat(), self.period.last.isoformat())
        freshness = self.freshness.status if self.parameters.tells_freshness else ""
        facts = [self.snapshot.id, self.request.url.path, str(self.resolved()), *days, freshness, self._present]
        return headers_if_changed(self.request, self.caller, facts, *self.parameters.varies_by)

    @cached_property
    def asked_period(self) -> Period:
        """The period of the range."""
        return self.parameters.asked_period(self.now, self.first_day, self.known_until)

    @property
    def _asked_comparison(self) -> Period | None:
        return self.parameters.asked_comparison(self.asked_period)

    def _check_length(self, period: Period, cut_by: str) -> None:
        most = min(MOST_BUCKETS, MOST_CELLS // self.parameters.cells_per_bucket)
        if (period.end - period.start) / SHORTEST[self.granularity] > most:
            message = (
                f"`{cut_by}` is `{self.granularity}`, of which there are more than {most:,}: take a longer one or a "
                "shorter period."
            )
            raise InvalidParameterError(cut_by, message)

    def _in_whole_buckets(self, period: Period) -> Period:
        """A period extended to whole buckets; an empty one stays empty."""
        if period.start >= period.end:
            return period
        first, last = self._bucket(period.start, period.zone), self._bucket(period.end - MICROSECOND, period.zone)
        return Period(first.start, last.end, period.zone)

    def _bucket(self, instant: datetime, zone: str) -> Period:
        """The bucket an instant lies in."""
        moment = Period(instant, instant + MICROSECOND, zone)
        start, end = Buckets.of(moment, self.granularity, self.parameters.first_weekday).edges
        return Period(start, end, zone)

    def _whole_comparison(self) -> Period | None:
        asked = self._asked_comparison
        if asked is None or not self.parameters.has_whole_buckets:
            return asked
        if self.parameters.compares_with_previous:
            return buckets_before(self.period, self.granularity, self.parameters.first_weekday)
        return self._in_whole_buckets(asked)

    @property
    def _present(self) -> str:
        """The last day and bucket of a series that have begun: each new one changes the answer."""
        if self.parameters.cut_by is None:
            return ""
        periods = [period for period in (self.period, self.comparison) if period is not None]
        lasts = [max(period.start, min(self.now, period.end - MICROSECOND)) for period in periods]
        return str([(local_day(last, self.period.zone), self._bucket(last, self.period.zone).start) for last in lasts])
