"""Bring the read model `repositories` up to date: several codebases at once, each published as soon as it is done."""

import logging
import shutil
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import polars as pl
from polars.exceptions import PanicException

from read_model import locking, publishing
from read_model.integrity import faults_of
from read_model.manifest import Manifest
from read_model.publishing import Kept, SnapshotWriter
from read_model.snapshot import SnapshotError, open_snapshot
from read_model.tables.repositories import CODEBASES, REPOSITORIES
from read_model.updating import Job, Outcome
from sources.git.codebase import RAW, Limits, Workplace
from sources.git.configuration import Codebase, Configuration
from sources.git.errors import TokenMissingError
from sources.git.identities import Pseudonyms
from sources.git.parts import Parts, with_paths
from sources.git.state import State
from util.clock import utc_now
from util.crash_points import crash_point
from util.error_reporting import report
from util.errors import EXIT_DIFFERENT, EXIT_OK, EXIT_UNAVAILABLE, EXIT_USAGE, AnalyticsError, Severity
from util.progress import ShowRows, shown_progress

logger = logging.getLogger(__name__)

AT_ONCE = 3
WORK, PARTS = "codebases", "parts"
SOURCE = "git"


class UnknownCodebaseError(AnalyticsError):
    """The configuration has no such codebase."""

    exit_code = EXIT_USAGE

    def __init__(self, name: str, known: Iterable[str]) -> None:
        super().__init__(
            f"There is no codebase {name} in REPOSITORIES_FILE: it has {', '.join(sorted(known)) or 'none'}"
        )


@dataclass(frozen=True)
class RepositoriesUpdater:
    """Keeps the read model `repositories` up to date with the remotes of a configuration.

    `tokens` holds the values of environment variables by name.
    """

    configuration: Configuration
    data_dir: Path
    limits: Limits
    tokens: Mapping[str, str]

    @property
    def home(self) -> Path:
        """The directory of the read model."""
        # Git runs in other directories, where a relative path would lead elsewhere.
        return REPOSITORIES.directory(self.data_dir).absolute()

    def run(self, job: Job) -> Outcome:
        """Update every codebase, or the one of the job (see `Updater.run`).

        `full`, `repair` and `erase_now` rebuild the mirrors and read every commit again; `verify` checks the files of
        the current snapshot.
        """
        chosen = self._chosen(job.codebase)
        if job.verify:
            return self._verified()
        with locking.locked(self.home), publishing.writing_to(self.home):
            publishing.sweep(self.home, utc_now())
            run = _Run(self, job)
            failed = run.update(chosen)
            publishing.sweep(self.home, utc_now(), only_current=job.erase_now)
            run.sweep()
        if failed:
            return Outcome(EXIT_UNAVAILABLE, f"{len(failed)} of {len(chosen)} codebases failed: {', '.join(failed)}")
        return Outcome(EXIT_OK, f"published {len(chosen)} codebases")

    def _verified(self) -> Outcome:
        """Whether the files of the current snapshot are as they were published."""
        snapshot = open_snapshot(self.data_dir, REPOSITORIES)
        files = [each for table in REPOSITORIES.tables for each in snapshot.published(table)]
        faults = [f"{path.name} {fault}" for (path, _, _), fault in faults_of(files)]
        if faults:
            return Outcome(EXIT_DIFFERENT, f"{'; '.join(faults)}: run with --repair")
        return Outcome(EXIT_OK, f"verified {len(files)} files, all as published")

    def _chosen(self, only: str | None) -> list[Codebase]:
        codebases = self.configuration.codebases
        chosen = [codebase for codebase in codebases if only in {None, codebase.display_name}]
        if only is not None and not chosen:
            raise UnknownCodebaseError(only, (codebase.display_name for codebase in codebases))
        return chosen


class _Run:
    """One run over some codebases, while the lock is held."""

    def __init__(self, updater: RepositoriesUpdater, job: Job) -> None:
        self._updater, self._job = updater, job
        self._home = updater.home
        (self._home / PARTS).mkdir(parents=True, exist_ok=True)
        (self._home / WORK).mkdir(exist_ok=True)
        self._pseudonyms = Pseudonyms.of(self._home)
        self._codebases = updater.configuration.codebases
        self._states = {codebase: State.read(self._directory(codebase)) for codebase in self._codebases}

    def _directory(self, codebase: Codebase) -> Path:
        return self._home / WORK / str(codebase.id)

    def update(self, chosen: Sequence[Codebase]) -> list[str]:
        """Update codebases; publish each that changed as soon as it is done, and all of them at the end.

        Returns:
            The names of those that failed.
        """
        self.sweep()
        self._complete()
        # A codebase that failed last time may hang again, so it goes last.
        in_order = sorted(chosen, key=lambda codebase: self._states[codebase].error is not None)
        with shown_progress() as show, ThreadPoolExecutor(AT_ONCE) as pool:
            running = {pool.submit(self._updated, codebase, show): codebase for codebase in in_order}
            for done in as_completed(running):
                codebase, state = running[done], done.result()
                before = self._states[codebase]
                self._states[codebase] = state
                if _shows_otherwise(before, state):
                    self._publish()
        self._publish()
        return [codebase.display_name for codebase in chosen if self._states[codebase].error is not None]

    def _updated(self, codebase: Codebase, show: ShowRows) -> State:
        """Update a codebase and store its state, which records whatever goes wrong."""
        directory, before = self._directory(codebase), self._states[codebase]
        directory.mkdir(exist_ok=True)
        afresh = self._job.full or self._job.repair or self._job.erase_now
        try:
            place = self._workplace(codebase, directory, show)
            state = State(extracted=place.update(before.extracted, utc_now, afresh=afresh), attempted_at=utc_now())
        except AnalyticsError as error:
            logger.warning("%s: %s", codebase.display_name, error)
            state = before.after_failure(str(error), utc_now())
        except (Exception, PanicException) as error:
            report(error, Severity.HIGH)
            name = type(error).__name__
            state = before.after_failure(f"The updater failed ({name}): see its log", utc_now())
        crash_point("before the state")
        state.write(directory)
        crash_point("after the state")
        return state

    def _complete(self) -> None:
        for codebase, state in self._states.items():
            if state.extracted:
                extracted = with_paths(state.extracted, Parts(self._home / PARTS, str(codebase.id)))
                self._states[codebase] = state.model_copy(update={"extracted": extracted})

    def _workplace(self, codebase: Codebase, directory: Path, show: ShowRows) -> Workplace:
        return Workplace(
            codebase=codebase,
            directory=directory,
            parts_directory=self._home / PARTS,
            token=self._token(codebase),
            limits=self._updater.limits,
            pseudonyms=self._pseudonyms,
            show=lambda phase, commits: show(f"{codebase.display_name} {phase}", commits),
        )

    def _token(self, codebase: Codebase) -> str | None:
        if codebase.token_env is None:
            return None
        token = self._updater.tokens.get(codebase.token_env)
        if not token:
            raise TokenMissingError(codebase.token_env)
        return token

    def _publish(self) -> Manifest:
        """Publish what was extracted from all configured codebases."""
        now = utc_now()
        with SnapshotWriter(self._home) as writer:
            for table in REPOSITORIES.tables:
                schema = pl.Schema(table.columns)
                if table == CODEBASES:
                    writer.write(table, schema, [self._codebase_rows()])
                else:
                    files = [
                        file
                        for state in self._states.values()
                        if state.extracted
                        for file in state.extracted.files(table.name)
                    ]
                    writer.write(table, schema, [], Kept(self._home / PARTS, tuple(files)))
            return writer.publish(
                read_at=now, full_sync_at=now, source=SOURCE, not_before=_published_at(self._updater.data_dir)
            )

    def _codebase_rows(self) -> pl.DataFrame:
        rows = [_codebase_row(codebase, state) for codebase, state in self._states.items()]
        return pl.DataFrame(rows, dict(CODEBASES.columns), orient="row")

    def sweep(self) -> None:
        """Remove the parts, raw segments and codebases that nothing refers to any more."""
        named = {
            file.name
            for state in self._states.values()
            if state.extracted
            for table in REPOSITORIES.tables
            for file in state.extracted.files(table.name)
        }
        for path in (self._home / PARTS).iterdir():
            if path.name not in named:
                path.unlink(missing_ok=True)
        kept = {str(codebase.id) for codebase in self._codebases}
        for path in (self._home / WORK).iterdir():
            if path.name not in kept:
                shutil.rmtree(path, ignore_errors=True)
        for codebase, state in self._states.items():
            raw = self._directory(codebase) / RAW
            named_raw = state.extracted.raw_files(raw) if state.extracted else []
            for path in set(raw.glob("*")) - set(named_raw):
                path.unlink(missing_ok=True)


def _published_at(data_dir: Path) -> datetime | None:
    """The `data_updated_at` of the current snapshot."""
    try:
        manifest = open_snapshot(data_dir, REPOSITORIES).manifest
    except SnapshotError:
        return None
    return manifest.data_updated_at if manifest else None


def _shows_otherwise(before: State, state: State) -> bool:
    """Whether readers should see the new state before the run ends."""
    shown = [
        (each.status, each.extracted and [each.extracted.files(table.name) for table in REPOSITORIES.tables])
        for each in (before, state)
    ]
    return shown[0] != shown[1]


def _codebase_row(codebase: Codebase, state: State) -> tuple[object, ...]:
    extracted = state.extracted
    return (
        *(str(codebase.id), codebase.organization_id, codebase.owner, codebase.name, codebase.provider),
        extracted.default_branch if extracted else None,
        extracted.primary_language if extracted else None,
        state.status,
        extracted.generated_at if extracted else None,
        extracted.generation_seconds if extracted else None,
        *(state.attempted_at, state.failed_since, state.error),
    )
