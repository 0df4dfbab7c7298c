"""The invariants after every fault of the source, and an operator who checks them after each run of a real updater.

A: after a quiet moment and the next run, keys and rows equal the source. B: no key twice. D: `data_updated_at` never
goes back. E: a failure is visible in exit code, log and heartbeat. (C is about readers: see `test_readers.py`.)
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import polars as pl
import pytest
import stamina
from mysql.connector.abstracts import MySQLConnectionAbstract, MySQLCursorAbstract

from read_model import locking
from read_model.manifest import MANIFEST
from read_model.snapshot import CURRENT, SNAPSHOTS, SnapshotMissingError
from read_model.tables.fpp import FPP
from tests.faults.updaters import Run, Updaters
from tests.processes import RecordingService
from tests.source_database import SourceDatabase

# How to add a row to each table that grows: its columns, and its values for a user and an instant.
GROWING = {
    "fpp_estimations": ("user_id, room_id, estimation, estimated_at", "'{user}', 1, 3, '{at}'"),
    "fpp_events": ("user_id, event, event_at", "'{user}', 'LEFT_ROOM', '{at}'"),
    "fpp_page_views": ("user_id, route, viewed_at", "'{user}', 'HOME', '{at}'"),
    "fpp_votes": (
        "room_id, avg_estimation, max_estimation, min_estimation, amount_of_estimations, amount_of_spectators,"
        " duration, was_auto_flip, voted_at",
        "1, 2.50, 3, 2, 2, 0, 9, 0, '{at}'",
    ),
    "fpp_users": ("id, created_at", "'{user}', '{at}'"),
}


def minutes_ago(minutes: float) -> str:
    """An instant as SQL text, in UTC."""
    return f"{datetime.now(UTC) - timedelta(minutes=minutes):%Y-%m-%d %H:%M:%S}"


def insertions(users: Sequence[str], at: str, tables: Iterable[str] = GROWING) -> list[str]:
    """A statement per table that adds a row of each user."""
    return [
        f"INSERT INTO {table} ({GROWING[table][0]}) VALUES "
        + ", ".join(f"({GROWING[table][1].format(user=user, at=at)})" for user in users)
        for table in tables
    ]


def add(database: SourceDatabase, users: Sequence[str], minutes: float, tables: Iterable[str] = GROWING) -> None:
    """Commit a row of each user in each growing table."""
    for statement in insertions(users, minutes_ago(minutes), tables):
        database.execute(statement)


@contextmanager
def transaction(database: SourceDatabase) -> Iterator[tuple[MySQLConnectionAbstract, MySQLCursorAbstract]]:
    """A session with an open transaction; what is not committed by the end is rolled back."""
    with closing(database.other_connection()) as connection, connection.cursor() as cursor:
        yield connection, cursor


def keys_are_there_once(database: SourceDatabase) -> bool:
    """B: no row is stored twice."""
    snapshot = database.snapshot()
    return all(
        snapshot.scan(table).select(pl.col(table.key).is_unique().all()).collect().item() for table in FPP.tables
    )


def assert_unlocked(data_dir: Path) -> None:
    """The next run can begin."""
    with locking.locked(data_dir):
        pass


def litter(data_dir: Path) -> list[str]:
    """Files left behind by interrupted runs."""
    unpublished = [path.name for path in (data_dir / SNAPSHOTS).iterdir() if not (path / MANIFEST).exists()]
    return unpublished + [path.name for path in data_dir.glob(f".{CURRENT}-*")]


def files_with(data_dir: Path, word: str) -> list[Path]:
    """The files with a word in their bytes or, for Parquet, in a (compressed) value."""
    files = [path for path in data_dir.rglob("*") if path.is_file()]
    return [path for path in files if word.encode() in path.read_bytes() or has_value(path, word)]


def has_value(path: Path, word: str) -> bool:
    """Whether a string in a Parquet file contains a word."""
    if path.suffix != ".parquet":
        return False
    texts = pl.read_parquet(path).select(pl.col(pl.String).str.contains(word, literal=True).any())
    return any(texts.row(0)) if texts.width else False


def erase(database: SourceDatabase, user: str) -> None:
    """Delete all rows of a user at the source."""
    for table in GROWING:
        if table != "fpp_votes":
            database.execute(f"DELETE FROM {table} WHERE {'id' if table == 'fpp_users' else 'user_id'} = '{user}'")


def problems(log: str) -> list[str]:
    """The lines of a log that tell of trouble; retries do not count."""
    return [line for line in log.splitlines() if " INFO " not in line]


@dataclass
class Operator:
    """Runs updaters on a database, and sees only what an operator sees."""

    database: SourceDatabase
    updaters: Updaters
    monitor: RecordingService
    seen: list[datetime] = field(default_factory=list)
    tolerates_litter: bool = False
    tolerates_damage: bool = False

    def run(self, *arguments: str, **variables: str) -> Run:
        """Run an updater that may fail; B and D hold, and nothing is left behind."""
        run = self.start(*arguments, **variables)
        self.check()
        return run

    def start(self, *arguments: str, crash_at: str | None = None, **variables: str) -> Run:
        """Run an updater without checks; it kills itself at the step `crash_at`."""
        self.monitor.reset()
        environment = {"UPTIMEKUMA_PUSH_URL": f"{self.monitor.url}/push/secret"} | variables
        started = replace(self.updaters, environment=self.database.environment(**environment))
        return started.run(*arguments, crash_at=crash_at)

    def publishes(self, *arguments: str, **variables: str) -> Run:
        """Run an updater that must publish and report it."""
        before = self.current
        run = self.run(*arguments, **variables)
        assert run.exit_code == 0, run.log
        assert self.current != before
        beat = self.heartbeat()
        assert beat["status"] == "up"
        assert beat["msg"].startswith("published ")
        return run

    def fails(self, exit_code: int, *says: str, arguments: Sequence[str] = (), **variables: str) -> Run:
        """E: run an updater that must publish nothing and fail with one line that says why, also on the heartbeat."""
        before = self.current
        run = self.run(*arguments, **variables)
        assert run.exit_code == exit_code, run.log
        (line,) = problems(run.log)
        beat = self.heartbeat()
        assert beat["status"] == "down"
        assert beat["msg"] in line
        for words in says:
            assert words in beat["msg"]
        assert self.current == before
        return run

    @property
    def current(self) -> str | None:
        """The id of the current snapshot; None without one."""
        try:
            return self.database.snapshot().id
        except SnapshotMissingError:
            return None

    def heartbeat(self) -> dict[str, str]:
        """The facts of the only heartbeat of the last run."""
        (request,) = [each for each in self.monitor.received if each.path.startswith("/push")]
        return {name: values[0] for name, values in parse_qs(urlsplit(request.path).query).items()}

    def check(self) -> None:
        """B and D hold, the lock is free, and nothing is left behind."""
        if (self.database.data_dir / SNAPSHOTS).exists():
            assert_unlocked(self.database.data_dir)
            assert self.tolerates_litter or litter(self.database.data_dir) == []
        if self.current:
            assert self.tolerates_damage or keys_are_there_once(self.database)
            self.seen.append(self.database.snapshot().data_updated_at)
            assert self.seen == sorted(self.seen)


def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let retries in this process follow at once."""
    monkeypatch.setattr("read_model.updating.LONGEST_WAIT_S", 0.01)
    stamina.instrumentation.set_on_retry_hooks([])  # The default hook would log warnings; `main` replaces it.
