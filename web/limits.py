"""How many computations run at once: memory is bounded by their number, since Polars has no limit of its own."""

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import ClassVar

import anyio
from fastapi import Request

from util.errors import AnalyticsError
from web.server_timing import timed

RETRY_AFTER_S = 5
MAILS_AT_ONCE = 2


class TooBusyError(AnalyticsError):
    """All computations that may run at once are running, and none ended in time."""

    status = 503
    headers: ClassVar[Mapping[str, str]] = {"Retry-After": str(RETRY_AFTER_S)}

    def __init__(self) -> None:
        super().__init__(f"The server is busy with other requests: try again in {RETRY_AFTER_S} seconds")


class ClientGoneError(AnalyticsError):
    """The client closed the connection while its request waited: nobody will read this."""

    status = 499  # There is no standard one; nginx logs this.

    def __init__(self) -> None:
        super().__init__("The client is gone: nothing was computed")


class QueryLimit:
    """Room for `at_once` computations; a further one waits up to `queue_seconds` for its turn, in order."""

    def __init__(self, at_once: int, queue_seconds: float) -> None:
        self._room = anyio.Semaphore(at_once)
        self._queue_seconds = queue_seconds

    async def acquire(self, request: Request) -> None:
        """Wait for room, as long as the request may.

        Raises:
            TooBusyError: There was none in time.
        """
        try:
            self._room.acquire_nowait()
        except anyio.WouldBlock:
            with waiting(request, self._queue_seconds):
                await self._room.acquire()

    def release(self) -> None:
        """Make room for the next one."""
        self._room.release()


@contextmanager
def waiting(request: Request, seconds: float) -> Iterator[None]:
    """Let a request wait, all its waits together no longer than `seconds`.

    Raises:
        TooBusyError: It took longer.
    """
    began = anyio.current_time()
    waited: float = getattr(request.state, "waited_s", 0.0)
    try:
        with anyio.fail_after(max(seconds - waited, 0)):
            yield
    except TimeoutError:
        raise TooBusyError from None
    finally:
        request.state.waited_s = waited + anyio.current_time() - began


def has_turn(request: Request) -> bool:
    """Whether a request has its turn: it keeps it when it is started over."""
    turn: bool = getattr(request.state, "has_turn", False)
    return turn


async def query_slot(request: Request) -> AsyncIterator[None]:
    """Hold the route function back until it may compute; use with `scope="function"`, which ends with the function."""
    async with _turn(request, request.app.state.query_limit):
        yield


async def mail_slot(request: Request) -> AsyncIterator[None]:
    """The same for a route function that may wait for the e-mail service: it must not wait in every worker thread."""
    async with _turn(request, request.app.state.mail_limit):
        yield


@asynccontextmanager
async def _turn(request: Request, limit: QueryLimit) -> AsyncIterator[None]:
    if has_turn(request):
        # It is started over and still has its turn: waiting for a second one, it would wait for itself.
        yield
        return
    with timed(request, "queue"):
        await limit.acquire(request)
    try:
        if await _is_gone(request):
            raise ClientGoneError
        request.state.has_turn = True
        yield
    finally:
        limit.release()


async def _is_gone(request: Request) -> bool:
    # The first look may find the request's body, which nobody reads, and only the second what came after it.
    return await request.is_disconnected() or await request.is_disconnected()
