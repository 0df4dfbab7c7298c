"""Periods: stretches of time in a time zone. Instants are UTC; this module alone turns them into local days."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Self
from zoneinfo import ZoneInfo

import polars as pl

MICROSECOND = timedelta(microseconds=1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Period:
    """The instants from `start` (inclusive) to `end` (exclusive), both UTC, in the IANA time zone `zone`."""

    start: datetime
    end: datetime
    zone: str = "UTC"

    @classmethod
    def of_days(cls, first: date, last: date, zone: str = "UTC") -> Self:
        """The local days from `first` to `last`, both inclusive; empty when `last` lies before `first`."""
        start = midnight(first, zone)
        return cls(start, max(start, midnight(last + timedelta(days=1), zone)), zone)

    @property
    def first(self) -> date:
        """The local day of the first instant."""
        return local_day(self.start, self.zone)

    @property
    def last(self) -> date:
        """The local day of the last instant; of an empty period, the day before its first one."""
        return local_day(self.end - MICROSECOND, self.zone)

    def has_begun(self, column: str) -> pl.Expr:
        """Whether an instant is in the period or after it (null for null)."""
        return pl.col(column) >= literal(self.start)

    def contains(self, column: str) -> pl.Expr:
        """Whether an instant lies in the period (null for null)."""
        return self.has_begun(column) & (pl.col(column) < literal(self.end))


def literal(instant: datetime) -> pl.Expr:
    """An instant as a constant (Datetime, microseconds, UTC); building one with `pl.lit` takes thirty times as long."""
    return pl.lit((instant - EPOCH) // MICROSECOND).cast(pl.Datetime("us", "UTC"))


def midnight(day: date, zone: str) -> datetime:
    """The first instant of a local day (UTC): where clocks skip 00:00, the first instant that exists."""
    return datetime.combine(day, time(), ZoneInfo(zone)).astimezone(UTC)


def local_day(instant: datetime, zone: str) -> date:
    """The calendar day of an instant in a time zone."""
    return instant.astimezone(ZoneInfo(zone)).date()
