"""Named date ranges and what they are compared with, worked by hand."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calculations.time.date_ranges import (
    COMPARISONS,
    RANGES,
    as_elapsed,
    automatic,
    compared_period,
    on_same_weekday,
    parsed_dates,
    period_of,
    shifted,
)
from calculations.time.period import Period, local_day
from tests.calculations.strategies import ZONES

START = date(2024, 6, 3)
THURSDAY = datetime(2026, 3, 5, 12, 30, 15, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def utc(text: str) -> datetime:
    """An instant."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def days(first: str, last: str, zone: str = "UTC") -> Period:
    """Whole days."""
    return Period.of_days(date.fromisoformat(first), date.fromisoformat(last), zone)


def first_and_last(date_range: str, now: str, zone: str = "UTC") -> tuple[str, str]:
    """The days a range means at an instant."""
    period = period_of(date_range, utc(now), START, zone)
    assert period == Period.of_days(period.first, period.last, zone)
    return str(period.first), str(period.last)


# On Thursday 5 March 2026, from the first day to today.
ON_THURSDAY = {
    "today": "2026-03-05",
    "7d": "2026-02-27",
    "28d": "2026-02-06",
    "30d": "2026-02-04",
    "91d": "2025-12-05",
    "month": "2026-03-01",
    "6mo": "2025-10-01",
    "12mo": "2025-04-01",
    "year": "2026-01-01",
    "all": "2024-06-03",
}

PAST_ON_THURSDAY = {
    "yesterday": ("2026-03-04", "2026-03-04"),
    "last_week": ("2026-02-23", "2026-03-01"),
    "last_month": ("2026-02-01", "2026-02-28"),
}


def test_every_range_has_an_example_here() -> None:
    """Of days, past, or of minutes."""
    assert {*ON_THURSDAY, *PAST_ON_THURSDAY, "24h", "realtime"} == set(RANGES)


@pytest.mark.parametrize(("date_range", "days_"), PAST_ON_THURSDAY.items())
def test_past_ranges_are_over(date_range: str, days_: tuple[str, str]) -> None:
    """The day, the week from Monday to Sunday and the month before the current one."""
    assert first_and_last(date_range, "2026-03-05 12:30:15") == days_


def test_the_last_week_may_begin_on_sunday() -> None:
    """Sunday 22 to Saturday 28 February; on a Sunday the seven days before it."""
    for now in (THURSDAY, utc("2026-03-01 00:00")):
        assert period_of("last_week", now, START, "UTC", week_start="sunday") == days("2026-02-22", "2026-02-28")


@pytest.mark.parametrize(
    ("known_until", "end"),
    [("12:30:15", "12:31"), ("12:30:00", "12:30"), ("11:59:59.999999", "12:00")],
)
def test_realtime_is_the_last_30_minutes_known(known_until: str, end: str) -> None:
    """Whole minutes, the last one of which may be open."""
    found = period_of("realtime", THURSDAY, START, "UTC", known_until=utc(f"2026-03-05 {known_until}"))
    assert found == Period(utc(f"2026-03-05 {end}") - HOUR / 2, utc(f"2026-03-05 {end}"))


def test_instants_are_a_range() -> None:
    """With or without seconds, in UTC or with an offset; the end is exclusive."""
    texts = ("2026-01-01T10:00Z,2026-01-01T12:00Z", "2026-01-01T11:00:00+01:00,2026-01-01T12:00:00.000000Z")
    for text in texts:
        found = period_of(text, THURSDAY, START, "Asia/Kolkata")
        assert found == Period(utc("2026-01-01 10:00"), utc("2026-01-01 12:00"), "Asia/Kolkata")


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-01T10:00,2026-01-01T12:00",
        "2026-01-01T10:00Z,2026-01-01",
        "2026-01-01T12:00Z,2026-01-01T12:00Z",
        "2026-01-01T10Z,2026-01-01T12:00Z",
        "1969-12-31T10:00Z,2026-01-01T12:00Z",
        "2026-01-01T25:00Z,2026-01-02T12:00Z",
        "٢٠٢٦-01-01T10:00Z,2026-01-02T12:00Z",
    ],
)
def test_an_invalid_range_of_instants_is_refused(text: str) -> None:
    """Without an offset, half a date, empty, or out of bounds."""
    with pytest.raises(ValueError, match=r"instants|hour"):
        period_of(text, THURSDAY, START, "UTC")


@pytest.mark.parametrize(
    ("date_range", "compare", "first", "last"),
    [
        # 30 days from a Wednesday on, before them from a Monday on: two days later.
        ("30d", "previous_period", "2026-01-07", "2026-02-05"),
        # Thursday and Wednesday: that of the week before, as the nearest Thursday is today.
        ("today", "previous_period", "2026-02-26", "2026-02-26"),
        # From Friday 27 February; a year before that is a Thursday.
        ("7d", "year_over_year", "2025-02-28", "2025-03-06"),
        ("7d", "previous_period", "2026-02-20", "2026-02-26"),
        # February from a Sunday on, January from a Thursday on: three days later.
        ("last_month", "previous_period", "2026-01-04", "2026-02-03"),
        ("2026-03-02,2026-03-04", "previous_period", "2026-02-23", "2026-02-25"),
    ],
)
def test_a_comparison_may_begin_on_the_same_weekday(date_range: str, compare: str, first: str, last: str) -> None:
    """The nearest that isn't the period itself, and as long."""
    period = period_of(date_range, THURSDAY, START, "UTC")
    base = compared_period(compare, date_range, period)
    moved = on_same_weekday(base, period, of_days=True)
    assert moved == days(first, last)
    assert moved.first.weekday() == period.first.weekday()


@pytest.mark.parametrize(("date_range", "first"), ON_THURSDAY.items())
def test_ranges_of_days_end_with_today(date_range: str, first: str) -> None:
    """7d is Friday to Thursday, 6mo October to March, and so on."""
    assert first_and_last(date_range, "2026-03-05 12:30:15") == (first, "2026-03-05")


@pytest.mark.parametrize("now", ["2026-03-05 00:00:00", "2026-03-05 23:59:59.999999"])
def test_today_is_the_same_day_from_midnight_to_midnight(now: str) -> None:
    assert first_and_last("7d", now) == ("2026-02-27", "2026-03-05")


@pytest.mark.parametrize(
    ("date_range", "now", "first", "last"),
    [
        ("7d", "2026-03-02 09:00", "2026-02-24", "2026-03-02"),  # A Monday.
        ("month", "2026-03-01 00:00", "2026-03-01", "2026-03-01"),
        ("year", "2026-01-01 00:00", "2026-01-01", "2026-01-01"),
        ("month", "2026-12-31 23:59", "2026-12-01", "2026-12-31"),
        ("6mo", "2026-01-31 12:00", "2025-08-01", "2026-01-31"),
        ("12mo", "2026-01-01 12:00", "2025-02-01", "2026-01-01"),
        ("month", "2024-02-29 12:00", "2024-02-01", "2024-02-29"),
        ("12mo", "2024-02-29 12:00", "2023-03-01", "2024-02-29"),
        ("30d", "2024-03-01 12:00", "2024-02-01", "2024-03-01"),
    ],
)
def test_the_first_of_a_month_and_the_leap_day(date_range: str, now: str, first: str, last: str) -> None:
    """30 days to 1 March begin on 1 February in a leap year: 29 + 1."""
    assert first_and_last(date_range, now) == (first, last)


def test_today_is_the_day_of_the_zone() -> None:
    """At 23:30 UTC on 31 December it is 1 January in Berlin: a new day, month and year; in New York it is not."""
    now = "2025-12-31 23:30"
    assert first_and_last("month", now, "Europe/Berlin") == ("2026-01-01", "2026-01-01")
    assert first_and_last("year", now, "Europe/Berlin") == ("2026-01-01", "2026-01-01")
    assert first_and_last("year", now, "America/New_York") == ("2025-01-01", "2025-12-31")


@pytest.mark.parametrize(("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25)], ids=["spring", "autumn"])
def test_days_are_as_long_as_they_are(day: str, hours: int) -> None:
    """Berlin, the days the clocks change: 7d are six of 24 hours and that one."""
    week = period_of("7d", utc(f"{day} 10:00"), START, "Europe/Berlin")
    assert week.end - week.start == 6 * DAY + hours * HOUR


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata", "Europe/Berlin"])
def test_24h_ends_with_the_current_minute(zone: str) -> None:
    """At 12:30:15, from 12:31 yesterday to 12:31, in any zone."""
    period = period_of("24h", THURSDAY, START, zone)
    assert period == Period(utc("2026-03-04 12:31"), utc("2026-03-05 12:31"), zone)


def test_24h_on_the_minute_contains_now() -> None:
    """At 12:30:00 sharp, the minute that begins is part of it."""
    assert period_of("24h", utc("2026-03-05 12:30"), START, "UTC").end == utc("2026-03-05 12:31")


def test_24h_is_24_hours_also_when_clocks_change() -> None:
    period = period_of("24h", utc("2026-03-29 10:00"), START, "Europe/Berlin")
    assert period.end - period.start == DAY


def test_two_dates_are_both_inclusive() -> None:
    """2 to 4 March are three days; one day may be both."""
    assert period_of("2026-03-02,2026-03-04", THURSDAY, START, "UTC") == days("2026-03-02", "2026-03-04")
    assert period_of("2026-03-02,2026-03-02", THURSDAY, START, "UTC") == days("2026-03-02", "2026-03-02")


def test_two_dates_may_lie_before_start_date_and_after_now() -> None:
    assert period_of("1970-01-01,2199-12-31", THURSDAY, START, "UTC") == days("1970-01-01", "2199-12-31")


def test_all_is_empty_before_start_date() -> None:
    """START_DATE is tomorrow, or in years: nothing."""
    for start in (date(2026, 3, 6), date(2030, 1, 1)):
        period = period_of("all", THURSDAY, start, "UTC")
        assert period.start == period.end


@pytest.mark.parametrize(
    "text",
    [
        "",
        "7D",
        "8d",
        "last_7_days",
        "previous_period",
        "2026-03-02",
        "2026-03-02,",
        "2026-03-02, 2026-03-04",
        "2026-03-02,2026-03-04,2026-03-06",
        "2026-3-2,2026-03-04",
        "20260302,20260304",
        "2026-W10-1,2026-W10-3",
        "2026-03-02,2026-03-04\n",
        "٢٠٢٦-٠٣-٠٢,٢٠٢٦-٠٣-٠٤",
        "2026-02-29,2026-03-01",
        "2026-13-01,2026-13-02",
        "2026-03-04,2026-03-02",
        "1969-12-31,1970-01-01",
        "2199-12-31,2200-01-01",
        "0000-01-01,2026-01-01",
    ],
)
def test_an_invalid_range_is_refused(text: str) -> None:
    """Other names, one date, three, other spellings, days that don't exist, backwards, too early or too late."""
    with pytest.raises(ValueError, match=r"."):
        period_of(text, THURSDAY, START, "UTC")


def test_errors_say_what_is_wrong() -> None:
    """How dates are written, that they go from the earlier to the later, and between which."""
    with pytest.raises(ValueError, match="YYYY-MM-DD,YYYY-MM-DD"):
        parsed_dates("yesterday")
    with pytest.raises(ValueError, match="in order, from 1970-01-01 to 2199-12-31"):
        parsed_dates("2026-03-04,2026-03-02")
    with pytest.raises(ValueError, match=r"day .*range"):
        parsed_dates("2026-02-30,2026-03-02")


# The range, the day it is asked on, what it is compared with, and the days of that as a whole.
COMPARED = [
    ("7d", "2026-03-05", "previous_period", "2026-02-20", "2026-02-26"),
    ("28d", "2026-03-05", "previous_period", "2026-01-09", "2026-02-05"),
    ("2026-03-02,2026-03-04", "2026-03-05", "previous_period", "2026-02-27", "2026-03-01"),
    ("2026-03-01,2026-03-31", "2026-04-02", "previous_period", "2026-01-29", "2026-02-28"),
    ("month", "2026-03-05", "previous_period", "2026-02-01", "2026-02-28"),
    ("month", "2026-03-31", "previous_period", "2026-02-01", "2026-02-28"),
    ("month", "2026-02-28", "previous_period", "2026-01-01", "2026-01-31"),
    ("month", "2026-01-15", "previous_period", "2025-12-01", "2025-12-31"),
    ("6mo", "2026-03-05", "previous_period", "2025-04-01", "2025-09-30"),
    ("12mo", "2026-03-31", "previous_period", "2024-04-01", "2025-03-31"),
    ("year", "2026-03-05", "previous_period", "2025-01-01", "2025-12-31"),
    ("all", "2024-06-12", "previous_period", "2024-05-24", "2024-06-02"),
    ("7d", "2026-03-05", "year_over_year", "2025-02-27", "2025-03-05"),
    ("month", "2026-03-05", "year_over_year", "2025-03-01", "2025-03-05"),
    ("year", "2026-03-05", "year_over_year", "2025-01-01", "2025-03-05"),
    ("month", "2024-02-29", "year_over_year", "2023-02-01", "2023-02-28"),
    ("2024-02-29,2024-02-29", "2024-03-05", "year_over_year", "2023-02-28", "2023-02-28"),
    ("2025-02-28,2025-02-28", "2025-03-05", "year_over_year", "2024-02-28", "2024-02-28"),
    ("2024-02-29,2024-03-01", "2024-03-05", "year_over_year", "2023-02-28", "2023-03-01"),
    ("7d", "2026-03-05", "2020-01-01,2020-12-31", "2020-01-01", "2020-12-31"),
    ("7d", "2026-03-05", "2030-01-01,2030-01-07", "2030-01-01", "2030-01-07"),
    ("1970-01-01,1970-01-02", "2026-03-05", "previous_period", "1969-12-30", "1969-12-31"),
    ("1970-01-01,1970-01-02", "2026-03-05", "year_over_year", "1969-01-01", "1969-01-02"),
]


@pytest.mark.parametrize(("date_range", "today", "compare", "first", "last"), COMPARED)
@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin"])
def test_the_whole_period_to_compare_with(
    date_range: str, today: str, compare: str, first: str, last: str, zone: str
) -> None:
    """Days before it, calendar months before it, or the same days of last year; 29 February was the 28th then."""
    period = period_of(date_range, utc(f"{today} 12:00"), START, zone)
    assert compared_period(compare, date_range, period) == days(first, last, zone)


def test_24_hours_are_compared_with_those_before_or_365_days_ago() -> None:
    """To the minute; not with days."""
    period = period_of("24h", THURSDAY, START, "Europe/Berlin")
    before = compared_period("previous_period", "24h", period)
    assert before == Period(utc("2026-03-03 12:31"), utc("2026-03-04 12:31"), "Europe/Berlin")
    last_year = compared_period("year_over_year", "24h", period)
    assert last_year == Period(utc("2025-03-04 12:31"), utc("2025-03-05 12:31"), "Europe/Berlin")


def test_days_are_compared_with_days_also_when_clocks_change() -> None:
    """Berlin, Sunday 29 March 2026 of 23 hours: the day before it has 24."""
    sunday = days("2026-03-29", "2026-03-29", "Europe/Berlin")
    saturday = compared_period("previous_period", "2026-03-29,2026-03-29", sunday)
    assert saturday == days("2026-03-28", "2026-03-28", "Europe/Berlin")
    assert (sunday.end - sunday.start, saturday.end - saturday.start) == (23 * HOUR, DAY)


@pytest.mark.parametrize("compare", ["", "previous", "previous_year", "2026-03-04,2026-03-02", "1969-12-31,1970-01-01"])
def test_an_invalid_comparison_is_refused(compare: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        compared_period(compare, "7d", days("2026-02-27", "2026-03-05"))


MARCH, FEBRUARY = days("2026-03-01", "2026-03-31"), days("2026-02-01", "2026-02-28")


def test_a_closed_period_is_compared_with_a_whole_one() -> None:
    """From the first instant of April on, March is compared with all of February, though that is shorter."""
    assert as_elapsed(FEBRUARY, MARCH, MARCH.end) == FEBRUARY
    assert as_elapsed(FEBRUARY, MARCH, MARCH.end + DAY) == FEBRUARY


def test_an_open_period_is_compared_with_the_same_elapsed_time() -> None:
    """On 5 March at 12:30, February counts up to the 5th at 12:30."""
    assert as_elapsed(FEBRUARY, MARCH, utc("2026-03-05 12:30")) == Period(FEBRUARY.start, utc("2026-02-05 12:30"))


def test_no_more_of_a_shorter_period_has_elapsed_than_there_is() -> None:
    """On 30 March, 29 days have passed, but February has 28."""
    assert as_elapsed(FEBRUARY, MARCH, utc("2026-03-30 00:00")) == FEBRUARY


def test_a_period_that_has_not_begun_is_compared_with_nothing() -> None:
    """Nor with something of negative length."""
    for known_until in (MARCH.start, MARCH.start - DAY):
        assert as_elapsed(FEBRUARY, MARCH, known_until) == Period(FEBRUARY.start, FEBRUARY.start)


@pytest.mark.parametrize("known_until", [MARCH.start - DAY, utc("2026-03-05 12:30"), MARCH.end])
def test_a_period_beside_itself_is_itself(known_until: datetime) -> None:
    """Open, closed or to come: nothing is cut off, so nothing changes."""
    assert as_elapsed(MARCH, MARCH, known_until) == MARCH


@pytest.mark.parametrize(
    ("day", "months", "other"),
    [
        ("2026-03-15", 0, "2026-03-15"),
        ("2026-03-15", 1, "2026-04-15"),
        ("2026-03-15", -3, "2025-12-15"),
        ("2026-12-31", 1, "2027-01-31"),
        ("2026-01-31", 1, "2026-02-28"),
        ("2024-01-31", 1, "2024-02-29"),
        ("2024-02-29", -12, "2023-02-28"),
        ("2024-02-29", 48, "2028-02-29"),
        ("2023-02-28", 12, "2024-02-28"),
        ("2026-05-31", -1, "2026-04-30"),
        ("2026-11-01", -10, "2026-01-01"),
        ("2026-12-01", -12, "2025-12-01"),
    ],
)
def test_the_same_day_of_another_month(day: str, months: int, other: str) -> None:
    """Or its last one."""
    assert shifted(date.fromisoformat(day), months) == date.fromisoformat(other)


@given(st.dates(date(1900, 1, 1), date(2200, 12, 31)), st.integers(-600, 600))
def test_a_shifted_day_is_exactly_that_many_months_away(day: date, months: int) -> None:
    """By year and month exactly; the day is the same unless the month ends before, then it is followed by a first."""
    other = shifted(day, months)
    assert other.year * 12 + other.month == day.year * 12 + day.month + months
    assert other.day == day.day or (other.day < day.day and (other + DAY).day == 1)


@pytest.mark.parametrize(
    ("period", "granularity"),
    [
        (days("2026-03-02", "2026-03-02"), "hour"),
        (days("2026-03-02", "2026-03-03"), "hour"),
        (days("2026-10-24", "2026-10-25", "Europe/Berlin"), "day"),
        (days("2026-03-02", "2026-03-04"), "day"),
        (days("2026-01-01", "2026-04-02"), "day"),
        (days("2026-01-01", "2026-04-03"), "week"),
        (days("2025-03-05", "2026-03-05"), "week"),
        (days("2025-03-05", "2026-03-06"), "month"),
        (days("2026-03-06", "2026-03-05"), "hour"),
    ],
)
def test_auto_takes_at_most_some_hundred_buckets(period: Period, granularity: str) -> None:
    """Hours up to 48 hours, days up to 92, weeks up to 366, months beyond; two days of 49 hours are shown by day."""
    assert automatic(period) == granularity


@given(
    st.sampled_from([name for name in RANGES if name not in (*PAST_ON_THURSDAY, "realtime")]),
    st.datetimes(datetime(2024, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - it has one
    st.sampled_from(ZONES),
)
def test_every_range_contains_now_and_ends_with_today(date_range: str, now: datetime, zone: str) -> None:
    """24h ends with the minute; and no more is compared than has elapsed."""
    period = period_of(date_range, now, date(2020, 1, 1), zone)
    assert period.start <= now < period.end
    assert date_range == "24h" or period.last == local_day(now, zone)
    for compare in COMPARISONS:
        whole = compared_period(compare, date_range, period)
        cut = as_elapsed(whole, period, now)
        assert whole.start < period.start
        assert (cut.start, cut.zone) == (whole.start, zone)
        assert cut.end == min(whole.end, whole.start + (now - period.start))
