"""The rooms of a period with their figures, and one room over time."""

from datetime import datetime

import polars as pl
from pydantic import BaseModel, Field

from calculations.fpp.room_stats import TOTALS, RoomStats, figures, of_room
from calculations.frames.arithmetic import label
from calculations.frames.collecting import collect
from calculations.time.buckets import Buckets

ACTIVITY = ("votes", "estimations")


class RoomIdentity(BaseModel, frozen=True):
    """A room's id, name and times."""

    id: int = Field(description="Id of the room.")
    name: str = Field(description="Name of the room; `unknown` for rooms that no longer exist.")
    first_used_at: datetime | None = Field(
        description="Instant the room was first used, in UTC; null for rooms that no longer exist."
    )
    last_used_at: datetime | None = Field(
        description="Instant the room was last used, in UTC; null for rooms that no longer exist."
    )


class Room(RoomStats, RoomIdentity, frozen=True):
    """A room and the figures of its votes in a period."""


class RoomActivity(BaseModel, frozen=True):
    """Votes of one room in one bucket of time; zeros for a quiet one."""

    votes: int = Field(ge=0, description="Votes.")
    estimations: int = Field(ge=0, description="Estimations given in those votes.")


def rooms(votes: pl.LazyFrame, rooms: pl.LazyFrame) -> pl.DataFrame:
    """The rooms with votes, and their figures.

    Args:
        votes: The votes to count; those without a room are left out.
        rooms: The table, for names and times.

    Returns:
        One row per room with a vote, in no particular order, with the fields of `Room`: `id` (Int64), `name` (String,
        `"unknown"` for erased rooms), `first_used_at` and `last_used_at` (Datetime, UTC, null for erased rooms), then
        the figures of `room_stats` (Int64 and Float64).
    """
    known = rooms.select("id", "name", "first_used_at", "last_used_at")
    per_room = votes.drop_nulls("room_id").group_by(id=pl.col("room_id").cast(pl.Int64)).agg(TOTALS)
    named = figures(per_room, "id").join(known, on="id", how="left")
    return collect(named.with_columns(label("name")).select(*Room.model_fields))


def identities(ids: pl.Series, rooms: pl.LazyFrame) -> pl.DataFrame:
    """The names and times of rooms.

    Args:
        ids: Their ids (Int64).
        rooms: The table, for names and times.

    Returns:
        One row per id, in their order: the fields of `RoomIdentity`, as `rooms` has them.
    """
    known = rooms.select(pl.col("id").cast(pl.Int64), "name", "first_used_at", "last_used_at")
    named = pl.LazyFrame({"id": ids}).join(known, on="id", how="left", maintain_order="left")
    return collect(named.with_columns(label("name")))


def room_series(votes: pl.LazyFrame, room_id: int, buckets: Buckets) -> pl.DataFrame:
    """The votes of one room over time, quiet buckets included; the sums are those of `room_stats` for the same votes.

    Args:
        votes: The votes to count, all within `buckets`.
        room_id: The room.
        buckets: What to count by.

    Returns:
        One row per bucket in order: `bucket`, its number (Int32), `votes` and `estimations` given in them (Int64).
    """
    voted = of_room(votes, room_id).select(
        bucket=buckets.number(pl.col("voted_at")),
        votes=pl.lit(1),
        estimations=pl.col("amount_of_estimations").cast(pl.Int64),
    )
    return collect(buckets.sums([voted], ACTIVITY).select("bucket", *ACTIVITY))
