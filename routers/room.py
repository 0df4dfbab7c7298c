"""The figures of one room, for its page."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path

from calculations.fpp.room_stats import RoomStats, room_stats
from read_model.tables.fpp import VOTES
from util.errors import AnalyticsError
from web.callers import requires
from web.conditional import UNCHANGED
from web.dependencies import SnapshotDep
from web.errors import REFUSED, UNAVAILABLE, Problem
from web.snapshot_route import COMPUTED, SnapshotRoute

router = APIRouter(
    prefix="/room",
    dependencies=[requires("fpp:read")],
    responses=REFUSED | UNAVAILABLE,
    route_class=SnapshotRoute,
)


class RoomNumberError(AnalyticsError):
    """A room id that no room can have."""

    status = 400

    def __init__(self, room_id: int) -> None:
        super().__init__(f"Room id {room_id} is not positive: ids begin with 1")


async def positive_room_id(
    room_id: Annotated[int, Path(description="Id of the room.", json_schema_extra={"minimum": 1})],
) -> int:
    """The room id of the path.

    Raises:
        RoomNumberError: It is zero or negative.
    """
    if room_id <= 0:
        raise RoomNumberError(room_id)
    return room_id


@router.get(
    "/{room_id}/stats",
    dependencies=[Depends(positive_room_id), *COMPUTED],
    responses=UNCHANGED | {400: {"model": Problem, "description": "The room id is zero or negative."}},
)
def get_room_stats(room_id: Annotated[int, Depends(positive_room_id)], snapshot: SnapshotDep) -> RoomStats:
    """The votes of one room, counted and averaged; all zeros before its first vote."""
    return room_stats(snapshot.scan(VOTES), room_id)
