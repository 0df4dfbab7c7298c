"""The page views and estimations of all users in one sorted column, for figures that follow users."""

import polars as pl

from calculations.fpp.packed_keys import ESTIMATED, LOOKED, activity, begins_user, gap, is_estimation
from calculations.frames.collecting import collect
from calculations.time.period import Period


def activities(estimations: pl.LazyFrame, period: Period, page_views: pl.LazyFrame | None = None) -> pl.LazyFrame:
    """All activities since the period's first instant, sorted by user, then by time.

    Returns:
        `key` (UInt128) as `packed_keys.activity` packs it, sorted and in memory, without activities of no user.
    """
    begun = period.has_begun
    keys = [estimations.select(key=activity("user_id", "estimated_at", ESTIMATED, begun("estimated_at")))]
    if page_views is not None:
        keys.append(page_views.select(key=activity("user_id", "viewed_at", LOOKED, begun("viewed_at"))))
    # Polars sorts a single column on all cores.
    return collect(pl.concat(keys)).get_column("key").drop_nulls().sort().to_frame().lazy()


def estimations_of(activities: pl.LazyFrame) -> pl.LazyFrame:
    """The estimations among activities.

    Returns:
        `key` (UInt128) and `user` (UInt32), the number of its user: 1, 2, … in the order of keys.
    """
    estimated = activities.filter(is_estimation("key")).with_columns(gap=gap("key"))
    return estimated.select("key", user=begins_user("gap").cum_sum())
