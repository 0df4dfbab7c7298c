"""Users and rooms drawn by Hypothesis for calculations that follow them over time, with estimations around the edges of
buckets."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
from hypothesis import settings
from hypothesis import strategies as st

from calculations.fpp.active_buckets import Entity
from calculations.time.buckets import Granularity, WeekStart
from calculations.time.period import MICROSECOND, Period
from read_model.tables.fpp import ESTIMATIONS

type Row = Mapping[str, Any]


STEPS = {"hour": timedelta(minutes=30)}


@cache
def begin(instant: datetime, granularity: str, zone: str, week_start: str) -> datetime:
    """When the bucket of an instant begins."""
    day = instant.astimezone(ZoneInfo(zone)).date()
    if granularity == "week":
        day -= timedelta(days=day.isoweekday() % 7 if week_start == "sunday" else day.isoweekday() - 1)
    elif granularity in ("month", "quarter", "year"):
        month = {"month": day.month, "quarter": (day.month - 1) // 3 * 3 + 1, "year": 1}[granularity]
        day = day.replace(month=month, day=1)
    midnight = datetime.combine(day, time(), ZoneInfo(zone)).astimezone(UTC)
    hour = timedelta(hours=1)
    return midnight + (instant - midnight) // hour * hour if granularity == "hour" else midnight


@cache
def following(bucket: datetime, granularity: str, zone: str, week_start: str) -> datetime:
    """When the bucket after one begins."""
    instant = bucket
    while begin(instant, granularity, zone, week_start) == bucket:
        instant += STEPS.get(granularity, timedelta(hours=23))
    return begin(instant, granularity, zone, week_start)


@dataclass(frozen=True)
class Lives:
    """Rows of estimations and a question about them."""

    rows: Sequence[Row]
    entity: Entity
    period: Period
    granularity: Granularity
    week_start: WeekStart

    def frame(self) -> pl.LazyFrame:
        """The rows as the calculations take them."""
        schema = ESTIMATIONS.columns
        return pl.LazyFrame({name: [row.get(name) for row in self.rows] for name in schema}, schema=dict(schema))

    def active(self, until: datetime) -> list[set[datetime]]:
        """The beginnings of the buckets each user (room) was active in before an instant."""
        found: dict[Any, set[datetime]] = {}
        for row in self.rows:
            subject, at = row[f"{self.entity}_id"], row["estimated_at"]
            if subject is not None and at is not None and at < until:
                found.setdefault(subject, set()).add(self.begin(at))
        return list(found.values())

    def begin(self, instant: datetime) -> datetime:
        """When the bucket of an instant begins."""
        return begin(instant, self.granularity, self.period.zone, self.week_start)

    def following(self, bucket: datetime) -> datetime:
        """When the next bucket begins."""
        return following(bucket, self.granularity, self.period.zone, self.week_start)

    def buckets(self) -> list[datetime]:
        """The beginnings of the buckets of the period."""
        found = []
        bucket = self.begin(self.period.start)
        while self.period.start < self.period.end and bucket < self.period.end:
            found.append(bucket)
            bucket = self.following(bucket)
        return found

    def groups(self, groups: Mapping[Any, int]) -> list["Lives"]:
        """The same with the rows of one group of users (rooms) only, for each of them."""
        key = f"{self.entity}_id"
        return [
            replace(self, rows=[row for row in self.rows if groups[row[key]] == group])
            for group in sorted(set(groups.values()))
        ]


GRANULARITIES: tuple[Granularity, ...] = ("hour", "day", "week", "month", "quarter", "year")
WEEK_STARTS: tuple[WeekStart, ...] = ("monday", "sunday")
# Clocks change at other times of the day, at midnight, or by half an hour; or local time is half an hour off.
ZONES = ("UTC", "Europe/Berlin", "America/Havana", "Australia/Lord_Howe", "Asia/Kolkata")
# Around changes of clocks, and of the year, on Fridays, Saturdays and Sundays.
DAYS = tuple(
    map(date.fromisoformat, ("2025-03-08", "2025-03-29", "2025-10-04", "2025-10-25", "2026-01-02", "2025-11-02"))
)
USERS = ("ann", "Ann", "zoë", None)
ROOMS = (1, 0, -1, 2**31 - 1, None)
CLOSE = (timedelta(0), -MICROSECOND, MICROSECOND, timedelta(minutes=40))

more_examples = settings(max_examples=4 * settings().max_examples)

groups_of_subjects = st.fixed_dictionaries({subject: st.integers(0, 1) for subject in (*USERS, *ROOMS)})


@st.composite
def lives(draw: st.DrawFn, granularities: Sequence[Granularity] = GRANULARITIES) -> Lives:
    """Up to six buckets, and rows close to their edges, before and behind them."""
    zone, day = draw(st.sampled_from(ZONES)), draw(st.sampled_from(DAYS))
    granularity, week_start = draw(st.sampled_from(granularities)), draw(st.sampled_from(WEEK_STARTS))
    first = Period.of_days(day, day, zone).start
    asked = Lives([], draw(st.sampled_from(("user", "room"))), Period(first, first, zone), granularity, week_start)
    edges = [asked.begin(first)]
    for _ in range(4):
        edges.insert(0, asked.begin(edges[0] - MICROSECOND))
    for _ in range(9):
        edges.append(asked.following(edges[-1]))
    start = max(first, edges[4] + draw(st.sampled_from(CLOSE)))
    end = max(start, edges[draw(st.integers(4, 10))] + draw(st.sampled_from(CLOSE)))
    instants = st.builds(lambda edge, off: edge + off, st.sampled_from(edges), st.sampled_from(CLOSE))
    row = st.fixed_dictionaries(
        {
            "user_id": st.sampled_from(USERS),
            "room_id": st.sampled_from(ROOMS),
            "estimated_at": st.one_of(instants, instants, instants, st.none()),
        }
    )
    fewest = draw(st.sampled_from((0, 15)))
    return replace(
        asked, rows=draw(st.lists(row, min_size=fewest, max_size=fewest + 15)), period=Period(start, end, zone)
    )
