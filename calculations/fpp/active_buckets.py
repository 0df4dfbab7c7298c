"""In which buckets each user or room was active, in one order: what lifecycle and retention follow."""

from typing import Literal

import polars as pl

from calculations.fpp.activities import activities, estimations_of
from calculations.fpp.packed_keys import day_of, microsecond, packed_day, subject_of
from calculations.frames.collecting import collect
from calculations.time.buckets import Buckets
from calculations.time.period import MICROSECOND, Period

type Entity = Literal["user", "room"]


def active_buckets(estimations: pl.LazyFrame, entity: Entity, buckets: Buckets) -> pl.LazyFrame:
    """The buckets each user (room) has estimations in, each once. Rows without a user (room) or time are left out.

    Returns:
        By subject, then by bucket, in memory: `subject` (Int64, the number of a user or room) and `bucket` (Int32);
        all time before the first bucket is one bucket of number -1, all time after the last one of number `len`.
    """
    # Moved there, all that came before is one bucket for `number`, too.
    before = buckets.edges[0] - MICROSECOND
    counted = estimations.with_columns(pl.col("estimated_at").clip(lower_bound=before))
    keys = _keys_of_users(counted, buckets) if entity == "user" else _keys_of_rooms(counted, buckets)
    seen_before = (pl.col("key") == pl.col("key").shift(1)).fill_null(value=False)
    return keys.filter(~seen_before).select(subject=subject_of("key"), bucket=day_of("key") - 1)


def room_keys(estimations: pl.LazyFrame, number: pl.Expr) -> pl.LazyFrame:
    """The buckets each room has estimations in, each once. Rows without a room or a number are left out.

    Args:
        estimations: The rows, with `room_id`.
        number: The number of a row's bucket (Int32, not negative).

    Returns:
        `key` (Int64) as `packed_day` packs it, sorted.
    """
    # Of a room's many estimations in a bucket, most follow one another, and one is enough to sort.
    keys = estimations.select(key=packed_day(pl.col("room_id"), number))
    changing = keys.filter(pl.col("key").ne_missing(pl.col("key").shift(1)))
    return changing.drop_nulls().unique().sort("key")


def begins_subject() -> pl.Expr:
    """Whether a row is the first one of its subject (Boolean)."""
    return (pl.col("subject") != pl.col("subject").shift(1)).fill_null(value=True)


def ends_subject() -> pl.Expr:
    """Whether a row is the last one of its subject (Boolean)."""
    return (pl.col("subject") != pl.col("subject").shift(-1)).fill_null(value=True)


def _keys_of_users(estimations: pl.LazyFrame, buckets: Buckets) -> pl.LazyFrame:
    """Users and buckets as `packed_day` packs them, sorted, with repetitions."""
    all_time = Period(buckets.edges[0] - MICROSECOND, buckets.edges[-1], buckets.zone)
    users = estimations_of(activities(estimations, all_time))
    key = packed_day(pl.col("user"), _position(buckets.number_of_microsecond(microsecond("key")), buckets))
    return collect(users.select(key=key)).lazy()


def _keys_of_rooms(estimations: pl.LazyFrame, buckets: Buckets) -> pl.LazyFrame:
    """Rooms and buckets as `packed_day` packs them, sorted, each once."""
    return collect(room_keys(estimations, _position(buckets.number(pl.col("estimated_at")), buckets))).lazy()


def _position(number: pl.Expr, buckets: Buckets) -> pl.Expr:
    """The number of a bucket, or of the time before or after all, plus 1, so that it is never negative (Int32)."""
    return number.clip(-1, len(buckets)) + 1
