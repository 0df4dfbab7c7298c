"""File access that blocks nobody: a network file system may hang for minutes."""

from collections.abc import Callable
from typing import ClassVar

import anyio
import anyio.to_thread

from util.errors import AnalyticsError, Severity

DEADLINE_S = 2.0
# Access takes about 0.1 ms; one that hangs keeps its thread.
THREADS = 8


class FilesHangError(AnalyticsError):
    """The file system does not answer."""

    status = 503
    severity = Severity.HIGH
    headers: ClassVar[dict[str, str]] = {"Retry-After": "5"}

    def __init__(self) -> None:
        super().__init__(f"DATA_DIR did not answer within {DEADLINE_S:g} seconds: does its file system hang?")


class FileAccess:
    """Accesses files in its own threads, so that neither the event loop nor a computation waits for a disk."""

    def __init__(self) -> None:
        self._threads = anyio.CapacityLimiter(THREADS)

    async def look[Seen](self, look: Callable[[], Seen]) -> Seen:
        """Run `look` in a thread and return its result.

        Raises:
            FilesHangError: It takes longer than `DEADLINE_S`; its thread is left behind.
        """
        try:
            with anyio.fail_after(DEADLINE_S):
                return await anyio.to_thread.run_sync(look, abandon_on_cancel=True, limiter=self._threads)
        except TimeoutError:
            raise FilesHangError from None
