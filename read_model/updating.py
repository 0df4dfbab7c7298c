"""Bring a read model up to date with its source: one run of the updater for one read model."""

import logging
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import stamina

from read_model import locking, publishing
from read_model.locking import LOCK
from read_model.model import ReadModel
from read_model.snapshot import CURRENT, SNAPSHOTS, SnapshotError, SnapshotMissingError, flat_files, open_snapshot
from read_model.source import PassingSourceError, Source
from read_model.stored_rows import StoredFileError
from read_model.sync import Options, Synced, sync
from read_model.verifying import Comparison, verify
from util.clock import utc_now
from util.error_reporting import report
from util.errors import EXIT_CANNOT_WRITE, EXIT_DIFFERENT, EXIT_OK, AnalyticsError, Severity
from util.progress import ShowRows, shown_progress

logger = logging.getLogger(__name__)

ATTEMPTS = 5
FIRST_WAIT_S, LONGEST_WAIT_S = 0.5, 20.0
SHOWN_NAMES = 5


class StrangeFilesError(AnalyticsError):
    """A read model's directory has files of unknown origin that may hold erased rows."""

    exit_code = EXIT_CANNOT_WRITE
    severity = Severity.HIGH

    def __init__(self, model: ReadModel, home: Path, names: Sequence[str]) -> None:
        listed = ", ".join(names[:SHOWN_NAMES]) + (f" and {len(names) - SHOWN_NAMES} more" * (len(names) > SHOWN_NAMES))
        super().__init__(
            f"The rows are erased from {model.name}, but {home} has files of unknown origin, which may still hold them:"
            f" {listed}. Remove them or move them elsewhere, and run again with --erase-now"
        )


@dataclass(frozen=True)
class Job:
    """What a run has to do with each read model; at most one of the first four fields is set.

    `codebase` is the one repository to update; all by default.
    """

    full: bool = False
    verify: bool = False
    repair: bool = False
    erase_now: bool = False
    allow_shrink: bool = False
    codebase: str | None = None


@dataclass(frozen=True)
class Outcome:
    """What a run did with a read model: as an exit code, and in words."""

    exit_code: int
    message: str


class Updater(Protocol):
    """Keeps one read model up to date."""

    def run(self, job: Job) -> Outcome:
        """Do a job once.

        Raises:
            AnalyticsError: Nothing was published; the message says why and what to do.
        """


@dataclass(frozen=True)
class SourceUpdater:
    """Keeps a read model in step with a `Source`; a failed read is retried for `patience_s` seconds."""

    model: ReadModel
    data_dir: Path
    options: Options
    opened: Callable[[], AbstractContextManager[Source]]
    patience_s: float

    @property
    def home(self) -> Path:
        """The directory of the read model."""
        return self.model.directory(self.data_dir)

    def run(self, job: Job) -> Outcome:
        """Compare, update, or both (see `Updater.run`)."""
        if job.verify or (job.repair and self.is_readable()):
            found = self.compare()
            wrong = [each.table for each in found if not each.equal]
            if not wrong:
                return Outcome(EXIT_OK, f"verified {sum(each.rows for each in found):,} rows, all equal")
            if job.verify:
                return Outcome(EXIT_DIFFERENT, f"differences in {', '.join(wrong)}: run with --repair")
        full = job.full or job.repair or job.erase_now
        synced = self.update(full=full, allow_shrink=job.allow_shrink, erase_older=job.erase_now)
        return Outcome(EXIT_OK, f"published {synced.manifest.id}, {synced.rows_read:,} rows read")

    def update(self, *, full: bool = False, allow_shrink: bool = False, erase_older: bool = False) -> Synced:
        """Publish a snapshot of the source's current state, and remove the snapshots no longer in use.

        Raises:
            AnalyticsError: Nothing was published; the message says why and what to do.
        """
        because = "--full was given" if full else None
        options = replace(self.options, full_because=because, allow_shrink=allow_shrink)
        with locking.locked(self.home):
            publishing.sweep(self.home, utc_now())
            with shown_progress() as progress:
                synced = self._synced(options, progress)
            publishing.sweep(self.home, utc_now(), only_current=erase_older)
            if erase_older:
                remove_flat_files(self.home, self.model)
                ensure_alone(self.home, self.model, synced.manifest.id)
        if synced.why_full:
            logger.info("Everything was read: %s", synced.why_full)
        return synced

    def _synced(self, options: Options, progress: ShowRows) -> Synced:
        """Sync; if a stored file turns out to be damaged, once more without any of them."""
        try:
            return self._with_source(lambda source: sync(source, self.data_dir, self.model, options, progress))
        except StoredFileError as error:
            report(error, Severity.MEDIUM)
            whole = replace(options, full_because="a stored file is damaged")
            return self._with_source(lambda source: sync(source, self.data_dir, self.model, whole, progress))

    def is_readable(self) -> bool:
        """Whether there is a snapshot to compare; one that is missing or unreadable is repaired without comparing."""
        try:
            return open_snapshot(self.data_dir, self.model).manifest is not None
        except SnapshotError:
            return False

    def compare(self) -> list[Comparison]:
        """Compare the current snapshot with the source and print what differs, per table.

        Raises:
            AnalyticsError: There is no snapshot, or the source failed.
        """
        snapshot = open_snapshot(self.data_dir, self.model)
        manifest = snapshot.manifest
        if manifest is None:
            raise SnapshotMissingError(self.home)
        found = self._with_source(lambda source: list(verify(source, snapshot, manifest)))
        sys.stdout.write(f"{'table':<18}{'rows':>12}{'missing':>10}{'extra':>10}{'different':>10}  first keys\n")
        for each in found:
            notes = each.problem or ", ".join(each.keys)
            sys.stdout.write(
                f"{each.table:<18}{each.rows:>12,}{each.missing:>10,}{each.extra:>10,}{each.different:>10,}  {notes}\n"
            )
        return found

    def _with_source[Result](self, work: Callable[[Source], Result]) -> Result:
        """Do `work` on a consistent view of the source; start over after a failure that may pass."""
        for attempt in stamina.retry_context(
            on=PassingSourceError,
            attempts=ATTEMPTS,
            timeout=self.patience_s,
            wait_initial=FIRST_WAIT_S,
            wait_max=LONGEST_WAIT_S,
        ):
            with attempt, self.opened() as source:
                return work(source)
        raise AssertionError("unreachable: the last attempt returns or raises")


def remove_flat_files(home: Path, model: ReadModel) -> None:
    """Remove flat files of the tables, which would be read if there were no snapshot.

    Raises:
        CannotWriteError: One may not be removed.
    """
    for table in model.tables:
        for path in flat_files(home, table):
            with publishing.writing_to(home):
                path.unlink()
            logger.info("Removed the flat file %s", path)


def ensure_alone(home: Path, model: ReadModel, snapshot: str) -> None:
    """Make sure that nothing else is left that may hold erased rows: neither a snapshot nor a file of unknown origin.

    The directories of other read models, each with its own lock, are erased from by their own runs.

    Raises:
        CannotWriteError: Something is left; the message names it.
    """
    left = sorted(path.name for path in (home / SNAPSHOTS).iterdir() if path.name != snapshot)
    if left:
        raise publishing.CannotWriteError(home, f"older snapshots could not be removed: {', '.join(left)}")
    strange = sorted(str(path.relative_to(home)) for path in _strange_files(home))
    if strange:
        raise StrangeFilesError(model, home, strange)


def _strange_files(home: Path) -> Iterator[Path]:
    """The non-empty files that no updater wrote."""
    for entry in home.iterdir():
        if entry.name in {CURRENT, SNAPSHOTS, LOCK} or (entry / LOCK).exists():
            continue
        for path in [entry, *entry.rglob("*")]:
            if path.is_file() and path.stat().st_size:
                yield path
