"""A route over a snapshot, which may be removed while a slow request still reads it."""

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Depends, Request, Response
from fastapi.routing import APIRoute
from polars.exceptions import ComputeError

from read_model.snapshot import SnapshotError
from routers.conditional import answer_if_changed
from routers.limits import query_slot
from util.errors import Severity

UNREADABLE = (FileNotFoundError, ComputeError)

# What a route needs that computes from the snapshot alone: first the tag, so that a 304 takes no room.
COMPUTED = [Depends(answer_if_changed), Depends(query_slot, scope="function")]


class SnapshotDamagedError(SnapshotError):
    """A file of the current snapshot is missing or damaged."""

    severity = Severity.HIGH

    def __init__(self, error: BaseException) -> None:
        first_line = str(error).partition("\n")[0]
        super().__init__(
            f"The read model is damaged ({first_line}): run `uv run python update_readmodel.py --verify`, then --repair"
        )


class SnapshotRoute(APIRoute):
    """Starts a request over once, on the snapshot that is then current, when a file of its own can't be read."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler, tried twice."""
        handle = super().get_route_handler()

        async def handle_twice(request: Request) -> Response:
            try:
                return await handle(request)
            except UNREADABLE:
                try:
                    return await handle(request)
                except UNREADABLE as error:
                    raise SnapshotDamagedError(error) from error

        return handle_twice
