"""Periods cut into buckets, worked by hand, and against clocks that are read every quarter of an hour."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import accumulate
from random import Random
from typing import get_args
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calculations.time.buckets import Buckets, Granularity, WeekStart, is_weekday
from calculations.time.period import MICROSECOND, Period
from read_model.table import INSTANT
from tests.calculations.strategies import ZONES, periods

QUARTER_HOUR = timedelta(minutes=15)
# Minutes, which no clock shifts, have an example of their own.
GRANULARITIES: tuple[Granularity, ...] = tuple(name for name in get_args(Granularity.__value__) if name != "minute")
granularities = st.sampled_from(GRANULARITIES)
week_starts: st.SearchStrategy[WeekStart] = st.sampled_from(get_args(WeekStart.__value__))
# The clocks are read for up to three years.
fewer_examples = settings(max_examples=settings().max_examples // 2)


def days(first: str, last: str, zone: str = "UTC") -> Period:
    """The local days of a period."""
    return Period.of_days(date.fromisoformat(first), date.fromisoformat(last), zone)


def utc(instant: str) -> datetime:
    """An instant as it is drawn."""
    return datetime.fromisoformat(instant).replace(tzinfo=UTC)


def clock(buckets: Buckets) -> list[str]:
    """The edges as local clocks show them: `29 02:00`."""
    return [edge.astimezone(ZoneInfo(buckets.zone)).strftime("%d %H:%M") for edge in buckets.edges]


def numbers(buckets: Buckets, instants: Sequence[datetime | None]) -> list[int | None]:
    """The number of the bucket of each instant."""
    return (
        pl.DataFrame({"at": instants}, schema={"at": INSTANT})
        .select(buckets.number(pl.col("at")))
        .to_series()
        .to_list()
    )


def dates_of(buckets: Buckets) -> list[date]:
    """The days the buckets begin on."""
    return buckets.dated()["date"].to_list()


def counted(bucket: Sequence[int | None], **counts: Sequence[int | None]) -> pl.LazyFrame:
    """Counts as `Buckets.sums` takes them."""
    return pl.LazyFrame({"bucket": bucket, **counts}, schema={"bucket": pl.Int32, **dict.fromkeys(counts, pl.UInt32)})


# Edges


def test_days() -> None:
    """Monday and Tuesday: two buckets, and the midnight after."""
    buckets = Buckets.of(days("2026-03-02", "2026-03-03"))
    assert buckets.edges.to_list() == [utc("2026-03-02"), utc("2026-03-03"), utc("2026-03-04")]
    assert buckets.edges.dtype == INSTANT
    assert dates_of(buckets) == [date(2026, 3, 2), date(2026, 3, 3)]
    assert len(buckets) == 2


@pytest.mark.parametrize(
    ("granularity", "first", "last", "dates", "end"),
    [
        ("day", "2024-02-28", "2024-03-01", ["2024-02-28", "2024-02-29", "2024-03-01"], "2024-03-02"),
        ("week", "2026-03-04", "2026-03-09", ["2026-03-02", "2026-03-09"], "2026-03-16"),
        ("week", "2026-03-02", "2026-03-08", ["2026-03-02"], "2026-03-09"),
        ("week", "2027-01-01", "2027-01-03", ["2026-12-28"], "2027-01-04"),
        ("month", "2026-01-31", "2026-03-01", ["2026-01-01", "2026-02-01", "2026-03-01"], "2026-04-01"),
        ("month", "2026-12-31", "2026-12-31", ["2026-12-01"], "2027-01-01"),
        ("quarter", "2026-03-31", "2026-04-01", ["2026-01-01", "2026-04-01"], "2026-07-01"),
        ("quarter", "2026-12-31", "2026-12-31", ["2026-10-01"], "2027-01-01"),
        ("year", "2025-12-31", "2026-01-01", ["2025-01-01", "2026-01-01"], "2027-01-01"),
        ("year", "2024-01-01", "2024-12-31", ["2024-01-01"], "2025-01-01"),
        ("year", "2024-01-01", "2024-01-01", ["2024-01-01"], "2025-01-01"),
    ],
)
def test_a_bucket_begins_with_the_day_week_month_quarter_or_year_the_first_day_lies_in(
    granularity: Granularity, first: str, last: str, dates: list[str], end: str
) -> None:
    """Leap days, weeks and months of two years, first and last days: the last bucket ends when another would begin."""
    buckets = Buckets.of(days(first, last), granularity)
    assert [str(day) for day in dates_of(buckets)] == dates
    assert buckets.edges[-1] == utc(end)


@pytest.mark.parametrize(
    ("first", "last", "monday", "sunday"),
    [
        ("2026-03-04", "2026-03-09", ["03-02", "03-09"], ["03-01", "03-08"]),
        ("2026-03-08", "2026-03-08", ["03-02"], ["03-08"]),
        ("2026-03-07", "2026-03-08", ["03-02"], ["03-01", "03-08"]),
        ("2026-03-08", "2026-03-09", ["03-02", "03-09"], ["03-08"]),
    ],
    ids=["Wednesday to Monday", "a Sunday", "a weekend", "Sunday and Monday"],
)
def test_a_week_begins_on_monday_or_sunday(first: str, last: str, monday: list[str], sunday: list[str]) -> None:
    """A Sunday is the last day of one and the first of the other."""
    period = days(first, last)
    assert [f"{day:%m-%d}" for day in dates_of(Buckets.of(period, "week", "monday"))] == monday
    assert [f"{day:%m-%d}" for day in dates_of(Buckets.of(period, "week", "sunday"))] == sunday


def test_weeks_begin_on_monday_by_default_and_other_buckets_ignore_the_setting() -> None:
    """A Sunday's week, and its month."""
    sunday = days("2026-03-08", "2026-03-08")
    assert dates_of(Buckets.of(sunday, "week")) == [date(2026, 3, 2)]
    for granularity in GRANULARITIES:
        if granularity != "week":
            expected = Buckets.of(sunday, granularity, "monday").edges
            assert Buckets.of(sunday, granularity, "sunday").edges.equals(expected)


def test_months_of_a_zone() -> None:
    """Berlin, February to March 2026: winter time until the last Sunday of March."""
    buckets = Buckets.of(days("2026-02-14", "2026-03-14", "Europe/Berlin"), "month")
    assert buckets.edges.to_list() == [utc("2026-01-31 23:00"), utc("2026-02-28 23:00"), utc("2026-03-31 22:00")]


def test_hours_of_a_day_with_23() -> None:
    """Berlin: after 01:00 comes 03:00."""
    buckets = Buckets.of(days("2026-03-29", "2026-03-29", "Europe/Berlin"), "hour")
    assert len(buckets) == 23
    assert clock(buckets)[:4] == ["29 00:00", "29 01:00", "29 03:00", "29 04:00"]
    assert clock(buckets)[-2:] == ["29 23:00", "30 00:00"]


def test_hours_of_a_day_with_25() -> None:
    """Berlin: 02:00 comes twice."""
    buckets = Buckets.of(days("2026-10-25", "2026-10-25", "Europe/Berlin"), "hour")
    assert len(buckets) == 25
    assert clock(buckets)[:5] == ["25 00:00", "25 01:00", "25 02:00", "25 02:00", "25 03:00"]


def test_hours_of_a_zone_at_half_past() -> None:
    """Kolkata: its 9:00 is 3:30 UTC."""
    buckets = Buckets.of(Period(utc("2026-03-02 03:30"), utc("2026-03-02 04:31"), "Asia/Kolkata"), "hour")
    assert buckets.edges.to_list() == [utc("2026-03-02 03:30"), utc("2026-03-02 04:30"), utc("2026-03-02 05:30")]


@pytest.mark.parametrize("day", ["2026-04-05", "2026-10-04"], ids=["02:00 is 01:30", "02:00 is 02:30"])
def test_hours_of_a_day_with_a_shift_of_half_an_hour(day: str) -> None:
    """Lord Howe Island: the hour of the shift has 90 minutes, all others begin at a full hour and have 60."""
    buckets = Buckets.of(days(day, day, "Australia/Lord_Howe"), "hour")
    assert {shown[-3:] for shown in clock(buckets)} == {":00"}
    assert Counter(buckets.edges.diff().drop_nulls().dt.total_minutes()) == {60: len(buckets) - 1, 90: 1}


def test_hours_of_a_day_without_midnight() -> None:
    """Santiago: the day begins at 01:00."""
    buckets = Buckets.of(days("2025-09-07", "2025-09-07", "America/Santiago"), "hour")
    assert len(buckets) == 23
    assert clock(buckets)[:2] == ["07 01:00", "07 02:00"]


def test_days_without_midnight_and_after_one_that_came_twice() -> None:
    """Cairo: Friday begins at 01:00. Havana: Sunday begins at its first midnight."""
    cairo = Buckets.of(days("2025-04-24", "2025-04-25", "Africa/Cairo"))
    havana = Buckets.of(days("2025-11-01", "2025-11-02", "America/Havana"))
    assert clock(cairo) == ["24 00:00", "25 01:00", "26 00:00"]
    assert havana.edges.to_list() == [utc("2025-11-01 04:00"), utc("2025-11-02 04:00"), utc("2025-11-03 05:00")]


def test_a_month_begins_at_its_first_midnight_where_it_comes_twice() -> None:
    """Havana, November 2026: the 1st is the Sunday on which 01:00 is 00:00 again."""
    november = Buckets.of(days("2026-11-02", "2026-11-02", "America/Havana"), "month")
    assert november.edges.to_list() == [utc("2026-11-01 04:00"), utc("2026-12-01 05:00")]


def test_a_day_that_was_skipped_has_no_bucket() -> None:
    """Apia went from 29 to 31 December 2011."""
    buckets = Buckets.of(days("2011-12-29", "2012-01-01", "Pacific/Apia"))
    assert [str(day) for day in dates_of(buckets)] == ["2011-12-29", "2011-12-31", "2012-01-01"]
    assert numbers(buckets, [utc("2011-12-30 09:59:59"), utc("2011-12-30 10:00")]) == [0, 1]
    assert len(Buckets.of(days("2011-12-29", "2011-12-31", "Pacific/Apia"), "hour")) == 48


def test_a_period_within_a_day_has_the_buckets_it_touches() -> None:
    """From 9:59:59 to 11:00, which is exclusive: the hours of 9:00 and 10:00, one day; a microsecond on, 11:00 too."""
    period = Period(utc("2026-03-02 09:59:59"), utc("2026-03-02 11:00"))
    longer = Period(period.start, period.end + MICROSECOND)
    assert clock(Buckets.of(period, "hour")) == ["02 09:00", "02 10:00", "02 11:00"]
    assert clock(Buckets.of(longer, "hour"))[-1] == "02 12:00"
    assert clock(Buckets.of(period)) == ["02 00:00", "03 00:00"]


@pytest.mark.parametrize("granularity", GRANULARITIES)
@pytest.mark.parametrize("zone", ZONES)
def test_an_empty_period_has_no_buckets(granularity: Granularity, zone: str) -> None:
    """But sums of the right types, and no instant lies in it."""
    buckets = Buckets.of(days("2026-03-03", "2026-03-02", zone), granularity)
    summed = buckets.sums([counted([0, -1, None], views=[1, 1, 1])], ["views", "votes"]).collect()
    assert (len(buckets), dates_of(buckets)) == (0, [])
    assert summed.schema == {"bucket": pl.Int32, "date": pl.Date, "views": pl.Int64, "votes": pl.Int64}
    assert summed.height == 0
    earlier, later, none = numbers(buckets, [utc("2020-01-01"), utc("2030-01-01"), None])
    assert earlier is not None
    assert later is not None
    assert (earlier < 0, later >= 0, none) == (True, True, None)


@fewer_examples
@given(periods(), granularities, week_starts)
def test_edges_are_where_local_hours_days_weeks_months_quarters_and_years_begin(
    period: Period, granularity: Granularity, week_start: WeekStart
) -> None:
    """As shown by clocks that are read every quarter of an hour."""
    buckets = Buckets.of(period, granularity, week_start)
    expected = slow_edges(period, granularity, week_start)
    assert len(buckets) == max(0, len(expected) - 1)
    if not expected:
        return
    assert buckets.edges.to_list() == expected
    zone = ZoneInfo(period.zone)
    assert dates_of(buckets) == [edge.astimezone(zone).date() for edge in expected[:-1]]


@given(periods(), granularities, week_starts, st.lists(st.floats(0, 1, exclude_max=True), max_size=5))
def test_buckets_cover_a_period_and_do_not_overlap(
    period: Period, granularity: Granularity, week_start: WeekStart, shares: list[float]
) -> None:
    """Edges ascend; each of the period's instants, its first and last among them, lies in exactly one bucket."""
    buckets = Buckets.of(period, granularity, week_start)
    edges = buckets.edges.to_list()
    assert edges == sorted(set(edges))
    if period.start == period.end:
        return
    assert edges[0] <= period.start < edges[1]
    assert edges[-2] < period.end <= edges[-1]
    inside = [period.start + share * (period.end - period.start - MICROSECOND) for share in shares]
    inside += [period.start, period.end - MICROSECOND]
    for instant, number in zip(inside, numbers(buckets, inside), strict=True):
        assert [number] == [i for i in range(len(buckets)) if edges[i] <= instant < edges[i + 1]]


# Numbers


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin"], ids=["one width", "different widths"])
def test_the_number_of_a_bucket(zone: str) -> None:
    """28 to 30 March 2026: the edges to the microsecond, long before and after, and no instant."""
    buckets = Buckets.of(days("2026-03-28", "2026-03-30", zone))
    first, second, third, end = buckets.edges
    instants = [first, second - MICROSECOND, second, third - MICROSECOND, third, end - MICROSECOND, None]
    assert numbers(buckets, instants) == [0, 0, 1, 1, 2, 2, None]
    outside = numbers(buckets, [first - MICROSECOND, first - timedelta(days=900), end, end + timedelta(days=900)])
    assert [number is not None and (number < 0, number >= 3) for number in outside] == [
        (True, False),
        (True, False),
        (False, True),
        (False, True),
    ]


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin"], ids=["one width", "different widths"])
def test_the_numbers_of_no_instants(zone: str) -> None:
    """An empty column, and one of nulls; both of 32 bits."""
    buckets = Buckets.of(days("2026-03-28", "2026-03-30", zone))
    for instants in ([], [None, None]):
        frame = pl.DataFrame({"at": instants}, schema={"at": INSTANT}).select(number=buckets.number(pl.col("at")))
        assert frame.schema == {"number": pl.Int32}
        assert frame["number"].to_list() == instants


@given(
    periods(),
    granularities,
    st.lists(st.none() | st.integers(-1_000_000_000_000, 10_000_000_000_000), max_size=10),
    st.randoms(use_true_random=False),
)
def test_numbers_are_those_of_a_bisection(
    period: Period, granularity: Granularity, offsets: list[int | None], chance: Random
) -> None:
    """Of the edges, their neighbours and instants inside and outside, in any order, by both engines."""
    buckets = Buckets.of(period, granularity)
    edges = buckets.edges.to_list()
    near = [
        edge + difference
        for edge in edges[:3] + edges[-3:]
        for difference in (-MICROSECOND, MICROSECOND, 0 * MICROSECOND)
    ]
    instants = [None if offset is None else period.start + offset * MICROSECOND for offset in offsets] + near
    chance.shuffle(instants)
    frame = pl.LazyFrame({"at": instants}, schema={"at": INSTANT}).select(number=buckets.number(pl.col("at")))
    with pl.Config(engine_affinity="in-memory"):
        found = frame.collect()["number"].to_list()
    with pl.Config(engine_affinity="streaming", streaming_chunk_size=3):
        assert frame.collect()["number"].to_list() == found
    for instant, number in zip(instants, found, strict=True):
        if instant is None:
            assert number is None
        elif len(buckets) and edges[0] <= instant < edges[-1]:
            assert number == bisect_right(edges, instant) - 1
        else:
            assert number < 0 if instant < edges[0] else number >= len(buckets)


# Counts


def test_counts_are_rows_per_bucket() -> None:
    """Monday has its first and its last instant, Tuesday none, Wednesday midnight twice; rows in no order."""
    buckets = Buckets.of(days("2026-03-02", "2026-03-04"))
    at = ["2026-03-04", "2026-03-02 23:59:59.999999", "2026-03-01 23:59:59.999999", "2026-03-05", "2026-03-02"]
    instants = pl.Series([None, utc("2026-03-04"), *map(utc, at), None], dtype=INSTANT)
    assert pl.select(buckets.counts(pl.lit(instants))).to_series().to_list() == [2, 0, 2]


def test_counts_so_far_are_of_each_bucket_and_all_before() -> None:
    """0 twice, 1 never, 2 once; 3 comes after all, null never."""
    buckets = Buckets.of(days("2026-03-02", "2026-03-04"))
    numbers = pl.Series([2, 3, 0, None, 0], dtype=pl.Int32)
    assert pl.select(buckets.counts_so_far(pl.lit(numbers))).to_series().to_list() == [2, 2, 3]


@given(periods(), granularities, st.lists(st.none() | st.integers(-10_000_000_000_000, 20_000_000_000_000)))
def test_counts_are_those_of_a_counter(period: Period, granularity: Granularity, offsets: list[int | None]) -> None:
    """Of 64 bits; none when there are no buckets. So far, numbers of buckets are their sums, and those before all."""
    buckets = Buckets.of(period, granularity)
    at = [None if offset is None else period.start + offset * MICROSECOND for offset in offsets]
    frame = pl.DataFrame({"at": at}, schema={"at": INSTANT})
    edges = buckets.edges.to_list()
    number = buckets.number(pl.col("at"))
    expected = Counter(bisect_right(edges, instant) - 1 for instant in at if instant is not None)
    counts = [expected[number] for number in range(len(buckets))]
    so_far = list(accumulate(counts, initial=expected[-1]))[1:]
    for told, of_all in ((buckets.counts(pl.col("at")), counts), (buckets.counts_so_far(number), so_far)):
        found = frame.select(told).to_series()
        assert found.dtype == pl.Int64
        assert found.to_list() == of_all


# Sums


def test_sums_add_up_per_bucket() -> None:
    """Two frames: Monday has 2 + 3 views and 1 vote, Tuesday none, Wednesday 4 votes."""
    summed = Buckets.of(days("2026-03-02", "2026-03-04")).sums(
        [
            counted([2, 0, 0], views=[0, 2, 3]),
            counted([2, 0], votes=[4, 1]).select("votes", "bucket"),
        ],
        ["views", "votes"],
    )
    assert summed.collect().rows() == [
        (0, date(2026, 3, 2), 5, 1),
        (1, date(2026, 3, 3), 0, 0),
        (2, date(2026, 3, 4), 0, 4),
    ]


def test_sums_leave_out_what_lies_in_no_bucket() -> None:
    """Before the first bucket, after the last one and without a number; a null count adds nothing."""
    views = counted([-1, 0, 1, 1, 2, 900, None], views=[10, 1, None, 2, 10, 10, 10])
    summed = Buckets.of(days("2026-03-02", "2026-03-03")).sums([views], ["views"]).collect()
    assert summed["views"].to_list() == [1, 2]


def test_sums_of_nothing_are_zero() -> None:
    """No frame, and frames without a row: all days are quiet."""
    buckets = Buckets.of(days("2026-03-02", "2026-03-03"))
    empty = counted([], views=[])
    for frames in ([], [empty], [empty, empty]):
        assert buckets.sums(frames, ["views"]).collect()["views"].to_list() == [0, 0]


def test_sums_are_of_64_bits() -> None:
    """Counts are of 32: twice 2³² - 1 is more than they hold; and changes may be negative."""
    views = counted([0, 0], views=[2**32 - 1] * 2)
    changes = counted([0], users=[3]).with_columns(-pl.col("users").cast(pl.Int64))
    summed = Buckets.of(days("2026-03-02", "2026-03-02")).sums([views, changes], ["views", "users"]).collect()
    assert summed.schema == {"bucket": pl.Int32, "date": pl.Date, "views": pl.Int64, "users": pl.Int64}
    assert summed.row(0)[2:] == (2**33 - 2, -3)


def test_a_bucket_is_dated_by_the_day_it_begins_on() -> None:
    """Weeks of Berlin around the change to summer time: Mondays, though they begin on Sunday in UTC."""
    summed = Buckets.of(days("2026-03-25", "2026-04-01", "Europe/Berlin"), "week").sums([], ["views"]).collect()
    assert summed["date"].to_list() == [date(2026, 3, 23), date(2026, 3, 30)]


@given(
    periods(),
    granularities,
    st.lists(st.tuples(st.none() | st.integers(-2, 60), st.integers(0, 9), st.sampled_from(("views", "votes")))),
)
def test_sums_are_those_of_a_counter(
    period: Period, granularity: Granularity, counts: list[tuple[int | None, int, str]]
) -> None:
    """One row per bucket in order, by both engines."""
    buckets = Buckets.of(period, granularity)
    total: Counter[tuple[int | None, str]] = Counter()
    for number, count, name in counts:
        total[number, name] += count
    frames = [counted([number], **{name: [count]}) for number, count, name in counts]
    expected = [
        (number, day, total[number, "views"], total[number, "votes"]) for number, day in enumerate(dates_of(buckets))
    ]
    summed = buckets.sums(frames, ["views", "votes"])
    with pl.Config(engine_affinity="in-memory"):
        assert summed.collect().rows() == expected
    with pl.Config(engine_affinity="streaming", streaming_chunk_size=3):
        assert summed.collect().rows() == expected


def test_dated_has_a_row_per_bucket_and_the_columns_given() -> None:
    """0, 1 and 2, of 32 bits as `number` tells them; of no buckets nothing."""
    dated = Buckets.of(days("2026-03-02", "2026-03-04")).dated(pl.int_range(3).alias("n"), pl.lit(7).alias("seven"))
    assert dated.schema == {"bucket": pl.Int32, "date": pl.Date, "n": pl.Int64, "seven": pl.Int32}
    assert dated.rows() == [(0, date(2026, 3, 2), 0, 7), (1, date(2026, 3, 3), 1, 7), (2, date(2026, 3, 4), 2, 7)]
    assert Buckets.of(days("2026-03-02", "2026-03-01")).dated().schema == {"bucket": pl.Int32, "date": pl.Date}


def test_workdays_are_monday_to_friday() -> None:
    """2 to 8 March 2026 are Monday to Sunday; null is no day."""
    week = pl.DataFrame({"date": [*pl.date_range(date(2026, 3, 2), date(2026, 3, 8), eager=True), None]})
    assert week.select(is_weekday("date")).to_series().to_list() == [True] * 5 + [False] * 2 + [None]


def slow_edges(period: Period, granularity: Granularity, week_start: WeekStart) -> list[datetime]:
    """The edges of a period's buckets; none for an empty one."""
    if period.start == period.end:
        return []

    def begins(instant: datetime) -> bool:
        """Whether a bucket does: a full hour, or another day, week, … than a quarter of an hour ago."""
        local, before = (at.astimezone(zone) for at in (instant, instant - QUARTER_HOUR))
        if granularity == "hour":
            return local.minute == 0
        return label(local.date(), granularity, week_start) != label(before.date(), granularity, week_start)

    zone = ZoneInfo(period.zone)
    instant = period.start.replace(minute=period.start.minute // 15 * 15, second=0, microsecond=0)
    while not begins(instant):
        instant -= QUARTER_HOUR
    edges = [instant]
    while edges[-1] < period.end:
        instant += QUARTER_HOUR
        if begins(instant):
            edges.append(instant)
    return edges


def label(day: date, granularity: Granularity, week_start: WeekStart) -> object:
    """What a local day, week, month, quarter or year is called."""
    match granularity:
        case "week":
            return (day + timedelta(days=1) if week_start == "sunday" else day).isocalendar()[:2]
        case "month":
            return day.year, day.month
        case "quarter":
            return day.year, (day.month - 1) // 3
        case "year":
            return day.year
    return day


def test_minutes_are_cut_at_full_ones() -> None:
    """From 9:00:30 to 9:02: two of them, the first one from 9:00 on; of an empty period none."""
    period = Period(utc("2026-03-02 09:00:30"), utc("2026-03-02 09:02"), "Asia/Kathmandu")
    buckets = Buckets.of(period, "minute")
    assert buckets.edges.to_list() == [utc(f"2026-03-02 09:0{minute}") for minute in (0, 1, 2)]
    assert len(Buckets.of(Period(period.start, period.start), "minute")) == 0
    assert numbers(buckets, [utc("2026-03-02 09:01:59")]) == [1]
