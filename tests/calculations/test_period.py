"""Days and periods, worked by hand."""

from datetime import UTC, date, datetime

import polars as pl
import pytest

from calculations.period import Period, day, is_weekday
from read_model.tables import PAGE_VIEWS
from tests.rows import rows


def test_a_day_is_a_utc_calendar_day() -> None:
    """It begins at 00:00:00 and ends after 23:59:59; no instant is on no day."""
    views = rows(
        PAGE_VIEWS,
        """
        viewed_at
        2026-03-01 23:59:59
        2026-03-02 00:00:00
        2026-03-02 23:59:59
        null
        """,
    )
    assert views.select(day("viewed_at")).collect().to_series().to_list() == [
        date(2026, 3, 1),
        date(2026, 3, 2),
        date(2026, 3, 2),
        None,
    ]


def test_monday_to_friday_are_weekdays() -> None:
    """The week of Monday 2 March 2026."""
    week = pl.DataFrame({"day": [date(2026, 3, number) for number in range(2, 9)]})
    assert week.select(is_weekday("day")).to_series().to_list() == [True, True, True, True, True, False, False]


@pytest.mark.parametrize(
    ("instant", "is_since"),
    [
        (datetime(2026, 3, 1, 23, 59, 59, tzinfo=UTC), False),
        (datetime(2026, 3, 2, tzinfo=UTC), True),
        (datetime(2030, 1, 1, tzinfo=UTC), True),
        (None, None),
    ],
)
def test_a_period_begins_at_its_first_midnight_and_is_open_ended(
    instant: datetime | None, is_since: bool | None
) -> None:
    """Midnight is inclusive, and what is later than the last day is since the first all the same."""
    table = pl.DataFrame({"at": [instant]}, schema={"at": pl.Datetime("us", "UTC")})
    period = Period(date(2026, 3, 2), date(2026, 3, 6))
    assert table.select(period.since_first("at")).item() is is_since


def test_a_period_contains_its_days() -> None:
    """From the first midnight to the last second of the last day; no instant is in no day."""
    views = rows(
        PAGE_VIEWS,
        """
        viewed_at
        2026-03-01 23:59:59
        2026-03-02 00:00:00
        2026-03-06 23:59:59
        2026-03-07 00:00:00
        null
        """,
    )
    contained = views.select(Period(date(2026, 3, 2), date(2026, 3, 6)).contains("viewed_at"))
    assert contained.collect().to_series().to_list() == [False, True, True, False, None]


@pytest.mark.parametrize(
    ("first", "last", "days"),
    [
        (
            date(2026, 2, 27),
            date(2026, 3, 2),
            [date(2026, 2, 27), date(2026, 2, 28), date(2026, 3, 1), date(2026, 3, 2)],
        ),
        (date(2026, 3, 2), date(2026, 3, 2), [date(2026, 3, 2)]),
        (date(2026, 3, 2), date(2026, 3, 1), []),
        (date(2026, 3, 2), date(2025, 3, 2), []),
    ],
    ids=["past a weekend", "today", "tomorrow", "in a year"],
)
def test_days_from_first_to_last(first: date, last: date, days: list[date]) -> None:
    """Every day, both ends inclusive, weekends too; none when the first is after the last."""
    spine = Period(first, last).days().collect()
    assert spine["day"].to_list() == days
    assert spine.schema == {"day": pl.Date()}
