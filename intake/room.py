"""How many bytes of requests a process holds at once: memory is bounded by it, and so is the backlog."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar

from util.errors import AnalyticsError

RETRY_AFTER_S = 1


class FullError(AnalyticsError):
    """More requests wait for their commit than there is room for."""

    status = 503
    headers: ClassVar[dict[str, str]] = {"Retry-After": str(RETRY_AFTER_S)}

    def __init__(self) -> None:
        super().__init__(
            f"The collector has as much to commit as it can hold; nothing of this request was kept: send it again in"
            f" {RETRY_AFTER_S} s"
        )


class Room:
    """Room for so many bytes; used by one event loop only."""

    def __init__(self, capacity: int) -> None:
        self._free = capacity

    @contextmanager
    def share(self) -> Iterator["Share"]:
        """The part one request takes, given back when its block ends."""
        share = Share(self)
        try:
            yield share
        finally:
            self._free += share.held

    def take(self, size: int) -> None:
        """Take bytes.

        Raises:
            FullError: There are not so many left.
        """
        if size > self._free:
            raise FullError
        self._free -= size


class Share:
    """What one request holds."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self.held = 0

    def take(self, size: int) -> None:
        """Hold further bytes.

        Raises:
            FullError: There is no room for them.
        """
        self._room.take(size)
        self.held += size
