"""Sums, for any tables: those of a series are the totals, and parts add up to the whole unless marked otherwise."""

from collections import Counter
from collections.abc import Hashable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.calculations.strategies import Case
from tests.routers.v1.api import PERIODS
from tests.routers.v1.held import GRANULARITIES, HeldApi, few, past_cases, ranges, written, zones

WEEK_STARTS = ("monday", "sunday")
SPLIT = tuple(path for path in PERIODS if path != "retention")
DAY = timedelta(days=1)
BUCKET = ("date", "start", "end", "partial")

type Described = dict[str, Any]


@pytest.fixture(scope="module", name="described")
def describe(held: HeldApi) -> Described:
    """`/openapi.json`."""
    described: Described = held.app.openapi()
    return described


def schema_of(described: Described, path: str) -> Described:
    """The schema of the figures at a path, not compared."""
    path = path.replace("rooms/1", "rooms/{room_id}")
    answer = described["paths"][f"/v1/{path}"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    whole = resolved(described, answer)
    return resolved(described, whole.get("anyOf", [whole])[0])["properties"]["data"]  # type: ignore[no-any-return]


def resolved(described: Described, schema: Described) -> Described:
    """A schema, wherever it is."""
    if "$ref" not in schema:
        return schema
    found: Described = described["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return found


def kinds(schema: Described) -> set[str]:
    """The types a value may have."""
    return {part["type"] for part in schema.get("anyOf", [schema]) if "type" in part}


def fields(described: Described, schema: Described, name: str = "") -> Iterator[tuple[str, Described]]:
    """Every number in a schema by its name, except those that identify a row."""
    schema = {**resolved(described, schema), **{key: schema[key] for key in schema if key.startswith("x-")}}
    if "properties" in schema:
        for part, inner in schema["properties"].items():
            if part not in ("id", "interval"):
                yield from fields(described, inner, part)
    elif "array" in kinds(schema):
        yield from fields(described, schema["items"], name)
    elif isinstance(schema.get("additionalProperties"), dict):
        yield from fields(described, schema["additionalProperties"] | only_marks(schema), name)
    elif kinds(schema) & {"integer", "number"}:
        yield name, schema


def only_marks(schema: Described) -> Described:
    """What a map says of all its values."""
    return {key: value for key, value in schema.items() if key.startswith("x-")}


def additive(described: Described, path: str) -> set[str]:
    """The figures at a path that add up, as the description of the API has it."""
    return {name for name, schema in fields(described, schema_of(described, path)) if schema.get("x-additive", True)}


@pytest.mark.parametrize("path", PERIODS)
def test_means_and_rates_are_marked_as_not_additive(described: Described, path: str) -> None:
    """No figure with decimals is the sum of its parts."""
    numbers = {name for name, schema in fields(described, schema_of(described, path)) if "number" in kinds(schema)}
    assert not numbers & additive(described, path)


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("traffic", {"page_views"}),
        ("votes", {"total_votes", "total_estimations", "weekday_counts", "estimation_counts"}),
        ("behaviour", {"count"}),
        ("location", {"count"}),
        ("historical", {"new_users", "page_views", "rooms", "estimations", "votes"}),
        ("reoccurring", set()),
        ("lifecycle", {"new"}),
        ("retention", set()),
        ("rooms", {"votes", "estimations", "spectators"}),
        ("rooms/1", {"votes", "estimations", "spectators"}),
    ],
)
def test_which_figures_add_up(described: Described, path: str, names: set[str]) -> None:
    """Plain counts; a new one belongs here, or is marked."""
    assert additive(described, path) == names


def test_compared_figures_are_marked_alike(described: Described) -> None:
    """The mark is at the figure's field."""
    compared = described["components"]["schemas"]["ComparedChosenVisits"]["properties"]
    assert [name for name, schema in compared.items() if schema.get("x-additive", True)] == ["page_views"]


def figures(data: Any, names: set[str], key: tuple[Hashable, ...] = ()) -> Iterator[tuple[tuple[Hashable, ...], int]]:
    """The figures of these names by where they stand: fields, and what tells the rows of a list apart."""
    if isinstance(data, list):
        for row in data:
            label = tuple(value for name, value in row.items() if name == "id" or not is_number(value, name))
            yield from figures(row, names, (*key, str(label)))
        return
    for name, value in data.items():
        if name in names and isinstance(value, dict):
            yield from (((*key, name, part), number) for part, number in value.items())
        elif name in names:
            yield (*key, name), value
        elif isinstance(value, dict | list):
            yield from figures(value, names, (*key, name))


def is_number(value: object, name: str) -> bool:
    """Whether a cell is a figure (null for those that are unknown) rather than a label."""
    return name not in (*BUCKET, "name", "first_used_at", "last_used_at", "country") or isinstance(value, int | float)


@few
@given(past_cases, zones, st.data())
def test_the_parts_of_a_period_add_up_to_it(
    held: HeldApi, described: Described, case: Case, zone: str, data: st.DataObject
) -> None:
    """Two dates cut in two: every figure that isn't marked otherwise is the sum of both."""
    first, last = data.draw(ranges(case, zone, at_least=2))
    middle = data.draw(st.dates(first, last - DAY))
    api = held.hold(case)
    for path in api.answered(SPLIT):
        names = additive(described, path)
        whole, before, after = (
            Counter(dict(figures(api.data(path, date_range=written(*dates), timezone=zone), names)))
            for dates in ((first, last), (first, middle), (middle + DAY, last))
        )
        # Sums of counters have no zeros.
        assert before + after == +whole, path


@few
@given(past_cases, zones, st.data())
def test_a_series_sums_up_to_the_totals_of_its_period(
    held: HeldApi, case: Case, zone: str, data: st.DataObject
) -> None:
    """In any buckets: page views, votes, new users, a room's votes and estimations."""
    api = held.hold(case)
    asked = {"date_range": written(*data.draw(ranges(case, zone))), "timezone": zone}
    cut = asked | {
        "granularity": data.draw(st.sampled_from(GRANULARITIES)),
        "week_start": data.draw(st.sampled_from(WEEK_STARTS)),
    }
    rows = api.data("historical", **cut)
    totals = {
        "page_views": api.data("traffic", **asked)["page_views"],
        "votes": api.data("votes", **asked)["total_votes"],
        "new_users": sum(row["count"] for row in api.data("location", **asked)["os"]),
    }
    for name, total in totals.items():
        assert sum(row[name] for row in rows) == total, name
        assert not rows or rows[-1][f"acc_{name}"] == total, name
    listed = {row["id"]: row for row in api.data("rooms", **asked)}
    for path in api.answered(f"rooms/{room_id}" for room_id in listed if room_id > 0):
        room, series = api.data(path, **cut).values()
        for name in ("votes", "estimations"):
            total = listed[room["id"]][name]
            assert (room[name], sum(row[name] for row in series)) == (total, total)


@few
@given(past_cases, zones, st.data())
def test_everyone_is_new_once(held: HeldApi, case: Case, zone: str, data: st.DataObject) -> None:
    """In the buckets from the first instant told on, all whose first estimation ever lies between the two."""
    api = held.hold(case)
    entity, column = data.draw(st.sampled_from((("user", "user_id"), ("room", "room_id"))))
    asked = {"date_range": written(*data.draw(ranges(case, zone))), "timezone": zone, "entity": entity}
    body = api.get("lifecycle", **asked, granularity=data.draw(st.sampled_from(GRANULARITIES)))
    begins = oracle_firsts(case, column)
    first, last = (body["query"][name] for name in ("first_instant", "last_instant"))
    inside = [instant for instant in begins if first <= instant <= last]
    assert sum(row["new"] for row in body["data"]) == len(inside)


def oracle_firsts(case: Case, column: str) -> list[str]:
    """When each user (room) estimated for the first time, as the API spells instants."""
    firsts: dict[Any, Any] = {}
    for row in case.tables["fpp_estimations"]:
        if row[column] is not None:
            firsts[row[column]] = min(row["estimated_at"], firsts.get(row[column], row["estimated_at"]))
    return [instant.isoformat().replace("+00:00", "Z") for instant in firsts.values()]
