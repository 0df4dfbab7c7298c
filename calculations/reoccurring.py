"""Users and rooms that come back (metrics reference, reoccurring)."""

import datetime as dt

import polars as pl
from pydantic import BaseModel, Field, TypeAdapter

from calculations.packed_keys import DAY_BITS, room_day, user_day
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
    counted = estimations.filter(period.since_first("estimated_at"))
    users = changes_per_day(counted.select(key=user_day("user_id", "estimated_at")), "users")
    rooms = changes_per_day(counted.select(key=room_day("room_id", "estimated_at")), "rooms")
    series = period.per_day([*users, *rooms], SERIES).with_columns(pl.col(SERIES).cum_sum()).filter(is_weekday("day"))
    return _SERIES.validate_python(series.rename({"day": "date"}).collect().to_dicts())


def changes_per_day(keys: pl.LazyFrame, subject: str) -> list[pl.LazyFrame]:
    """By how much the numbers of reoccurring subjects change on each day.

    A subject becomes reoccurring on its second day. From then on each of its days opens an interval of activity, which
    ends on its next day or `ACTIVE_DAYS` + 1 days later: openings less ends, cumulated, are the adjusted number.

    Args:
        keys: `key` (UInt64) as `user_day` or `room_day` packs it; null keys are left out.
        subject: Suffix of the columns, `users` or `rooms`.

    Returns:
        Two frames to be added up: `day` (Date), `reoccurring_<subject>` and `adjusted_reoccurring_<subject>` (Int64).
    """
    ordered = keys.drop_nulls().sort("key")
    days = ordered.filter((pl.col("key") != pl.col("key").shift(1)).fill_null(value=True)).select(
        subject=pl.col("key") // (1 << DAY_BITS), day=(pl.col("key") % (1 << DAY_BITS)).cast(pl.Int32)
    )
    again = (pl.col("subject") == pl.col("subject").shift(1)).fill_null(value=False)
    third = (pl.col("subject") == pl.col("subject").shift(2)).fill_null(value=False)
    goes_on = pl.col("subject") == pl.col("subject").shift(-1)
    lapse = pl.col("day") + ACTIVE_DAYS + 1
    end = pl.when(goes_on).then(pl.min_horizontal(pl.col("day").shift(-1), lapse)).otherwise(lapse)
    returns = days.select("day", end=end, again=again, second=again & ~third).filter("again")
    opened = returns.group_by(pl.col("day").cast(pl.Date)).agg(
        pl.col("second").sum().cast(pl.Int64).alias(f"reoccurring_{subject}"),
        pl.len().cast(pl.Int64).alias(f"adjusted_reoccurring_{subject}"),
    )
    ended = returns.group_by(day=pl.col("end").cast(pl.Date)).agg(
        (-pl.len().cast(pl.Int64)).alias(f"adjusted_reoccurring_{subject}")
    )
    return [opened, ended]
