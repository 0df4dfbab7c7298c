"""In which buckets each user or room was active, in one order: what lifecycle and retention follow."""

from typing import Literal

import polars as pl

from calculations.fpp.activities import estimations_of
from calculations.fpp.packed_keys import ESTIMATED, activity, day_of, microsecond, packed_day, subject_of
from calculations.frames.collecting import collect
from calculations.time.buckets import Buckets
from calculations.time.period import MICROSECOND

type Entity = Literal["user", "room"]


def active_buckets(rows: pl.LazyFrame, entity: Entity, buckets: Buckets, time: str = "estimated_at") -> pl.LazyFrame:
    """The buckets each user (room) has rows in, each once. Rows without a user (room) or time are left out.

    Args:
        rows: Of any table with `user_id` (`room_id`).
        entity: Whose buckets.
        buckets: What to count by.
        time: The column that tells when a row came to be.

    Returns:
        By subject, then by bucket, in memory: `subject` (Int64, a user's number or a room's id) and `bucket` (Int32);
        all time before the first bucket is one bucket of number -1, all time after the last one of number `len`.
    """
    # Moved there, all that came before is one bucket for `number`, too.
    before = buckets.edges[0] - MICROSECOND
    counted = rows.with_columns(pl.col(time).clip(lower_bound=before))
    keys = _keys_of_users(counted, time, buckets) if entity == "user" else _keys_of_rooms(counted, time, buckets)
    seen_before = (pl.col("key") == pl.col("key").shift(1)).fill_null(value=False)
    return keys.filter(~seen_before).select(subject=subject_of("key"), bucket=day_of("key") - 1)


def room_keys(rows: pl.LazyFrame, number: pl.Expr) -> pl.LazyFrame:
    """The buckets each room has rows in, each once. Rows without a room or a number are left out.

    Args:
        rows: The rows, with `room_id`.
        number: The number of a row's bucket (Int32, not negative).

    Returns:
        `key` (Int64) as `packed_day` packs it, sorted.
    """
    # Of a room's many rows in a bucket, most follow one another, and one is enough to sort.
    keys = rows.select(key=packed_day(pl.col("room_id"), number))
    changing = keys.filter(pl.col("key").ne_missing(pl.col("key").shift(1)))
    return changing.drop_nulls().unique().sort("key")


def begins_subject() -> pl.Expr:
    """Whether a row is the first one of its subject (Boolean)."""
    return (pl.col("subject") != pl.col("subject").shift(1)).fill_null(value=True)


def ends_subject() -> pl.Expr:
    """Whether a row is the last one of its subject (Boolean)."""
    return (pl.col("subject") != pl.col("subject").shift(-1)).fill_null(value=True)


def _keys_of_users(rows: pl.LazyFrame, time: str, buckets: Buckets) -> pl.LazyFrame:
    """Users and buckets as `packed_day` packs them, sorted, with repetitions; whatever the rows are, they are packed as
    estimations."""
    keys = collect(rows.select(key=activity("user_id", time, ESTIMATED))).get_column("key").drop_nulls().sort()
    users = estimations_of(keys.to_frame().lazy())
    key = packed_day(pl.col("user"), _position(buckets.number_of_microsecond(microsecond("key")), buckets))
    return collect(users.select(key=key)).lazy()


def _keys_of_rooms(rows: pl.LazyFrame, time: str, buckets: Buckets) -> pl.LazyFrame:
    """Rooms and buckets as `packed_day` packs them, sorted, each once."""
    return collect(room_keys(rows, _position(buckets.number(pl.col(time)), buckets))).lazy()


def _position(number: pl.Expr, buckets: Buckets) -> pl.Expr:
    """The number of a bucket, or of the time before or after all, plus 1, so that it is never negative (Int32)."""
    return number.clip(-1, len(buckets)) + 1
