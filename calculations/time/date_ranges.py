"""Named date ranges and the periods to compare them with, as in Plausible and PostHog."""

import re
from datetime import UTC, date, datetime, timedelta
from typing import Literal, get_args

from calculations.time.buckets import LONGEST, Buckets, Granularity, WeekStart
from calculations.time.period import EPOCH, Period, local_day

type RangeName = Literal[
    "realtime",
    "24h",
    "today",
    "yesterday",
    "7d",
    "28d",
    "30d",
    "91d",
    "last_week",
    "month",
    "last_month",
    "6mo",
    "12mo",
    "year",
    "all",
]
type ComparisonName = Literal["previous_period", "year_over_year"]

RANGES: tuple[str, ...] = get_args(RangeName.__value__)
COMPARISONS: tuple[str, ...] = get_args(ComparisonName.__value__)
TWO_DATES = "YYYY-MM-DD,YYYY-MM-DD"
TWO_INSTANTS = "YYYY-MM-DDTHH:MM:SSZ,YYYY-MM-DDTHH:MM:SSZ"
REALTIME = "realtime"
EARLIEST = date(1970, 1, 1)
LATEST = date(2199, 12, 31)

HOURS_24 = timedelta(hours=24)
MINUTES_30 = timedelta(minutes=30)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
WEEK = 7
DAYS = {"today": 1, "7d": 7, "28d": 28, "30d": 30, "91d": 91}
MONTHS = {"month": 1, "6mo": 6, "12mo": 12, "year": 12}
# Ranges that are compared by whole calendar months.
WHOLE_MONTHS = {**MONTHS, "last_month": 1}
YEAR = 12
YEAR_OF_DAYS = timedelta(days=365)

# The longest period for which `auto` chooses each granularity.
AUTO: tuple[tuple[timedelta, Granularity], ...] = (
    (timedelta(days=2), "hour"),
    (timedelta(days=92), "day"),
    (timedelta(days=366), "week"),
)


def parsed_dates(text: str) -> tuple[date, date]:
    """The two dates of `YYYY-MM-DD,YYYY-MM-DD`.

    Raises:
        ValueError: It has another form, the dates are not in order, or one is before 1970 or after 2199.
    """
    found = re.fullmatch(r"([0-9]{4}-[0-9]{2}-[0-9]{2}),([0-9]{4}-[0-9]{2}-[0-9]{2})", text)
    if found is None:
        raise ValueError(f"two dates are written {TWO_DATES}")
    first, last = (date.fromisoformat(part) for part in found.groups())
    if not EARLIEST <= first <= last <= LATEST:
        raise ValueError(f"the dates must be in order, from {EARLIEST} to {LATEST}")
    return first, last


def parsed_instants(text: str) -> tuple[datetime, datetime]:
    """The two instants of `YYYY-MM-DDTHH:MM:SSZ,YYYY-MM-DDTHH:MM:SSZ` (UTC).

    Seconds may be left out or have a fraction; an offset such as +02:00 may replace Z.

    Raises:
        ValueError: It has another form, the instants are not in order, or one is before 1970 or after 2199.
    """
    instant = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?(?:Z|[+-][0-9]{2}:[0-9]{2})"
    found = re.fullmatch(f"({instant}),({instant})", text)
    if found is None:
        raise ValueError(f"two instants are written {TWO_INSTANTS}")
    start, end = (datetime.fromisoformat(part).astimezone(UTC) for part in found.groups())
    if not EARLIEST <= start.date() <= end.date() <= LATEST or start >= end:
        raise ValueError(f"the instants must be in order, from {EARLIEST} to {LATEST}")
    return start, end


def parsed_range(text: str, zone: str) -> Period:
    """The period of two dates, both inclusive, or two instants, the second one exclusive.

    Raises:
        ValueError: It is neither.
    """
    if "T" in text:
        return Period(*parsed_instants(text), zone)
    return Period.of_days(*parsed_dates(text), zone)


def is_of_days(date_range: str) -> bool:
    """Whether a range consists of whole local days."""
    return date_range not in (REALTIME, "24h") and "T" not in date_range


def period_of(
    date_range: str,
    now: datetime,
    start_date: date,
    zone: str,
    *,
    known_until: datetime | None = None,
    week_start: WeekStart = "monday",
) -> Period:
    """The period of a date range as seen at `now`.

    Days are local. An open range includes today: `7d` is today and the six days before, `month` this calendar month so
    far, `6mo` and `12mo` that many calendar months including this one, `year` this calendar year, `all` everything from
    `start_date`. `last_week` and `last_month` are the ones before the current one. `24h` ends with the current minute,
    `realtime` covers 30 minutes up to `known_until` (`now` by default), rounded up to a minute.

    Raises:
        ValueError: It is none of `RANGES`, nor two dates or instants.
    """
    today = local_day(now, zone)
    match date_range:
        case "realtime":
            known = known_until or now
            end = known + (EPOCH - known) % MINUTE
            return Period(end - MINUTES_30, end, zone)
        case "24h":
            end = now.replace(second=0, microsecond=0) + MINUTE
            return Period(end - HOURS_24, end, zone)
        case "yesterday":
            return Period.of_days(today - DAY, today - DAY, zone)
        case "last_week":
            monday = today - timedelta(days=(today.weekday() + (week_start == "sunday")) % WEEK)
            return Period.of_days(monday - WEEK * DAY, monday - DAY, zone)
        case "last_month":
            return Period.of_days(shifted(today.replace(day=1), -1), today.replace(day=1) - DAY, zone)
        case "year":
            return Period.of_days(today.replace(month=1, day=1), today, zone)
        case "all":
            return Period.of_days(start_date, today, zone)
    if date_range in DAYS:
        return Period.of_days(today - timedelta(days=DAYS[date_range] - 1), today, zone)
    if date_range in MONTHS:
        return Period.of_days(shifted(today.replace(day=1), 1 - MONTHS[date_range]), today, zone)
    return parsed_range(date_range, zone)


def compared_period(compare: str, date_range: str, period: Period) -> Period:
    """The whole period to compare a date range's period with.

    `previous_period` is the period of the same length before it, counted in calendar months for a range of months, in
    days otherwise. `year_over_year` is the same days a year before; for a range that is not of whole days, the same
    time 365 days before.

    Raises:
        ValueError: `compare` is none of `COMPARISONS`, nor two dates or instants.
    """
    if compare not in COMPARISONS:
        return parsed_range(compare, period.zone)
    if not is_of_days(date_range):
        back = YEAR_OF_DAYS if compare == "year_over_year" else period.end - period.start
        return Period(period.start - back, period.end - back, period.zone)
    if compare == "year_over_year":
        return Period.of_days(shifted(period.first, -YEAR), shifted(period.last, -YEAR), period.zone)
    months = WHOLE_MONTHS.get(date_range)
    if months is not None:
        return Period.of_days(shifted(period.first, -months), period.first - DAY, period.zone)
    back = timedelta(days=(period.last - period.first).days + 1)
    return Period.of_days(period.first - back, period.last - back, period.zone)


def on_same_weekday(base: Period, period: Period, *, of_days: bool) -> Period:
    """The period nearest to `base`, and as long, that begins on the weekday `period` begins on.

    If that is the period itself, the next nearest. Without `of_days`, the period moves by multiples of 24 hours.
    """
    ahead = (period.first.weekday() - base.first.weekday()) % WEEK
    if ahead == 0:
        return base
    moves = sorted((ahead, ahead - WEEK), key=abs)
    move = next(days for days in moves if base.first + timedelta(days=days) != period.first) * DAY
    if of_days:
        return Period.of_days(base.first + move, base.last + move, base.zone)
    return Period(base.start + move, base.end + move, base.zone)


def buckets_before(period: Period, granularity: Granularity, week_start: WeekStart) -> Period:
    """The period of as many whole buckets directly before a period that starts at the edge of a bucket."""
    length = len(Buckets.of(period, granularity, week_start))
    long_before = period.start - length * LONGEST[granularity]
    earlier = Buckets.of(Period(long_before, period.start, period.zone), granularity, week_start).edges
    return Period(earlier[-1 - length], period.start, period.zone)


def as_elapsed(base: Period, period: Period, known_until: datetime) -> Period:
    """The part of `base` that corresponds to the elapsed part of `period`; all of it once the period is over.

    A period compared with itself stays whole.
    """
    if known_until >= period.end or base == period:
        return base
    elapsed = max(known_until - period.start, timedelta())
    return Period(base.start, min(base.end, base.start + elapsed), base.zone)


def shifted(day: date, months: int) -> date:
    """The same day `months` later, or the last day of that month if it is shorter."""
    number = day.year * 12 + day.month - 1 + months
    first = date(number // 12, number % 12 + 1, 1)
    following = date((number + 1) // 12, (number + 1) % 12 + 1, 1)
    return min(first + timedelta(days=day.day - 1), following - timedelta(days=1))


def automatic(period: Period) -> Granularity:
    """The granularity that shows a period in a readable number of buckets."""
    length = period.end - period.start
    if timedelta() < length <= HOUR:
        return "minute"
    return next((granularity for longest, granularity in AUTO if length <= longest), "month")
