"""Rooms: a list with figures, and a single room over time."""

from typing import Annotated

import polars as pl
from fastapi import APIRouter, Path, Response
from pydantic import BeforeValidator

from calculations.fpp.room_stats import of_room, room_stats
from calculations.fpp.rooms import Room, room_series, rooms
from calculations.frames.arithmetic import UNKNOWN, label
from calculations.frames.json_rows import json_rows
from routers.v1.asking import asked
from routers.v1.parameters import ROOM_KEYS, RoomParameters, RoomsParameters
from routers.v1.schemas import RoomOverTime
from routers.v1.selecting import Selected, selected
from util.errors import AnalyticsError
from web.errors import Problem
from web.questions.answers import object_answer, table_answer
from web.questions.figures import figures
from web.questions.parameters import LONGEST_LIST
from web.questions.question import Part, Question
from web.questions.schemas import ALSO_ROWS, answer_of, chosen_type
from web.questions.series import series
from web.questions.tables import columns_of, computed, cut, named_like, ordered, parsed_order
from web.snapshot_route import SnapshotRoute
from web.validation import as_integer

router = APIRouter(prefix="/rooms", route_class=SnapshotRoute)

RoomsQuestion = Annotated[Question[RoomsParameters], asked(RoomsParameters)]
RoomQuestion = Annotated[Question[RoomParameters], asked(RoomParameters, is_cheap=True)]

MOST_VOTES_FIRST = {"votes": True, "id": False}


class UnknownRoomError(AnalyticsError):
    """There is no such room, nor a vote of it."""

    status = 404

    def __init__(self, room_id: int) -> None:
        super().__init__(f"No room has the id {room_id}: /v1/rooms lists them")


@router.get(
    "",
    response_model=answer_of(list[chosen_type(Room)], RoomsParameters),  # type: ignore[misc]
    responses=ALSO_ROWS,
)
def get_rooms(question: RoomsQuestion) -> Response:
    """The rooms with votes in a period and their figures, those with the most votes first."""
    chosen, search = question.parameters.chosen, question.parameters.search
    order = parsed_order(question, [*ROOM_KEYS, *columns_of(question, chosen)], MOST_VOTES_FIRST)

    def voted(part: Part) -> pl.DataFrame:
        tables = selected(question, part)
        found = rooms(tables.rows("votes"), tables.whole("rooms")).filter(named_like(search))
        return found.select(*ROOM_KEYS, *chosen)

    rows = ordered(computed(question, voted, ROOM_KEYS), order)
    return table_answer(question, cut(rows, question), "rooms", rows.frame.height)


@router.get(
    "/{room_id}",
    response_model=answer_of(RoomOverTime, RoomParameters),
    responses=ALSO_ROWS | {404: {"model": Problem, "description": "There is no such room."}},
)
def get_room(
    room_id: Annotated[
        int, Path(ge=1, le=LONGEST_LIST, description="Id of the room.", examples=[12]), BeforeValidator(as_integer)
    ],
    question: RoomQuestion,
) -> Response:
    """One room: its figures over a period, and its votes per bucket. Other formats than JSON hold the series.

    Raises:
        UnknownRoomError: There is no such room.
    """
    everything = selected(question, question.part(question.period))
    room = _identity(everything, room_id)
    stats = figures(question, lambda part: room_stats(selected(question, part).rows("votes"), room_id))
    over_time = series(
        question, lambda part: room_series(selected(question, part).rows("votes"), room_id, part.buckets)
    )
    body = b'{"room":%s,"series":%s}' % (
        json_rows(room.hstack(stats.table.nested())),
        b"".join(over_time.as_json()),
    )
    return object_answer(question, [body], over_time.frame, f"room-{room_id}")


def _identity(rows: Selected, room_id: int) -> pl.DataFrame:
    """The row of a room; of an erased room with votes, only its id."""
    known = rows.whole("rooms").filter(pl.col("id") == room_id).select(ROOM_KEYS).with_columns(label("name"))
    votes = of_room(rows.whole("votes"), room_id).select(pl.len())
    found, voted = pl.collect_all([known, votes])
    if not found.is_empty():
        return found
    if not voted.item():
        raise UnknownRoomError(room_id)
    return pl.DataFrame([dict.fromkeys(ROOM_KEYS) | {"id": room_id, "name": UNKNOWN}])
