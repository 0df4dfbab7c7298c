"""The whole service for one test: a source that grows, real updaters, and a real server over what they publish."""

import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from read_model.publishing import KEPT_SNAPSHOTS
from read_model.tables.fpp import FPP
from tests.faults.growth import GrowingSource
from tests.faults.history import History, dashboard_figures
from tests.faults.readers import DASHBOARD
from tests.faults.tmpfs import FILLER
from tests.faults.updaters import Run, Updaters, updaters
from tests.mariadb import Server as DatabaseServer
from tests.mariadb import fresh_database
from tests.processes import ROOT, Program, Server, finished, running, serving, until
from tests.source_database import SourceDatabase

UPDATER = ROOT / "update_readmodel.py"
SEGMENT_ROWS = 50
# Two full segments of old rows, which later snapshots link, and a third one that grows.
OLD_ROWS = 120
MANIFEST_BYTES_PER_FILE = 400


@dataclass(frozen=True)
class Service:
    """A growing source, its updaters, and a server over what they publish."""

    directory: Path
    segment_rows: int
    source: GrowingSource
    history: History
    updaters: Updaters
    server: Server

    @property
    def database(self) -> SourceDatabase:
        """The source."""
        return self.source.database

    @property
    def data_dir(self) -> Path:
        """The read model."""
        return self.source.database.data_dir

    def update(self, *arguments: str, **how: Any) -> Run:
        """Run an updater and log what it published."""
        begun = time.monotonic()
        run = self.updaters.run(*arguments, **how)
        self.source.look(begun)
        return run

    def update_anew(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run an updater in a new interpreter."""
        begun = time.monotonic()
        run = finished([UPDATER, *arguments], self.directory, **self.database.environment(**variables))
        self.source.look(begun)
        return run

    def forget_older(self) -> None:
        """Publish a new snapshot and remove all others, to undo what a test did to them."""
        run = self.update("--erase-now")
        assert run.exit_code == 0, run.log

    def assert_serves_the_last(self) -> None:
        """The server answers with the figures and time of the latest snapshot."""
        last, answer = self.history.published[-1], self.server.get(DASHBOARD).json()
        assert dashboard_figures(answer["data"]) == last.figures
        assert datetime.fromisoformat(answer["data_updated_at"]) == last.data_updated_at

    def assert_no_litter(self) -> None:
        """There are only the lock, the link and complete snapshots."""
        assert {path.name for path in self.data_dir.iterdir()} - {FILLER} == {"current", "snapshots", ".lock"}
        for directory in (self.data_dir / "snapshots").iterdir():
            assert directory.name in self.source.published
            manifest = json.loads((directory / "snapshot.json").read_text())
            files = {file["name"] for table in manifest["tables"].values() for file in table["files"]}
            assert {path.name for path in directory.iterdir()} == files | {"snapshot.json"}

    def assert_few_files(self) -> None:
        """Only the kept snapshots exist, each with as many files as its rows fill and a manifest of that size."""
        kept = list((self.data_dir / "snapshots").iterdir())
        assert len(kept) <= KEPT_SNAPSHOTS + 1
        for directory in kept:
            files = list(directory.glob("*.parquet"))
            assert len(files) <= len(FPP.tables) * (self.source.rows // self.segment_rows + 1)
            assert (directory / "snapshot.json").stat().st_size < MANIFEST_BYTES_PER_FILE * (
                len(FPP.tables) + len(files)
            )

    def assert_in_step(self) -> None:
        """An undisturbed run leaves the keys and rows of the source, and no litter."""
        run = self.update()
        assert run.exit_code == 0, run.log
        self.database.assert_in_step()
        self.assert_no_litter()
        self.assert_serves_the_last()


@contextmanager
def service(
    mariadb: DatabaseServer, directory: Path, data_dir: Path, segment_rows: int = SEGMENT_ROWS
) -> Iterator[Service]:
    """A source with old rows in every table, synced once."""
    history = History()
    with (
        fresh_database(mariadb) as name,
        SourceDatabase.opened(mariadb, name, data_dir) as database,
        updaters(directory, database.environment(SEGMENT_ROWS=str(segment_rows))) as runs,
        serving(data_dir) as server,
    ):
        source = GrowingSource(database, history)
        source.grow(OLD_ROWS, ago=timedelta(days=2))
        whole = Service(directory, segment_rows, source, history, runs, server)
        whole.assert_in_step()
        yield whole


def let_pass(data_dir: Path, seconds: float) -> None:
    """Make every snapshot older, as if this time had passed."""
    for directory in (data_dir / "snapshots").iterdir():
        modified = directory.stat().st_mtime - seconds
        os.utime(directory, (modified, modified))


@dataclass(frozen=True)
class Waiting:
    """An updater that waits for the votes, and the lock that stops it."""

    program: Program
    let_go: Callable[[], None]


@contextmanager
def waiting_updater(database: SourceDatabase, **variables: str) -> Iterator[Waiting]:
    """A real updater while it waits for the votes, which another session has locked."""
    with ExitStack() as lock:
        connection = lock.enter_context(closing(database.other_connection()))
        with connection.cursor() as cursor:
            cursor.execute("LOCK TABLES fpp_votes WRITE")
        with running([UPDATER], **database.environment(**variables)) as program:
            until(lambda: _waits(database) or program.process.poll() is not None, "the updater to wait for the votes")
            assert program.process.poll() is None, program.log
            yield Waiting(program, lock.close)
            lock.close()


def _waits(database: SourceDatabase) -> bool:
    with database.connection.cursor() as cursor:
        cursor.execute(
            "SELECT 1 FROM information_schema.processlist"
            f" WHERE db = '{database.name}' AND state LIKE '%metadata lock%' AND info LIKE '%fpp_votes%'"
        )
        return bool(cursor.fetchall())
