"""Named date ranges and the periods to compare them with, as Plausible and PostHog name them."""

import re
from datetime import date, datetime, timedelta
from typing import Literal, get_args

from calculations.time.buckets import LONGEST, Buckets, Granularity, WeekStart
from calculations.time.period import Period, local_day

type RangeName = Literal["24h", "7d", "28d", "30d", "91d", "month", "6mo", "12mo", "year", "all"]
type ComparisonName = Literal["previous_period", "year_over_year"]

RANGES: tuple[str, ...] = get_args(RangeName.__value__)
COMPARISONS: tuple[str, ...] = get_args(ComparisonName.__value__)
TWO_DATES = "YYYY-MM-DD,YYYY-MM-DD"
EARLIEST = date(1970, 1, 1)
LATEST = date(2199, 12, 31)

HOURS_24 = timedelta(hours=24)
MINUTE = timedelta(minutes=1)
DAYS = {"7d": 7, "28d": 28, "30d": 30, "91d": 91}
MONTHS = {"month": 1, "6mo": 6, "12mo": 12, "year": 12}
YEAR = 12

# The longest period of each granularity that `auto` takes.
AUTO: tuple[tuple[timedelta, Granularity], ...] = (
    (timedelta(days=2), "hour"),
    (timedelta(days=92), "day"),
    (timedelta(days=366), "week"),
)


def parsed_dates(text: str) -> tuple[date, date]:
    """The two dates of `YYYY-MM-DD,YYYY-MM-DD`.

    Raises:
        ValueError: It isn't that, the first one is the later one, or one is before 1970 or after 2199.
    """
    found = re.fullmatch(r"(\d{4}-\d\d-\d\d),(\d{4}-\d\d-\d\d)", text)
    if found is None:
        raise ValueError(f"two dates are written {TWO_DATES}")
    first, last = (date.fromisoformat(part) for part in found.groups())
    if not EARLIEST <= first <= last <= LATEST:
        raise ValueError(f"the dates must be in order, from {EARLIEST} to {LATEST}")
    return first, last


def period_of(date_range: str, now: datetime, start_date: date, zone: str) -> Period:
    """The period a date range means at an instant.

    Days are local ones. A range that is open ends with today, which is included: `7d` is today and the six days before,
    `month` this calendar month so far, `6mo` and `12mo` as many of them, `year` this calendar year, `all` everything
    from `start_date`. `24h` ends with the current minute.

    Raises:
        ValueError: It is none of `RANGES`, nor two dates.
    """
    today = local_day(now, zone)
    if date_range == "24h":
        end = now.replace(second=0, microsecond=0) + MINUTE
        return Period(end - HOURS_24, end, zone)
    if date_range in DAYS:
        return Period.of_days(today - timedelta(days=DAYS[date_range] - 1), today, zone)
    if date_range == "year":
        return Period.of_days(today.replace(month=1, day=1), today, zone)
    if date_range in MONTHS:
        return Period.of_days(shifted(today.replace(day=1), 1 - MONTHS[date_range]), today, zone)
    if date_range == "all":
        return Period.of_days(start_date, today, zone)
    return Period.of_days(*parsed_dates(date_range), zone)


def compared_period(compare: str, date_range: str, period: Period) -> Period:
    """The whole period to compare that of a date range with.

    `previous_period` is the one of the same length before it: as many whole calendar months for a range of months, as
    many days otherwise. `year_over_year` is the same days a year before.

    Raises:
        ValueError: `compare` is none of `COMPARISONS`, nor two dates.
    """
    if compare not in COMPARISONS:
        return Period.of_days(*parsed_dates(compare), period.zone)
    months = MONTHS.get(date_range)
    if date_range == "24h":
        back = timedelta(days=365) if compare == "year_over_year" else HOURS_24
        return Period(period.start - back, period.end - back, period.zone)
    if compare == "year_over_year":
        return Period.of_days(shifted(period.first, -YEAR), shifted(period.last, -YEAR), period.zone)
    if months is not None:
        return Period.of_days(shifted(period.first, -months), period.first - timedelta(days=1), period.zone)
    back = timedelta(days=(period.last - period.first).days + 1)
    return Period.of_days(period.first - back, period.last - back, period.zone)


def buckets_before(period: Period, granularity: Granularity, week_start: WeekStart) -> Period:
    """As many whole buckets before a period that begins with one as it has."""
    length = len(Buckets.of(period, granularity, week_start))
    long_before = period.start - length * LONGEST[granularity]
    earlier = Buckets.of(Period(long_before, period.start, period.zone), granularity, week_start).edges
    return Period(earlier[-1 - length], period.start, period.zone)


def as_elapsed(base: Period, period: Period, known_until: datetime) -> Period:
    """What of `base`, the period to compare with, has elapsed of a period: while that is open, the same time of both.

    A period beside itself is whole.
    """
    if known_until >= period.end or base == period:
        return base
    elapsed = max(known_until - period.start, timedelta())
    return Period(base.start, min(base.end, base.start + elapsed), base.zone)


def shifted(day: date, months: int) -> date:
    """The same day of another month, or that month's last day where it has no such day."""
    number = day.year * 12 + day.month - 1 + months
    first = date(number // 12, number % 12 + 1, 1)
    following = date((number + 1) // 12, (number + 1) % 12 + 1, 1)
    return min(first + timedelta(days=day.day - 1), following - timedelta(days=1))


def automatic(period: Period) -> Granularity:
    """The granularity that shows a period in a readable number of buckets."""
    length = period.end - period.start
    return next((granularity for longest, granularity in AUTO if length <= longest), "month")
