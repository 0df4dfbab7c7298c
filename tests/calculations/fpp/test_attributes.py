"""Which rows a filter selects: every operator on every attribute, against the slow twin."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calculations.fpp.attributes import ATTRIBUTES, BORNE, Kind
from calculations.frames.filters import parsed_filter
from tests import asking
from tests.calculations.asking import SCHEMAS, Rows, attributes_of, filters_on, frames, named, tables_of_rows

KINDS: tuple[Kind, ...] = tuple(SCHEMAS)


def kept(rows: Rows, kind: Kind, clauses: Any) -> list[dict[str, Any]]:
    """The rows the service selects."""
    tables = frames(rows)
    filter_ = parsed_filter(clauses, ATTRIBUTES)
    selected = attributes_of(tables).selected(getattr(tables, kind), kind, filter_).collect()
    return selected.to_dicts()


@pytest.mark.parametrize("kind", KINDS)
@given(st.data(), tables_of_rows())
def test_a_filter_selects_what_the_twin_does(kind: Kind, data: st.DataObject, rows: Rows) -> None:
    """In any nesting, on all attributes of a table's rows."""
    clauses = data.draw(filters_on(*BORNE[kind]))
    twin = named(rows)
    table = f"fpp_{kind}"
    assert kept(rows, kind, clauses) == [row for row in rows[kind] if asking.holds(twin, table, row, clauses)]


ONE_OF_EACH: Rows = {
    "users": [{"id": "ann", **dict.fromkeys(BORNE["users"]), "country": "DE"}],
    "rooms": [{"id": 1, "name": "team"}],
    "page_views": [
        {"user_id": "ann", "room_id": 1, "route": "ROOM", "source": None, "viewed_at": None},
        {"user_id": "zoe", "room_id": 9, "route": "HOME", "source": "cv", "viewed_at": None},
        {"user_id": None, "room_id": None, "route": None, "source": "", "viewed_at": None},
    ],
    "events": [],
    "estimations": [],
    "votes": [],
}


@pytest.mark.parametrize(
    ("clause", "places"),
    [
        (["is", "country", ["DE"]], [0]),
        (["is", "country", ["unknown"]], [1, 2]),
        (["is_not", "country", ["DE"]], [1, 2]),
        (["is", "city", ["unknown"]], [0, 1, 2]),
        (["is", "room", [1]], [0]),
        (["is", "room", ["9"]], []),
        (["is", "room", ["unknown"]], [1, 2]),
        (["contains", "room_name", ["ea"]], [0]),
        (["is", "source", ["Direct"]], [0]),
        (["is", "source", ["CV", "Other"]], [1, 2]),
        (["contains_not", "source", ["i"]], [1, 2]),
        (["matches", "route", ["^.OM.?$"]], [1]),
        (["matches_not", "route", ["O"]], [2]),
        (["is", "route", ["room"]], []),
        (["and", [["is", "country", ["DE"]], ["is", "route", ["HOME"]]]], []),
        (["or", [["is", "country", ["DE"]], ["is", "route", ["HOME"]]]], [0, 1]),
        (["not", ["or", [["is", "country", ["DE"]], ["is", "route", ["HOME"]]]]], [2]),
    ],
    ids=str,
)
def test_what_is_missing_is_unknown(clause: Any, places: list[int]) -> None:
    """Ann is from Germany and in room 1; Zoe's user and room no longer exist; the third view is nobody's."""
    views = ONE_OF_EACH["page_views"]
    assert kept(ONE_OF_EACH, "page_views", [clause]) == [views[place] for place in places]
