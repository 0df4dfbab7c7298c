"""Rooms, and one room over time, worked by hand."""

from collections.abc import Callable
from typing import Any

import polars as pl
import pytest

from read_model.table import INSTANT
from read_model.tables.fpp import ROOMS, VOTES
from tests.routers.v1.api import NOW, Api, assert_same_rows, flat, publish
from tests.web.problems import problem

WEEK = "2026-03-02,2026-03-05"
BEFORE = "2026-02-23,2026-02-26"
MANY = 60_000

ROOM_1 = {
    "id": 1,
    "name": "=1+1",
    "votes": 2,
    "duration": 60,
    "estimations": 7,
    "estimations_per_vote": 3.5,
    "avg_min_estimation": 3.5,
    "avg_avg_estimation": 5.75,
    "avg_max_estimation": 8.0,
    "spectators": 1,
    "spectators_per_vote": 0.5,
}
ERASED = {
    "id": 404,
    "name": "unknown",
    "first_used_at": None,
    "last_used_at": None,
    "votes": 1,
    "duration": 60,
    "estimations": 1,
    "estimations_per_vote": 1.0,
    "avg_min_estimation": 1.0,
    "avg_avg_estimation": 1.0,
    "avg_max_estimation": 1.0,
    "spectators": 0,
    "spectators_per_vote": 0.0,
}


def ids(rows: list[dict[str, Any]]) -> list[int]:
    """Which rooms, in order."""
    return [row["id"] for row in rows]


def test_rooms(api: Api) -> None:
    """Room 1 with two votes of 30 and 90 s, 3 and 4 estimations; then rooms 2 and 404 with one each, by id."""
    rows = api.data("rooms", date_range=WEEK)
    assert ids(rows) == [1, 2, 404]
    times = {"first_used_at": "2026-02-23T09:00:00Z", "last_used_at": "2026-03-03T09:11:00Z"}
    assert rows[0] == ROOM_1 | times
    assert rows[2] == ERASED


def test_rooms_compared(api: Api) -> None:
    """Room 1 had one vote in the week before, the others none."""
    rows = api.data("rooms", date_range=WEEK, compare=BEFORE)
    assert [row["votes"] for row in rows] == [
        {"value": 2, "comparison": 1, "change": 1, "change_pct": 100.0},
        {"value": 1, "comparison": 0, "change": 1, "change_pct": None},
        {"value": 1, "comparison": 0, "change": 1, "change_pct": None},
    ]
    assert rows[2]["first_used_at"] is None


def test_a_room_of_the_other_period_only_is_listed_with_zeros(api: Api) -> None:
    """On 5 March rooms 2 and 404 voted, on the 3rd room 1."""
    rows = api.data("rooms", date_range="2026-03-05,2026-03-05", compare="2026-03-03,2026-03-03")
    assert ids(rows) == [2, 404, 1]
    assert rows[2]["votes"] == {"value": 0, "comparison": 1, "change": -1, "change_pct": -100.0}
    assert rows[2]["name"] == "=1+1"


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"limit": "2"}, [1, 2]),
        ({"offset": "1"}, [2, 404]),
        ({"limit": "1", "offset": "1"}, [2]),
        ({"offset": "3"}, []),
        ({"order_by": "votes"}, [2, 404, 1]),
        ({"order_by": "votes,id:desc"}, [404, 2, 1]),
        ({"order_by": "name:desc"}, [404, 2, 1]),
        ({"order_by": "duration:desc"}, [2, 1, 404]),
        ({"order_by": "first_used_at:desc"}, [2, 1, 404]),
        ({"order_by": "first_used_at"}, [1, 2, 404]),
        ({"order_by": "spectators_per_vote:desc", "limit": "1"}, [2]),
    ],
    ids=str,
)
def test_which_rooms_in_which_order(api: Api, asked: dict[str, str], expected: list[int]) -> None:
    """Nulls are last either way; what is equal stays in the usual order; all rows are told."""
    body = api.get("rooms", date_range=WEEK, **asked)
    assert ids(body["data"]) == expected
    assert body["meta"]["total_rows"] == 3


@pytest.mark.parametrize(
    "asked",
    [{}, {"compare": BEFORE}, {"order_by": "name", "limit": "2"}, {"date_range": "2020-01-01,2020-01-01"}],
    ids=str,
)
def test_rooms_are_the_same_in_every_format(api: Api, asked: dict[str, str]) -> None:
    asked = {"date_range": WEEK} | asked
    assert_same_rows(api, "rooms", [dict(flat(row)) for row in api.data("rooms", **asked)], **asked)


def test_a_room_over_time(api: Api) -> None:
    """The figures of the list, and its votes of Monday and Tuesday."""
    data = api.data("rooms/1", date_range=WEEK)
    times = {"first_used_at": "2026-02-23T09:00:00Z", "last_used_at": "2026-03-03T09:11:00Z"}
    assert data["room"] == ROOM_1 | times
    assert [(row["votes"], row["estimations"]) for row in data["series"]] == [(1, 3), (1, 4), (0, 0), (0, 0)]
    assert [row["partial"] for row in data["series"]] == [False, False, False, True]


def test_a_room_compared(api: Api) -> None:
    """Its name is no figure."""
    data = api.data("rooms/1", date_range=WEEK, compare=BEFORE)
    assert (data["room"]["id"], data["room"]["name"]) == (1, "=1+1")
    assert data["room"]["estimations"] == {"value": 7, "comparison": 2, "change": 5, "change_pct": 250.0}
    assert data["series"][0]["votes"] == {"value": 1, "comparison": 1, "change": 0, "change_pct": 0.0}


@pytest.mark.parametrize("asked", [{}, {"compare": BEFORE}, {"granularity": "week"}], ids=str)
def test_a_room_in_other_formats_is_its_series(api: Api, asked: dict[str, str]) -> None:
    series = api.data("rooms/1", date_range=WEEK, **asked)["series"]
    assert_same_rows(api, "rooms/1", [dict(flat(row)) for row in series], date_range=WEEK, **asked)


def test_a_quiet_room_has_zeros(api: Api) -> None:
    """Room 3 exists, but nobody voted there."""
    data = api.data("rooms/3", date_range=WEEK)
    assert data["room"]["name"] == "quiet"
    assert {data["room"][name] for name in ROOM_1 if name not in ("id", "name")} == {0}
    assert [row["votes"] for row in data["series"]] == [0, 0, 0, 0]


def test_an_erased_room_is_unknown_yet_counted(api: Api) -> None:
    """Its votes are left; also of a period without any."""
    data = api.data("rooms/404", date_range=WEEK)
    assert data["room"] == ERASED
    quiet = api.data("rooms/404", date_range=BEFORE)["room"]
    assert (quiet["name"], quiet["votes"]) == ("unknown", 0)


def test_a_room_without_a_name_is_unknown(api_over: Callable[..., Api]) -> None:
    """In the list and alone."""
    api = api_over({ROOMS: "id|name\n1|null", VOTES: "room_id|voted_at\n1|2026-03-02 09:00"})
    assert [row["name"] for row in api.data("rooms")] == ["unknown"]
    assert api.data("rooms/1")["room"]["name"] == "unknown"


@pytest.mark.parametrize("format_", ["json", "csv"])
@pytest.mark.parametrize("room_id", [99, 2**31 - 1])
def test_a_room_that_does_not_exist_is_404(api: Api, room_id: int, format_: str) -> None:
    """A problem in JSON, whatever was asked for."""
    found = problem(api.ask(f"rooms/{room_id}", format=format_), 404)
    assert found["detail"] == f"No room has the id {room_id}: /v1/rooms lists them"


@pytest.mark.parametrize("room_id", ["0", "-1", str(2**31), "x", "1.5", "9" * 400])
def test_an_invalid_room_id_is_422(api: Api, room_id: str) -> None:
    assert problem(api.ask(f"rooms/{room_id}"), 422)["errors"][0]["parameter"] == "room_id"


@pytest.mark.parametrize(
    ("search", "found"),
    [("TEAM", [1, 2]), ("a.b", [3]), ("", [1, 2, 3, 4, 5, 6]), ("ΟΔΟΣ", [4]), ("οδος", [4]), ("ßE", [5]), ("unK", [6])],
)
def test_search_finds_parts_of_names_in_any_case(api_over: Callable[..., Api], search: str, found: list[int]) -> None:
    """Nothing in them is a pattern. In Greek, a word's last sigma is another letter than that within the word."""
    names = ["team", "My Team", "a.b", "ΟΔΟΣΑ", "Straße", "null"]
    rooms = "\n".join(["id|name", *(f"{number}|{name}" for number, name in enumerate(names, start=1))])
    votes = "\n".join(["room_id|voted_at", *(f"{number}|2026-03-02 09:00" for number in range(1, len(names) + 1))])
    api = api_over({ROOMS: rooms, VOTES: votes})
    assert [room["id"] for room in api.data("rooms", search=search)] == found
    assert len(api.data("behaviour/rooms", search=search)) == len(found)


def test_no_rooms(api_over: Callable[..., Api]) -> None:
    """An empty list; CSV has its head all the same."""
    api = api_over({})
    body = api.get("rooms")
    assert (body["data"], body["meta"]["total_rows"]) == ([], 0)
    assert api.ask("rooms", format="csv").text.startswith("id,name,first_used_at,")
    problem(api.ask("rooms/1"), 404)


INJECTED = ["=1+1", "+1", "-2", "@x", "\t=1", "\r=1", "\n=1"]
HARMLESS = ["1=1", " =1", "'=1", 'a"b', "a,b", "a\nb", "a\rb", "ü", ""]


@pytest.fixture
def named_rooms(api_over: Callable[..., Api]) -> Api:
    """A room with a vote per name."""
    names = [*INJECTED, *HARMLESS]
    rooms = pl.LazyFrame({"id": range(1, len(names) + 1), "name": names}).with_columns(
        pl.col("id").cast(pl.Int32), first_used_at=pl.lit(NOW, INSTANT)
    )
    votes = "room_id|voted_at\n" + "\n".join(f"{number}|2026-03-02 09:00" for number in range(1, len(names) + 1))
    return api_over({ROOMS: rooms, VOTES: votes})


def test_cells_a_spreadsheet_would_run_are_neutralised_in_csv(named_rooms: Api) -> None:
    """An apostrophe before them makes them texts; no other cell is changed."""
    found = [row["name"] or "" for row in named_rooms.rows("rooms", "csv")]
    assert found == [f"'{name}" for name in INJECTED] + HARMLESS
    listed = [row["name"] or "" for row in named_rooms.rows("behaviour", "csv")]
    assert sorted(listed) == sorted(found)


@pytest.mark.parametrize("format_", ["ndjson", "parquet"])
def test_no_other_format_is_changed(named_rooms: Api, format_: str) -> None:
    """They hold what JSON does, and that what the table does."""
    assert [row["name"] for row in named_rooms.rows("rooms", format_)] == INJECTED + HARMLESS
    assert [row["name"] for row in named_rooms.data("rooms")] == INJECTED + HARMLESS


@pytest.fixture(scope="module")
def many_rooms(tmp_path_factory: pytest.TempPathFactory) -> Api:
    """60,000 rooms with a vote each."""
    numbers = pl.LazyFrame({"id": range(1, MANY + 1)}).with_columns(pl.col("id").cast(pl.Int32))
    rooms = numbers.with_columns(name=pl.format("room {}", "id"), first_used_at=pl.lit(NOW, INSTANT))
    empty = {name: pl.lit(None, dtype) for name, dtype in VOTES.columns.items() if name not in ("room_id", "voted_at")}
    votes = numbers.select(pl.col("id").alias("room_id"), voted_at=pl.lit(NOW, INSTANT), **empty)
    data_dir = tmp_path_factory.mktemp("many")
    publish(data_dir, {ROOMS: rooms, VOTES: votes.select(*VOTES.columns)})
    return Api(data_dir)


def test_a_long_list_is_whole_in_json(many_rooms: Api) -> None:
    """No hidden limit."""
    body = many_rooms.get("rooms")
    assert ids(body["data"]) == list(range(1, MANY + 1))
    assert body["meta"]["total_rows"] == MANY


@pytest.mark.parametrize("format_", ["csv", "ndjson", "parquet"])
def test_a_long_list_is_whole_in_other_formats(many_rooms: Api, format_: str) -> None:
    rows = many_rooms.rows("rooms", format_)
    assert [int(row["id"]) for row in rows] == list(range(1, MANY + 1))
    assert rows[-1]["name"] == f"room {MANY}"


def test_the_end_of_a_long_list(many_rooms: Api) -> None:
    """The last two of 60,000."""
    assert ids(many_rooms.data("rooms", offset=MANY - 2, limit=MANY)) == [MANY - 1, MANY]
