"""Visitors, page views, bounce rate and session length (metrics reference, traffic)."""

from datetime import timedelta

import polars as pl
from pydantic import BaseModel, Field

from calculations.arithmetic import average
from calculations.packed_keys import ANOTHER_USER, MICROSECOND, user_hash, user_time
from calculations.period import Period

SESSION_GAP = timedelta(minutes=10)
LAST_ACTIVITY = timedelta(seconds=10)
MINUTE = timedelta(minutes=1)


class Traffic(BaseModel, frozen=True):
    """Visitors and how long they stay."""

    unique_users: int = Field(ge=0, description="Distinct users with a page view, over all rows.")
    page_views: int = Field(ge=0, description="Page views, over all rows.")
    bounce_rate: float = Field(
        ge=0,
        le=1,
        description="Share of the users with a page view since START_DATE who made no estimation since; 0 without any.",
    )
    average_duration: float = Field(
        ge=0, description="Mean length of a session since START_DATE, in minutes; 0 without sessions."
    )


def traffic(page_views: pl.LazyFrame, estimations: pl.LazyFrame, period: Period) -> Traffic:
    """Count visitors, the share of them who left without estimating, and the mean length of a session."""
    views = page_views.filter(period.since_first("viewed_at"))
    estimated = estimations.filter(period.since_first("estimated_at"))
    activities = pl.concat(
        [
            views.select(key=user_time("user_id", "viewed_at")),
            estimated.select(key=user_time("user_id", "estimated_at")),
        ]
    )
    seen, estimators, visits = pl.collect_all(
        [
            visitors(page_views, period),
            estimated.select(user_hash().drop_nulls().n_unique()),
            sessions(activities),
        ]
    )
    # Everybody active less everybody who estimated: those who only looked.
    bounced = visits["users"].item() - estimators.item()
    return Traffic(
        unique_users=seen["users"].item(),
        page_views=seen["views"].item(),
        bounce_rate=average(bounced, seen["since"].item()),
        average_duration=average(visits["duration_us"].item(), visits["sessions"].item() * (MINUTE // MICROSECOND)),
    )


def visitors(page_views: pl.LazyFrame, period: Period) -> pl.LazyFrame:
    """One row: `users` with a page view, `since` those with one in the period, and the `views` themselves (UInt32)."""
    per_user = page_views.group_by(user=user_hash()).agg(views=pl.len(), last=pl.col("viewed_at").max())
    known = pl.col("user").is_not_null()
    return per_user.select(
        users=known.sum(), since=(known & period.since_first("last")).sum(), views=pl.col("views").sum()
    )


def sessions(activities: pl.LazyFrame) -> pl.LazyFrame:
    """Number and total length of the sessions in activities, and how many users had them.

    In the order of `key`, a gap of more than `SESSION_GAP` starts a session, and so does another user, whose gap is
    larger than any time. A session's length is the sum of its gaps plus `LAST_ACTIVITY`.

    Args:
        activities: `key` (UInt128) as `user_time` packs it; null keys are no activity.

    Returns:
        One row: `users`, `sessions` (UInt32) and `duration_us` (Int64, microseconds).
    """
    longest = SESSION_GAP // MICROSECOND
    gap = pl.col("gap")
    starts = (gap.is_null() | (gap > longest)).sum()
    others = (gap.is_null() | (gap > ANOTHER_USER)).sum()
    within = gap.filter(gap <= longest).cast(pl.Int64).sum()
    return (
        activities.drop_nulls()
        .sort("key")
        .select(gap=pl.col("key") - pl.col("key").shift(1))
        .select(
            users=others, sessions=starts, duration_us=within + starts.cast(pl.Int64) * (LAST_ACTIVITY // MICROSECOND)
        )
    )
