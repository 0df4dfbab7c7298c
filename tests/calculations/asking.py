"""Tables and filters as Hypothesis draws them for questions: few users and rooms, and minutes around every rule."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
from hypothesis import strategies as st

from calculations.fpp.attributes import BORNE, Attributes, Kind
from calculations.fpp.tables import Tables
from calculations.time.period import Period
from read_model.table import INSTANT

type Rows = dict[str, list[dict[str, Any]]]

# A Monday; the clocks of Berlin go forward on the Sunday before.
START = datetime(2026, 3, 30, tzinfo=UTC)
PERIOD = Period(START, START + timedelta(days=30))
MINUTES = (0, 0, 1, 5, 9, 10, 11, 20, 21, 1439, 1440, 1445, 10_080, 10_081, 10_090, 43_000)
SCHEMAS: Mapping[Kind, Mapping[str, pl.DataType]] = {
    "users": {"id": pl.String(), **{name: pl.String() for name in BORNE["users"]}},
    "rooms": {"id": pl.Int32(), "name": pl.String()},
    "page_views": {
        "user_id": pl.String(),
        "room_id": pl.Int32(),
        "route": pl.String(),
        "source": pl.String(),
        "viewed_at": INSTANT,
    },
    "events": {"user_id": pl.String(), "event": pl.String(), "event_at": INSTANT},
    "estimations": {
        "user_id": pl.String(),
        "room_id": pl.Int32(),
        "estimation": pl.Int16(),
        "spectator": pl.Boolean(),
        "estimated_at": INSTANT,
    },
    "votes": {"room_id": pl.Int32(), "voted_at": INSTANT},
}
PLACES = st.sampled_from(("DE", "AT", "unknown", "Zürich", "", None))
# Zoe and room 9 are in no table of their own.
USERS = st.sampled_from(("ann", "bob", "cem", "zoe", None))
ROOMS = st.sampled_from((1, 2, 12, 9, None))
POOLS: Mapping[str, st.SearchStrategy[Any]] = {
    "user_id": USERS,
    "room_id": ROOMS,
    "route": st.sampled_from(("HOME", "ROOM", "GUIDE", None)),
    "source": st.sampled_from((None, "cv", "https://github.com/", "https://www.google.com/", "elsewhere", "")),
    "event": st.sampled_from(("LEFT_ROOM", "ENTERED_NEW_ROOM", None)),
    "estimation": st.sampled_from((1, 5, 13, None)),
    "spectator": st.booleans(),
    **dict.fromkeys(BORNE["users"], PLACES),
}
INSTANTS = st.sampled_from(MINUTES).map(lambda minutes: START + timedelta(minutes=minutes))
# Values that occur, parts of them, expressions, and values that don't occur.
VALUES = {
    "is": st.sampled_from(
        ("DE", "AT", "unknown", "Zürich", "", "HOME", "Direct", "GitHub", "LEFT_ROOM", 1, 5, 12, True, "false", "team")
    ),
    "contains": st.sampled_from(("D", "unk", "ü", "", "OM", "irect", "1", "Z", "e")),
    "matches": st.sampled_from(("^D", "n$", "[0-9]", "(?i)home|guide", ".", "^$", "ü", "1?2")),
}


@st.composite
def tables_of_rows(draw: st.DrawFn, most: int = 12) -> Rows:
    """All tables, with up to `most` rows each."""
    rows: Rows = {
        "users": [
            {"id": user, **{name: draw(PLACES) for name in BORNE["users"]}} for user in draw(st.sets(USERS)) - {None}
        ],
        "rooms": [
            {"id": room, "name": draw(st.sampled_from(("team", "Team", None)))}
            for room in sorted(room for room in draw(st.sets(ROOMS)) if room not in (None, 9))
        ],
    }
    for kind in ("page_views", "events", "estimations", "votes"):
        schema = SCHEMAS[kind]
        row = st.fixed_dictionaries({name: POOLS.get(name, INSTANTS) for name in schema})
        rows[kind] = draw(st.lists(row, max_size=most))
    return rows


def frames(rows: Rows) -> Tables:
    """The rows as frames for the calculations."""
    return Tables(**{kind: pl.LazyFrame(rows[kind], schema=dict(schema)) for kind, schema in SCHEMAS.items()})


def attributes_of(tables: Tables) -> Attributes:
    """The rows as filters see them."""
    return Attributes(tables.users, tables.rooms)


def named(rows: Rows) -> dict[str, list[dict[str, Any]]]:
    """The rows in the twin's format."""
    return {f"fpp_{kind}": some for kind, some in rows.items()}


def clauses_on(*attributes: str) -> st.SearchStrategy[Any]:
    """A clause on some of these attributes, nested now and then."""
    comparisons = st.sampled_from(("is", "contains", "matches")).flatmap(
        lambda operator: st.tuples(
            st.sampled_from((operator, f"{operator}_not")),
            st.sampled_from(attributes),
            st.lists(VALUES[operator], min_size=1, max_size=2),
        ).map(list)
    )
    return st.recursive(
        comparisons,
        lambda inner: st.one_of(
            st.tuples(st.sampled_from(("and", "or")), st.lists(inner, min_size=1, max_size=3)).map(list),
            inner.map(lambda part: ["not", part]),
        ),
        max_leaves=4,
    )


def filters_on(*attributes: str) -> st.SearchStrategy[Any]:
    """A filter: clauses that all hold, or none."""
    return st.lists(clauses_on(*attributes), max_size=2)
