"""Where the active users or rooms of each bucket come from, and how many of the last one stay away."""

from dataclasses import replace

import polars as pl
from pydantic import BaseModel, Field

from calculations.fpp.active_buckets import Entity, active_buckets, begins_subject, ends_subject
from calculations.frames.arithmetic import NotAdditive
from calculations.frames.collecting import collect
from calculations.time.buckets import Buckets, Granularity, WeekStart
from calculations.time.period import MICROSECOND, Period


class LifecycleCounts(BaseModel, frozen=True):
    """Users or rooms of one bucket (a day, week, month…). Active are those with estimations in it: the new, returning
    and resurrecting ones; history before the period counts."""

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
    estimations: pl.LazyFrame, period: Period, *, entity: Entity, granularity: Granularity, week_start: WeekStart
) -> pl.DataFrame:
    """Count new, returning, resurrecting and dormant users (rooms) per bucket, quiet buckets included.

    The first bucket counts whole, also what of it lies before the period; rows at or after the period's end don't.

    Returns:
        One row per bucket of `Buckets.of` the same arguments, in order: `bucket` (Int32) and `COUNTS` (Int64).
    """
    buckets = Buckets.of(period, granularity, week_start)
    one_earlier = replace(period, start=buckets.edges[0] - MICROSECOND)
    known = estimations.filter(pl.col("estimated_at") < period.end)
    active = active_buckets(known, entity, Buckets.of(one_earlier, granularity, week_start))
    changes = changes_per_bucket(active.with_columns(pl.col("bucket") - 1))
    return collect(buckets.sums(changes, COUNTS).select("bucket", *COUNTS))


def changes_per_bucket(active: pl.LazyFrame) -> list[pl.LazyFrame]:
    """Who comes and who stays away.

    Args:
        active: As `active_buckets` gives it. What is one bucket to it needn't be one, as long as it and the next
            aren't shown.

    Returns:
        Two frames to be added up: `bucket` (Int32) and columns of `COUNTS` (UInt32).
    """
    came = active.select(
        "bucket", first=begins_subject(), stayed=(pl.col("bucket") - pl.col("bucket").shift(1) == 1)
    ).with_columns(stayed=pl.col("stayed") & ~pl.col("first"))
    left = active.filter(ends_subject() | (pl.col("bucket").shift(-1) - pl.col("bucket") > 1))
    return [
        came.group_by("bucket").agg(
            new=pl.col("first").sum(),
            returning=pl.col("stayed").sum(),
            resurrecting=(~pl.col("first") & ~pl.col("stayed")).sum(),
        ),
        left.group_by(bucket=pl.col("bucket") + 1).agg(dormant=pl.len()),
    ]
