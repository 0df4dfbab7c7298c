"""Users and rooms that come back (metrics reference, reoccurring)."""

import datetime as dt

import polars as pl
from pydantic import BaseModel, Field, TypeAdapter

from calculations.packed_keys import ROOM_SUBJECT, day_of, room_day, subject_of, user_day
from calculations.period import Period, is_weekday

ACTIVE_DAYS = 30


class ReoccurringDay(BaseModel, frozen=True):
    """One weekday: who had estimated on at least two different days from START_DATE to its end."""

    date: dt.date = Field(description="UTC calendar day.")
    reoccurring_users: int = Field(ge=0, description="Users with estimations on at least two days.")
    reoccurring_rooms: int = Field(ge=0, description="Rooms with estimations on at least two days.")
    adjusted_reoccurring_users: int = Field(
        ge=0, description="Those reoccurring users whose last day was at most 30 days before."
    )
    adjusted_reoccurring_rooms: int = Field(
        ge=0, description="Those reoccurring rooms whose last day was at most 30 days before."
    )


SERIES = tuple(name for name in ReoccurringDay.model_fields if name != "date")
_SERIES = TypeAdapter(list[ReoccurringDay])


def reoccurring(estimations: pl.LazyFrame, period: Period) -> list[ReoccurringDay]:
    """The weekday series of reoccurring users and rooms, in order, quiet days included."""
    counted = estimations.filter(period.contains("estimated_at"))
    keys = pl.concat(
        [
            counted.select(key=user_day("user_id", "estimated_at")),
            counted.select(key=room_day("room_id", "estimated_at")),
        ]
    )
    series = period.per_day(changes_per_day(keys), SERIES).with_columns(pl.col(SERIES).cum_sum())
    weekdays = series.filter(is_weekday("day")).rename({"day": "date"}).collect()
    return _SERIES.validate_python(weekdays.to_dicts())


def changes_per_day(keys: pl.LazyFrame) -> list[pl.LazyFrame]:
    """By how much the numbers of reoccurring users and rooms change on each day.

    A user or room becomes reoccurring on its second day. From then on each of its days opens an interval of activity,
    which ends on its next day or `ACTIVE_DAYS` + 1 days later: openings less ends, cumulated, are the adjusted number.

    Args:
        keys: `key` (UInt64) as `user_day` and `room_day` pack it; null keys are left out.

    Returns:
        Two frames to be added up: `day` (Date) and columns of `SERIES` (Int64).
    """
    ordered = keys.drop_nulls().sort("key")
    days = ordered.filter((pl.col("key") != pl.col("key").shift(1)).fill_null(value=True)).select(
        subject=subject_of("key"), day=day_of("key")
    )
    again = (pl.col("subject") == pl.col("subject").shift(1)).fill_null(value=False)
    third = (pl.col("subject") == pl.col("subject").shift(2)).fill_null(value=False)
    goes_on = pl.col("subject") == pl.col("subject").shift(-1)
    lapse = pl.col("day") + ACTIVE_DAYS + 1
    end = pl.when(goes_on).then(pl.min_horizontal(pl.col("day").shift(-1), lapse)).otherwise(lapse)
    is_room = pl.col("subject") >= ROOM_SUBJECT
    returns = days.select("day", end=end, again=again, second=again & ~third, room=is_room).filter("again")
    room, second = pl.col("room"), pl.col("second")
    opened = returns.group_by(pl.col("day").cast(pl.Date)).agg(
        reoccurring_users=(second & ~room).sum().cast(pl.Int64),
        reoccurring_rooms=(second & room).sum().cast(pl.Int64),
        adjusted_reoccurring_users=(~room).sum().cast(pl.Int64),
        adjusted_reoccurring_rooms=room.sum().cast(pl.Int64),
    )
    ended = returns.group_by(day=pl.col("end").cast(pl.Date)).agg(
        adjusted_reoccurring_users=-(~room).sum().cast(pl.Int64),
        adjusted_reoccurring_rooms=-room.sum().cast(pl.Int64),
    )
    return [opened, ended]
