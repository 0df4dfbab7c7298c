"""The updater: copy the app's tables from MySQL or MariaDB into a new snapshot of the read model, then end.

Run it every ten minutes. See `--help` for options, settings and exit codes.
"""

import argparse
import logging
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import NoReturn

from rich.console import Console
from rich.progress import Progress, ProgressColumn, SpinnerColumn, Task, TextColumn, TimeElapsedColumn
from rich.text import Text

from config import UpdaterSettings
from read_model import publishing
from read_model.source import consistent_source, driver_mode
from read_model.sync import Options, Synced, sync
from read_model.tables import Table
from util.clock import utc_now
from util.error_reporting import flush, report, start_error_reporting
from util.errors import EXIT_OK, EXIT_SOFTWARE, EXIT_USAGE, AnalyticsError, ConfigurationError, Severity
from util.http import push_heartbeat
from util.logs import configure_logging
from util.version import VERSION

logger = logging.getLogger("update_readmodel")

LOG_EVERY_S = 5.0
EPILOG = """\
settings (environment or .env):
{settings}

exit codes:
   0  a snapshot was published
  64  wrong arguments
  65  a table or column is missing or of another kind, or a table shrank by more than 20 %
  69  the database can't be reached or failed
  70  an error of this program
  73  DATA_DIR can't be written
  75  another updater is at work
  78  a setting is missing or wrong, or the database refuses the user
"""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(EXIT_USAGE, f"{self.prog}: {message}. See --help\n")


def arguments() -> argparse.ArgumentParser:
    """The command line."""
    settings = "\n".join(
        f"  {name.upper():<26}{field.description}"
        + ("" if field.is_required() or field.default is None else f" Default: {field.default}.")
        for name, field in UpdaterSettings.model_fields.items()
    )
    parser = _Parser(
        prog="update_readmodel.py",
        description=__doc__,
        epilog=EPILOG.format(settings=settings),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--full", action="store_true", help="re-read every table, not only what may have moved")
    parser.add_argument(
        "--allow-shrink", action="store_true", help="publish even if a table lost more than 20 %% of its rows"
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run once; returns the exit code."""
    options = arguments().parse_args(argv)
    configure_logging("INFO")
    try:
        settings = UpdaterSettings.load()
    except ConfigurationError as error:
        logger.error("%s", error)
        return error.exit_code
    configure_logging(settings.log_level)
    start_error_reporting(settings, VERSION)
    try:
        return run(settings, full=options.full, allow_shrink=options.allow_shrink)
    finally:
        flush()


def run(settings: UpdaterSettings, *, full: bool = False, allow_shrink: bool = False) -> int:
    """Sync once with a heartbeat at the end, whatever happens; returns the exit code."""
    started = time.monotonic()
    try:
        synced = update(settings, full=full, allow_shrink=allow_shrink)
        code, message = EXIT_OK, f"published {synced.manifest.id}, {synced.rows_read:,} rows read"
    except AnalyticsError as error:
        code, message = error.exit_code, str(error)
        if error.severity is None:
            logger.warning("%s", error)
        else:
            report(error, error.severity)
    except Exception as error:
        code, message = EXIT_SOFTWARE, f"{type(error).__name__}: {error}"
        report(error, Severity.CRITICAL)
    elapsed_ms = round((time.monotonic() - started) * 1000)
    if code == EXIT_OK:
        logger.info("%s in %.1f s", message, elapsed_ms / 1000)
    if settings.uptimekuma_push_url:
        push_heartbeat(str(settings.uptimekuma_push_url), "up" if code == EXIT_OK else "down", message, elapsed_ms)
    return code


def update(settings: UpdaterSettings, *, full: bool, allow_shrink: bool) -> Synced:
    """Publish a snapshot of the database's present state, and remove the snapshots out of use.

    Raises:
        AnalyticsError: Nothing was published; the text says why and what to do.
    """
    hours = settings.full_sync_interval_hours
    options = Options(
        overlap=timedelta(seconds=settings.sync_overlap_seconds),
        full=full,
        full_interval=timedelta(hours=hours) if hours else None,
        allow_shrink=allow_shrink,
        segment_rows=settings.segment_rows,
    )
    with publishing.locked(settings.data_dir):
        publishing.sweep(settings.data_dir, utc_now())
        logger.info(
            "Reading %s on %s:%d with the driver's %s",
            settings.db_name,
            settings.db_host,
            settings.db_port,
            driver_mode(),
        )
        with consistent_source(settings) as source, shown_progress() as progress:
            synced = sync(source, settings.data_dir, options, progress)
        publishing.sweep(settings.data_dir, utc_now())
    return synced


class _Rate(ProgressColumn):
    """Rows per second of one table."""

    def render(self, task: Task) -> Text:
        return Text(f"{task.completed / task.elapsed:>12,.0f} rows/s" if task.elapsed else "")


@contextmanager
def shown_progress() -> Iterator[Callable[[Table, int], None]]:
    """Show rows and rate per table: moving bars on a terminal, a plain line every few seconds in a log."""
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
        tasks = {}

        def show(table: Table, rows: int) -> None:
            if table not in tasks:
                for done in tasks.values():
                    bars.stop_task(done)
                tasks[table] = bars.add_task(table.name, total=None)
            bars.update(tasks[table], completed=rows)

        yield show


def _log_lines() -> Callable[[Table, int], None]:
    started = last = time.monotonic()

    def show(table: Table, rows: int) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= LOG_EVERY_S:
            last = now
            logger.info("%s: %d rows read, %.0f s since the start", table.name, rows, now - started)

    return show


if __name__ == "__main__":
    sys.exit(main())
