"""Users and rooms that come back (metrics reference, reoccurring)."""

import datetime as dt

import polars as pl
from pydantic import BaseModel, Field

from calculations.fpp.active_buckets import room_keys
from calculations.fpp.activities import activities
from calculations.fpp.packed_keys import begins_user, day_of, gap, is_estimation, microsecond, subject_of
from calculations.frames.arithmetic import NotAdditive
from calculations.frames.collecting import collect_all
from calculations.time.buckets import Buckets, is_weekday
from calculations.time.period import Period

ACTIVE_DAYS = 30


class ReoccurringDay(BaseModel, frozen=True):
    """One weekday: who had estimated on at least two different days from START_DATE to its end."""

    date: dt.date = Field(description="UTC calendar day.")
    reoccurring_users: NotAdditive[int] = Field(ge=0, description="Users with estimations on at least two days.")
    reoccurring_rooms: NotAdditive[int] = Field(ge=0, description="Rooms with estimations on at least two days.")
    adjusted_reoccurring_users: NotAdditive[int] = Field(
        ge=0, description="Those reoccurring users whose last day was at most 30 days before."
    )
    adjusted_reoccurring_rooms: NotAdditive[int] = Field(
        ge=0, description="Those reoccurring rooms whose last day was at most 30 days before."
    )


SERIES = tuple(name for name in ReoccurringDay.model_fields if name != "date")


def reoccurring(estimations: pl.LazyFrame, period: Period, *, active: pl.LazyFrame | None = None) -> pl.DataFrame:
    """The weekday series of reoccurring users and rooms, quiet days included.

    Args:
        estimations: The table.
        period: The days of the series.
        active: The result of `activities` for these arguments and the page views, if already computed.

    Returns:
        One row per weekday in order, its columns the fields of `ReoccurringDay`.
    """
    keys = activities(estimations, period) if active is None else active
    series = returning_per_day(keys, estimations.filter(period.contains("estimated_at")), Buckets.of(period))
    return series.filter(is_weekday("date")).drop("bucket")


def returning_per_day(activities: pl.LazyFrame, estimations: pl.LazyFrame, days: Buckets) -> pl.DataFrame:
    """How many users and rooms are reoccurring at the end of each day.

    Args:
        activities: The result of `activities`.
        estimations: The rows within the days.
        days: The days of the series.

    Returns:
        One row per day in order: `bucket` (Int32), `date` (Date) and the columns of `SERIES` (Int64).
    """
    users, rooms = collect_all([returns(days_of_users(activities, days)), returns(days_of_rooms(estimations, days))])
    return days.dated(
        came_back(users, days).alias("reoccurring_users"),
        came_back(rooms, days).alias("reoccurring_rooms"),
        recently_active(users, days).alias("adjusted_reoccurring_users"),
        recently_active(rooms, days).alias("adjusted_reoccurring_rooms"),
    )


def returning_per_bucket(estimations: pl.LazyFrame, since: Period, buckets: Buckets) -> pl.DataFrame:
    """How many users and rooms are reoccurring at the end of the last of its days that each bucket has.

    Args:
        estimations: The table.
        since: From START_DATE, where days begin to count, to the end of the buckets' period.
        buckets: The buckets of the series, days or longer, all begun by the end of `since`.

    Returns:
        One row per bucket in order: `bucket` (Int32) and the columns of `SERIES` (Int64), 0 before START_DATE.
    """
    known = estimations.filter(since.contains("estimated_at"))
    days = Buckets.of(since)
    per_day = returning_per_day(activities(known, since), known, days)
    begins = pl.DataFrame({"bucket": days.edges.head(len(days))}).select(bucket=buckets.number(pl.col("bucket")))
    last = per_day.with_columns(begins).group_by("bucket", maintain_order=True).last()
    shown = buckets.dated().select("bucket").join(last, on="bucket", how="left", maintain_order="left")
    return shown.select("bucket", pl.col(SERIES).fill_null(0))


def days_of_users(activities: pl.LazyFrame, days: Buckets) -> pl.LazyFrame:
    """The distinct days on which each user estimated.

    Returns:
        Sorted by user, then by day: `first` (Boolean, whether it is the user's first) and `day` (Int32, its number).
    """
    estimated = activities.filter(is_estimation("key")).with_columns(gap=gap("key"))
    on_days = estimated.select(first=begins_user("gap"), day=days.number_of_microsecond(microsecond("key")))
    return on_days.filter(pl.col("first") | (pl.col("day") != pl.col("day").shift(1)))


def days_of_rooms(estimations: pl.LazyFrame, days: Buckets) -> pl.LazyFrame:
    """The distinct days on which each room had estimations, in the form of `days_of_users`."""
    room = subject_of("key")
    return room_keys(estimations, days.number(pl.col("estimated_at"))).select(
        first=(room != room.shift(1)).fill_null(value=True), day=day_of("key")
    )


def returns(active_days: pl.LazyFrame) -> pl.LazyFrame:
    """The days on which users (rooms) had been active before.

    A user (room) becomes reoccurring on the second day. From then on each active day opens an interval, which ends on
    the next active day or `ACTIVE_DAYS` + 1 days later. The running total of openings minus ends is the adjusted
    number.

    Args:
        active_days: The result of `days_of_users`.

    Returns:
        One row per interval: `day` and `end` (Int32, numbers of days) and `second` (Boolean, whether it is the user's
        second day).
    """
    day, first = pl.col("day"), pl.col("first")
    lapse = day + ACTIVE_DAYS + 1
    goes_on = ~first.shift(-1, fill_value=True)
    end = pl.when(goes_on & (day.shift(-1) < lapse)).then(day.shift(-1)).otherwise(lapse)
    return active_days.select("first", "day", end=end, second=first.shift(1)).filter(~first).drop("first")


def came_back(returns: pl.DataFrame, days: Buckets) -> pl.Expr:
    """How many users (rooms) are reoccurring by the end of each day (Int64), from `returns`."""
    return days.counts_so_far(pl.lit(returns["day"]).filter(pl.lit(returns["second"])))


def recently_active(returns: pl.DataFrame, days: Buckets) -> pl.Expr:
    """How many of them were active in the last `ACTIVE_DAYS` days, at the end of each day (Int64), from
    `returns`."""
    opened, ended = (days.counts_so_far(pl.lit(returns[name])) for name in ("day", "end"))
    return opened - ended
