"""Visitors, page views, bounce rate and visit length (metrics reference, traffic)."""

from dataclasses import dataclass
from datetime import timedelta

import polars as pl
from pydantic import BaseModel, Field

from calculations.fpp.activities import activities
from calculations.fpp.packed_keys import (
    at_most,
    begins_user,
    gap,
    is_estimation,
    microseconds,
    user_hash,
)
from calculations.fpp.visit_table import LAST_ACTIVITY, VISIT_GAP
from calculations.frames.arithmetic import NotAdditive, average
from calculations.frames.collecting import collect, collect_all
from calculations.time.period import MICROSECOND, Period

SECOND = timedelta(seconds=1)
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
        ge=0, description="Mean length of a visit since START_DATE, in minutes; 0 without visits."
    )


class Visits(BaseModel, frozen=True):
    """Traffic of a period."""

    visitors: NotAdditive[int] = Field(
        ge=0,
        description="Distinct users with a page view. Not additive: days do not add up to a week.",
    )
    visits: NotAdditive[int] = Field(
        ge=0,
        description="Page views and estimations of one user without a gap of more than 10 minutes. "
        "Not additive: one that goes on past midnight is a visit of both days.",
    )
    page_views: int = Field(ge=0, description="Page views.")
    views_per_visit: NotAdditive[float] = Field(
        ge=0, description="Mean number of page views of a visit; 0 without visits."
    )
    bounce_rate: NotAdditive[float] = Field(
        ge=0, le=1, description="Share of the visitors (0 to 1) who made no estimation; 0 without visitors."
    )
    visit_duration: NotAdditive[float] = Field(
        ge=0, description="Mean length of a visit, in seconds; 0 without visits."
    )


@dataclass(frozen=True)
class Counted:
    """The counts behind traffic's figures; all but the page views are since the period began."""

    page_views: int
    visitors: int
    bounced: int
    visits: int
    duration: timedelta


def traffic(
    page_views: pl.LazyFrame, estimations: pl.LazyFrame, period: Period, *, active: pl.LazyFrame | None = None
) -> Traffic:
    """Visitors of all time, the share of them who left without estimating, and the mean length of a visit.

    Args:
        page_views: The table.
        estimations: The table.
        period: Visits and the bounce rate count from its beginning.
        active: The result of `activities` for the same arguments, if already computed.
    """
    counted = count(page_views, estimations, period, active=active)
    return Traffic(
        unique_users=counted.visitors + earlier_only(page_views, period),
        page_views=counted.page_views,
        bounce_rate=average(counted.bounced, counted.visitors),
        average_duration=average(counted.duration // MICROSECOND, counted.visits * (MINUTE // MICROSECOND)),
    )


def visits(page_views: pl.LazyFrame, estimations: pl.LazyFrame, period: Period) -> Visits:
    """Visitors and visits of a period, from the rows within it."""
    counted = count(page_views, estimations, period)
    return Visits(
        visitors=counted.visitors,
        visits=counted.visits,
        page_views=counted.page_views,
        views_per_visit=average(counted.page_views, counted.visits),
        bounce_rate=average(counted.bounced, counted.visitors),
        visit_duration=average(counted.duration // MICROSECOND, counted.visits * (SECOND // MICROSECOND)),
    )


def count(
    page_views: pl.LazyFrame, estimations: pl.LazyFrame, period: Period, *, active: pl.LazyFrame | None = None
) -> Counted:
    """Count page views, visitors and visits; the arguments are those of `traffic`."""
    keys = activities(estimations, period, page_views) if active is None else active
    views, active_, looked, estimated = collect_all(
        [
            page_views.select(pl.len()),
            users_and_visits(keys),
            users(keys.filter(~is_estimation("key"))),
            users(keys.filter(is_estimation("key"))),
        ]
    )
    return Counted(
        page_views=views.item(),
        visitors=looked.item(),
        # All active users minus those who estimated: those who only viewed pages.
        bounced=active_["users"].item() - estimated.item(),
        visits=active_["visits"].item(),
        duration=active_["duration"].item(),
    )


def earlier_only(page_views: pl.LazyFrame, period: Period) -> int:
    """How many users have page views, but none since the period began; one without a time is before it."""
    since = period.has_begun("viewed_at")
    viewers = user_hash().alias("user")
    before = page_views.filter(~since | pl.col("viewed_at").is_null())
    earlier = collect(before.select(viewers).drop_nulls().unique())
    if earlier.is_empty():
        # The usual case: later page views need not be read.
        return 0
    later = page_views.filter(since).select(viewers)
    only: int = collect(earlier.lazy().join(later, on="user", how="anti").select(pl.len())).item()
    return only


def users(activities: pl.LazyFrame) -> pl.LazyFrame:
    """The number of users in activities, sorted by `key`: one row and column, `users` (UInt32)."""
    return activities.select(gap=gap("key")).select(users=begins_user("gap").sum())


def users_and_visits(activities: pl.LazyFrame) -> pl.LazyFrame:
    """Users and visits in activities.

    In the order of `key`, a gap of more than `VISIT_GAP` starts a visit, and so does a new user, because the gap
    between users is larger than any time. A visit's length is the sum of its gaps plus `LAST_ACTIVITY`.

    Args:
        activities: The result of `activities`: `key` (UInt128), sorted.

    Returns:
        One row: `users`, `visits` (UInt32) and their `duration` (Duration, microseconds).
    """
    within = at_most("gap", VISIT_GAP)
    starts = (~within.fill_null(value=False)).sum()
    inside = microseconds("gap").filter(within).sum()
    return activities.select(gap=gap("key")).select(
        users=begins_user("gap").sum(),
        visits=starts,
        duration=(inside + starts.cast(pl.Int64) * (LAST_ACTIVITY // MICROSECOND)).cast(pl.Duration("us")),
    )
