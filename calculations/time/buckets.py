"""Buckets: a period cut into minutes, local hours, days, weeks, months, quarters or years."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property, lru_cache
from typing import Literal

import polars as pl

from calculations.time.period import EPOCH, MICROSECOND, Period, midnight

type Granularity = Literal["minute", "hour", "day", "week", "month", "quarter", "year"]
type WeekStart = Literal["monday", "sunday"]

INTERVALS = {"hour": "1d", "day": "1d", "week": "1w", "month": "1mo", "quarter": "3mo", "year": "1y"}
MONTHS = {"month": 1, "quarter": 3, "year": 12}
# Bounds for the length of a bucket, clock changes included.
LONGEST: Mapping[Granularity, timedelta] = {
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=2),
    "day": timedelta(days=2),
    "week": timedelta(days=8),
    "month": timedelta(days=32),
    "quarter": timedelta(days=93),
    "year": timedelta(days=367),
}
SHORTEST: Mapping[Granularity, timedelta] = {
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": timedelta(hours=23),
    "week": timedelta(days=6),
    "month": timedelta(days=27),
    "quarter": timedelta(days=89),
    "year": timedelta(days=364),
}
FRIDAY = 5


def is_weekday(column: str) -> pl.Expr:
    """Whether a Date is Monday to Friday: planning poker is played on workdays."""
    return pl.col(column).dt.weekday() <= FRIDAY


@dataclass(frozen=True, eq=False)
class Buckets:
    """Consecutive buckets: the one with number i goes from `edges[i]` (inclusive) to `edges[i + 1]` (exclusive).

    Edges are the instants (Datetime, UTC) at which minutes, or local hours, days, weeks, months, quarters or years of
    `zone` begin, so a day may have 23 or 25 hours. The first and last bucket may reach beyond the period.
    """

    edges: pl.Series
    zone: str

    @classmethod
    @lru_cache(maxsize=8)
    def of(cls, period: Period, granularity: Granularity = "day", week_start: WeekStart = "monday") -> "Buckets":
        """The buckets that cover a period; none for an empty one.

        Cached, because the figures of a request, and of the requests that follow, mostly share their buckets.
        """
        if granularity == "minute":
            return cls(_minutes(period), period.zone)
        first = _first_day(period.first, granularity, week_start)
        edges = _midnights(first, period.last + LONGEST["year"], INTERVALS[granularity], period.zone)
        if granularity == "hour":
            # Lord Howe Island shifts its clocks by 30 minutes: the hour of the shift is longer, the next ones are full.
            halves = pl.datetime_ranges(edges, edges.shift(-1), "30m", closed="left", eager=True).head(-1).explode()
            edges = halves.filter(halves.dt.convert_time_zone(period.zone).dt.minute() == 0)
            edges = edges.filter((edges.shift(-1) > period.start).fill_null(value=True))
        inside = edges.filter(edges < period.end) if period.start < period.end else edges.clear()
        return cls(edges.head(len(inside) + 1), period.zone)

    def __len__(self) -> int:
        return len(self.edges) - 1

    @cached_property
    def _width(self) -> timedelta | None:
        """The common width of the buckets; None when they differ or there are none."""
        width = pl.lit(self.edges).diff()
        shortest, longest = pl.select(width.min().alias("shortest"), width.max().alias("longest")).row(0)
        return longest if shortest == longest else None

    def number(self, time: pl.Expr) -> pl.Expr:
        """The number of the bucket of an instant (Int32, null for null), for instants within the buckets.

        Others get a negative number, or one of at least `len`.
        """
        return self.number_of_microsecond(time.to_physical())

    def number_of_microsecond(self, us: pl.Expr) -> pl.Expr:
        """Like `number`, of an instant given as microseconds since 1970 (Int64).

        For buckets of equal width this is a division, which takes half the time of a search.
        """
        if self._width is not None:
            first_us: int = (self.edges[0] - EPOCH) // MICROSECOND
            return ((us - first_us) // (self._width // MICROSECOND)).cast(pl.Int32, wrap_numerical=True)
        found = pl.lit(self.edges).to_physical().search_sorted(us, side="right").cast(pl.Int32) - 1
        return pl.when(us.is_not_null()).then(found)

    def dated(self, *columns: pl.Expr) -> pl.DataFrame:
        """One row per bucket in order: `bucket`, its number (Int32), `date` (Date), the local day it begins on, and
        columns of as many rows."""
        begins = pl.lit(self.edges.head(len(self))).dt.convert_time_zone(self.zone)
        return pl.select(
            pl.int_range(len(self), dtype=pl.Int32).alias("bucket"), begins.dt.date().alias("date"), *columns
        )

    def counts(self, instants: pl.Expr) -> pl.Expr:
        """How many of a column's instants (Datetime, UTC) lie in each bucket, in order (Int64); nulls lie in none."""
        return _counts_below(pl.lit(self.edges), instants).diff().slice(1)

    def counts_so_far(self, numbers: pl.Expr) -> pl.Expr:
        """Cumulative count per bucket of a column of bucket numbers (Int32), in order (Int64).

        Nulls are not counted; negative numbers count from the first bucket on.
        """
        return _counts_below(pl.int_range(1, len(self) + 1, dtype=pl.Int32), numbers)

    def sums(self, counted: Sequence[pl.LazyFrame], names: Sequence[str]) -> pl.LazyFrame:
        """Add up counts per bucket, quiet buckets included.

        Args:
            counted: Frames of `bucket` (Int32) and some of the columns `names`; buckets may repeat, be null or lie
                outside.
            names: The columns of counts.

        Returns:
            One row per bucket in order: `bucket` (Int32), `date` (Date, the local day it begins on) and `names`
            (Int64, 0 for a bucket without rows).
        """
        dated = self.dated().lazy()
        spine = dated.select("bucket", *(pl.lit(0).alias(name) for name in names))
        counts = pl.concat([spine, *counted], how="diagonal_relaxed")
        summed = counts.group_by("bucket").agg(pl.col(name).sum().cast(pl.Int64) for name in names)
        return dated.join(summed, on="bucket", maintain_order="left")


def _counts_below(edges: pl.Expr, values: pl.Expr) -> pl.Expr:
    """How many values lie below each edge (Int64). Sorting is nearly free for sorted columns."""
    return values.drop_nulls().sort().search_sorted(edges).cast(pl.Int64)


def _minutes(period: Period) -> pl.Series:
    """The edges of the minutes that cover a period (Datetime, UTC); a single edge for an empty period."""
    minute = LONGEST["minute"]
    begin = period.start - (period.start - EPOCH) % minute
    end = period.end + (EPOCH - period.end) % minute if period.start < period.end else begin
    return pl.datetime_range(begin, end, minute, time_unit="us", time_zone="UTC", eager=True)


def _midnights(first: date, last: date, interval: str, zone: str) -> pl.Series:
    """The first instants of local days (Datetime, UTC), without the days that the zone skips."""
    days = pl.date_range(first, last, interval)
    local = days.cast(pl.Datetime("us")).dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")
    begins = pl.select(local.dt.convert_time_zone("UTC")).to_series()
    if begins.null_count() == 0:
        return begins
    # Days that begin with a clock change or are skipped: `midnight` is slow, but there are few of them.
    skipped = pl.select(days).to_series().filter(begins.is_null())
    exact = pl.Series([midnight(day, zone) for day in skipped], dtype=begins.dtype)
    return pl.concat([begins.drop_nulls(), exact]).unique().sort()


def _first_day(day: date, granularity: Granularity, week_start: WeekStart) -> date:
    """The first day of the day, week, month, quarter or year a day lies in."""
    if granularity == "week":
        return day - timedelta(days=(day.weekday() + (week_start == "sunday")) % 7)
    months = MONTHS.get(granularity)
    return day if months is None else day.replace(month=(day.month - 1) // months * months + 1, day=1)
