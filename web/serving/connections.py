"""The open connections of a server: how many are allowed, and how long each may keep the server waiting."""

import asyncio
import logging
import resource
from dataclasses import dataclass
from typing import Protocol

logger = logging.getLogger(__name__)

# File descriptors for the read model, the log, and answers to /health beyond the limit.
RESERVED_DESCRIPTORS = 256
ROOM_FOR_HEALTH = 64
SWEEP_S = 0.25
WARN_EVERY_S = 60


@dataclass(frozen=True)
class Limits:
    """Limits on clients.

    Attributes:
        connections: Connections at once, as far as the open-file limit allows.
        request_s: Time to send a request's head, and again its body, in seconds.
        write_s: Time to accept a piece of an answer (64 KiB), in seconds.
        shutdown_s: Time to finish answers under way once the server is told to stop, in seconds.
    """

    connections: int
    request_s: float
    write_s: float
    shutdown_s: float


class Connection(Protocol):
    """What `Connections` needs of each connection."""

    def end_if_overdue(self, now: float) -> bool:
        """End it if its client has kept the server waiting for too long; returns whether it was ended."""

    def drop(self) -> None:
        """Close it at once."""


class Connections:
    """All connections. Beyond the limit, the one that has been idle longest is closed for a new one."""

    def __init__(self, limits: Limits, keep_alive_s: float) -> None:
        self.limits = limits
        self.idle_s = max(limits.request_s, keep_alive_s)
        self._most = connection_limit(limits.connections)
        self._open: set[Connection] = set()
        # Those without a complete request, longest waiting first.
        self._waiting: dict[Connection, None] = {}
        self._turned_away = 0
        self._next_warning = 0.0

    def is_full(self) -> bool:
        """Whether only /health is still answered."""
        return len(self._open) > self._most

    def add(self, connection: Connection) -> None:
        """Add a new connection, for which another one may be closed."""
        self._open.add(connection)
        self.wait(connection)
        if self.is_full():
            self._turned_away += 1
            oldest = next(iter(self._waiting))
            if oldest is not connection or len(self._open) > self._most + ROOM_FOR_HEALTH:
                self.remove(oldest)
                oldest.drop()

    def remove(self, connection: Connection) -> None:
        """Remove a closed connection."""
        self._open.discard(connection)
        self._waiting.pop(connection, None)

    def wait(self, connection: Connection) -> None:
        """Note that a connection waits for its client's next request."""
        self._waiting.pop(connection, None)
        if connection in self._open:
            self._waiting[connection] = None

    def stop_waiting(self, connection: Connection) -> None:
        """Note that a connection has received a complete request."""
        self._waiting.pop(connection, None)

    async def sweep(self) -> None:
        """End overdue connections, and log when there were too many, until cancelled."""
        while True:
            await asyncio.sleep(SWEEP_S)
            now = asyncio.get_running_loop().time()
            for connection in list(self._open):
                if connection.end_if_overdue(now):
                    # A thousand may be overdue at once: give way to requests in between.
                    await asyncio.sleep(0)
            if self._turned_away and now >= self._next_warning:
                logger.warning(
                    "More than %d connections: %d were closed without an answer, or told to retry",
                    self._most,
                    self._turned_away,
                )
                self._turned_away, self._next_warning = 0, now + WARN_EVERY_S


def connection_limit(wanted: int) -> int:
    """The number of connections the open-file limit allows, after raising it as far as needed and permitted."""
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
