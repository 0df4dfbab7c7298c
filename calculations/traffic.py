"""Visitors, page views, bounce rate and session length (metrics reference, traffic)."""

from datetime import timedelta

import polars as pl
from pydantic import BaseModel, Field

from calculations.activities import activities
from calculations.arithmetic import average
from calculations.packed_keys import (
    MICROSECOND,
    at_most,
    begins_user,
    gap,
    is_before,
    is_estimation,
    microseconds,
)
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


def traffic(
    page_views: pl.LazyFrame, estimations: pl.LazyFrame, period: Period, active: pl.LazyFrame | None = None
) -> Traffic:
    """Count visitors, the share of them who left without estimating, and the mean length of a session.

    Args:
        page_views: The table.
        estimations: The table.
        period: Sessions and the bounce rate count from its first day.
        active: What `activities` makes of the same arguments, for who has it already.
    """
    keys = activities(estimations, period, page_views) if active is None else active
    views, all_, looked, estimated = pl.collect_all(
        [
            page_views.select(pl.len()),
            users_and_sessions(keys),
            users_and_sessions(keys.filter(~is_estimation("key"))).select("users", "since"),
            users_and_sessions(keys.filter(is_estimation("key"))).select("since"),
        ]
    )
    # Everybody active less everybody who estimated: those who only looked.
    bounced = all_["since"].item() - estimated["since"].item()
    return Traffic(
        unique_users=looked["users"].item(),
        page_views=views.item(),
        bounce_rate=average(bounced, looked["since"].item()),
        average_duration=average(all_["duration_us"].item(), all_["sessions"].item() * (MINUTE // MICROSECOND)),
    )


def users_and_sessions(activities: pl.LazyFrame) -> pl.LazyFrame:
    """Users and sessions in activities.

    In the order of `key`, a gap of more than `SESSION_GAP` starts a session, and so does another user, whose gap is
    larger than any time. A session's length is the sum of its gaps plus `LAST_ACTIVITY`.

    Args:
        activities: `key` (UInt128) as `activities` gives it, sorted.

    Returns:
        One row: `users`, `since` those of them with an activity since the period began, `sessions` since then (all
        UInt32) and `duration_us` (Int64, microseconds).
    """
    first, within, before = begins_user("gap"), at_most("gap", SESSION_GAP), pl.col("before")
    # The last activity of its user is followed by another user's first one.
    last = first.shift(-1, fill_value=True)
    # All activities before the period lie in one instant: they would be one session of each of their users.
    starts = (~within.fill_null(value=False)).sum() - (first & before).sum()
    inside = microseconds("gap").filter(within & ~before).sum()
    return activities.select(gap=gap("key"), before=is_before("key")).select(
        users=first.sum(),
        since=first.sum() - (last & before).sum(),
        sessions=starts,
        duration_us=inside + starts.cast(pl.Int64) * (LAST_ACTIVITY // MICROSECOND),
    )
