"""Counts per weekday, totals and moving averages, worked by hand."""

from datetime import date

import pytest

from calculations.fpp.historical import SERIES, HistoricalDay, historical
from calculations.fpp.tables import Tables
from calculations.time.period import Period
from read_model.tables.fpp import ESTIMATIONS, PAGE_VIEWS, ROOMS, USERS, VOTES
from tests.rows import as_models, rows

WEEK = Period.of_days(date(2026, 3, 2), date(2026, 3, 6))  # Monday to Friday
WITH_WEEKEND = Period.of_days(date(2026, 3, 6), date(2026, 3, 9))  # Friday to Monday
SEVEN_WEEKS = Period.of_days(date(2026, 3, 2), date(2026, 4, 17))  # 35 weekdays, the 30th is Friday 10 April


def series_of(
    period: Period = WEEK,
    *,
    users: str = "",
    page_views: str = "",
    rooms: str = "",
    estimations: str = "",
    votes: str = "",
) -> list[HistoricalDay]:
    """The series of five drawn tables."""
    tables = Tables(
        users=rows(USERS, users),
        page_views=rows(PAGE_VIEWS, page_views),
        rooms=rows(ROOMS, rooms),
        estimations=rows(ESTIMATIONS, estimations),
        votes=rows(VOTES, votes),
    )
    return as_models(historical(tables, period), HistoricalDay)


def test_empty_tables_have_a_row_of_zeros_per_weekday() -> None:
    """Five quiet days, too few for a moving average."""
    zeros = dict.fromkeys([*SERIES, *(f"acc_{name}" for name in SERIES)], 0)
    nulls = dict.fromkeys((f"ma_{name}" for name in SERIES), None)
    assert [day.model_dump() for day in series_of()] == [
        {"date": date(2026, 3, day)} | zeros | nulls for day in range(2, 7)
    ]


def test_each_table_is_counted_by_its_own_time() -> None:
    """On Tuesday one user, two page views, three rooms, four estimations and five votes; in total the same."""
    tuesday = series_of(
        users="created_at" + "\n2026-03-03 09:00",
        page_views="viewed_at" + "\n2026-03-03 09:00" * 2,
        rooms="first_used_at" + "\n2026-03-03 09:00" * 3,
        estimations="estimated_at" + "\n2026-03-03 09:00" * 4,
        votes="voted_at" + "\n2026-03-03 09:00" * 5,
    )[1]
    assert [getattr(tuesday, name) for name in SERIES] == [1, 2, 3, 4, 5]
    assert [getattr(tuesday, f"acc_{name}") for name in SERIES] == [1, 2, 3, 4, 5]


def test_totals_grow_over_quiet_days() -> None:
    """Two on Monday, none on Tuesday, one on Wednesday: 2, 2, 3, 3, 3."""
    series = series_of(
        page_views="""
        viewed_at
        2026-03-02 09:00
        2026-03-02 10:00
        2026-03-04 09:00
        """
    )
    assert [day.page_views for day in series] == [2, 0, 1, 0, 0]
    assert [day.acc_page_views for day in series] == [2, 2, 3, 3, 3]


def test_midnight_begins_another_day() -> None:
    """00:00:00 and 23:59:59 are of Tuesday, the next second is Wednesday's."""
    series = series_of(
        votes="""
        voted_at
        2026-03-03 00:00:00
        2026-03-03 23:59:59
        2026-03-04 00:00:00
        """
    )
    assert [day.votes for day in series] == [0, 2, 1, 0, 0]


def test_rows_without_a_time_are_on_no_day() -> None:
    """One on Monday, one nowhere."""
    series = series_of(
        users="""
        created_at
        null
        2026-03-02 09:00
        """
    )
    assert [(day.new_users, day.acc_new_users) for day in series] == [(1, 1), (0, 1), (0, 1), (0, 1), (0, 1)]


def test_weekends_belong_to_the_totals_of_monday() -> None:
    """One on Friday, two on the weekend, one on Monday: Monday's own is 1, its total 4; the weekend has no row."""
    series = series_of(
        WITH_WEEKEND,
        estimations="""
        estimated_at
        2026-03-06 09:00
        2026-03-07 00:00:00
        2026-03-08 23:59:59
        2026-03-09 09:00
        """,
    )
    assert [(str(day.date), day.estimations, day.acc_estimations) for day in series] == [
        ("2026-03-06", 1, 1),
        ("2026-03-09", 1, 4),
    ]


def test_rows_before_start_date_belong_to_nothing() -> None:
    """The last second before Monday is left out, its first is counted."""
    series = series_of(
        rooms="""
        first_used_at
        2020-01-01 09:00
        2026-03-01 23:59:59
        2026-03-02 00:00:00
        """
    )
    assert [(day.rooms, day.acc_rooms) for day in series] == [(1, 1), (0, 1), (0, 1), (0, 1), (0, 1)]


def test_rows_after_today_belong_to_nothing() -> None:
    """Today is Friday; its last second counts, Saturday's first does not."""
    series = series_of(
        votes="""
        voted_at
        2026-03-06 23:59:59
        2026-03-07 00:00:00
        """
    )
    assert [(day.votes, day.acc_votes) for day in series][-1] == (1, 1)


def test_moving_average_is_null_until_there_are_30_rows() -> None:
    """Three views on the first Monday: null for 29 rows, then 3/30 in the 30th row; in the 31st that day has left."""
    series = series_of(
        SEVEN_WEEKS,
        page_views="""
        viewed_at
        2026-03-02 09:00
        2026-03-02 10:00
        2026-03-02 11:00
        """,
    )
    averages = [day.ma_page_views for day in series]
    assert str(series[29].date) == "2026-04-10"
    assert averages[:29] == [None] * 29
    assert averages[29:] == [0.1, 0, 0, 0, 0, 0]


def test_moving_averages_of_quiet_days_are_zero() -> None:
    """Nothing happened for 30 rows: a mean over zeros, not over nothing."""
    assert [getattr(series_of(SEVEN_WEEKS)[29], f"ma_{name}") for name in SERIES] == [0, 0, 0, 0, 0]


def test_moving_average_has_two_decimals() -> None:
    """One user in 30 rows is 0.0333, two are 0.0667."""
    series = series_of(
        SEVEN_WEEKS,
        users="""
        created_at
        2026-03-02 09:00
        2026-04-13 09:00
        2026-04-14 09:00
        """,
    )
    assert [day.ma_new_users for day in series][29:] == [0.03, 0.03, 0.07, 0.07, 0.07, 0.07]


def test_moving_average_is_over_rows_of_the_series() -> None:
    """A Saturday's three votes are in no row: only Friday's one counts, 1/30, while the total holds all four."""
    series = series_of(
        SEVEN_WEEKS,
        votes="""
        voted_at
        2026-03-06 09:00
        2026-03-07 09:00
        2026-03-07 10:00
        2026-03-07 11:00
        """,
    )
    assert (series[29].ma_votes, series[29].acc_votes) == (0.03, 4)


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [
        (date(2026, 3, 7), date(2026, 3, 10), [("2026-03-09", 0, 2), ("2026-03-10", 1, 3)]),
        (date(2026, 3, 10), date(2026, 3, 10), [("2026-03-10", 1, 1)]),
        (date(2026, 3, 6), date(2026, 3, 8), [("2026-03-06", 0, 0)]),
        (date(2026, 3, 8), date(2026, 3, 8), []),
        (date(2026, 3, 11), date(2026, 3, 10), []),
        (date(2026, 4, 10), date(2026, 3, 10), []),
    ],
    ids=["on a weekend", "today", "today is Sunday", "this Sunday", "tomorrow", "in a month"],
)
def test_start_date(first: date, last: date, expected: list[tuple[str, int, int]]) -> None:
    """Views on Saturday, Sunday and Tuesday: a row per weekday from START_DATE to today, the weekend in the total."""
    series = series_of(
        Period.of_days(first, last),
        page_views="""
        viewed_at
        2026-03-07 00:00:00
        2026-03-08 23:59:59
        2026-03-10 09:00
        """,
    )
    assert [(str(day.date), day.page_views, day.acc_page_views) for day in series] == expected
