"""Buckets: a period cut into local hours, days, weeks, months, quarters or years."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

import polars as pl

from calculations.period import MICROSECOND, Period, midnight

type Granularity = Literal["hour", "day", "week", "month", "quarter", "year"]
type WeekStart = Literal["monday", "sunday"]

INTERVALS = {"hour": "1d", "day": "1d", "week": "1w", "month": "1mo", "quarter": "3mo", "year": "1y"}
MONTHS = {"month": 1, "quarter": 3, "year": 12}
# No bucket is longer, nor shorter, clock changes included.
LONGEST: Mapping[Granularity, timedelta] = {
    "hour": timedelta(hours=2),
    "day": timedelta(days=2),
    "week": timedelta(days=8),
    "month": timedelta(days=32),
    "quarter": timedelta(days=93),
    "year": timedelta(days=367),
}
SHORTEST: Mapping[Granularity, timedelta] = {
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

    Edges are the instants (Datetime, UTC) at which local hours, days, weeks, months, quarters or years of `zone` begin,
    so days with 23 or 25 hours are what they are. The first and last bucket may reach beyond the period.
    """

    edges: pl.Series
    zone: str

    @classmethod
    def of(cls, period: Period, granularity: Granularity = "day", week_start: WeekStart = "monday") -> "Buckets":
        """The buckets that hold a period; none for an empty one."""
        first = _first_day(period.first, granularity, week_start)
        days = pl.date_range(first, period.last + LONGEST["year"], INTERVALS[granularity], eager=True)
        edges = _midnights(days, period.zone).unique(maintain_order=True)
        if granularity == "hour":
            # Lord Howe Island shifts its clocks by 30 minutes: the hour of the shift is longer, the next ones are full.
            halves = pl.datetime_ranges(edges, edges.shift(-1), "30m", closed="left", eager=True).head(-1).explode()
            edges = halves.filter(halves.dt.convert_time_zone(period.zone).dt.minute() == 0)
            edges = edges.filter((edges.shift(-1) > period.start).fill_null(value=True))
        inside = edges.filter(edges < period.end) if period.start < period.end else edges.clear()
        return cls(edges.head(len(inside) + 1), period.zone)

    def __len__(self) -> int:
        return len(self.edges) - 1

    @property
    def dates(self) -> pl.Series:
        """The local calendar day each bucket begins on (Date)."""
        return self.edges.head(len(self)).dt.convert_time_zone(self.zone).dt.date()

    def number(self, time: pl.Expr) -> pl.Expr:
        """The number of the bucket of an instant (Int32, null for null), for instants within the buckets.

        Others get a negative number, or one of at least `len`. Buckets of one width are told by a division, which
        costs half of a search.
        """
        widths = self.edges.diff().drop_nulls().unique()
        if len(widths) == 1:
            first_us: int = self.edges.dt.timestamp("us")[0]
            width_us: int = widths[0] // MICROSECOND
            return ((time.dt.timestamp("us") - first_us) // width_us).cast(pl.Int32)
        found = pl.lit(self.edges).search_sorted(time, side="right").cast(pl.Int32) - 1
        return pl.when(time.is_not_null()).then(found)

    def spine(self) -> pl.LazyFrame:
        """One row per bucket in order: `bucket`, its number (Int32)."""
        return pl.LazyFrame({"bucket": pl.int_range(len(self), dtype=pl.Int32, eager=True)})

    def dated(self) -> pl.DataFrame:
        """One row per bucket in order: `bucket`, its number (Int32), and `date` (Date), the local day it begins on."""
        return self.spine().collect().with_columns(date=self.dates)

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
        spine = self.spine().with_columns(pl.lit(0).alias(name) for name in names)
        counts = pl.concat([spine, *counted], how="diagonal_relaxed")
        inside = counts.filter(pl.col("bucket").is_between(0, len(self), closed="left"))
        summed = inside.group_by("bucket").agg(pl.col(name).sum().cast(pl.Int64) for name in names).sort("bucket")
        return summed.select("bucket", pl.lit(self.dates).gather("bucket").alias("date"), *names)


def _midnights(days: pl.Series, zone: str) -> pl.Series:
    """The first instants of local days (Datetime, UTC)."""
    local = days.cast(pl.Datetime("us"))
    begins = local.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null").dt.convert_time_zone("UTC")
    if begins.null_count() == 0:
        return begins
    return pl.Series([midnight(day, zone) for day in days], dtype=begins.dtype)


def _first_day(day: date, granularity: Granularity, week_start: WeekStart) -> date:
    """The first day of the day, week, month, quarter or year a day lies in."""
    if granularity == "week":
        return day - timedelta(days=(day.weekday() + (week_start == "sunday")) % 7)
    months = MONTHS.get(granularity)
    return day if months is None else day.replace(month=(day.month - 1) // months * months + 1, day=1)
