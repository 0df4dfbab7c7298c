"""Rooms with their figures, and one room over time: worked by hand, against plain Python, and what must add up."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from calculations.fpp.room_stats import RoomStats, room_stats
from calculations.fpp.rooms import Room, RoomActivity, room_series, rooms
from calculations.time.buckets import Buckets, Granularity
from calculations.time.period import Period
from read_model.table import INSTANT
from read_model.tables.fpp import ROOMS, VOTES
from tests import oracle
from tests.calculations.strategies import ROOM_IDS, Case, busy_case, cases
from tests.rows import repeated, rows

LASTING_ROOMS = replace(ROOMS, columns={**ROOMS.columns, "last_used_at": INSTANT})
TWO_ROOMS = rows(
    LASTING_ROOMS,
    """
    id | name | first_used_at    | last_used_at
    7  | blue | 2026-03-02 09:00 | 2026-03-06 17:00
    8  | red  | 2026-03-03 09:00 | 2026-03-03 10:00
    """,
)
WEEK = Period.of_days(date(2026, 3, 2), date(2026, 3, 6))  # Monday to Friday
GRANULARITIES: tuple[Granularity, ...] = ("hour", "day", "week", "month", "quarter", "year")

groups_of_rooms = st.fixed_dictionaries({room: st.integers(0, 2) for room in (*ROOM_IDS, None)})


@st.composite
def cases_of_rooms(draw: st.DrawFn) -> Case:
    """Votes and rooms, erased ones among them."""
    return with_last_use(draw(cases(VOTES, ROOMS)))


@st.composite
def periods(draw: st.DrawFn, start: date) -> Period:
    """Local days from around a case's START_DATE on, some of them without its rows."""
    first = start + timedelta(days=draw(st.sampled_from((-50, -1, 0, 3))))
    last = start + timedelta(days=draw(st.sampled_from((-30, 0, 1, 35, 62))))
    return Period.of_days(first, last, draw(st.sampled_from(("UTC", "Europe/Berlin", "Asia/Kathmandu"))))


def with_last_use(case: Case) -> Case:
    """The case with the time each room was last used: three hours after it was first."""
    hours = timedelta(hours=3)
    lasting = [
        room | {"last_used_at": None if room["first_used_at"] is None else room["first_used_at"] + hours}
        for room in case.rows[ROOMS]
    ]
    return case.only({**case.rows, ROOMS: lasting})


def listed(case: Case) -> list[dict[str, Any]]:
    """What `rooms` makes of a case, by id."""
    schema = {**case.frame(ROOMS).collect_schema(), "last_used_at": INSTANT}
    table = [{name: room[name] for name in schema} for room in case.rows[ROOMS]]
    return rooms(case.frame(VOTES), pl.LazyFrame(table, schema=schema)).sort("id").to_dicts()


def test_rooms_have_their_names_times_and_figures() -> None:
    """Blue: 2 + 3 estimations in votes of 10 s and 21 s; red: one vote without numbers but a spectator."""
    votes = rows(
        VOTES,
        """
        room_id|amount_of_estimations|amount_of_spectators|min_estimation|avg_estimation|max_estimation|duration
        7      |2                    |0                   |1             |1.50          |2             |10
        8      |null                 |1                   |null          |null          |null          |null
        7      |3                    |0                   |3             |5.33          |8             |21
        """,
    )
    blue, red = rooms(votes, TWO_ROOMS).sort("id").to_dicts()
    assert Room(**blue) == Room(
        id=7,
        name="blue",
        first_used_at=datetime(2026, 3, 2, 9, tzinfo=UTC),
        last_used_at=datetime(2026, 3, 6, 17, tzinfo=UTC),
        votes=2,
        duration=16,
        estimations=5,
        estimations_per_vote=2.5,
        avg_min_estimation=2,
        avg_avg_estimation=3.42,
        avg_max_estimation=5,
        spectators=0,
        spectators_per_vote=0,
    )
    assert (red["name"], red["last_used_at"]) == ("red", datetime(2026, 3, 3, 10, tzinfo=UTC))
    assert (red["votes"], red["duration"], red["estimations"], red["avg_avg_estimation"]) == (1, 0, 0, 0)
    assert (red["spectators"], red["spectators_per_vote"]) == (1, 1)


def test_a_room_without_votes_is_not_listed() -> None:
    """Only blue has a vote."""
    assert rooms(rows(VOTES, "room_id\n7"), TWO_ROOMS)["name"].to_list() == ["blue"]


def test_votes_without_a_room_are_left_out() -> None:
    """Two votes, one of them of no room; a row of no id is not its room."""
    nameless = rows(LASTING_ROOMS, "id | name\nnull | ghost")
    result = rooms(rows(VOTES, "room_id\n7\nnull"), pl.concat([TWO_ROOMS, nameless]))
    assert result.select("id", "name", "votes").rows() == [(7, "blue", 1)]


def test_an_erased_room_is_unknown_and_has_no_times() -> None:
    """404 voted twice and is gone; each erased room keeps its own row."""
    result = rooms(rows(VOTES, "room_id\n404\n405\n404"), TWO_ROOMS).sort("id")
    assert result.select("id", "name", "first_used_at", "last_used_at", "votes").rows() == [
        (404, "unknown", None, None, 2),
        (405, "unknown", None, None, 1),
    ]


def test_a_room_without_a_name_is_unknown_but_has_its_times() -> None:
    """It exists, after all."""
    known = rows(LASTING_ROOMS, "id | name | first_used_at | last_used_at\n7 | null | 2026-03-02 | 2026-03-03")
    result = rooms(rows(VOTES, "room_id\n7"), known)
    times = (datetime(2026, 3, 2, tzinfo=UTC), datetime(2026, 3, 3, tzinfo=UTC))
    assert result.select("name", "first_used_at", "last_used_at").row(0) == ("unknown", *times)


@pytest.mark.parametrize("drawn", ["", "room_id\nnull", "room_id\n7"])
def test_rooms_have_the_fields_of_the_model(drawn: str) -> None:
    """In order and of one type, also when there are none."""
    schema = rooms(rows(VOTES, drawn), TWO_ROOMS).schema
    assert list(schema) == list(Room.model_fields) == [*list(Room.model_fields)[:4], *RoomStats.model_fields]
    assert list(schema.values())[:6] == [pl.Int64, pl.String, INSTANT, INSTANT, pl.Int64, pl.Int64]


def test_ids_of_both_tables_may_differ_in_width() -> None:
    """Int64 in votes, Int32 in rooms: still blue."""
    votes = rows(VOTES, "room_id\n7").with_columns(pl.col("room_id").cast(pl.Int64))
    assert rooms(votes, TWO_ROOMS)["name"].to_list() == ["blue"]


def test_sums_above_32_bits() -> None:
    """70,000 votes of 32,767 estimations and spectators each: 2,293,690,000 is more than 2³¹, also within a day."""
    drawn = rows(
        VOTES,
        """
        room_id | amount_of_estimations | amount_of_spectators | voted_at
        7       | 32767                 | 32767                | 2026-03-02 09:00
        """,
    )
    votes = repeated(drawn, 70_000)
    listed_room = rooms(votes, TWO_ROOMS).select("votes", "estimations", "spectators").row(0)
    assert listed_room == (70_000, 2_293_690_000, 2_293_690_000)
    assert room_series(votes, 7, Buckets.of(WEEK)).row(0) == (0, 70_000, 2_293_690_000)


def test_a_series_has_a_row_per_bucket_in_order() -> None:
    """Two votes on Monday, the last second of Tuesday, midnight of Thursday; quiet days are zeros."""
    votes = rows(
        VOTES,
        """
        room_id | amount_of_estimations | voted_at
        7       | 1                     | 2026-03-05 00:00:00
        7       | 2                     | 2026-03-02 09:00:00
        8       | 100                   | 2026-03-02 09:00:00
        null    | 100                   | 2026-03-02 09:00:00
        7       | 4                     | 2026-03-03 23:59:59
        7       | null                  | 2026-03-02 10:00:00
        """,
    )
    series = room_series(votes, 7, Buckets.of(WEEK))
    assert series.rows() == [(0, 2, 2), (1, 1, 4), (2, 0, 0), (3, 1, 1), (4, 0, 0)]
    assert series.schema == {"bucket": pl.Int32(), "votes": pl.Int64(), "estimations": pl.Int64()}


def test_a_series_follows_the_buckets_of_a_zone() -> None:
    """Berlin, Sunday 29 March 2026 has 23 hours: from 23:00 UTC on Saturday to 22:00 UTC, which is Monday's."""
    votes = rows(
        VOTES,
        """
        room_id | amount_of_estimations | voted_at
        7       | 1                     | 2026-03-28 22:59:59
        7       | 2                     | 2026-03-28 23:00:00
        7       | 4                     | 2026-03-29 21:59:59
        7       | 8                     | 2026-03-29 22:00:00
        """,
    )
    period = Period.of_days(date(2026, 3, 28), date(2026, 3, 30), "Europe/Berlin")
    assert room_series(votes, 7, Buckets.of(period)).rows() == [(0, 1, 1), (1, 2, 6), (2, 1, 8)]


@pytest.mark.parametrize("room_id", [1, 2**31, 2**63])
def test_a_series_of_a_room_without_votes_is_zeros(room_id: int) -> None:
    """Also of a number that is too large for a room, and of an empty table."""
    zeros = [(number, 0, 0) for number in range(5)]
    voted = rows(VOTES, "room_id | voted_at\n7 | 2026-03-02 09:00")
    for votes in (voted, rows(VOTES)):
        assert room_series(votes, room_id, Buckets.of(WEEK)).rows() == zeros


def test_a_series_over_nothing_is_empty() -> None:
    """A period that ends before it begins."""
    period = Period.of_days(date(2026, 3, 2), date(2026, 3, 1))
    assert room_series(rows(VOTES), 7, Buckets.of(period)).rows() == []


@pytest.mark.parametrize("model", [Room, RoomActivity])
def test_every_field_is_described(model: type[BaseModel]) -> None:
    """In a sentence."""
    assert all(str(field.description).endswith(".") for field in model.model_fields.values())


def test_a_series_has_the_fields_of_the_model() -> None:
    """After the number of the bucket."""
    series = room_series(rows(VOTES), 7, Buckets.of(WEEK))
    assert series.columns == ["bucket", *RoomActivity.model_fields]


@given(cases_of_rooms())
def test_rooms_are_those_of_plain_python(case: Case) -> None:
    """Down to the text of a response."""
    ours = [Room(**room).model_dump_json() for room in listed(case)]
    assert ours == [Room(**room).model_dump_json() for room in oracle.rooms(case.tables)]


def test_busy_rooms_are_those_of_plain_python() -> None:
    """3,000 votes in five rooms and none."""
    case = with_last_use(busy_case(3_000))
    assert listed(case) == oracle.rooms(case.tables)


@given(cases(VOTES), st.data(), st.sampled_from(GRANULARITIES))
def test_a_series_is_that_of_plain_python_and_sums_to_the_figures(
    case: Case, data: st.DataObject, granularity: Granularity
) -> None:
    """For every room, over the votes of a period."""
    period = data.draw(periods(case.start))
    votes = case.frame(VOTES).filter(period.contains("voted_at"))
    inside = [
        row for row in case.rows[VOTES] if row["voted_at"] is not None and period.start <= row["voted_at"] < period.end
    ]
    buckets = Buckets.of(period, granularity)
    for room_id in ROOM_IDS:
        series = room_series(votes, room_id, buckets)
        figures = room_stats(votes, room_id)
        assert series.to_dicts() == oracle.room_series({"fpp_votes": inside}, room_id, buckets.edges.to_list())
        assert (series["votes"].sum(), series["estimations"].sum()) == (figures.votes, figures.estimations)


@given(cases_of_rooms())
def test_the_figures_of_a_room_are_those_of_its_page(case: Case) -> None:
    """Row by row, to the last bit."""
    for room in listed(case):
        figures = {name: room[name] for name in RoomStats.model_fields}
        assert repr(figures) == repr(room_stats(case.frame(VOTES), room["id"]).model_dump())


@given(cases_of_rooms())
def test_votes_over_rooms_sum_to_the_votes_of_rooms(case: Case) -> None:
    """No vote is lost or counted twice, whether its room exists or not; each room has one row."""
    result = listed(case)
    room_ids = [row["room_id"] for row in case.rows[VOTES] if row["room_id"] is not None]
    assert sum(room["votes"] for room in result) == len(room_ids)
    assert [room["id"] for room in result] == sorted(set(room_ids))


@given(cases_of_rooms(), groups_of_rooms)
def test_groups_of_rooms_make_up_all_rooms(case: Case, groups: Mapping[object, int]) -> None:
    """The rooms of some votes are not changed by the votes of others."""
    parts = [
        case.only({**case.rows, VOTES: [row for row in case.rows[VOTES] if groups.get(row["room_id"], 0) == group]})
        for group in range(3)
    ]
    together = [room for part in parts for room in listed(part)]
    assert sorted(together, key=lambda room: room["id"]) == listed(case)


@given(cases_of_rooms(), st.integers(0, 2**32))
def test_neither_engine_nor_order_matters(case: Case, seed: int) -> None:
    """In memory at once, or shuffled and streamed in pieces of three rows."""
    period = Period.of_days(case.start, case.start + timedelta(days=62))
    votes, known = case.frame(VOTES), case.frame(ROOMS).with_columns(last_used_at=pl.col("first_used_at"))
    shuffled = votes.collect().sample(fraction=1, shuffle=True, seed=seed).lazy()

    def figures(votes: pl.LazyFrame) -> tuple[list[Any], list[Any]]:
        inside = votes.filter(period.contains("voted_at"))
        series = room_series(inside, ROOM_IDS[0], Buckets.of(period, "week")).rows()
        return rooms(votes, known).sort("id").rows(), series

    with pl.Config(engine_affinity="in-memory"):
        in_memory = figures(votes)
    with pl.Config(engine_affinity="streaming", streaming_chunk_size=3):
        assert figures(shuffled) == in_memory
