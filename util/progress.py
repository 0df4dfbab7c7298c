"""Progress of a long run: progress bars on a terminal, a line every few seconds in a log."""

import logging
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import Progress, ProgressColumn, SpinnerColumn, Task, TaskID, TextColumn, TimeElapsedColumn
from rich.text import Text

logger = logging.getLogger(__name__)

LOG_EVERY_S = 5.0

# Called with a name and the number of its rows done so far.
type ShowRows = Callable[[str, int], None]


class _Rate(ProgressColumn):
    """Rows per second of one table."""

    def render(self, task: Task) -> Text:
        return Text(f"{task.completed / task.elapsed:>12,.0f} rows/s" if task.elapsed else "")


@contextmanager
def shown_progress() -> Iterator[ShowRows]:
    """Show rows and rate per table on standard error."""
    if not sys.stderr.isatty():
        yield _log_lines()
        return
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description:<16}"),
        TextColumn("{task.completed:>12,.0f} rows"),
        _Rate(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as bars:
        tasks: dict[str, TaskID] = {}

        def show(name: str, rows: int) -> None:
            if name not in tasks:
                for done in tasks.values():
                    bars.stop_task(done)
                tasks[name] = bars.add_task(name, total=None)
            bars.update(tasks[name], completed=rows)

        yield show


def _log_lines() -> ShowRows:
    started = last = time.monotonic()

    def show(name: str, rows: int) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= LOG_EVERY_S:
            last = now
            logger.info("%s: %s rows, %.0f s since the start", name, f"{rows:,}", now - started)

    return show
