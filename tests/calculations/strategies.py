"""Tables drawn by Hypothesis: few users and rooms that meet often, and instants at which some rule changes.

Cases no drawing should miss are drawn on purpose: ties, nulls in nullable columns, weekends, both sides of midnight
and of ten minutes, rows before START_DATE, 30 and 31 days, erased rooms, 41 equal counts, integers wider than declared.
"""

import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import polars as pl
from hypothesis import strategies as st

from calculations.fpp.tables import Tables
from calculations.time.period import Period
from read_model.table import Table
from read_model.tables.fpp import ESTIMATIONS, EVENTS, FPP, PAGE_VIEWS, ROOMS, USERS, VOTES

type Row = dict[str, Any]
type Frames = Mapping[Table, pl.LazyFrame]


def tables_of(frames: Frames) -> Tables:
    """The frames as the calculations take several of them."""
    return Tables(**{table.name.removeprefix("fpp_"): frame for table, frame in frames.items()})


# START_DATE: a Saturday, a Sunday, a Monday and a Friday.
STARTS = (date(2024, 6, 1), date(2024, 6, 2), date(2024, 6, 3), date(2024, 6, 7))
# Today, in days after START_DATE: after 30 weekdays and 31 days, after a weekend, the day itself, and before it.
TODAYS = (75, 45, 34, 8, 3, 1, 0, -1, -30)
# Days with rows, likewise: before, around a weekend, and 30 and 31 days after others.
DAYS = (-40, -1, 0, 1, 2, 3, 4, 5, 30, 31, 32, 33, 34, 61)
# Two days, and those on which someone returns in time, just in time, or too late.
RETURNS = ((0, 1, 31, 32), (0, 1, 33), (0, 2, 61))
CLOCKS = tuple(
    map(
        time.fromisoformat,
        ("00:00:00", "00:09:59", "09:00:00", "09:00:01", "09:10:00", "09:10:01", "09:20:01", "23:50:00", "23:59:59"),
    )
)
LAST_MOMENT = time(23, 59, 59, 999_999)

USER_IDS = ("zoë", "ann", "Ann", "李雷", "bob")
ROOM_IDS = (1, 65_537, 2**31 - 1, 0, -1)
# How many of them are used: one that has many rows, two that meet, or all.
CIRCLES = (1, 2, 5)
ABSENT_ROOMS = (404, 2**31, 2**63)
NAMES = ("team", "Team", "Zürich", "会議室", "unknown", "")
ROUTES = ("HOME", "ROOM", "GUIDE")
EVENT_KINDS = ("LEFT_ROOM", "COPIED_ROOM_LINK", "ENTERED_NEW_ROOM")
SOURCES = (
    "https://teams.microsoft.com/",
    "ads.",
    "google_ads on www.google.com",
    "https://www.google.com/",
    "free-planning-poker.com/cv",
    "cv",
    "email github.com",
    "github.com",
    "https://www.bing.com",
    "wwwXgoogleXcom",
    "münchen.example",
    "",
)
PLACES = ("DE", "ÅL", "Zürich", "unknown", "東京")
ESTIMATES = (0, 1, 2, 3, 5, 13, 100, -1)
MEANS = tuple(map(Decimal, ("0.00", "0.01", "0.10", "0.35", "2.67", "5.00", "13.50", "99.99")))
AMOUNTS = (0, 1, 2, 3, 7, 45, 32_767)
WIDE_AMOUNTS = (*AMOUNTS, 2**31 - 1)
CROWD = 41

# Columns of the source that the calculations don't need, but by which rows belong to a user.
FURTHER_COLUMNS: Mapping[Table, Mapping[str, pl.DataType]] = {
    USERS: {"id": pl.String()},
    EVENTS: {"user_id": pl.String()},
}
WIDER: Mapping[pl.DataType, pl.DataType] = {pl.Int16(): pl.Int32(), pl.Int32(): pl.Int64()}

# A zone and a local day on which its clocks are shifted, or the day after: hours or midnights are missing or twice.
SHIFTS = (
    ("UTC", date(2026, 3, 29)),
    ("Europe/Berlin", date(2026, 3, 29)),
    ("Europe/Berlin", date(2026, 10, 25)),
    ("America/New_York", date(2026, 3, 8)),
    ("America/New_York", date(2026, 11, 1)),
    ("Asia/Kolkata", date(2026, 3, 29)),
    ("Asia/Kathmandu", date(2026, 3, 29)),
    ("Australia/Lord_Howe", date(2026, 4, 5)),
    ("Australia/Lord_Howe", date(2026, 10, 4)),
    ("America/Caracas", date(2016, 5, 1)),
    ("America/Santiago", date(2025, 4, 6)),
    ("America/Santiago", date(2025, 9, 7)),
    ("Asia/Beirut", date(2025, 3, 30)),
    ("Africa/Cairo", date(2025, 4, 25)),
    ("America/Havana", date(2025, 11, 2)),
    ("Pacific/Apia", date(2026, 3, 29)),
)
ZONES = tuple(sorted({zone for zone, _ in SHIFTS}))


@dataclass(frozen=True)
class Case:
    """All tables as rows, START_DATE, the clock, and whether integer columns are wider than declared."""

    rows: Mapping[Table, list[Row]]
    start: date
    now: datetime
    is_wide: bool = False

    @property
    def period(self) -> Period:
        """From START_DATE to today."""
        return Period.of_days(self.start, self.now.date())

    @property
    def tables(self) -> dict[str, list[Row]]:
        """The rows in the oracle's format, by table name."""
        return {table.name: self.rows.get(table, []) for table in FPP.tables}

    @property
    def frames(self) -> Frames:
        """The same rows as frames for the calculations."""
        return {table: self.frame(table) for table in FPP.tables}

    def frame(self, table: Table) -> pl.LazyFrame:
        """The rows of one table."""
        rows = self.rows.get(table, [])
        schema = {**table.columns, **FURTHER_COLUMNS.get(table, {})}
        if self.is_wide:
            schema = {name: WIDER.get(dtype, dtype) for name, dtype in schema.items()}
        return pl.LazyFrame({name: [row[name] for row in rows] for name in schema}, schema=schema)

    def only(self, rows: Mapping[Table, list[Row]]) -> "Case":
        """The same with other rows."""
        return replace(self, rows=rows)

    def instants(self) -> list[datetime]:
        """All different instants of votes and page views, in order."""
        votes = {row["voted_at"] for row in self.rows.get(VOTES, [])}
        views = {row["viewed_at"] for row in self.rows.get(PAGE_VIEWS, [])}
        return sorted((votes | views) - {None})


def pools(
    instants: tuple[datetime, ...], amounts: tuple[int, ...], circle: int
) -> Mapping[Table, Mapping[str, tuple[Any, ...]]]:
    """The values each column is drawn from: null among them, except for keys."""
    at, amount, users, rooms = (
        (*instants, None),
        (*amounts, None),
        (*USER_IDS[:circle], None),
        (*ROOM_IDS[:circle], None),
    )
    estimate, place, yes_or_no = (*ESTIMATES, None), (*PLACES, None), (True, False, None)
    return {
        ESTIMATIONS: {
            "user_id": users,
            "room_id": rooms,
            "estimation": estimate,
            "spectator": yes_or_no,
            "estimated_at": at,
        },
        EVENTS: {"user_id": users, "event": (*EVENT_KINDS, None)},
        PAGE_VIEWS: {"user_id": users, "route": (*ROUTES, None), "source": (*SOURCES, None), "viewed_at": at},
        ROOMS: {"id": ROOM_IDS, "name": (*NAMES, None), "first_used_at": at},
        VOTES: {
            "room_id": rooms,
            "avg_estimation": (*MEANS, None),
            "max_estimation": estimate,
            "min_estimation": estimate,
            "amount_of_estimations": amount,
            "amount_of_spectators": amount,
            "duration": amount,
            "was_auto_flip": yes_or_no,
            "voted_at": at,
        },
        USERS: {
            "id": USER_IDS,
            "device": place,
            "os": place,
            "browser": place,
            "country": place,
            "region": place,
            "city": place,
            "created_at": at,
        },
    }


def instants_of(start: date, days: Iterable[int]) -> tuple[datetime, ...]:
    """The interesting instants of days counted from `start`, in order."""
    return tuple(
        datetime.combine(start + timedelta(days=number), clock, UTC) for number in sorted(days) for clock in CLOCKS
    )


@st.composite
def cases(draw: st.DrawFn, *tables: Table, crowds: bool = True) -> Case:
    """All tables, or those named while the others are empty; `crowds`: sometimes with 41 equal counts."""
    start = draw(st.sampled_from(STARTS))
    any_days = st.lists(st.sampled_from(DAYS), min_size=1, max_size=5, unique=True)
    instants = instants_of(start, draw(st.one_of(any_days, st.sampled_from(RETURNS))))
    is_wide = draw(st.booleans())
    pool = pools(instants, WIDE_AMOUNTS if is_wide else AMOUNTS, draw(st.sampled_from(CIRCLES)))
    fewest = draw(st.sampled_from((0, 10)))
    rows = {table: draw(rows_of(table, pool[table], fewest)) for table in tables or pool}
    if crowds and draw(st.sampled_from((False, False, True))):
        rows = {table: some + crowd(table) for table, some in rows.items()}
    today = start + timedelta(days=draw(st.sampled_from(TODAYS)))
    now = datetime.combine(today, draw(st.sampled_from((*CLOCKS, LAST_MOMENT))), UTC)
    return Case(rows, start, now, is_wide)


def rows_of(table: Table, pool: Mapping[str, tuple[Any, ...]], fewest: int) -> st.SearchStrategy[list[Row]]:
    """At least `fewest` rows and a few more at most; one row per room."""
    row = st.fixed_dictionaries({name: st.sampled_from(values) for name, values in pool.items()})
    if table is ROOMS:
        return st.lists(row, max_size=len(ROOM_IDS), unique_by=lambda room: room["id"])
    return st.lists(row, min_size=fewest, max_size=fewest + 10)


def crowd(table: Table) -> list[Row]:
    """41 rooms with a vote each, 41 users of as many places: equal counts at the cut of every top list, backwards."""
    filled: Mapping[Table, Callable[[int], Row]] = {
        ROOMS: lambda number: {"id": 1_000 + number, "name": f"wörld {number:02}"},
        VOTES: lambda number: {"room_id": 1_000 + number},
        USERS: lambda number: dict.fromkeys(("id", "device", "country", "region", "city"), f"wörld {number:02}"),
    }
    if table not in filled:
        return []
    return [dict.fromkeys(table.columns) | filled[table](number) for number in reversed(range(CROWD))]


def busy_case(size: int) -> Case:
    """`size` rows per table (but five rooms), 62 days from a Monday on: the same in every run."""
    start = date(2024, 6, 3)
    chance = random.Random(size)  # noqa: S311 - no secret
    rows = {
        table: [{name: chance.choice(values) for name, values in pool.items()} for _ in range(size)]
        for table, pool in pools(instants_of(start, DAYS), WIDE_AMOUNTS, max(CIRCLES)).items()
    }
    rows[ROOMS] = [row | {"id": room_id} for room_id, row in zip(ROOM_IDS, rows[ROOMS], strict=False)]
    return Case(rows, start, datetime(2024, 8, 4, 9, 0, tzinfo=UTC), is_wide=True)


@st.composite
def periods(draw: st.DrawFn) -> Period:
    """Whole local days or some stretch of time, at most 40 days, from before a shift of clocks or from anywhere."""
    zone, shift = draw(st.sampled_from(SHIFTS))
    near = st.integers(-3, 1).map(lambda number: shift + timedelta(days=number))
    first = draw(st.one_of(near, near, st.dates(date(2013, 1, 1), date(2030, 12, 31))))
    days = Period.of_days(first, first + timedelta(days=draw(st.sampled_from((0, 1, 3, 8, 40)))), zone)
    if draw(st.booleans()):
        return days
    later, shorter = draw(st.integers(0, 20 * 3600)), draw(st.integers(0, 20 * 3600))
    start = days.start + timedelta(seconds=later)
    return Period(start, max(start, days.end - timedelta(seconds=shorter, microseconds=1)), zone)
