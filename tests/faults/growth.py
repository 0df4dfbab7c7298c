"""A source and snapshots that grow by the same number of rows in every table, so that mixtures are noticed."""

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl

from demo.sample import COLUMNS
from read_model import locking, publishing
from read_model.manifest import Manifest
from read_model.publishing import Kept, SnapshotWriter
from read_model.snapshot import SnapshotMissingError, open_snapshot
from read_model.table import Table
from read_model.tables.fpp import FPP, USERS
from tests.faults.history import Committed, History, Published
from tests.mariadb import insert
from tests.source_database import SourceDatabase
from util.clock import utc_now

# A weekday after the default START_DATE: the dashboard's series have one row per weekday.
LONG_AGO = datetime(2025, 3, 3, 10, tzinfo=UTC)
ROOM = 1
SEGMENT_ROWS = 50


def rows(first: int, last: int, at: datetime) -> dict[str, pl.DataFrame]:
    """Rows number `first` to `last` of each table: votes and estimations in room 1, of the instant `at`.

    Rooms were first used long ago, so the last weekday of the series has their number.
    """
    number = pl.int_range(first, last + 1, eager=True).alias("number").to_frame()
    values = {
        "id": pl.col("number"),
        "user_id": pl.format("u{}", "number"),
        "name": pl.format("room {}", "number"),
        "room_id": pl.lit(ROOM),
        "estimation": pl.lit(5),
        "event": pl.lit("LEFT_ROOM"),
        "route": pl.lit("ROOM"),
        "device": pl.lit("desktop"),
        "first_used_at": pl.lit(LONG_AGO),
    }
    tables = {}
    for name, columns in COLUMNS.items():
        own = {"id": pl.format("u{}", "number")} if name == USERS.name else {}
        chosen = values | {"number": pl.col("number")} | own
        tables[name] = number.select(_value(chosen, column, dtype, at) for column, dtype in columns.items())
    return tables


def _value(values: Mapping[str, pl.Expr], column: str, dtype: pl.DataType, at: datetime) -> pl.Expr:
    usual = pl.lit(at) if isinstance(dtype, pl.Datetime) else pl.lit(None if dtype == pl.String else 1)
    return values.get(column, usual).cast(dtype).alias(column)


@dataclass
class Publisher:
    """Publishes made-up snapshots, each `step` rows larger, with the code that publishes real ones."""

    data_dir: Path
    history: History
    step: int = 10
    total: int = 0

    def publish(self, *, only_current: bool = False) -> Manifest:
        """Publish the next snapshot, linking full segments, and remove unused or all older ones."""
        self.total += self.step
        tables = rows(1, self.total, LONG_AGO)
        begun = time.monotonic()
        with locking.locked(self.data_dir):
            before = self._current()
            with SnapshotWriter(self.data_dir, SEGMENT_ROWS) as writer:
                for table in FPP.tables:
                    self._write(writer, table, tables[table.name], before)
                now = utc_now()
                manifest = writer.publish(read_at=now, full_sync_at=now, source="made up")
            done = time.monotonic()
            publishing.sweep(self.data_dir, utc_now(), only_current=only_current)
        self.history.published.append(as_published(manifest, begun, done))
        return manifest

    def _current(self) -> tuple[Path, Manifest] | None:
        try:
            snapshot = open_snapshot(self.data_dir, FPP)
        except SnapshotMissingError:
            return None
        return (snapshot.directory, snapshot.manifest) if snapshot.manifest else None

    def _write(
        self, writer: SnapshotWriter, table: Table, frame: pl.DataFrame, before: tuple[Path, Manifest] | None
    ) -> None:
        if before is None:
            writer.write(table, frame.schema, [frame])
            return
        directory, manifest = before
        full = tuple(file for file in manifest.tables[table.name].files if file.rows == SEGMENT_ROWS)
        writer.write(table, frame.schema, [frame[SEGMENT_ROWS * len(full) :]], Kept(directory, full))


def as_published(manifest: Manifest, begun: float, done: float) -> Published:
    """A snapshot as the history logs it: the figure of a table is its number of rows."""
    figures = {name.removeprefix("fpp_"): table.rows for name, table in manifest.tables.items()}
    return Published(manifest.data_updated_at, figures, begun, done)


@contextmanager
def publishing_every(seconds: float, publisher: Publisher, *, only_current: bool) -> Iterator[None]:
    """Publish in a thread, one snapshot per `seconds`, until the block ends."""
    ended = threading.Event()
    failures: list[BaseException] = []

    def work() -> None:
        while not ended.is_set():
            begun = time.monotonic()
            try:
                publisher.publish(only_current=only_current)
            except BaseException as failure:
                failures.append(failure)
                raise
            ended.wait(max(begun + seconds - time.monotonic(), 0))

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
    assert not failures


@dataclass
class GrowingSource:
    """A source database whose transactions add a row to every table; each is logged."""

    database: SourceDatabase
    history: History
    rows: int = 0
    published: set[str] = field(default_factory=set)

    def grow(self, by: int = 1, ago: timedelta = timedelta()) -> None:
        """Commit one transaction with `by` further rows in every table."""
        with closing(self.database.other_connection()) as connection:
            begun = time.monotonic()
            for name, frame in rows(self.rows + 1, self.rows + by, utc_now() - ago).items():
                insert(connection, name, frame if name == USERS.name else frame.drop("id"))
            connection.commit()
        self.rows += by
        self.history.committed.append(Committed(self.rows, begun, time.monotonic()))

    def look(self, begun: float) -> None:
        """Log the current snapshot, if it is a new one, as published by a run that began at `begun`."""
        try:
            manifest = self.database.snapshot().manifest
        except SnapshotMissingError:
            return
        assert manifest is not None
        if manifest.id not in self.published:
            self.published.add(manifest.id)
            self.history.published.append(as_published(manifest, begun, time.monotonic()))


@contextmanager
def growing(source: GrowingSource, pause_s: float) -> Iterator[None]:
    """Commit a transaction every `pause_s` seconds, in a thread, until the block ends."""
    ended = threading.Event()
    failures: list[BaseException] = []

    def work() -> None:
        try:
            while not ended.wait(pause_s):
                source.grow()
        except BaseException as failure:
            failures.append(failure)
            raise

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
    assert not failures
