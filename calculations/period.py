"""Days and periods. An instant is UTC; it becomes a day only here."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

import polars as pl

FRIDAY = 5


def day(column: str) -> pl.Expr:
    """The UTC calendar day of an instant (Date, null for null)."""
    return pl.col(column).dt.date()


def is_weekday(column: str) -> pl.Expr:
    """Whether a Date is Monday to Friday: planning poker is played on workdays."""
    return pl.col(column).dt.weekday() <= FRIDAY


@dataclass(frozen=True)
class Period:
    """The days from `first` to `last`, both inclusive."""

    first: date
    last: date

    def since_first(self, column: str) -> pl.Expr:
        """Whether an instant is at or after the first day's 00:00 (null for null)."""
        return pl.col(column) >= datetime.combine(self.first, time(), UTC)

    def contains(self, column: str) -> pl.Expr:
        """Whether an instant lies in one of the days (null for null)."""
        end = datetime.combine(self.last + timedelta(days=1), time(), UTC)
        return self.since_first(column) & (pl.col(column) < end)

    def days(self) -> pl.LazyFrame:
        """The spine of a series: one row per day in order, `day` (Date); empty when the period has not begun."""
        return pl.LazyFrame({"day": pl.date_range(self.first, self.last, eager=True)})

    def per_day(self, counted: Sequence[pl.LazyFrame], names: Sequence[str]) -> pl.LazyFrame:
        """Add up counts per day, quiet days included.

        Args:
            counted: Frames of `day` (Date) and some of the columns `names`; days may repeat, be null or lie outside.
            names: The columns of counts.

        Returns:
            One row per day of the period, in order: `day` and `names` (Int64, 0 for a day without rows).
        """
        spine = self.days().with_columns(pl.lit(0).alias(name) for name in names)
        counts = pl.concat([spine, *counted], how="diagonal_relaxed")
        inside = counts.filter(pl.col("day").is_between(self.first, self.last))
        return inside.group_by("day").agg(pl.col(name).sum().cast(pl.Int64) for name in names).sort("day")
