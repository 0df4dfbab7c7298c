"""Visitors, bounce rate and visits, worked by hand."""

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from calculations.fpp.traffic import Traffic, traffic
from calculations.time.period import Period
from read_model.table import INSTANT
from read_model.tables.fpp import ESTIMATIONS, PAGE_VIEWS
from tests.rows import rows

WEEK = Period.of_days(date(2026, 3, 2), date(2026, 3, 6))  # Monday to Friday


def traffic_of(*, views: str = "", estimations: str = "", period: Period = WEEK) -> Traffic:
    """The traffic of two drawn tables."""
    return traffic(rows(PAGE_VIEWS, views), rows(ESTIMATIONS, estimations), period)


def test_empty_tables_are_all_zeros() -> None:
    """Nobody came: no share, no mean, no division by zero."""
    assert traffic_of() == Traffic(unique_users=0, page_views=0, bounce_rate=0, average_duration=0)


def test_unique_users_counts_each_visitor_once() -> None:
    """Ann looked twice, Bob once: two users, three page views."""
    result = traffic_of(
        views="""
        user_id | viewed_at
        ann     | 2026-03-02 09:00
        bob     | 2026-03-02 09:00
        ann     | 2026-03-03 09:00
        """
    )
    assert (result.unique_users, result.page_views) == (2, 3)


def test_plain_totals_count_rows_before_start_date() -> None:
    """Ann in 2020 and Bob on the first day: two users, two page views."""
    result = traffic_of(
        views="""
        user_id | viewed_at
        ann     | 2020-01-01 09:00
        bob     | 2026-03-02 09:00
        """
    )
    assert (result.unique_users, result.page_views) == (2, 2)


def test_users_from_before_start_date_are_unique_too() -> None:
    """Ann twice in 2020 and again since, Bob twice in 2020, Cem at no time, Dia since, and nobody in 2020: four users.

    Only Ann and Dia have viewed since START_DATE; Ann estimated, so one of two bounced.
    """
    result = traffic_of(
        views="""
        user_id | viewed_at
        ann     | 2020-01-01 09:00
        ann     | 2020-01-02 09:00
        ann     | 2026-03-02 09:00
        bob     | 2020-01-01 09:00
        bob     | 2020-01-02 09:00
        cem     | null
        dia     | 2026-03-03 09:00
        null    | 2020-01-01 09:00
        """,
        estimations="""
        user_id | estimated_at
        ann     | 2026-03-02 09:01
        """,
    )
    assert (result.unique_users, result.page_views, result.bounce_rate) == (4, 8, 0.5)


def test_a_null_user_is_nobody_but_the_page_was_viewed() -> None:
    """One of two page views has no user: one user, two page views; the one user did not estimate."""
    result = traffic_of(
        views="""
        user_id | viewed_at
        ann     | 2026-03-02 09:00
        null    | 2026-03-02 09:00
        """
    )
    assert (result.unique_users, result.page_views, result.bounce_rate) == (1, 2, 1)


def test_a_null_instant_counts_in_totals_only() -> None:
    """Ann's view has no time: a user and a page view, but no visitor since START_DATE and no visit."""
    result = traffic_of(
        views="""
        user_id | viewed_at
        ann     | null
        """
    )
    assert result == Traffic(unique_users=1, page_views=1, bounce_rate=0, average_duration=0)


def test_user_ids_are_compared_exactly() -> None:
    """Zoe, zoe, zoë and 李雷 are four users."""
    result = traffic_of(
        views="""
        user_id | viewed_at
        Zoe     | 2026-03-02 09:00
        zoe     | 2026-03-02 09:00
        zoë     | 2026-03-02 09:00
        李雷    | 2026-03-02 09:00
        李雷    | 2026-03-02 09:00
        """
    )
    assert result.unique_users == 4


def test_bounce_rate_counts_visitors_who_never_estimated() -> None:
    """Ann, Bob and Cem looked; only Bob estimated, so two of three bounced."""
    result = traffic_of(
        views="""
        user_id | viewed_at
        ann     | 2026-03-02 09:00
        bob     | 2026-03-02 09:00
        bob     | 2026-03-03 09:00
        cem     | 2026-03-04 09:00
        """,
        estimations="""
        user_id | estimated_at
        bob     | 2026-03-05 09:00
        """,
    )
    assert result.bounce_rate == 0.67


def test_bounce_rate_ignores_people_who_estimate_without_a_page_view() -> None:
    """Of the visitors Ann and Bob, Bob estimated: one of two. Cem and Dia never looked: they are no visitors."""
    result = traffic_of(
        views="""
        user_id | viewed_at
        ann     | 2026-03-02 09:00
        bob     | 2026-03-02 09:00
        """,
        estimations="""
        user_id | estimated_at
        bob     | 2026-03-02 09:01
        cem     | 2026-03-02 09:01
        dia     | 2026-03-02 09:01
        """,
    )
    assert (result.bounce_rate, result.unique_users) == (0.5, 2)


def test_bounce_rate_without_visitors_is_zero() -> None:
    """Ann estimated, nobody looked: a share of nothing."""
    result = traffic_of(
        estimations="""
        user_id | estimated_at
        ann     | 2026-03-02 09:00
        """
    )
    assert (result.bounce_rate, result.unique_users) == (0, 0)


def test_bounce_rate_leaves_out_visitors_before_start_date() -> None:
    """Ann came on Sunday night and is no visitor of the period; Bob came at Monday's midnight and bounced: one of one.

    If Ann, who estimated, were counted, it would be one of two.
    """
    result = traffic_of(
        views="""
        user_id | viewed_at
        ann     | 2026-03-01 23:59:59
        bob     | 2026-03-02 00:00:00
        """,
        estimations="""
        user_id | estimated_at
        ann     | 2026-03-02 09:00
        """,
    )
    assert result.bounce_rate == 1


def test_a_visitor_may_have_come_before_start_date_too() -> None:
    """Ann came before and after, Bob only before: Ann is the one visitor, and she bounced."""
    result = traffic_of(
        views="""
        user_id | viewed_at
        ann     | 2026-02-02 09:00
        ann     | 2026-03-02 09:00
        bob     | 2026-02-02 09:00
        """
    )
    assert (result.unique_users, result.bounce_rate) == (2, 1)


def test_bounce_rate_leaves_out_estimations_before_start_date() -> None:
    """Ann estimated one second before the first day and bounced since, Bob estimated at its midnight: one of two."""
    result = traffic_of(
        views="""
        user_id | viewed_at
        ann     | 2026-03-02 09:00
        bob     | 2026-03-02 09:00
        """,
        estimations="""
        user_id | estimated_at
        ann     | 2026-03-01 23:59:59
        bob     | 2026-03-02 00:00:00
        """,
    )
    assert result.bounce_rate == 0.5


def test_an_estimation_of_nobody_saves_no_visitor() -> None:
    """A visitor without a name is none, and an estimation without a name is not Ann's: one of one bounced."""
    result = traffic_of(
        views="""
        user_id | viewed_at
        ann     | 2026-03-02 09:00
        null    | 2026-03-02 09:00
        """,
        estimations="""
        user_id | estimated_at
        null    | 2026-03-02 09:00
        """,
    )
    assert result.bounce_rate == 1


def test_a_visit_of_one_activity_lasts_ten_seconds() -> None:
    """10 s are 0.1667 minutes."""
    result = traffic_of(
        views="""
        user_id | viewed_at
        ann     | 2026-03-02 09:00
        """
    )
    assert result.average_duration == 0.17


def test_exactly_ten_minutes_are_one_visit() -> None:
    """600 s and the last activity's 10 s are 610 s, 10.1667 minutes."""
    result = traffic_of(
        views="""
        user_id | viewed_at
        ann     | 2026-03-02 09:00:00
        ann     | 2026-03-02 09:10:00
        """
    )
    assert result.average_duration == 10.17


def test_ten_minutes_and_one_second_are_two_visits() -> None:
    """Two visits of 10 s: the mean is 10 s."""
    result = traffic_of(
        views="""
        user_id | viewed_at
        ann     | 2026-03-02 09:00:00
        ann     | 2026-03-02 09:10:01
        """
    )
    assert result.average_duration == 0.17


def test_the_gap_is_to_the_last_activity() -> None:
    """Three views nine minutes apart: 18 minutes and 10 s, though the last is more than ten minutes after the first."""
    result = traffic_of(
        views="""
        user_id | viewed_at
        ann     | 2026-03-02 09:00
        ann     | 2026-03-02 09:18
        ann     | 2026-03-02 09:09
        """
    )
    assert result.average_duration == 18.17


def test_page_views_and_estimations_form_one_visit() -> None:
    """A view, an estimation 8 minutes later and a view 8 minutes after that: 16 minutes and 10 s."""
    result = traffic_of(
        views="""
        user_id | viewed_at
        ann     | 2026-03-02 09:00
        ann     | 2026-03-02 09:16
        """,
        estimations="""
        user_id | estimated_at
        ann     | 2026-03-02 09:08
        """,
    )
    assert result.average_duration == 16.17


def test_people_who_estimate_without_a_page_view_have_visits() -> None:
    """Ann's estimations span 60 s and 10 s, Bob's view has 10 s: 80 s in two visits, 40 s each."""
    result = traffic_of(
        views="""
        user_id | viewed_at
        bob     | 2026-03-02 09:00
        """,
        estimations="""
        user_id | estimated_at
        ann     | 2026-03-02 09:00
        ann     | 2026-03-02 09:01
        """,
    )
    assert result.average_duration == 0.67


def test_visits_of_two_users_never_mix() -> None:
    """Ann at 9:00 and 9:06, Bob at 9:03 and 9:09: two visits of 6 minutes and 10 s."""
    result = traffic_of(
        views="""
        user_id | viewed_at
        ann     | 2026-03-02 09:00
        bob     | 2026-03-02 09:03
        ann     | 2026-03-02 09:06
        bob     | 2026-03-02 09:09
        """
    )
    assert result.average_duration == 6.17


def test_activities_in_one_second_are_one_visit() -> None:
    """Three of Ann's and one of Bob's in the same second: two visits of 10 s."""
    result = traffic_of(
        views="""
        user_id | viewed_at
        ann     | 2026-03-02 09:00
        ann     | 2026-03-02 09:00
        bob     | 2026-03-02 09:00
        """,
        estimations="""
        user_id | estimated_at
        ann     | 2026-03-02 09:00
        """,
    )
    assert result.average_duration == 0.17


def test_the_mean_is_over_visits_not_over_users() -> None:
    """Ann: 10 s, 10 s and 10 s; Bob: 9 minutes and 10 s. 580 s in four visits are 145 s, 2.4167 minutes."""
    result = traffic_of(
        views="""
        user_id | viewed_at
        ann     | 2026-03-02 09:00
        ann     | 2026-03-02 10:00
        ann     | 2026-03-02 11:00
        bob     | 2026-03-02 09:00
        bob     | 2026-03-02 09:09
        """
    )
    assert result.average_duration == 2.42


def test_a_visit_goes_on_past_midnight() -> None:
    """From 23:59:59 to 00:04:59 are 5 minutes, and 10 s."""
    result = traffic_of(
        views="""
        user_id | viewed_at
        ann     | 2026-03-02 23:59:59
        ann     | 2026-03-03 00:04:59
        """
    )
    assert result.average_duration == 5.17


def test_weekend_visits_and_visitors_count() -> None:
    """Ann's five minutes on Saturday, and 10 s; she is a visitor who bounced."""
    result = traffic_of(
        views="""
        user_id | viewed_at
        ann     | 2026-03-07 09:00
        ann     | 2026-03-07 09:05
        """
    )
    assert (result.average_duration, result.bounce_rate) == (5.17, 1)


def test_activities_before_start_date_belong_to_no_visit() -> None:
    """Ann looked at 23:59:59 before the first day, at its 00:00:00 and at 00:02:00: 2 minutes and 10 s."""
    result = traffic_of(
        views="""
        user_id | viewed_at
        ann     | 2026-03-01 23:59:59
        ann     | 2026-03-02 00:00:00
        """,
        estimations="""
        user_id | estimated_at
        ann     | 2026-03-01 23:59:59
        ann     | 2026-03-02 00:02:00
        """,
    )
    assert result.average_duration == 2.17


def test_activities_of_nobody_belong_to_no_visit() -> None:
    """Two nameless views ten seconds apart and one without a time: no visit at all."""
    result = traffic_of(
        views="""
        user_id | viewed_at
        null    | 2026-03-02 09:00:00
        null    | 2026-03-02 09:00:10
        ann     | null
        """,
        estimations="""
        user_id | estimated_at
        null    | 2026-03-02 09:00:00
        ann     | null
        """,
    )
    assert result.average_duration == 0


def test_a_mean_half_way_between_two_decimals_is_rounded_once() -> None:
    """Five visits of 10 s and one of 49 s: 99 s in six are 0.275 minutes, which as a binary number is just above."""
    result = traffic_of(
        views="""
        user_id | viewed_at
        ann     | 2026-03-02 09:00:00
        ann     | 2026-03-02 09:00:39
        bob     | 2026-03-02 09:00
        cem     | 2026-03-02 09:00
        dia     | 2026-03-02 09:00
        eve     | 2026-03-02 09:00
        fay     | 2026-03-02 09:00
        """
    )
    assert result.average_duration == 0.28


def test_visits_longer_than_a_32_bit_number_of_milliseconds() -> None:
    """A view every ten minutes for 26 days: 37,440 minutes and 10 s, which are more than 2³¹ ms."""
    first, last = datetime(2026, 3, 2, tzinfo=UTC), datetime(2026, 3, 28, tzinfo=UTC)
    instants = pl.datetime_range(first, last, timedelta(minutes=10), eager=True).cast(INSTANT)
    views = pl.LazyFrame({"user_id": ["ann"] * len(instants), "viewed_at": instants})
    assert traffic(views, rows(ESTIMATIONS), WEEK).average_duration == 37_440.17


@pytest.mark.parametrize(
    ("period", "bounce_rate"),
    [
        (Period.of_days(date(2026, 3, 9), date(2026, 3, 6)), 0),
        (Period.of_days(date(2026, 2, 28), date(2026, 3, 6)), 1),
        (Period.of_days(date(2026, 3, 6), date(2026, 3, 6)), 1),
    ],
    ids=["in the future", "on a weekend", "today"],
)
def test_start_date(period: Period, bounce_rate: float) -> None:
    """Ann's view on the 6th: before a START_DATE of the 9th, after the 28th of February, on the day itself."""
    result = traffic_of(
        views="""
        user_id | viewed_at
        ann     | 2026-03-06 09:00
        """,
        period=period,
    )
    assert (result.unique_users, result.page_views, result.bounce_rate) == (1, 1, bounce_rate)
    assert result.average_duration == (0.17 if bounce_rate else 0)
