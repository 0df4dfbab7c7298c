"""The buckets in which each user or room was active, sorted: the basis of lifecycle and retention."""

from typing import Literal

import polars as pl

from calculations.fpp.activities import estimations_of
from calculations.fpp.packed_keys import ESTIMATED, activity, day_of, microsecond, packed_day, subject_of
from calculations.frames.collecting import collect
from calculations.time.buckets import Buckets
from calculations.time.period import MICROSECOND

type Entity = Literal["user", "room"]


def active_buckets(rows: pl.LazyFrame, entity: Entity, buckets: Buckets, time: str = "estimated_at") -> pl.LazyFrame:
    """The distinct buckets in which each user (room) has rows. Rows without a user (room) or time are left out.

    Args:
        rows: Rows of any table with `user_id` (`room_id`).
        entity: Users or rooms.
        buckets: The buckets.
        time: The column with the time of a row.

    Returns:
        Sorted by subject, then by bucket, in memory: `subject` (Int64, a user's number or a room's id) and `bucket`
        (Int32). All time before the first bucket counts as bucket -1, all time after the last one as bucket `len`.
    """
    # Clipped to this instant, everything earlier gets the number -1.
    before = buckets.edges[0] - MICROSECOND
    counted = rows.with_columns(pl.col(time).clip(lower_bound=before))
    keys = _keys_of_users(counted, time, buckets) if entity == "user" else _keys_of_rooms(counted, time, buckets)
    seen_before = (pl.col("key") == pl.col("key").shift(1)).fill_null(value=False)
    return keys.filter(~seen_before).select(subject=subject_of("key"), bucket=day_of("key") - 1)


def room_keys(rows: pl.LazyFrame, number: pl.Expr) -> pl.LazyFrame:
    """The distinct buckets in which each room has rows. Rows without a room or a number are left out.

    Args:
        rows: The rows, with `room_id`.
        number: The number of a row's bucket (Int32, not negative).

    Returns:
        `key` (Int64) as `packed_day` packs it, sorted.
    """
    # A room's rows in a bucket are mostly adjacent: keep one of each run before sorting.
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
    """Users and buckets as `packed_day` packs them, sorted, with duplicates. Rows of any table are packed like
    estimations."""
    keys = collect(rows.select(key=activity("user_id", time, ESTIMATED))).get_column("key").drop_nulls().sort()
    users = estimations_of(keys.to_frame().lazy())
    key = packed_day(pl.col("user"), _position(buckets.number_of_microsecond(microsecond("key")), buckets))
    return collect(users.select(key=key)).lazy()


def _keys_of_rooms(rows: pl.LazyFrame, time: str, buckets: Buckets) -> pl.LazyFrame:
    """Distinct rooms and buckets as `packed_day` packs them, sorted."""
    return collect(room_keys(rows, _position(buckets.number(pl.col(time)), buckets))).lazy()


def _position(number: pl.Expr, buckets: Buckets) -> pl.Expr:
    """The number of a bucket, or of the time before or after all of them, plus 1: never negative (Int32)."""
    return number.clip(-1, len(buckets)) + 1
