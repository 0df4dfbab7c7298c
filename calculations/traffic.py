"""Visitors, page views, bounce rate and session length (metrics reference, traffic)."""

from dataclasses import dataclass
from datetime import timedelta

import polars as pl
from pydantic import BaseModel, Field

from calculations.activities import activities
from calculations.arithmetic import NotAdditive, average
from calculations.packed_keys import (
    at_most,
    begins_user,
    gap,
    is_before,
    is_estimation,
    microseconds,
)
from calculations.period import MICROSECOND, Period

SESSION_GAP = timedelta(minutes=10)
LAST_ACTIVITY = timedelta(seconds=10)
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
        ge=0, description="Mean length of a session since START_DATE, in minutes; 0 without sessions."
    )


class Visits(BaseModel, frozen=True):
    """Traffic of a period."""

    visitors: NotAdditive[int] = Field(
        ge=0,
        description="Distinct users with a page view. Not additive: days do not add up to a week.",
    )
    visits: NotAdditive[int] = Field(
        ge=0,
        description="Sessions of page views and estimations, which end after 10 minutes without either. "
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
    """What traffic's figures are made of; all but the first two since the period began."""

    users: int
    page_views: int
    visitors: int
    bounced: int
    sessions: int
    duration: timedelta


def traffic(
    page_views: pl.LazyFrame, estimations: pl.LazyFrame, period: Period, active: pl.LazyFrame | None = None
) -> Traffic:
    """Visitors of all time, the share of them who left without estimating, and the mean length of a session.

    Args:
        page_views: The table.
        estimations: The table.
        period: Sessions and the bounce rate count from its beginning.
        active: What `activities` makes of the same arguments, for who has it already.
    """
    counted = count(page_views, estimations, period, active)
    return Traffic(
        unique_users=counted.users,
        page_views=counted.page_views,
        bounce_rate=average(counted.bounced, counted.visitors),
        average_duration=average(counted.duration // MICROSECOND, counted.sessions * (MINUTE // MICROSECOND)),
    )


def visits(page_views: pl.LazyFrame, estimations: pl.LazyFrame, period: Period) -> Visits:
    """Visitors and visits of a period, of the rows within it."""
    counted = count(page_views, estimations, period)
    return Visits(
        visitors=counted.users,
        visits=counted.sessions,
        page_views=counted.page_views,
        views_per_visit=average(counted.page_views, counted.sessions),
        bounce_rate=average(counted.bounced, counted.visitors),
        visit_duration=average(counted.duration // MICROSECOND, counted.sessions * (SECOND // MICROSECOND)),
    )


def count(
    page_views: pl.LazyFrame, estimations: pl.LazyFrame, period: Period, active: pl.LazyFrame | None = None
) -> Counted:
    """Count users, page views and sessions; the arguments are those of `traffic`."""
    keys = activities(estimations, period, page_views) if active is None else active
    views, all_, looked, estimated = pl.collect_all(
        [
            page_views.select(pl.len()),
            users_and_sessions(keys),
            users_and_sessions(keys.filter(~is_estimation("key"))).select("users", "since"),
            users_and_sessions(keys.filter(is_estimation("key"))).select("since"),
        ]
    )
    return Counted(
        users=looked["users"].item(),
        page_views=views.item(),
        visitors=looked["since"].item(),
        # Everybody active less everybody who estimated: those who only looked.
        bounced=all_["since"].item() - estimated["since"].item(),
        sessions=all_["sessions"].item(),
        duration=all_["duration"].item(),
    )


def users_and_sessions(activities: pl.LazyFrame) -> pl.LazyFrame:
    """Users and sessions in activities.

    In the order of `key`, a gap of more than `SESSION_GAP` starts a session, and so does another user, whose gap is
    larger than any time. A session's length is the sum of its gaps plus `LAST_ACTIVITY`.

    Args:
        activities: `key` (UInt128) as `activities` gives it, sorted.

    Returns:
        One row: `users`, `since` those of them with an activity since the period began, `sessions` since then (all
        UInt32) and their `duration` (Duration, microseconds).
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
        duration=(inside + starts.cast(pl.Int64) * (LAST_ACTIVITY // MICROSECOND)).cast(pl.Duration("us")),
    )
