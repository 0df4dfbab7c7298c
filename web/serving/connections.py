"""The open connections of a server: how many there may be, and how long each may keep the server waiting."""

import asyncio
import logging
import resource
from dataclasses import dataclass
from typing import Protocol

logger = logging.getLogger(__name__)

# For files of the read model, the log, and answers to /health beyond the limit.
RESERVED_DESCRIPTORS = 256
ROOM_FOR_HEALTH = 64
SWEEP_S = 0.25
WARN_EVERY_S = 60


@dataclass(frozen=True)
class Limits:
    """What clients may take.

    Attributes:
        connections: Connections at once, of those the open-file limit leaves room for.
        request_s: Time to send a request's head, and again its body, in seconds.
        write_s: Time to take a piece of an answer (64 KiB), in seconds.
        shutdown_s: Time for answers under way once the server is told to end, in seconds.
    """

    connections: int
    request_s: float
    write_s: float
    shutdown_s: float


class Connection(Protocol):
    """What the connections as a whole know of each."""

    def end_if_overdue(self, now: float) -> bool:
        """End it when its client has kept the server waiting for too long; tell whether it was ended."""

    def drop(self) -> None:
        """Cut it at once."""


class Connections:
    """All connections. Beyond the limit the one that has been silent longest makes room for a new one."""

    def __init__(self, limits: Limits, keep_alive_s: float) -> None:
        self.limits = limits
        self.idle_s = max(limits.request_s, keep_alive_s)
        self._most = connection_limit(limits.connections)
        self._open: set[Connection] = set()
        # Those without a complete request, the one that has waited longest first.
        self._waiting: dict[Connection, None] = {}
        self._turned_away = 0
        self._next_warning = 0.0

    def is_full(self) -> bool:
        """Whether only requests for health are still answered."""
        return len(self._open) > self._most

    def add(self, connection: Connection) -> None:
        """A new connection, for which another one may have to go."""
        self._open.add(connection)
        self.wait(connection)
        if self.is_full():
            self._turned_away += 1
            oldest = next(iter(self._waiting))
            if oldest is not connection or len(self._open) > self._most + ROOM_FOR_HEALTH:
                self.remove(oldest)
                oldest.drop()

    def remove(self, connection: Connection) -> None:
        """It is closed."""
        self._open.discard(connection)
        self._waiting.pop(connection, None)

    def wait(self, connection: Connection) -> None:
        """A connection waits for its client's next request."""
        self._waiting.pop(connection, None)
        if connection in self._open:
            self._waiting[connection] = None

    def stop_waiting(self, connection: Connection) -> None:
        """A connection has got a complete request."""
        self._waiting.pop(connection, None)

    async def sweep(self) -> None:
        """End connections that are overdue, and say when there were too many, until cancelled."""
        while True:
            await asyncio.sleep(SWEEP_S)
            now = asyncio.get_running_loop().time()
            for connection in list(self._open):
                if connection.end_if_overdue(now):
                    # A thousand may be overdue at once: let requests come between.
                    await asyncio.sleep(0)
            if self._turned_away and now >= self._next_warning:
                logger.warning(
                    "More than %d connections: %d were closed without an answer, or told to come again",
                    self._most,
                    self._turned_away,
                )
                self._turned_away, self._next_warning = 0, now + WARN_EVERY_S


def connection_limit(wanted: int) -> int:
    """How many connections the open-file limit allows, which is raised as far as needed and permitted."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = wanted + ROOM_FOR_HEALTH + RESERVED_DESCRIPTORS
    if soft != resource.RLIM_INFINITY and soft < needed:
        soft = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return wanted
    allowed = max(soft - ROOM_FOR_HEALTH - RESERVED_DESCRIPTORS, soft // 2)
    logger.warning("The open-file limit of %d allows for %d connections only, not %d", soft, allowed, wanted)
    return allowed
