"""Users and rooms that come back, worked by hand."""

from datetime import date

import pytest

from calculations.fpp.reoccurring import ReoccurringDay, reoccurring
from calculations.time.period import Period
from read_model.tables.fpp import ESTIMATIONS
from tests.rows import as_models, rows

WEEK = Period.of_days(date(2026, 3, 2), date(2026, 3, 6))  # Monday to Friday
FIVE_WEEKS = Period.of_days(date(2026, 3, 2), date(2026, 4, 6))  # Monday to Monday


def series_of(estimations: str = "", period: Period = WEEK) -> list[ReoccurringDay]:
    """The series of a drawn table."""
    return as_models(reoccurring(rows(ESTIMATIONS, estimations), period), ReoccurringDay)


def users(series: list[ReoccurringDay]) -> list[int]:
    """Reoccurring users, row by row."""
    return [day.reoccurring_users for day in series]


def adjusted_users(series: list[ReoccurringDay]) -> dict[str, int]:
    """Adjusted reoccurring users by date."""
    return {str(day.date): day.adjusted_reoccurring_users for day in series}


def test_an_empty_table_has_a_row_of_zeros_per_weekday() -> None:
    """Five quiet days."""
    assert series_of() == [
        ReoccurringDay(
            date=date(2026, 3, day),
            reoccurring_users=0,
            reoccurring_rooms=0,
            adjusted_reoccurring_users=0,
            adjusted_reoccurring_rooms=0,
        )
        for day in range(2, 7)
    ]


def test_a_user_is_reoccurring_from_the_second_day_on() -> None:
    """Ann on Monday and Wednesday: from Wednesday on she is one; her third day on Friday adds nobody."""
    series = series_of("""
        user_id | estimated_at
        ann     | 2026-03-02 09:00
        ann     | 2026-03-04 09:00
        ann     | 2026-03-06 09:00
        """)
    assert users(series) == [0, 0, 1, 1, 1]
    assert list(adjusted_users(series).values()) == [0, 0, 1, 1, 1]


def test_two_estimations_on_one_day_are_one_day() -> None:
    """Ann at midnight, at noon and in the last second of Monday: never reoccurring."""
    series = series_of("""
        user_id | estimated_at
        ann     | 2026-03-02 00:00:00
        ann     | 2026-03-02 12:00:00
        ann     | 2026-03-02 23:59:59
        """)
    assert users(series) == [0, 0, 0, 0, 0]


def test_midnight_begins_another_day() -> None:
    """Monday 23:59:59 and Tuesday 00:00:00 are two days: one from Tuesday on."""
    series = series_of("""
        user_id | estimated_at
        ann     | 2026-03-02 23:59:59
        ann     | 2026-03-03 00:00:00
        """)
    assert users(series) == [0, 1, 1, 1, 1]


def test_users_are_counted_together() -> None:
    """Ann's second day is Tuesday, Bob's Thursday; Cem has one day only."""
    series = series_of("""
        user_id | estimated_at
        ann     | 2026-03-02 09:00
        bob     | 2026-03-02 09:00
        cem     | 2026-03-02 09:00
        ann     | 2026-03-03 09:00
        bob     | 2026-03-05 09:00
        """)
    assert users(series) == [0, 1, 1, 2, 2]


def test_user_ids_are_compared_exactly() -> None:
    """zoe on Monday and zoë on Tuesday are two people, 李雷 on both days is one."""
    series = series_of("""
        user_id | estimated_at
        zoe     | 2026-03-02 09:00
        zoë     | 2026-03-03 09:00
        李雷    | 2026-03-02 09:00
        李雷    | 2026-03-03 09:00
        """)
    assert users(series) == [0, 1, 1, 1, 1]


def test_rooms_are_counted_on_their_own() -> None:
    """Room 7 saw Ann on Monday and Bob on Tuesday: the room returned, neither of them did."""
    series = series_of("""
        user_id | room_id | estimated_at
        ann     | 7       | 2026-03-02 09:00
        bob     | 7       | 2026-03-03 09:00
        """)
    assert users(series) == [0, 0, 0, 0, 0]
    assert [day.reoccurring_rooms for day in series] == [0, 1, 1, 1, 1]
    assert [day.adjusted_reoccurring_rooms for day in series] == [0, 1, 1, 1, 1]


def test_users_return_wherever_they_estimate() -> None:
    """Ann in room 7 on Monday and in room 8 on Tuesday: she returned, the rooms did not."""
    series = series_of("""
        user_id | room_id | estimated_at
        ann     | 7       | 2026-03-02 09:00
        ann     | 8       | 2026-03-03 09:00
        """)
    assert users(series) == [0, 1, 1, 1, 1]
    assert [day.reoccurring_rooms for day in series] == [0, 0, 0, 0, 0]


def test_days_of_rooms_before_start_date_do_not_count() -> None:
    """Ann in room 7 in 2020 and on the last Sunday, then on Tuesday: neither has returned by Friday."""
    series = series_of("""
        user_id | room_id | estimated_at
        ann     | 7       | 2020-01-01 09:00
        ann     | 7       | 2026-03-01 23:59:59
        ann     | 7       | 2026-03-03 09:00
        """)
    assert users(series) == [0, 0, 0, 0, 0]
    assert [day.reoccurring_rooms for day in series] == [0, 0, 0, 0, 0]


def test_large_room_numbers_stay_apart() -> None:
    """Rooms 1, 65,537 and 2³¹-1 on Monday; only the last again on Tuesday."""
    series = series_of("""
        room_id    | estimated_at
        1          | 2026-03-02 09:00
        65537      | 2026-03-03 09:00
        2147483647 | 2026-03-02 09:00
        2147483647 | 2026-03-03 09:00
        """)
    assert [day.reoccurring_rooms for day in series] == [0, 1, 1, 1, 1]


def test_room_numbers_may_be_zero_or_negative() -> None:
    """The column is signed: rooms 0 and -1 on Monday and Tuesday are two rooms from Tuesday on; -2 came once."""
    series = series_of("""
        room_id | estimated_at
        0       | 2026-03-02 09:00
        0       | 2026-03-03 09:00
        -1      | 2026-03-02 09:00
        -1      | 2026-03-03 09:00
        -2      | 2026-03-02 09:00
        """)
    assert [day.reoccurring_rooms for day in series] == [0, 2, 2, 2, 2]


def test_nulls_are_nobody_and_never() -> None:
    """Nameless on two days is nobody (though room 7 returned), Ann's second day has no date, room null is no room."""
    series = series_of("""
        user_id | room_id | estimated_at
        null    | 7       | 2026-03-02 09:00
        null    | 7       | 2026-03-03 09:00
        ann     | null    | 2026-03-02 09:00
        bob     | null    | 2026-03-03 09:00
        ann     | 9       | null
        """)
    assert users(series) == [0, 0, 0, 0, 0]
    assert [day.reoccurring_rooms for day in series] == [0, 1, 1, 1, 1]


def test_an_estimation_without_a_value_counts() -> None:
    """Spectators are there, too: Ann watched on Monday and Tuesday."""
    series = series_of("""
        user_id | estimation | spectator | estimated_at
        ann     | null       | true      | 2026-03-02 09:00
        ann     | null       | null      | 2026-03-03 09:00
        """)
    assert users(series) == [0, 1, 1, 1, 1]


def test_weekend_days_count_and_show_on_monday() -> None:
    """Ann on Saturday and Sunday, Bob on Friday and Saturday: nobody on Friday, two on Monday; no row between."""
    series = series_of(
        """
        user_id | estimated_at
        ann     | 2026-03-07 09:00
        ann     | 2026-03-08 09:00
        bob     | 2026-03-06 09:00
        bob     | 2026-03-07 09:00
        """,
        Period.of_days(date(2026, 3, 6), date(2026, 3, 9)),
    )
    assert [(str(day.date), day.reoccurring_users) for day in series] == [("2026-03-06", 0), ("2026-03-09", 2)]


def test_adjusted_counts_30_days_after_the_last_day_but_not_31() -> None:
    """Ann's last day is Tuesday 3 March: Thursday 2 April is 30 days later, Friday 3 April is 31."""
    series = series_of(
        """
        user_id | estimated_at
        ann     | 2026-03-02 09:00
        ann     | 2026-03-03 23:59:59
        """,
        FIVE_WEEKS,
    )
    adjusted = adjusted_users(series)
    assert (adjusted["2026-04-02"], adjusted["2026-04-03"], adjusted["2026-04-06"]) == (1, 0, 0)
    assert users(series) == [0] + [1] * 25


def test_adjusted_rooms_lapse_likewise() -> None:
    """The same with a room: 30 days after its last day it counts, after 31 it does not."""
    series = series_of(
        """
        room_id | estimated_at
        7       | 2026-03-02 09:00
        7       | 2026-03-03 00:00:00
        """,
        FIVE_WEEKS,
    )
    assert [(str(day.date), day.adjusted_reoccurring_rooms) for day in series][-3:] == [
        ("2026-04-02", 1),
        ("2026-04-03", 0),
        ("2026-04-06", 0),
    ]


def test_adjusted_counts_from_the_second_day_however_old_the_first() -> None:
    """Ann on 2 March and on 6 April, 35 days apart: her last day on 6 April is that day."""
    series = series_of(
        """
        user_id | estimated_at
        ann     | 2026-03-02 09:00
        ann     | 2026-04-06 09:00
        """,
        FIVE_WEEKS,
    )
    assert adjusted_users(series)["2026-04-03"] == 0
    assert adjusted_users(series)["2026-04-06"] == 1


def test_who_lapsed_counts_again_on_return() -> None:
    """Ann lapses on 3 April, 31 days after the 3 March, and returns on 6 April; she is one person all along."""
    series = series_of(
        """
        user_id | estimated_at
        ann     | 2026-03-02 09:00
        ann     | 2026-03-03 09:00
        ann     | 2026-04-06 09:00
        """,
        FIVE_WEEKS,
    )
    adjusted = adjusted_users(series)
    assert (adjusted["2026-04-02"], adjusted["2026-04-03"], adjusted["2026-04-06"]) == (1, 0, 1)
    assert users(series)[-1] == 1


@pytest.mark.parametrize("back", ["2026-04-02", "2026-04-03"], ids=["after 30 days", "after 31 days"])
def test_who_returns_in_time_never_lapses(back: str) -> None:
    """Ann's last day is 3 March; back on the 30th or the 31st day after it there is no day without her."""
    series = series_of(
        f"""
        user_id | estimated_at
        ann     | 2026-03-02 09:00
        ann     | 2026-03-03 09:00
        ann     | {back} 09:00
        """,
        FIVE_WEEKS,
    )
    assert list(adjusted_users(series).values()) == [0] + [1] * 25


def test_a_weekend_day_is_a_last_day() -> None:
    """Ann on Friday 6 and Sunday 8 March: she counts until Tuesday 7 April, 30 days after that Sunday."""
    series = series_of(
        """
        user_id | estimated_at
        ann     | 2026-03-06 09:00
        ann     | 2026-03-08 09:00
        """,
        Period.of_days(date(2026, 3, 2), date(2026, 4, 8)),
    )
    adjusted = adjusted_users(series)
    assert (adjusted["2026-04-06"], adjusted["2026-04-07"], adjusted["2026-04-08"]) == (1, 1, 0)


def test_days_before_start_date_do_not_count() -> None:
    """Ann on Sunday 23:59:59 and on Monday: one day. Bob on Monday 00:00:00 and on Tuesday: two days."""
    series = series_of("""
        user_id | estimated_at
        ann     | 2026-03-01 23:59:59
        ann     | 2026-03-02 09:00
        bob     | 2026-03-02 00:00:00
        bob     | 2026-03-03 09:00
        """)
    assert users(series) == [0, 1, 1, 1, 1]


def test_days_after_today_do_not_count() -> None:
    """Ann on Friday, today, and on Monday, which is still to come: one day."""
    series = series_of("""
        user_id | estimated_at
        ann     | 2026-03-06 09:00
        ann     | 2026-03-09 09:00
        """)
    assert users(series) == [0, 0, 0, 0, 0]


@pytest.mark.parametrize(
    ("first", "last", "dates"),
    [
        (date(2026, 3, 7), date(2026, 3, 10), ["2026-03-09", "2026-03-10"]),
        (date(2026, 3, 6), date(2026, 3, 6), ["2026-03-06"]),
        (date(2026, 3, 7), date(2026, 3, 8), []),
        (date(2026, 3, 7), date(2026, 3, 6), []),
        (date(2026, 4, 6), date(2026, 3, 6), []),
    ],
    ids=["on a weekend", "today", "today, a weekend", "tomorrow", "in a month"],
)
def test_start_date(first: date, last: date, dates: list[str]) -> None:
    """A row per weekday from START_DATE to today; Ann's two days before it are never counted."""
    series = series_of(
        """
        user_id | estimated_at
        ann     | 2026-03-04 09:00
        ann     | 2026-03-05 09:00
        """,
        Period.of_days(first, last),
    )
    assert [(str(day.date), day.reoccurring_users) for day in series] == [(day, 0) for day in dates]
