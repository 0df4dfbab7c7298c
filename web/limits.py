"""How many computations run at once: memory is bounded by their number, since Polars has no limit of its own."""

from collections import deque
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import ClassVar

import anyio
from fastapi import Request

from util.errors import AnalyticsError
from web.callers import Caller, CallerDep
from web.server_timing import timed
from web.state import RequestState, state_of

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
    """At most `at_once` computations; further ones wait up to `queue_seconds` for their turn.

    Turns go round the callers who wait, and to each caller's requests in order: however many requests one of them
    sends, the others wait for one of these at most.
    """

    def __init__(self, at_once: int, queue_seconds: float) -> None:
        self._free = at_once
        self._queue_seconds = queue_seconds
        # By the callers' names, those first whose turn is next.
        self._waiting: dict[str, deque[anyio.Event]] = {}

    async def acquire(self, state: RequestState, caller: Caller) -> None:
        """Wait for a turn, as long as the request may.

        Raises:
            TooBusyError: There was none in time.
        """
        if self._free:
            self._free -= 1
            return
        turn = anyio.Event()
        self._waiting.setdefault(caller.name, deque()).append(turn)
        try:
            with waiting(state, self._queue_seconds):
                await turn.wait()
        except BaseException:
            self._leave(caller, turn)
            raise

    def release(self) -> None:
        """Hand the turn on to the next one."""
        if not self._waiting:
            self._free += 1
            return
        name = next(iter(self._waiting))
        queue = self._waiting.pop(name)
        queue.popleft().set()
        if queue:
            # Behind the other callers.
            self._waiting[name] = queue

    def _leave(self, caller: Caller, turn: anyio.Event) -> None:
        if turn.is_set():
            # It came just as the wait ended.
            self.release()
            return
        queue = self._waiting[caller.name]
        queue.remove(turn)
        if not queue:
            del self._waiting[caller.name]


@dataclass(frozen=True)
class Lanes:
    """Separate limits, so that what is cheap never waits behind what is costly, nor either behind an e-mail."""

    costly: QueryLimit
    cheap: QueryLimit
    mail: QueryLimit

    @classmethod
    def of(cls, at_once: int, queue_seconds: float) -> "Lanes":
        """As many cheap computations as costly ones; their memory does not count beside that of the costly ones."""
        return cls(*(QueryLimit(number, queue_seconds) for number in (at_once, at_once, MAILS_AT_ONCE)))


@contextmanager
def waiting(state: RequestState, seconds: float) -> Iterator[None]:
    """Let a request wait, all its waits together no longer than `seconds`.

    Raises:
        TooBusyError: It took longer.
    """
    began = anyio.current_time()
    try:
        with anyio.fail_after(max(seconds - state.waited_s, 0)):
            yield
    except TimeoutError:
        raise TooBusyError from None
    finally:
        state.waited_s += anyio.current_time() - began


async def mail_turn(request: Request, caller: CallerDep) -> AsyncIterator[None]:
    """Hold a route function back that may wait for the e-mail service: it must not wait in every worker thread.

    Use with `scope="function"`, which ends with the function.
    """
    lanes: Lanes = request.app.state.lanes
    async with its_turn(request, caller, lanes.mail):
        yield


@asynccontextmanager
async def its_turn(request: Request, caller: Caller, limit: QueryLimit) -> AsyncIterator[None]:
    """Wait for a request's turn and keep it within.

    Raises:
        TooBusyError: It takes too long.
        ClientGoneError: Nobody waits for the answer any more.
    """
    state = state_of(request.scope)
    if state.has_turn:
        # It is started over and still has its turn: waiting for a second one, it would wait for itself.
        yield
        return
    with timed(request, "queue"):
        await limit.acquire(state, caller)
    try:
        if await _is_gone(request):
            raise ClientGoneError
        state.has_turn = True
        yield
    finally:
        limit.release()


async def _is_gone(request: Request) -> bool:
    # The first look may find the request's body, which nobody reads, and only the second what came after it.
    return await request.is_disconnected() or await request.is_disconnected()
