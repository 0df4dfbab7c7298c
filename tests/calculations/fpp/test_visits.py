"""Visitors and visits of a period, worked by hand and against the oracle."""

from datetime import date

import polars as pl
from hypothesis import given

from calculations.fpp.traffic import Visits, visits
from calculations.time.period import Period
from read_model.tables.fpp import ESTIMATIONS, PAGE_VIEWS
from tests import oracle
from tests.calculations.strategies import Case, Row, cases
from tests.rows import rows

WEEK = Period.of_days(date(2026, 3, 2), date(2026, 3, 6))  # Monday to Friday


def visits_of(*, views: str = "", estimations: str = "") -> Visits:
    """The visits of two drawn tables."""
    return visits(rows(PAGE_VIEWS, views), rows(ESTIMATIONS, estimations), WEEK)


def test_empty_tables_are_all_zeros() -> None:
    """Nobody came: no division by zero."""
    assert visits_of() == Visits(visitors=0, visits=0, page_views=0, views_per_visit=0, bounce_rate=0, visit_duration=0)


def test_one_page_view_is_a_visit_of_ten_seconds() -> None:
    assert visits_of(
        views="""
        user_id | viewed_at
        ann     | 2026-03-02 09:00
        """
    ) == Visits(visitors=1, visits=1, page_views=1, views_per_visit=1, bounce_rate=1, visit_duration=10)


def test_a_gap_of_more_than_ten_minutes_starts_a_visit() -> None:
    """Ann at 9:00, 9:10 and 9:20:01: two visits, of 610 and 10 seconds, 310 on average; 3 views, 1.5 a visit."""
    found = visits_of(
        views="""
        user_id | viewed_at
        ann     | 2026-03-02 09:00:00
        ann     | 2026-03-02 09:10:00
        ann     | 2026-03-02 09:20:01
        """
    )
    assert (found.visitors, found.visits, found.page_views) == (1, 2, 3)
    assert (found.views_per_visit, found.visit_duration) == (1.5, 310)


def test_estimations_go_on_with_a_visit() -> None:
    """Ann looks at 9:00, estimates at 9:08 and 9:16: one visit of 970 seconds with one view, and no bounce."""
    found = visits_of(
        views="""
        user_id | viewed_at
        ann     | 2026-03-02 09:00
        """,
        estimations="""
        user_id | estimated_at
        ann     | 2026-03-02 09:08
        ann     | 2026-03-02 09:16
        """,
    )
    assert (found.visits, found.visit_duration, found.bounce_rate) == (1, 970, 0)


def test_who_estimates_without_a_page_view_visits_but_is_no_visitor() -> None:
    """Ann looked, Bob estimated: two visits, one visitor, who bounced; one view in two visits."""
    found = visits_of(
        views="""
        user_id | viewed_at
        ann     | 2026-03-02 09:00
        """,
        estimations="""
        user_id | estimated_at
        bob     | 2026-03-02 09:00
        """,
    )
    assert (found.visitors, found.visits, found.bounce_rate, found.views_per_visit) == (1, 2, 1, 0.5)


def test_a_share_of_the_visitors_bounces() -> None:
    """Ann, Bob and Cem looked, only Bob estimated, days later: two of three."""
    found = visits_of(
        views="""
        user_id | viewed_at
        ann     | 2026-03-02 09:00
        bob     | 2026-03-02 09:00
        cem     | 2026-03-02 09:00
        """,
        estimations="""
        user_id | estimated_at
        bob     | 2026-03-06 09:00
        """,
    )
    assert found.bounce_rate == 0.67


def test_a_view_of_nobody_is_a_page_view() -> None:
    found = visits_of(
        views="""
        user_id | viewed_at
        null    | 2026-03-02 09:00
        """
    )
    assert (found.visitors, found.visits, found.page_views) == (0, 0, 1)


def test_a_visit_past_midnight_is_a_visit_of_both_days() -> None:
    """Ann at 23:55 and 00:00: one visit of the two days, one of each of them, and one visitor in all of these."""
    views = rows(
        PAGE_VIEWS,
        """
        user_id | viewed_at
        ann     | 2026-03-02 23:55
        ann     | 2026-03-03 00:00
        """,
    )
    days = [Period.of_days(date(2026, 3, day), date(2026, 3, last)) for day, last in ((2, 2), (3, 3), (2, 3))]
    monday, tuesday, both = (visits(views.filter(day.contains("viewed_at")), rows(ESTIMATIONS), day) for day in days)
    assert [(found.visits, found.visitors) for found in (monday, tuesday, both)] == [(1, 1)] * 3
    assert (monday.visit_duration, both.visit_duration) == (10, 310)


@given(cases(PAGE_VIEWS, ESTIMATIONS))
def test_visits_of_a_period_are_the_oracles(case: Case) -> None:
    """Of the rows in the days from START_DATE to today, with users, visits and bounces counted in plain Python."""
    period = case.period

    def inside(table: str, time: str) -> list[Row]:
        return [dict(row) for row in case.tables[table] if row[time] and period.start <= row[time] < period.end]

    def frame(table: pl.LazyFrame, time: str) -> pl.LazyFrame:
        return table.filter(period.contains(time))

    views, estimations = inside("fpp_page_views", "viewed_at"), inside("fpp_estimations", "estimated_at")
    visitors, estimators = oracle.distinct(views, "user_id"), oracle.distinct(estimations, "user_id")
    lengths = [length.total_seconds() for length in oracle.visit_lengths(views, estimations)]
    found = visits(frame(case.frame(PAGE_VIEWS), "viewed_at"), frame(case.frame(ESTIMATIONS), "estimated_at"), period)
    assert found == Visits(
        visitors=len(visitors),
        visits=len(lengths),
        page_views=len(views),
        views_per_visit=oracle.ratio(len(views), len(lengths)),
        bounce_rate=oracle.ratio(len(visitors - estimators), len(visitors)),
        visit_duration=oracle.ratio(sum(lengths), len(lengths)),
    )
