"""The figures of the last 24 hours, worked by hand."""

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from calculations.fpp.daily import Daily, daily
from read_model.tables.fpp import PAGE_VIEWS, VOTES
from tests.rows import repeated, rows

NOW = datetime(2026, 3, 3, 9, 0, tzinfo=UTC)  # Tuesday


def daily_of(votes: str = "", views: str = "", now: datetime = NOW) -> Daily:
    """The figures of two drawn tables."""
    return daily(rows(VOTES, votes), rows(PAGE_VIEWS, views), now)


def test_empty_tables_are_all_zeros() -> None:
    """Nothing happened."""
    assert daily_of() == Daily(votes=0, estimations=0, rooms=0, unique_users=0, page_views=0)


def test_counts_of_the_last_24_hours() -> None:
    """Three votes with 2 + 3 + 4 estimations in two rooms; three page views of two users."""
    result = daily_of(
        """
        room_id | amount_of_estimations | voted_at
        7       | 2                     | 2026-03-02 12:00
        7       | 3                     | 2026-03-02 13:00
        404     | 4                     | 2026-03-03 08:00
        """,
        """
        user_id | viewed_at
        ann     | 2026-03-02 12:00
        zoë     | 2026-03-02 12:00
        ann     | 2026-03-03 08:00
        """,
    )
    assert result == Daily(votes=3, estimations=9, rooms=2, unique_users=2, page_views=3)


def test_the_window_begins_24_hours_ago_and_ends_before_now() -> None:
    """24 hours ago counts and so does the last second; a second earlier and now itself don't: two of four each."""
    result = daily_of(
        """
        room_id | amount_of_estimations | voted_at
        1       | 1                     | 2026-03-02 08:59:59
        2       | 10                    | 2026-03-02 09:00:00
        3       | 100                   | 2026-03-03 08:59:59
        4       | 1000                  | 2026-03-03 09:00:00
        """,
        """
        user_id | viewed_at
        ann     | 2026-03-02 08:59:59
        bob     | 2026-03-02 09:00:00
        cem     | 2026-03-03 08:59:59
        dia     | 2026-03-03 09:00:00
        """,
    )
    assert result == Daily(votes=2, estimations=110, rooms=2, unique_users=2, page_views=2)


@pytest.mark.parametrize(
    ("now", "votes"),
    [
        (NOW - timedelta(microseconds=1), 0),
        (NOW, 0),
        (NOW + timedelta(microseconds=1), 1),
        (NOW + timedelta(hours=24), 1),
        (NOW + timedelta(hours=24, microseconds=1), 0),
    ],
)
def test_now_has_microseconds(now: datetime, votes: int) -> None:
    """One vote at 9:00: it counts from the microsecond after it until 24 hours later, inclusive."""
    result = daily_of(
        """
        voted_at
        2026-03-03 09:00
        """,
        now=now,
    )
    assert result.votes == votes


def test_the_window_is_not_a_calendar_day() -> None:
    """At midnight between Sunday and Monday: Sunday's rows count, Saturday's and Monday's don't."""
    result = daily_of(
        """
        voted_at
        2026-03-07 23:59:59
        2026-03-08 00:00:00
        2026-03-08 23:59:59
        2026-03-09 00:00:00
        """,
        now=datetime(2026, 3, 9, tzinfo=UTC),
    )
    assert result.votes == 2


def test_nulls_are_no_room_no_user_no_number_and_never() -> None:
    """Two votes at a known time, one of them without room and number: 5 estimations, one room. Likewise the views."""
    result = daily_of(
        """
        room_id | amount_of_estimations | voted_at
        7       | 5                     | 2026-03-03 08:00
        null    | null                  | 2026-03-03 08:00
        8       | 5                     | null
        """,
        """
        user_id | viewed_at
        ann     | 2026-03-03 08:00
        null    | 2026-03-03 08:00
        bob     | null
        """,
    )
    assert result == Daily(votes=2, estimations=5, rooms=1, unique_users=1, page_views=2)


@pytest.mark.parametrize("dtype", [pl.Int16(), pl.Int32()])
def test_sums_above_32_bits(dtype: pl.DataType) -> None:
    """70,000 votes of 32,767 estimations: 2,293,690,000 is more than 2³¹, however wide the column is."""
    drawn = rows(
        VOTES,
        """
        room_id | amount_of_estimations | voted_at
        7       | 32767                 | 2026-03-03 08:00
        """,
    )
    votes = repeated(drawn, 70_000).with_columns(pl.col("amount_of_estimations").cast(dtype))
    result = daily(votes, rows(PAGE_VIEWS), NOW)
    assert (result.votes, result.estimations, result.rooms) == (70_000, 2_293_690_000, 1)
