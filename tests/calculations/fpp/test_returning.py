"""Users and rooms that come back per bucket of any length, worked by hand and against the oracle's days."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calculations.fpp.reoccurring import SERIES, returning_per_bucket
from calculations.time.buckets import Buckets, Granularity
from calculations.time.period import Period
from read_model.tables.fpp import ESTIMATIONS
from tests import oracle
from tests.calculations.strategies import Case, cases
from tests.rows import rows

FEBRUARY_AND_MARCH = Period.of_days(date(2026, 2, 1), date(2026, 3, 31))


def series_of(estimations: pl.LazyFrame, period: Period, granularity: Granularity) -> pl.DataFrame:
    """The series of a table from START_DATE on, which is the period's first day."""
    return returning_per_bucket(estimations, period, Buckets.of(period, granularity))


ANN_AND_BOB = rows(
    ESTIMATIONS,
    """
    user_id | room_id | estimated_at
    ann     | 7       | 2026-02-02 09:00
    ann     | 7       | 2026-02-10 09:00
    bob     | 7       | 2026-02-27 23:59:59
    bob     | 8       | 2026-02-28 00:00:00
    """,
)


def test_a_bucket_counts_who_is_reoccurring_at_the_end_of_its_last_day() -> None:
    """Ann from 10 February on, Bob from the 28th: both by the end of February; room 7 is the one that was used again.

    Ann's last day is 49 days before 31 March, Bob's 31: neither counts as adjusted by then; room 7's is 32 before.
    """
    assert series_of(ANN_AND_BOB, FEBRUARY_AND_MARCH, "month").rows() == [(0, 2, 1, 2, 1), (1, 2, 1, 0, 0)]


def test_weeks() -> None:
    """To the Sundays 1, 8, 15 and 22 February: nobody, nobody, Ann, Ann; then both."""
    period = Period.of_days(date(2026, 2, 1), date(2026, 3, 1))
    assert series_of(ANN_AND_BOB, period, "week")["reoccurring_users"].to_list() == [0, 0, 1, 1, 2]


def test_the_last_day_of_a_cut_bucket_is_the_periods() -> None:
    """February to the 27th: Bob is not back yet."""
    period = Period.of_days(date(2026, 2, 1), date(2026, 2, 27))
    assert series_of(ANN_AND_BOB, period, "month")["reoccurring_users"].to_list() == [1]


def test_what_came_before_start_date_does_not_count() -> None:
    """From 10 February on Ann has one day, and Bob two."""
    period = Period.of_days(date(2026, 2, 10), date(2026, 3, 31))
    assert series_of(ANN_AND_BOB, period, "month")["reoccurring_users"].to_list() == [1, 1]


@pytest.mark.parametrize("first", [date(2026, 2, 1), date(2026, 2, 10), date(2026, 2, 27), date(2026, 3, 31)])
def test_a_figure_does_not_depend_on_the_zoom(first: date) -> None:
    """On 31 March both are back since START_DATE, 1 February, however little of it is shown."""
    shown = Period.of_days(first, date(2026, 3, 31))
    found = returning_per_bucket(ANN_AND_BOB, FEBRUARY_AND_MARCH, Buckets.of(shown))
    whole = series_of(ANN_AND_BOB, FEBRUARY_AND_MARCH, "day")
    assert found.drop("bucket").rows() == whole.drop("bucket").tail(len(found)).rows()


def test_before_start_date_nobody_is_back() -> None:
    """Shown from 1 February, counted from the 27th: zeros, then Bob on the 28th."""
    since = Period.of_days(date(2026, 2, 27), date(2026, 2, 28))
    found = returning_per_bucket(ANN_AND_BOB, since, Buckets.of(Period.of_days(date(2026, 2, 1), date(2026, 2, 28))))
    assert found["reoccurring_users"].to_list() == [0] * 27 + [1]


def test_days_are_those_of_the_zone() -> None:
    """In Berlin both of Bob's instants are of 28 February, 00:59:59 and 01:00: one day."""
    period = Period.of_days(date(2026, 2, 1), date(2026, 3, 31), "Europe/Berlin")
    assert series_of(ANN_AND_BOB, period, "month")["reoccurring_users"].to_list() == [1, 1]


@pytest.mark.parametrize("granularity", ["day", "week", "month", "quarter", "year"])
def test_quiet_buckets_are_there(granularity: Granularity) -> None:
    """With zeros; an empty period has none."""
    empty = Period(FEBRUARY_AND_MARCH.start, FEBRUARY_AND_MARCH.start)
    found = series_of(rows(ESTIMATIONS), FEBRUARY_AND_MARCH, granularity)
    assert found.rows() == [(number, 0, 0, 0, 0) for number in range(len(Buckets.of(FEBRUARY_AND_MARCH, granularity)))]
    assert series_of(ANN_AND_BOB, empty, granularity).rows() == []
    assert found.columns == ["bucket", *SERIES]


@given(
    cases(ESTIMATIONS),
    st.sampled_from(("day", "week", "month", "quarter", "year")),
    st.sampled_from(("UTC", "Europe/Berlin", "America/New_York", "Pacific/Apia")),
)
def test_each_bucket_has_the_oracles_figures_of_its_last_day(case: Case, granularity: Granularity, zone: str) -> None:
    """From START_DATE to today, as days of the zone."""
    period = Period.of_days(case.start, case.now.date(), zone)
    buckets = Buckets.of(period, granularity)
    # The oracle's days are UTC: reading local clock times as UTC turns the zone's days into UTC days.
    shown_as_utc = [
        {**row, "estimated_at": row["estimated_at"].astimezone(ZoneInfo(zone)).replace(tzinfo=UTC)}
        for row in case.tables["fpp_estimations"]
        if row["estimated_at"] is not None and period.start <= row["estimated_at"] < period.end
    ]
    users, rooms = (oracle.days_per_key(shown_as_utc, key) for key in ("user_id", "room_id"))
    expected = []
    for number, end in enumerate(buckets.edges.to_list()[1:]):
        last = (min(end, period.end) - timedelta(microseconds=1)).astimezone(ZoneInfo(zone)).date()
        (all_users, near_users), (all_rooms, near_rooms) = (
            oracle.reoccurring_on(last, days_of) for days_of in (users, rooms)
        )
        expected.append((number, all_users, all_rooms, near_users, near_rooms))
    assert series_of(case.frame(ESTIMATIONS), period, granularity).rows() == expected


def test_a_period_of_hours_has_the_days_it_touches() -> None:
    """From Friday 27 February 12:00 to Saturday 12:00: Bob on both of these days."""
    period = Period(datetime(2026, 2, 27, 12, tzinfo=UTC), datetime(2026, 2, 28, 12, tzinfo=UTC))
    assert series_of(ANN_AND_BOB, period, "day")["reoccurring_users"].to_list() == [0, 1]
