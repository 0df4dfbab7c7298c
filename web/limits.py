"""A limit on concurrent computations, which bounds memory, since Polars has no limit of its own."""

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
    """As many computations as allowed are running, and none ended in time."""

    status = 503
    headers: ClassVar[Mapping[str, str]] = {"Retry-After": str(RETRY_AFTER_S)}

    def __init__(self) -> None:
        super().__init__(f"The server is busy with other requests: try again in {RETRY_AFTER_S} seconds")


class ClientGoneError(AnalyticsError):
    """The client closed the connection while its request waited; nobody will read this."""

    status = 499  # Not a standard status, but the one nginx logs.

    def __init__(self) -> None:
        super().__init__("The client is gone: nothing was computed")


class QueryLimit:
    """Allows `at_once` computations; further ones wait up to `queue_seconds` for their turn.

    Turns rotate among the waiting callers, and each caller's requests are served in order: however many requests one
    caller sends, the others wait for at most one of them.
    """

    def __init__(self, at_once: int, queue_seconds: float) -> None:
        self._free = at_once
        self._queue_seconds = queue_seconds
        # By caller name, in the order in which the callers get their turns.
        self._waiting: dict[str, deque[anyio.Event]] = {}

    async def acquire(self, state: RequestState, caller: Caller) -> None:
        """Wait for a turn, as long as the request may wait.

        Raises:
            TooBusyError: None came in time.
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
        """Pass the turn on to the next request."""
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
            # The turn came just as the wait ended.
            self.release()
            return
        queue = self._waiting[caller.name]
        queue.remove(turn)
        if not queue:
            del self._waiting[caller.name]


@dataclass(frozen=True)
class Lanes:
    """Separate limits, so that cheap computations never wait for costly ones, nor either of them for an e-mail."""

    costly: QueryLimit
    cheap: QueryLimit
    mail: QueryLimit

    @classmethod
    def of(cls, at_once: int, queue_seconds: float) -> "Lanes":
        """As many cheap computations as costly ones; the memory of cheap ones is negligible."""
        return cls(*(QueryLimit(number, queue_seconds) for number in (at_once, at_once, MAILS_AT_ONCE)))


@contextmanager
def waiting(state: RequestState, seconds: float) -> Iterator[None]:
    """Limit how long a request waits inside the block: all its waits together last at most `seconds`.

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
    """Limit the route functions that may wait for the e-mail service, so that they don't occupy every worker thread.

    Use with `scope="function"`, which ends with the function.
    """
    lanes: Lanes = request.app.state.lanes
    async with its_turn(request, caller, lanes.mail):
        yield


@asynccontextmanager
async def its_turn(request: Request, caller: Caller, limit: QueryLimit) -> AsyncIterator[None]:
    """Wait for a request's turn and hold it inside the block.

    Raises:
        TooBusyError: It takes too long.
        ClientGoneError: Nobody waits for the answer any more.
    """
    state = state_of(request.scope)
    if state.has_turn:
        # The request was started over and still has its turn: waiting for a second one, it would wait for itself.
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
    # The first message may be the request's body, which nobody reads; only the second is what came after it.
    return await request.is_disconnected() or await request.is_disconnected()
