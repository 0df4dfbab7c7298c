"""The steps before every computation: tag, share, wait for a turn; and what surrounds it."""

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager

from fastapi import Request

from calculations.frames.collecting import collecting_with
from read_model.snapshot import Snapshot
from web.callers import Caller
from web.limits import Lanes, its_turn
from web.server_timing import timed
from web.shared_work import SharedWork
from web.state import state_of


@asynccontextmanager
async def turn_to_compute(
    request: Request, caller: Caller, headers: Mapping[str, str], *, is_cheap: bool, is_shared: bool
) -> AsyncIterator[None]:
    """Wait until a request may compute its answer, and hold its turn inside the block.

    The answer is identified by the `ETag` of its headers. Clients that have it already have left before this, and
    those that can share the answer of a request under way leave here: neither takes a turn.

    Raises:
        AnsweredByAnother: Another request has computed it; only for answers that are `is_shared`.
        TooBusyError: It takes too long.
        ClientGoneError: Nobody waits for the answer any more.
    """
    shared: SharedWork = request.app.state.shared_work
    lanes: Lanes = request.app.state.lanes
    if is_shared:
        with timed(request, "queue"):
            await shared.join(state_of(request.scope), headers["ETag"])
    async with its_turn(request, caller, lanes.cheap if is_cheap else lanes.costly):
        yield


@contextmanager
def computing(request: Request, snapshot: Snapshot) -> Iterator[None]:
    """Run the queries inside the block with the engine that suits the snapshot, and measure how long that takes."""
    with timed(request, "compute"), collecting_with(snapshot.engine):
        yield
