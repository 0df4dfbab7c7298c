"""The figures of one room, for its page."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path

from calculations.fpp.room_stats import RoomStats, room_stats
from read_model.tables.fpp import VOTES
from routers.v1.asking import asked
from util.errors import AnalyticsError
from web.callers import requires
from web.computing import computing
from web.conditional import UNCHANGED
from web.errors import INVALID, REFUSED, UNAVAILABLE, Problem
from web.questions.parameters import Bare
from web.questions.question import Question
from web.snapshot_route import SnapshotRoute
from web.validation import Integer

router = APIRouter(
    prefix="/room",
    dependencies=[requires("fpp:read")],
    responses=REFUSED | UNAVAILABLE,
    route_class=SnapshotRoute,
)

LARGEST_ID = 2**31 - 1


class RoomNumberError(AnalyticsError):
    """A room id that no room can have."""

    status = 400

    def __init__(self, room_id: int) -> None:
        if room_id > LARGEST_ID:
            super().__init__(f"The room id is too large: ids go up to {LARGEST_ID}")
        else:
            super().__init__(f"Room id {room_id} is not positive: ids begin with 1")


async def possible_room_id(
    room_id: Annotated[
        Integer, Path(description="Id of the room.", json_schema_extra={"minimum": 1, "maximum": LARGEST_ID})
    ],
) -> int:
    """The room id of the path.

    Raises:
        RoomNumberError: It is zero, negative or too large.
    """
    if not 1 <= room_id <= LARGEST_ID:
        raise RoomNumberError(room_id)
    return room_id


RoomQuestion = Annotated[Question[Bare], asked(Bare, is_cheap=True)]


@router.get(
    "/{room_id}/stats",
    dependencies=[Depends(possible_room_id)],
    responses=UNCHANGED | INVALID | {400: {"model": Problem, "description": "No room can have this id."}},
)
def get_room_stats(room_id: Annotated[int, Depends(possible_room_id)], question: RoomQuestion) -> RoomStats:
    """The votes of one room, counted and averaged; all zeros before its first vote."""
    with computing(question.request, question.snapshot):
        return room_stats(question.snapshot.scan(VOTES), room_id)
