"""The updater: copy the app's tables from MySQL or MariaDB into a new snapshot of the read model, then end.

Run it every ten minutes. See `--help` for options, settings and exit codes.
"""

import argparse
import logging
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import NoReturn

import stamina
from polars.exceptions import PanicException
from pydantic import SecretStr

from config import UpdaterSettings
from read_model import publishing
from read_model.snapshot import SNAPSHOTS, SnapshotError, SnapshotMissingError, open_snapshot
from read_model.stored_rows import StoredFileError
from read_model.sync import Options, Synced, sync
from read_model.verifying import Comparison, verify
from sources.mysql.errors import PassingSourceError
from sources.mysql.source import Source, consistent_source, driver_mode
from util.clock import utc_now
from util.endings import InterruptedRunError, ended_by_deadline, ended_by_signals
from util.error_reporting import flush, report, start_error_reporting
from util.errors import (
    EXIT_DIFFERENT,
    EXIT_OK,
    EXIT_SOFTWARE,
    EXIT_USAGE,
    AnalyticsError,
    ConfigurationError,
    Severity,
)
from util.http import push_heartbeat
from util.logs import configure_logging
from util.progress import ShowRows, shown_progress
from util.version import VERSION

logger = logging.getLogger("update_readmodel")

ATTEMPTS = 5
FIRST_WAIT_S, LONGEST_WAIT_S = 0.5, 20.0
EPILOG = """\
settings (environment or .env):
{settings}

exit codes:
   0  published, or nothing was new; with --verify: equal
   1  --verify found differences
  64  wrong arguments
  65  a table or column is missing or of another kind, or a table shrank by more than 20 %
  66  --verify without a snapshot
  69  the database can't be reached or failed, or the run took too long
  70  an error of this program
  73  DATA_DIR can't be written
  75  another updater is at work
  78  a setting is missing or wrong, or the database refuses the user
 130  interrupted
"""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(EXIT_USAGE, f"{self.prog}: {message}. See --help\n")


def arguments() -> argparse.ArgumentParser:
    """The command line."""
    settings = "\n".join(
        f"  {name.upper():<26}{field.description}"
        + ("" if field.is_required() or field.default in {None, SecretStr("")} else f" Default: {field.default}.")
        for name, field in UpdaterSettings.model_fields.items()
    )
    parser = _Parser(
        prog="update_readmodel.py",
        description=__doc__,
        epilog=EPILOG.format(settings=settings),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    jobs = parser.add_mutually_exclusive_group()
    jobs.add_argument("--full", action="store_true", help="re-read every table, not only what may have moved")
    jobs.add_argument(
        "--verify",
        action="store_true",
        help="compare every row and file with the source and publish nothing; tells differences per table",
    )
    jobs.add_argument("--repair", action="store_true", help="verify, then publish what is right")
    jobs.add_argument(
        "--erase-now",
        action="store_true",
        help="re-read every table, then remove every older snapshot: for requests to erase a user",
    )
    parser.add_argument(
        "--allow-shrink", action="store_true", help="publish even if a table lost more than 20 %% of its rows"
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run once; returns the exit code."""
    wanted = arguments().parse_args(argv)
    configure_logging("INFO")
    try:
        settings = UpdaterSettings.load()
    except ConfigurationError as error:
        logger.error("%s", error)
        return error.exit_code
    configure_logging(settings.log_level)
    start_error_reporting(settings, VERSION)
    stamina.instrumentation.set_on_retry_hooks([_log_retry])
    started = time.monotonic()

    def tell(error: AnalyticsError) -> None:
        report(error, error.severity or Severity.LOW)
        beat(settings, error.exit_code, str(error), started)
        flush()

    try:
        with ended_by_deadline(settings.sync_deadline_seconds, tell), ended_by_signals(tell):
            return run(settings, wanted, started)
    finally:
        flush()


def _log_retry(details: stamina.instrumentation.RetryDetails) -> None:
    logger.info("%s; trying again in %.1f s", details.caused_by, details.wait_for)


def run(settings: UpdaterSettings, wanted: argparse.Namespace, started: float) -> int:
    """Do the job that is wanted, with a heartbeat at the end, whatever happens; returns the exit code."""
    try:
        code, message = do(settings, wanted)
    except AnalyticsError as error:
        code, message = error.exit_code, str(error)
        if error.severity is None:
            logger.warning("%s", error)
        else:
            report(error, error.severity)
    except KeyboardInterrupt:
        code, message = InterruptedRunError.exit_code, str(InterruptedRunError())
        logger.warning(message)
    except (Exception, PanicException) as error:
        code, message = EXIT_SOFTWARE, f"{type(error).__name__}: {error}"
        report(error, Severity.CRITICAL)
    if code in {EXIT_OK, EXIT_DIFFERENT}:
        logger.info("%s in %.1f s", message, time.monotonic() - started)
    beat(settings, code, message, started)
    return code


def beat(settings: UpdaterSettings, code: int, message: str, started: float) -> None:
    """Push the heartbeat of a run that began at `started` on the monotonic clock."""
    if settings.uptimekuma_push_url:
        elapsed_ms = round((time.monotonic() - started) * 1000)
        push_heartbeat(str(settings.uptimekuma_push_url), "up" if code == EXIT_OK else "down", message, elapsed_ms)


def do(settings: UpdaterSettings, wanted: argparse.Namespace) -> tuple[int, str]:
    """The job that is wanted; returns the exit code and what was done, in words."""
    if wanted.verify or (wanted.repair and is_readable(settings)):
        found = compare(settings)
        wrong = [each.table for each in found if not each.equal]
        if not wrong:
            return EXIT_OK, f"verified {sum(each.rows for each in found):,} rows, all equal"
        if wanted.verify:
            return EXIT_DIFFERENT, f"differences in {', '.join(wrong)}: run with --repair"
    full = wanted.full or wanted.repair or wanted.erase_now
    synced = update(settings, full=full, allow_shrink=wanted.allow_shrink, erase_older=wanted.erase_now)
    return EXIT_OK, f"published {synced.manifest.id}, {synced.rows_read:,} rows read"


def update(settings: UpdaterSettings, *, full: bool, allow_shrink: bool, erase_older: bool = False) -> Synced:
    """Publish a snapshot of the database's present state, and remove the snapshots out of use.

    Raises:
        AnalyticsError: Nothing was published; the text says why and what to do.
    """
    hours = settings.full_sync_interval_hours
    options = Options(
        overlap=timedelta(seconds=settings.sync_overlap_seconds),
        full_because="--full was given" if full else None,
        full_interval=timedelta(hours=hours) if hours else None,
        allow_shrink=allow_shrink,
        segment_rows=settings.segment_rows,
    )
    with publishing.locked(settings.data_dir):
        publishing.sweep(settings.data_dir, utc_now())
        with shown_progress() as progress:
            synced = synced_whatever_is_stored(settings, options, progress)
        publishing.sweep(settings.data_dir, utc_now(), only_current=erase_older)
        if erase_older:
            ensure_alone(settings.data_dir, synced.manifest.id)
    if synced.why_full:
        logger.info("Everything was read: %s", synced.why_full)
    return synced


def synced_whatever_is_stored(settings: UpdaterSettings, options: Options, progress: ShowRows) -> Synced:
    """Sync; where a stored file turns out to be damaged, once more and without any of them."""
    try:
        return with_source(settings, lambda source: sync(source, settings.data_dir, options, progress))
    except StoredFileError as error:
        report(error, Severity.MEDIUM)
        whole = replace(options, full_because="a stored file is damaged")
        return with_source(settings, lambda source: sync(source, settings.data_dir, whole, progress))


def ensure_alone(data_dir: Path, snapshot: str) -> None:
    """Make sure that no other snapshot is left.

    Raises:
        CannotWriteError: One could not be removed; the erased rows are still in it.
    """
    left = sorted(path.name for path in (data_dir / SNAPSHOTS).iterdir() if path.name != snapshot)
    if left:
        raise publishing.CannotWriteError(data_dir, f"older snapshots could not be removed: {', '.join(left)}")


def is_readable(settings: UpdaterSettings) -> bool:
    """Whether there is a snapshot to compare; one that is missing or unreadable is repaired without."""
    try:
        return open_snapshot(settings.data_dir).manifest is not None
    except SnapshotError:
        return False


def compare(settings: UpdaterSettings) -> list[Comparison]:
    """Compare the current snapshot with the source and print what differs, per table.

    Raises:
        AnalyticsError: There is no snapshot, or the source failed.
    """
    snapshot = open_snapshot(settings.data_dir)
    manifest = snapshot.manifest
    if manifest is None:
        raise SnapshotMissingError(settings.data_dir)
    found = with_source(settings, lambda source: list(verify(source, snapshot, manifest)))
    sys.stdout.write(f"{'table':<18}{'rows':>12}{'missing':>10}{'extra':>10}{'different':>10}  first keys\n")
    for each in found:
        notes = each.problem or ", ".join(each.keys)
        sys.stdout.write(
            f"{each.table:<18}{each.rows:>12,}{each.missing:>10,}{each.extra:>10,}{each.different:>10,}  {notes}\n"
        )
    return found


def with_source[Result](settings: UpdaterSettings, work: Callable[[Source], Result]) -> Result:
    """Do `work` on a consistent view of the source, from its start again after a failure that can pass."""
    logger.info(
        "Reading %s on %s:%d with the driver's %s", settings.db_name, settings.db_host, settings.db_port, driver_mode()
    )
    for attempt in stamina.retry_context(
        on=PassingSourceError,
        attempts=ATTEMPTS,
        timeout=settings.sync_deadline_seconds,
        wait_initial=FIRST_WAIT_S,
        wait_max=LONGEST_WAIT_S,
    ):
        with attempt, consistent_source(settings) as source:
            return work(source)
    raise AssertionError("unreachable: the last attempt returns or raises")


if __name__ == "__main__":
    sys.exit(main())
