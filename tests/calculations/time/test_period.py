"""Days and periods, worked by hand, and against a search for the first instant of a day."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calculations.time.period import MICROSECOND, Period, literal, local_day, midnight
from read_model.table import INSTANT
from read_model.tables.fpp import PAGE_VIEWS
from tests.calculations.strategies import SHIFTS, ZONES
from tests.rows import rows

QUARTER_HOUR = timedelta(minutes=15)
DAY = timedelta(days=1)

# A zone, a local day, the instant (UTC) it begins at and its length in hours.
DAYS = {
    "UTC": ("UTC", "2026-03-02", "2026-03-02 00:00", 24),
    "02:00 is 03:00": ("Europe/Berlin", "2026-03-29", "2026-03-28 23:00", 23),
    "03:00 is 02:00": ("Europe/Berlin", "2026-10-25", "2026-10-24 22:00", 25),
    "the day after": ("Europe/Berlin", "2026-10-26", "2026-10-25 23:00", 24),
    "west of Greenwich, spring": ("America/New_York", "2026-03-08", "2026-03-08 05:00", 23),
    "west of Greenwich, autumn": ("America/New_York", "2026-11-01", "2026-11-01 04:00", 25),
    "half past": ("Asia/Kolkata", "2026-03-02", "2026-03-01 18:30", 24),
    "02:00 is 01:30": ("Australia/Lord_Howe", "2026-04-05", "2026-04-04 13:00", 24.5),
    "02:00 is 02:30": ("Australia/Lord_Howe", "2026-10-04", "2026-10-03 13:30", 23.5),
    "no midnight in Santiago": ("America/Santiago", "2025-09-07", "2025-09-07 04:00", 23),
    "23:00 to midnight twice": ("America/Santiago", "2025-04-05", "2025-04-05 03:00", 25),
    "no midnight in Beirut": ("Asia/Beirut", "2025-03-30", "2025-03-29 22:00", 23),
    "no midnight in Cairo": ("Africa/Cairo", "2025-04-25", "2025-04-24 22:00", 23),
    "midnight twice": ("America/Havana", "2025-11-02", "2025-11-02 04:00", 25),
    "a day that was skipped": ("Pacific/Apia", "2011-12-30", "2011-12-30 10:00", 0),
    "the day after it": ("Pacific/Apia", "2011-12-31", "2011-12-30 10:00", 24),
}
each_day = pytest.mark.parametrize(("zone", "day", "begins", "hours"), DAYS.values(), ids=list(DAYS))


@each_day
def test_a_day_begins_at_its_first_instant_and_is_as_long_as_it_is(
    zone: str, day: str, begins: str, hours: float
) -> None:
    """From midnight, or the first time the clocks show when they skip it, to the same of the next day."""
    start = datetime.fromisoformat(begins).replace(tzinfo=UTC)
    period = Period.of_days(date.fromisoformat(day), date.fromisoformat(day), zone)
    assert period == Period(start, start + timedelta(hours=hours), zone)


@each_day
def test_instants_are_utc(zone: str, day: str, begins: str, hours: float) -> None:
    """Not of the zone: their difference would then be that of clocks."""
    period = Period.of_days(date.fromisoformat(day), date.fromisoformat(day), zone)
    assert (period.start.tzinfo, period.end.tzinfo) == (UTC, UTC)
    assert (period.end - period.start).total_seconds() / 3600 == hours, begins


@each_day
def test_first_and_last_of_one_day_are_that_day(zone: str, day: str, begins: str, hours: float) -> None:
    """Also of a day with 23 or 25 hours; a day that was skipped has no instant, so it is empty."""
    period = Period.of_days(date.fromisoformat(day), date.fromisoformat(day), zone)
    only = date.fromisoformat(day)
    assert (period.first, period.last) == ((only, only) if hours else (only + DAY, only - DAY)), begins


def test_days_are_utc_by_default() -> None:
    """A Monday from midnight to midnight."""
    monday = Period.of_days(date(2026, 3, 2), date(2026, 3, 2))
    assert monday == Period(datetime(2026, 3, 2, tzinfo=UTC), datetime(2026, 3, 3, tzinfo=UTC), "UTC")


def test_a_week_of_days_in_a_zone() -> None:
    """Berlin, Friday to Monday around the change to summer time: 4 days less one hour."""
    period = Period.of_days(date(2026, 3, 27), date(2026, 3, 30), "Europe/Berlin")
    assert (period.first, period.last) == (date(2026, 3, 27), date(2026, 3, 30))
    assert period.end - period.start == 4 * DAY - timedelta(hours=1)


def test_a_skipped_day_lies_in_a_period_around_it() -> None:
    """Apia, 29 to 31 December 2011: two days of 24 hours."""
    period = Period.of_days(date(2011, 12, 29), date(2011, 12, 31), "Pacific/Apia")
    assert (period.first, period.last) == (date(2011, 12, 29), date(2011, 12, 31))
    assert period.end - period.start == 2 * DAY


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/New_York"])
@pytest.mark.parametrize("last", [date(2026, 3, 1), date(2026, 2, 1), date(2020, 1, 1)])
def test_a_period_that_ends_before_it_begins_is_empty(zone: str, last: date) -> None:
    """2 March to an earlier day: no instant, not even the first; yet from then on it has begun."""
    period = Period.of_days(date(2026, 3, 2), last, zone)
    instants = at(period.start - MICROSECOND, period.start)
    assert period.start == period.end == midnight(date(2026, 3, 2), zone)
    assert (period.first, period.last) == (date(2026, 3, 2), date(2026, 3, 1))
    assert instants.select(period.contains("at")).to_series().to_list() == [False, False]
    assert instants.select(period.has_begun("at")).to_series().to_list() == [False, True]


@pytest.mark.parametrize(
    ("end", "last"),
    [
        (datetime(2026, 3, 3, 23, 0, tzinfo=UTC), date(2026, 3, 3)),
        (datetime(2026, 3, 3, 23, 0, 0, 1, tzinfo=UTC), date(2026, 3, 4)),
        (datetime(2026, 3, 3, 9, 30, tzinfo=UTC), date(2026, 3, 3)),
    ],
)
def test_first_and_last_of_a_period_that_is_not_of_whole_days(end: datetime, last: date) -> None:
    """Berlin from 00:30 on 2 March: to midnight, to the microsecond after it, and to some time of a day."""
    period = Period(datetime(2026, 3, 1, 23, 30, tzinfo=UTC), end, "Europe/Berlin")
    assert (period.first, period.last) == (date(2026, 3, 2), last)


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
    period = Period.of_days(date(2026, 3, 2), date(2026, 3, 6))
    assert at(instant).select(period.has_begun("at")).item() is is_since


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
    contained = views.select(Period.of_days(date(2026, 3, 2), date(2026, 3, 6)).contains("viewed_at"))
    assert contained.collect().to_series().to_list() == [False, True, True, False, None]


def test_a_period_contains_its_local_days() -> None:
    """Berlin, Sunday 29 March 2026: from 23:00 UTC on Saturday to 22:00 UTC, to the microsecond."""
    period = Period.of_days(date(2026, 3, 29), date(2026, 3, 29), "Europe/Berlin")
    begin, end = datetime(2026, 3, 28, 23, 0, tzinfo=UTC), datetime(2026, 3, 29, 22, 0, tzinfo=UTC)
    contained = at(begin - MICROSECOND, begin, end - MICROSECOND, end, None).select(period.contains("at"))
    assert contained.to_series().to_list() == [False, True, True, False, None]


days = st.sampled_from(SHIFTS).flatmap(
    lambda shift: st.tuples(
        st.just(shift[0]),
        st.one_of(st.dates(date(2012, 1, 1), date(2030, 12, 31)), st.integers(-2, 2).map(lambda n: shift[1] + n * DAY)),
    )
)


@given(days)
def test_midnight_is_the_first_instant_of_a_day(zone_and_day: tuple[str, date]) -> None:
    """As found in steps of a quarter of an hour: the first at which the local date is that day, or a later one."""
    zone, day = zone_and_day
    instant = datetime(day.year, day.month, day.day, tzinfo=UTC) - 2 * DAY
    while instant.astimezone(ZoneInfo(zone)).date() < day:
        instant += QUARTER_HOUR
    assert midnight(day, zone) == instant


@given(days, st.integers(0, 40), st.lists(st.integers(-100_000_000_000, 4_000_000_000_000), max_size=5))
def test_a_period_contains_the_instants_of_its_days(
    zone_and_day: tuple[str, date], further: int, offsets: list[int]
) -> None:
    """Judged by the local date of each instant: those at both ends, and some microseconds from the first one."""
    zone, first = zone_and_day
    last = first + further * DAY
    period = Period.of_days(first, last, zone)
    ends = (period.start - MICROSECOND, period.start, period.end - MICROSECOND, period.end)
    instants = [*ends, *(period.start + offset * MICROSECOND for offset in offsets)]
    local = [instant.astimezone(ZoneInfo(zone)).date() for instant in instants]
    frame = at(*instants)
    assert (period.first, period.last) == (first, last)
    assert frame.select(period.contains("at")).to_series().to_list() == [first <= day <= last for day in local]
    assert frame.select(period.has_begun("at")).to_series().to_list() == [first <= day for day in local]


@given(st.datetimes())
def test_a_literal_is_what_polars_makes_of_an_instant(naive: datetime) -> None:
    """Of the years 1 to 9999, to the microsecond, in any time zone."""
    for zone in (UTC, ZoneInfo("Asia/Kathmandu")):
        try:
            instant = naive.replace(tzinfo=zone)
            expected = instant.astimezone(UTC)
        except OverflowError:
            continue
        found = pl.select(literal(instant)).to_series()
        assert (found.dtype, found.item()) == (INSTANT, expected)


@pytest.mark.parametrize("zone", ZONES)
def test_an_instant_has_one_local_day(zone: str) -> None:
    """A year's days follow each other without gap or overlap: each ends when the next begins."""
    day = date(2025, 1, 1)
    while day.year == 2025:
        assert Period.of_days(day, day, zone).end == midnight(day + DAY, zone)
        assert local_day(midnight(day, zone), zone) == day
        day += DAY


def at(*instants: datetime | None) -> pl.DataFrame:
    """A column `at`."""
    return pl.DataFrame({"at": instants}, schema={"at": INSTANT})
