"""The attributes that figures are filtered and broken down by, and the rows that have them.

A user's attributes belong to all rows of the user, a room's to all rows of the room. All are strings: a missing value,
or one of a user or room that no longer exists, is `unknown`; a page view without a source is `Direct`.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Literal

import polars as pl

from calculations.fpp.behaviour import CATEGORY
from calculations.fpp.packed_keys import user_hash
from calculations.frames.arithmetic import UNKNOWN, label
from calculations.frames.collecting import collect
from calculations.frames.filters import EVERYTHING, Clause, Filter, combined

type Kind = Literal["users", "page_views", "events", "estimations", "votes", "rooms"]

USER = ("country", "region", "city", "device", "os", "browser")
ROOM = ("room", "room_name")
SOURCE = ("source",)
ATTRIBUTES = (*USER, "route", *SOURCE, "event", "estimation", "spectator", *ROOM)
DIRECT = "Direct"

BORNE: Mapping[Kind, tuple[str, ...]] = {
    "users": USER,
    "page_views": (*USER, "route", *SOURCE, *ROOM),
    "events": (*USER, "event"),
    "estimations": (*USER, "estimation", "spectator", *ROOM),
    "votes": ROOM,
    "rooms": ROOM,
}
WHY = {
    "users": "a user has neither rows nor rooms of its own",
    "page_views": "a page view belongs to a user and maybe a room",
    "events": "an event belongs to a user only",
    "estimations": "an estimation belongs to a user and a room",
    "votes": "a vote belongs to a room and has no user",
    "rooms": "a room has no user",
}
# Attributes that are columns of the rows themselves, not of their user or room.
OWN: Mapping[Kind, Mapping[str, pl.Expr]] = {
    "users": {name: label(name) for name in USER},
    "page_views": {"route": label("route")},
    "events": {"event": label("event")},
    "estimations": {"estimation": label("estimation"), "spectator": label("spectator")},
    "votes": {},
    "rooms": {"room": label("id"), "room_name": label("name")},
}
ROOM_KEY = pl.col("room_id").cast(pl.Int64)


def is_of_users(attributes: Collection[str]) -> bool:
    """Whether all attributes are those of users, so that they select users and all their activities."""
    return set(attributes) <= set(USER)


@dataclass(frozen=True, eq=False)
class Attributes:
    """The users and rooms that rows belong to.

    Attributes:
        users: `id` and the attributes of users, one row per user.
        rooms: `id` and `name`, one row per room.
    """

    users: pl.LazyFrame
    rooms: pl.LazyFrame
    _known: dict[Filter, pl.DataFrame] = field(default_factory=dict)

    def selected(self, rows: pl.LazyFrame, kind: Kind, filter_: Filter) -> pl.LazyFrame:
        """The rows that a filter selects.

        Args:
            rows: Rows of a table.
            kind: Which table.
            filter_: A filter on attributes that its rows have.
        """
        return rows if filter_ == EVERYTHING else rows.filter(self.holds(rows, kind, filter_))

    def holds(self, rows: pl.LazyFrame, kind: Kind, filter_: Filter) -> pl.Expr:
        """Whether a filter holds for a row (Boolean, never null).

        Conditions on users, rooms or sources are evaluated once for each of them; rows only look up the result.
        """

        def leaf(part: Filter) -> pl.Expr | None:
            names = set(part.attributes())
            if names <= OWN[kind].keys():
                return _told_by(part, OWN[kind])
            if names <= set(USER):
                return _found(user_hash(), self._answers(part, self.labelled_users))
            if names <= set(ROOM):
                return _found(ROOM_KEY, self._answers(part, self.labelled_rooms))
            if names == set(SOURCE):
                return _found(pl.col("source"), _answered(part, labelled_sources(rows)))
            return None

        return combined(filter_, leaf)

    def labelled_users(self, names: Collection[str] = USER) -> pl.DataFrame:
        """`key` (UInt64, the hash of a user id) and attributes of users; the null key stands for all others."""
        return _with_others(self.users.select(key=user_hash("id"), **{name: label(name) for name in names}))

    def labelled_rooms(self, names: Collection[str] = ROOM) -> pl.DataFrame:
        """`key` (Int64, a room id) and attributes of rooms; the null key stands for all others."""
        return _with_others(
            self.rooms.select(key=pl.col("id").cast(pl.Int64), **{name: OWN["rooms"][name] for name in names})
        )

    def _answers(self, part: Filter, labelled: Callable[[Collection[str]], pl.DataFrame]) -> pl.DataFrame:
        """The users or rooms that a part of a filter holds for, computed once for all tables."""
        if part not in self._known:
            self._known[part] = _answered(part, labelled(set(part.attributes())))
        return self._known[part]


def labelled_sources(page_views: pl.LazyFrame) -> pl.DataFrame:
    """The sources of page views: `key` (String, null for none) and `source`, its category (String)."""
    sources = pl.concat([page_views.select(key="source"), pl.LazyFrame({"key": [None]}, {"key": pl.String()})])
    category = pl.when(pl.col("key").is_null()).then(pl.lit(DIRECT)).otherwise(CATEGORY)
    return collect(sources.unique().with_columns(source="key").with_columns(source=category))


def labelled_values(rows: pl.LazyFrame, name: str, kind: Kind) -> pl.DataFrame:
    """The distinct values of an attribute's column: `key` as it is stored, and the attribute (String)."""
    values = pl.concat([rows.select(name), pl.LazyFrame([None], {name: pl.Null()})], how="vertical_relaxed").unique()
    return collect(values.select(pl.col(name).alias("key"), OWN[kind][name].alias(name)))


def _with_others(labelled: pl.LazyFrame) -> pl.DataFrame:
    """A frame of `key` and labels, with a further row for all other keys."""
    others = pl.LazyFrame([None], {"key": pl.Null()})
    both = pl.concat([labelled.drop_nulls("key"), others], how="diagonal_relaxed")
    return collect(both.with_columns(pl.exclude("key").fill_null(UNKNOWN)))


def _answered(part: Filter, labelled: pl.DataFrame) -> pl.DataFrame:
    """`key`, and whether a part of a filter `holds` for its attributes (Boolean)."""
    columns = {name: pl.col(name) for name in part.attributes()}
    return labelled.select("key", holds=combined(part, lambda leaf: _told_by(leaf, columns)))


def _told_by(part: Filter, columns: Mapping[str, pl.Expr]) -> pl.Expr | None:
    """Whether a clause holds for columns; None for a part that is not a clause."""
    return part.expression(columns[part.attribute]) if isinstance(part, Clause) else None


def _found(key: pl.Expr, answers: pl.DataFrame) -> pl.Expr:
    """The answer for a key; that of the null key if it is null or unknown."""
    usual: bool = answers.filter(pl.col("key").is_null())["holds"].item()
    unusual = answers.filter(pl.col("holds") != usual)["key"]
    found = key.is_in(unusual.implode()).fill_null(value=False)
    return ~found if usual else found
