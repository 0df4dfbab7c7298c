"""New, returning, resurrecting and dormant users or rooms per bucket."""

from datetime import datetime
from typing import Literal

import polars as pl
from pydantic import BaseModel, Field

from calculations.fpp.active_buckets import Entity, active_buckets, begins_subject, ends_subject
from calculations.frames.arithmetic import NotAdditive
from calculations.frames.collecting import collect
from calculations.time.buckets import Buckets, Granularity, WeekStart
from calculations.time.period import MICROSECOND, Period, literal

type State = Literal["new", "returning", "resurrecting", "dormant"]


class LifecycleCounts(BaseModel, frozen=True):
    """Users or rooms of one bucket (a day, week, month…). Active are those with estimations (or the chosen
    activity) in it: the new, returning and resurrecting ones; history before the period counts."""

    new: int = Field(ge=0, description="Users (rooms) with their first estimation ever in this bucket.")
    returning: NotAdditive[int] = Field(
        ge=0, description="Users (rooms) active in this bucket and in the one directly before."
    )
    resurrecting: NotAdditive[int] = Field(
        ge=0, description="Users (rooms) active in this bucket and not in the one before, but in an earlier one."
    )
    dormant: NotAdditive[int] = Field(
        ge=0, description="Users (rooms) active in the bucket directly before and not in this one."
    )


COUNTS = tuple(LifecycleCounts.model_fields)


def lifecycle(
    rows: pl.LazyFrame,
    period: Period,
    *,
    entity: Entity,
    granularity: Granularity,
    week_start: WeekStart,
    known_until: datetime,
    time: str = "estimated_at",
) -> pl.DataFrame:
    """Count new, returning, resurrecting and dormant users (rooms) per bucket, quiet buckets included.

    The first and the last bucket are counted in full, including what lies outside the period.

    Args:
        rows: What makes a user (room) active: rows of any table with `user_id` (`room_id`), of all time.
        period: Its buckets are shown.
        entity: Users or rooms.
        granularity: The length of a bucket.
        week_start: The first day of weeks.
        known_until: The instant (UTC) up to which rows are known; rows at or after it don't count.
        time: The column with the time of a row.

    Returns:
        One row per bucket of `Buckets.of` the same arguments, in order: `bucket` (Int32) and `COUNTS` (Int64).
    """
    buckets = Buckets.of(period, granularity, week_start)
    known = rows.filter(pl.col(time) < literal(known_until))
    changes = changes_per_bucket(_active(known, buckets, entity, granularity, week_start, time))
    return collect(buckets.sums(changes, COUNTS).select("bucket", *COUNTS))


def rooms_in_state(
    rows: pl.LazyFrame,
    moment: Period,
    state: State,
    *,
    granularity: Granularity,
    week_start: WeekStart,
    known_until: datetime,
    time: str = "estimated_at",
) -> pl.Series:
    """The ids (Int64) of the rooms that `lifecycle` counts in a bucket, in order.

    Args:
        rows: What makes a room active, of all time.
        moment: A period within the bucket.
        state: The state to list.
        granularity: The length of the bucket.
        week_start: The first day of weeks.
        known_until: The instant (UTC) up to which rows are known.
        time: The column with the time of a row.
    """
    known = rows.filter(pl.col(time) < literal(known_until))
    bucket = Buckets.of(moment, granularity, week_start)
    came, left = _changes(_active(known, bucket, "room", granularity, week_start, time))
    found = left if state == "dormant" else came.filter(pl.col(state))
    return collect(found.filter(pl.col("bucket") == 0))["subject"]


def _active(
    known: pl.LazyFrame, buckets: Buckets, entity: Entity, granularity: Granularity, week_start: WeekStart, time: str
) -> pl.LazyFrame:
    """The result of `active_buckets`, with the bucket before the first one shown as number -1."""
    one_earlier = Period(buckets.edges[0] - MICROSECOND, buckets.edges[-1], buckets.zone)
    active = active_buckets(known, entity, Buckets.of(one_earlier, granularity, week_start), time)
    return active.with_columns(pl.col("bucket") - 1)


def changes_per_bucket(active: pl.LazyFrame) -> list[pl.LazyFrame]:
    """Counts of the states per bucket.

    Args:
        active: The result of `active_buckets`. One of its buckets may cover a longer time, as long as neither it
            nor the next one is shown.

    Returns:
        Two frames to be added up: `bucket` (Int32) and columns of `COUNTS` (UInt32).
    """
    came, left = _changes(active)
    return [
        came.group_by("bucket").agg(pl.col("new", "returning", "resurrecting").sum()),
        left.group_by("bucket").agg(dormant=pl.len()),
    ]


def _changes(active: pl.LazyFrame) -> tuple[pl.LazyFrame, pl.LazyFrame]:
    """The active, with a Boolean column per state, and the dormant: `subject` and `bucket`, in order."""
    came = active.select(
        "subject", "bucket", new=begins_subject(), stayed=(pl.col("bucket") - pl.col("bucket").shift(1) == 1)
    )
    stayed = pl.col("stayed") & ~pl.col("new")
    left = active.filter(ends_subject() | (pl.col("bucket").shift(-1) - pl.col("bucket") > 1))
    return (
        came.select("subject", "bucket", "new", returning=stayed, resurrecting=~pl.col("new") & ~stayed),
        left.with_columns(pl.col("bucket") + 1),
    )
