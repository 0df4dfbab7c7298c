"""Rooms: a list with their figures, and one of them over time."""

from typing import Annotated

import polars as pl
from fastapi import APIRouter, Path, Response

from calculations.fpp.room_stats import of_room, room_stats
from calculations.fpp.rooms import Room, room_series, rooms
from calculations.frames.arithmetic import UNKNOWN, label
from calculations.frames.json_rows import json_rows
from read_model.table import INSTANT
from read_model.tables.fpp import ROOMS, VOTES
from routers.v1.asking import asked
from routers.v1.schemas import RoomOverTime
from util.errors import AnalyticsError
from web.errors import Problem
from web.questions.answers import object_answer, table_answer
from web.questions.figures import figures
from web.questions.parameters import LONGEST_LIST, ListsParameters, SeriesParameters
from web.questions.question import Part, Question
from web.questions.schemas import ALSO_ROWS, answer_of
from web.questions.series import series
from web.questions.tables import columns_of, computed, cut, ordered, parsed_order
from web.snapshot_route import SnapshotRoute

router = APIRouter(prefix="/rooms", route_class=SnapshotRoute)

RoomsQuestion = Annotated[Question[ListsParameters], asked(ListsParameters)]
RoomQuestion = Annotated[Question[SeriesParameters], asked(SeriesParameters, is_cheap=True)]

KEYS = ("id", "name", "first_used_at", "last_used_at")
MOST_VOTES_FIRST = {"votes": True, "id": False}


class UnknownRoomError(AnalyticsError):
    """There is no such room, and never was a vote in it."""

    status = 404

    def __init__(self, room_id: int) -> None:
        super().__init__(f"No room has the id {room_id}: /v1/rooms lists them")


@router.get("", response_model=answer_of(list[Room], ListsParameters), responses=ALSO_ROWS)
def get_rooms(question: RoomsQuestion) -> Response:
    """The rooms with votes in a period and their figures, those with most votes first."""
    columns = [*KEYS, *columns_of(question, [name for name in Room.model_fields if name not in KEYS])]
    order = parsed_order(question, columns, MOST_VOTES_FIRST)
    table = computed(question, lambda part: rooms(part.rows(VOTES), _known(part)), KEYS)
    rows = ordered(table, order)
    return table_answer(question, cut(rows, question), "rooms", rows.frame.height)


@router.get(
    "/{room_id}",
    response_model=answer_of(RoomOverTime, SeriesParameters),
    responses=ALSO_ROWS | {404: {"model": Problem, "description": "There is no such room."}},
)
def get_room(
    room_id: Annotated[int, Path(ge=1, le=LONGEST_LIST, description="Id of the room.")], question: RoomQuestion
) -> Response:
    """One room: its figures over a period, and its votes per bucket. Other formats than JSON hold the series.

    Raises:
        UnknownRoomError: There is no such room.
    """
    room = _identity(question.part(question.period), room_id)
    stats = figures(question, lambda part: room_stats(part.rows(VOTES), room_id))
    over_time = series(question, lambda part: room_series(part.rows(VOTES), room_id, part.buckets))
    body = b'{"room":%s,"series":%s}' % (
        json_rows(room.hstack(stats.table.nested())),
        b"".join(over_time.as_json()),
    )
    return object_answer(question, [body], over_time.frame, f"room-{room_id}")


def _identity(part: Part, room_id: int) -> pl.DataFrame:
    """The row of a room, or what is left of one that was erased: its votes."""
    known = _known(part).filter(pl.col("id") == room_id).select(KEYS).with_columns(label("name"))
    votes = of_room(part.all_rows(VOTES), room_id).select(pl.len())
    found, voted = pl.collect_all([known, votes])
    if not found.is_empty():
        return found
    if not voted.item():
        raise UnknownRoomError(room_id)
    return pl.DataFrame([dict.fromkeys(KEYS) | {"id": room_id, "name": UNKNOWN}])


def _known(part: Part) -> pl.LazyFrame:
    """The rooms; plain files may lack when one was last used."""
    known = part.all_rows(ROOMS)
    if "last_used_at" in known.collect_schema():
        return known
    return known.with_columns(last_used_at=pl.lit(None, INSTANT))
