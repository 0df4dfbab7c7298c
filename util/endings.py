"""End a command that may hang in an uninterruptible call, such as a read from a silent database.

Ending the process at any moment is safe: nothing incomplete is published, the lock is released with the process, and
the next run sweeps.
"""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from util.errors import EXIT_INTERRUPTED, EXIT_UNAVAILABLE, AnalyticsError, Severity

GRACE_S = 2.0

type Tell = Callable[[AnalyticsError], None]


class DeadlineError(AnalyticsError):
    """The run took too long and is stopped."""

    exit_code = EXIT_UNAVAILABLE
    severity = Severity.HIGH

    def __init__(self, seconds: float) -> None:
        super().__init__(
            f"The run took longer than SYNC_DEADLINE_SECONDS ({seconds:g}) and was ended:"
            " is the database slow, or does it hang?"
        )


class InterruptedRunError(AnalyticsError):
    """The run was asked to end."""

    exit_code = EXIT_INTERRUPTED

    def __init__(self) -> None:
        super().__init__("The run was interrupted")


@contextmanager
def ended_by_deadline(seconds: float, tell: Tell) -> Iterator[None]:
    """End the process if the block takes longer, after calling `tell` with a `DeadlineError`."""
    watchdog = threading.Timer(seconds, _end, (DeadlineError(seconds), tell))
    watchdog.daemon = True
    watchdog.start()
    try:
        yield
    finally:
        watchdog.cancel()


@contextmanager
def ended_by_signals(tell: Tell) -> Iterator[None]:
    """Raise KeyboardInterrupt in the block on SIGINT and SIGTERM, and end the process if it does not end soon.

    Python raises between two bytecode instructions, so never while the driver's C code waits; a thread that gets the
    signal at once makes sure of the end.
    """
    heard, told = os.pipe()
    os.set_blocking(told, False)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    before = signal.set_wakeup_fd(told)
    threading.Thread(target=_end_after_signal, args=(heard, tell), daemon=True).start()
    try:
        yield
    finally:
        signal.set_wakeup_fd(before)


def _end_after_signal(heard: int, tell: Tell) -> None:
    os.read(heard, 1)
    time.sleep(GRACE_S)
    _end(InterruptedRunError(), tell)


def _end(error: AnalyticsError, tell: Tell) -> None:
    try:
        tell(error)
    finally:
        os._exit(error.exit_code)
