"""Users and rooms that come back (metrics reference, reoccurring)."""

import datetime as dt

import polars as pl
from pydantic import BaseModel, Field

from calculations.activities import activities, estimations_of
from calculations.arithmetic import NotAdditive
from calculations.buckets import Buckets, is_weekday
from calculations.packed_keys import ROOM, day_of, instant, packed_day, room_number, subject_of, user_number
from calculations.period import Period

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


def reoccurring(estimations: pl.LazyFrame, period: Period, active: pl.LazyFrame | None = None) -> pl.DataFrame:
    """The weekday series of reoccurring users and rooms, quiet days included.

    Args:
        estimations: The table.
        period: The days of the series.
        active: What `activities` makes of the same arguments and the page views, for who has it already.

    Returns:
        One row per weekday in order, its columns the fields of `ReoccurringDay`.
    """
    keys = activities(estimations, period) if active is None else active
    series = returning_per_day(keys, estimations.filter(period.contains("estimated_at")), Buckets.of(period))
    return series.filter(is_weekday("date")).drop("bucket").collect()


def returning_per_day(activities: pl.LazyFrame, estimations: pl.LazyFrame, days: Buckets) -> pl.LazyFrame:
    """How many users and rooms are reoccurring at the end of each day.

    Args:
        activities: Of the users, as `activities` gives them.
        estimations: The rows within the days.
        days: The days of the series.

    Returns:
        One row per day in order: `bucket` (Int32), `date` (Date) and the columns of `SERIES` (Int64).
    """
    users = estimations_of(activities).select(key=packed_day(user_number(pl.col("user")), days.number(instant("key"))))
    rooms = estimations.select(key=packed_day(room_number(pl.col("room_id")), days.number(pl.col("estimated_at"))))
    # The users' days are in order already; of a room's many estimations on a day, one is enough to sort.
    user_days, room_days = pl.collect_all([users, rooms.drop_nulls().unique()])
    keys = pl.concat([user_days, room_days.sort("key")]).lazy()
    return days.sums(changes_per_day(keys), SERIES).with_columns(pl.col(SERIES).cum_sum())


def returning_per_bucket(
    activities: pl.LazyFrame, estimations: pl.LazyFrame, days: Buckets, buckets: Buckets
) -> pl.DataFrame:
    """How many users and rooms are reoccurring at the end of the last of its days that each bucket has.

    Args:
        activities: Like the other two, as `returning_per_day` takes them.
        estimations: The rows within the days.
        days: All days of the buckets that have begun.
        buckets: What the series consists of, days or longer.

    Returns:
        One row per bucket in order: `bucket` (Int32) and the columns of `SERIES` (Int64).
    """
    per_day = returning_per_day(activities, estimations, days).collect()
    begins = pl.DataFrame({"bucket": days.edges.head(len(days))}).select(bucket=buckets.number(pl.col("bucket")))
    return per_day.with_columns(begins).group_by("bucket", maintain_order=True).last().select("bucket", *SERIES)


def changes_per_day(keys: pl.LazyFrame) -> list[pl.LazyFrame]:
    """By how much the numbers of reoccurring users and rooms change on each day.

    A user or room becomes reoccurring on its second day. From then on each of its days opens an interval of activity,
    which ends on its next day or `ACTIVE_DAYS` + 1 days later: openings less ends, cumulated, are the adjusted number.

    Args:
        keys: `key` (UInt64) as `packed_day` packs it, sorted; days may repeat.

    Returns:
        Two frames to be added up: `bucket` (Int32, the number of the day) and columns of `SERIES` (Int64).
    """
    days = keys.filter((pl.col("key") != pl.col("key").shift(1)).fill_null(value=True)).select(
        subject=subject_of("key"), day=day_of("key")
    )
    again = (pl.col("subject") == pl.col("subject").shift(1)).fill_null(value=False)
    third = (pl.col("subject") == pl.col("subject").shift(2)).fill_null(value=False)
    goes_on = pl.col("subject") == pl.col("subject").shift(-1)
    lapse = pl.col("day") + ACTIVE_DAYS + 1
    end = pl.when(goes_on).then(pl.min_horizontal(pl.col("day").shift(-1), lapse)).otherwise(lapse)
    is_room = pl.col("subject") >= ROOM
    returns = days.select("day", end=end, again=again, second=again & ~third, room=is_room).filter("again")
    room, second = pl.col("room"), pl.col("second")
    opened = returns.group_by(bucket="day").agg(
        reoccurring_users=(second & ~room).sum().cast(pl.Int64),
        reoccurring_rooms=(second & room).sum().cast(pl.Int64),
        adjusted_reoccurring_users=(~room).sum().cast(pl.Int64),
        adjusted_reoccurring_rooms=room.sum().cast(pl.Int64),
    )
    ended = returns.group_by(bucket="end").agg(
        adjusted_reoccurring_users=-(~room).sum().cast(pl.Int64),
        adjusted_reoccurring_rooms=-room.sum().cast(pl.Int64),
    )
    return [opened, ended]
