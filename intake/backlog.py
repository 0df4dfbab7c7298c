"""The requests that wait for their commit: a limit on their bytes bounds the memory of the process."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar

from util.errors import AnalyticsError

RETRY_AFTER_S = 1


class FullError(AnalyticsError):
    """The backlog has no capacity left for a request."""

    status = 503
    headers: ClassVar[dict[str, str]] = {"Retry-After": str(RETRY_AFTER_S)}

    def __init__(self) -> None:
        super().__init__(
            f"The collector's backlog is full; nothing of this request was kept: send it again in {RETRY_AFTER_S} s"
        )


class Backlog:
    """A backlog of up to `capacity` bytes; for use by a single event loop."""

    def __init__(self, capacity: int) -> None:
        self._free = capacity

    @contextmanager
    def share(self) -> Iterator["Share"]:
        """One request's share of the capacity, released when the block ends."""
        share = Share(self)
        try:
            yield share
        finally:
            self._free += share.held

    def take(self, size: int) -> None:
        """Take bytes of the capacity.

        Raises:
            FullError: Fewer are left.
        """
        if size > self._free:
            raise FullError
        self._free -= size


class Share:
    """The bytes that one request takes."""

    def __init__(self, backlog: Backlog) -> None:
        self._backlog = backlog
        self.held = 0

    def take(self, size: int) -> None:
        """Take further bytes.

        Raises:
            FullError: Fewer are left.
        """
        self._backlog.take(size)
        self.held += size
