"""Counts per weekday, their running totals and moving averages (metrics reference, historical)."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import replace

import polars as pl
from pydantic import BaseModel, Field

from calculations.fpp.tables import Tables
from calculations.frames.arithmetic import DECIMALS, NotAdditive
from calculations.frames.collecting import collect_all
from calculations.time.buckets import LONGEST, Buckets, Granularity, is_weekday
from calculations.time.period import Period

WINDOW = 30
# More buckets than are needed for 30 rows when weekends are left out, and, for those of minutes, a whole weekend.
BEFORE = 100
WEEKEND = dt.timedelta(days=3)
SERIES = ("new_users", "page_views", "rooms", "estimations", "votes")


class HistoricalDay(BaseModel, frozen=True):
    """One weekday. Plain fields count that day's rows, `acc_*` all rows from START_DATE to its end, weekends too;
    `ma_*` is the mean of the last 30 rows of the series, null until there are 30."""

    date: dt.date = Field(description="UTC calendar day.")
    new_users: int = Field(ge=0, description="Users created.")
    acc_new_users: NotAdditive[int] = Field(ge=0, description="Users created since START_DATE.")
    page_views: int = Field(ge=0, description="Page views.")
    acc_page_views: NotAdditive[int] = Field(ge=0, description="Page views since START_DATE.")
    rooms: int = Field(ge=0, description="Rooms first used.")
    acc_rooms: NotAdditive[int] = Field(ge=0, description="Rooms first used since START_DATE.")
    estimations: int = Field(ge=0, description="Estimations.")
    acc_estimations: NotAdditive[int] = Field(ge=0, description="Estimations since START_DATE.")
    votes: int = Field(ge=0, description="Votes.")
    acc_votes: NotAdditive[int] = Field(ge=0, description="Votes since START_DATE.")
    ma_new_users: NotAdditive[float | None] = Field(description="Users created per weekday, mean of 30 weekdays.")
    ma_page_views: NotAdditive[float | None] = Field(description="Page views per weekday, mean of 30 weekdays.")
    ma_rooms: NotAdditive[float | None] = Field(description="Rooms first used per weekday, mean of 30 weekdays.")
    ma_estimations: NotAdditive[float | None] = Field(description="Estimations per weekday, mean of 30 weekdays.")
    ma_votes: NotAdditive[float | None] = Field(description="Votes per weekday, mean of 30 weekdays.")


def historical(tables: Tables, period: Period) -> pl.DataFrame:
    """The weekday series of new users, page views, rooms, estimations and votes, quiet days included.

    Returns:
        One row per weekday in order, its columns the fields of `HistoricalDay`.
    """
    series = counts_per_bucket(instants_of(tables), Buckets.of(period), shown=is_weekday("date"))
    return series.hstack(moving_averages(series)).select(*HistoricalDay.model_fields)


def instants_of(tables: Tables, names: Sequence[str] = SERIES) -> dict[str, pl.Series]:
    """The instants that some of `SERIES` count, by name."""
    instants = {
        "new_users": tables.users.select("created_at"),
        "page_views": tables.page_views.select("viewed_at"),
        "rooms": tables.rooms.select("first_used_at"),
        "estimations": tables.estimations.select("estimated_at"),
        "votes": tables.votes.select("voted_at"),
    }
    # Collected in stored order, which is nearly sorted; a sort within these queries would start from scratch.
    found = collect_all([instants[name] for name in names])
    return {name: times.to_series() for name, times in zip(names, found, strict=True)}


def counts_per_bucket(instants: Mapping[str, pl.Series], buckets: Buckets, *, shown: pl.Expr) -> pl.DataFrame:
    """The number of instants of each series per bucket.

    Args:
        instants: The series (Datetime, UTC) by name; those outside the buckets don't count.
        buckets: The buckets.
        shown: Which buckets the series consists of, as a condition on `date`; the others still count in `acc_*`.

    Returns:
        In order: `bucket` (Int32), `date` (Date) and for each series its count `<name>` and the running total
        `acc_<name>` (Int64).
    """
    names = list(instants)
    counted = buckets.dated(*(buckets.counts(pl.lit(times)).alias(name) for name, times in instants.items()))
    return counted.with_columns(pl.col(names).cum_sum().name.prefix("acc_")).filter(shown)


def moving_averages(series: pl.DataFrame) -> pl.DataFrame:
    """The mean of the last `WINDOW` rows of each count.

    Args:
        series: The result of `counts_per_bucket`.

    Returns:
        `ma_<name>` (Float64, null until there are `WINDOW` rows) for each series, row by row.
    """
    names = [name for name in SERIES if name in series.columns]
    return series.select((pl.col(names).rolling_sum(WINDOW) / WINDOW).round(DECIMALS).name.prefix("ma_"))


def enough_before(period: Period, granularity: Granularity, start: dt.datetime) -> Period:
    """A period extended to the past by what the moving averages of its first buckets need, but not before `start`.

    Its first bucket may be incomplete, but lies further back than those rows, unless `start` cuts it.
    """
    long_before = period.start - BEFORE * LONGEST[granularity] - WEEKEND
    return replace(period, start=min(max(start, long_before), period.end))
