"""Visitors, visits and active users over time: each bucket has the twin's figures of its own rows."""

from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from calculations.fpp.active_users import active_users
from calculations.fpp.attributes import ATTRIBUTES, BORNE, is_of_users
from calculations.fpp.selection import Selection
from calculations.fpp.visitors import visitors_per_bucket
from calculations.frames.filters import parsed_filter
from calculations.time.buckets import Buckets, Granularity
from calculations.time.period import Period
from read_model.tables.fpp import ESTIMATIONS
from tests import asking
from tests.calculations.asking import PERIOD, Rows, attributes_of, filters_on, frames, named, tables_of_rows
from tests.oracle import ratio
from tests.rows import rows

GRANULARITIES: st.SearchStrategy[Granularity] = st.sampled_from(("hour", "day", "week", "month"))
ZONES = st.sampled_from(("UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Pacific/Apia"))


@given(tables_of_rows(), filters_on(*BORNE["page_views"]), GRANULARITIES, ZONES)
def test_a_bucket_has_the_traffic_of_its_rows(rows: Rows, clauses: Any, granularity: Granularity, zone: str) -> None:
    """A visit past its end is one of both buckets."""
    tables, filter_ = frames(rows), parsed_filter(clauses, ATTRIBUTES)
    period = Period(PERIOD.start, PERIOD.end, zone)
    buckets = Buckets.of(period, granularity)
    of_users = is_of_users(list(filter_.attributes()))
    selection = Selection(attributes=attributes_of(tables), filter=filter_, of_users=of_users)
    found = visitors_per_bucket(tables.page_views, tables.estimations, selection, buckets)
    for row, (start, end) in zip(found.iter_rows(named=True), pairwise(buckets.edges.to_list()), strict=True):
        expected = asking.visits(within(rows, start, end), clauses)
        assert {name: row[name] for name in ("visitors", "visits", "bounce_rate")} == {
            name: expected[name] for name in ("visitors", "visits", "bounce_rate")
        }


def within(rows: Rows, start: datetime, end: datetime) -> asking.Tables:
    """The tables with the rows of a stretch of time."""
    return {
        table: [row for row in some if table not in asking.TIMES or start <= row[asking.TIMES[table]] < end]
        for table, some in named(rows).items()
    }


@given(tables_of_rows(), GRANULARITIES, ZONES, st.integers(0, 29), st.integers(1, 30))
def test_active_users_are_the_twins(rows: Rows, granularity: Granularity, zone: str, skipped: int, days: int) -> None:
    """Of the last day that a bucket has, also before the period."""
    first = PERIOD.start.date() + timedelta(days=skipped)
    period = Period.of_days(first, first + timedelta(days=days), zone)
    buckets = Buckets.of(period, granularity)
    found = active_users(frames(rows).estimations, period, buckets)
    edges = buckets.edges.to_list()[1:]
    for row, edge in zip(found.iter_rows(named=True), edges, strict=True):
        last = (min(edge, period.end) - timedelta(microseconds=1)).astimezone(ZoneInfo(zone)).date()
        assert row == {"bucket": row["bucket"], **slow_active(rows, last, zone)}


def slow_active(rows: Rows, last: date, zone: str) -> dict[str, Any]:
    """Who estimated on a day, and in the 7 and 30 days that end with it."""
    on_days = [
        (row["user_id"], row["estimated_at"].astimezone(ZoneInfo(zone)).date())
        for row in rows["estimations"]
        if row["user_id"] is not None
    ]
    dau, wau, mau = (
        len({user for user, day in on_days if last - timedelta(days=length) < day <= last}) for length in (1, 7, 30)
    )
    return {"dau": dau, "wau": wau, "mau": mau, "stickiness": ratio(dau, mau) if mau else None}


def test_windows_end_with_the_last_day() -> None:
    """Ann on the 1st and the 7th of March, Bob on the 8th: weekly for 7 days, monthly for 30, the last one included."""
    estimations = rows(
        ESTIMATIONS,
        """
        user_id | estimated_at
        ann     | 2026-03-01 23:59:59
        ann     | 2026-03-07 00:00
        bob     | 2026-03-08 12:00
        """,
    )
    period = Period.of_days(date(2026, 3, 1), date(2026, 4, 7))
    found = active_users(estimations, period, Buckets.of(period))
    assert found.select("dau", "wau", "mau", "stickiness").gather([0, 1, 6, 7, 13, 14, 35, 36, 37]).rows() == [
        (1, 1, 1, 1.0),
        (0, 1, 1, 0.0),
        (1, 1, 1, 1.0),
        (1, 2, 2, 0.5),
        (0, 1, 2, 0.0),
        (0, 0, 2, 0.0),
        (0, 0, 2, 0.0),
        (0, 0, 1, 0.0),
        (0, 0, 0, None),
    ]
