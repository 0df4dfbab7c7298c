"""Open a snapshot for reading. Nothing a reader can see ever changes, so an opened snapshot stays as it is.

A read model's directory holds `snapshots/<id>/` and the symlink `current` to one of them or, without `current`, flat
files `<table>.parquet`, which are read as one snapshot of unknown source.
"""

import os
import re
import stat
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Literal

import polars as pl

from read_model.integrity import FileChecks, Published
from read_model.manifest import EARLIEST, MANIFEST, Manifest, ManifestError, stored_manifest
from read_model.model import ReadModel
from read_model.schema import is_usable, same_kind
from read_model.table import INSTANT, Append, Between, Table
from util.errors import EXIT_NO_INPUT, AnalyticsError, Severity

CURRENT = "current"
SNAPSHOTS = "snapshots"
MAGIC = b"PAR1"
# About a million rows.
LARGE_BYTES = 20_000_000
INSTANT_CASTS = pl.ScanCastOptions(datetime_cast=["nanosecond-downcast", "convert-timezone"])
WAY_OUT = "run `uv run python update_readmodel.py` once"


type Engine = Literal["streaming", "in-memory"]


class SnapshotError(AnalyticsError):
    """There is nothing to serve; the message says why and what to run."""

    status = 503
    exit_code = EXIT_NO_INPUT


class SnapshotMissingError(SnapshotError):
    """No snapshot was published yet."""

    def __init__(self, home: Path) -> None:
        super().__init__(f"No snapshot in {home}: {WAY_OUT}, or set DATA_DIR to where it writes")


class SnapshotUnreadableError(SnapshotError):
    """The current snapshot can't be understood."""

    def __init__(self, directory: Path, reason: str) -> None:
        super().__init__(f"Snapshot {directory} is unreadable ({reason}): {WAY_OUT}")


class TableMissingError(SnapshotError):
    """The snapshot lacks a table, or a table a column."""

    def __init__(self, directory: Path, what: str) -> None:
        super().__init__(f"Snapshot {directory} has no {what}: {WAY_OUT}")


class FileDamagedError(SnapshotError):
    """Files of the current snapshot differ from what was published."""

    severity = Severity.HIGH
    is_lasting = True

    def __init__(self, faults: Mapping[str, str]) -> None:
        listed = "; ".join(f"{name} {fault}" for name, fault in sorted(faults.items()))
        super().__init__(f"The read model is damaged: {listed}. The updater's next run repairs it: {WAY_OUT}")


@dataclass(frozen=True)
class Snapshot:
    """One immutable state of all tables of a read model.

    `manifest` is None for flat files, and `last_written` is when the youngest of them was written. With `checks`, no
    file is read that differs from what was published.
    """

    model: ReadModel
    directory: Path
    manifest: Manifest | None
    checks: FileChecks | None = field(default=None, compare=False)
    last_written: datetime = EARLIEST

    @property
    def data_updated_at(self) -> datetime:
        """The state of the source this snapshot shows, as an instant; for flat files, when the last one was written."""
        return self.manifest.data_updated_at if self.manifest else self.last_written

    @property
    def read_at(self) -> datetime:
        """The source's own time when this snapshot was read; for flat files, when the last one was written."""
        return self.manifest.read_at if self.manifest else self.last_written

    @property
    def synced_at(self) -> datetime:
        """The updater's time when it read this snapshot; for flat files, when the last one was written."""
        return self.manifest.synced_at if self.manifest else self.last_written

    @property
    def id(self) -> str:
        """Identifies this state among all others."""
        if self.manifest is not None:
            return self.manifest.id
        return f"files-of-{self.data_updated_at.isoformat()}"

    def files(self, table: Table) -> list[Path]:
        """The files of a table in the order they were added; empty if the snapshot lacks the table."""
        if self.manifest is None:
            return flat_files(self.directory, table)
        stored = self.manifest.tables.get(table.name)
        return [self.directory / file.name for file in stored.files] if stored else []

    def published(self, *tables: Table) -> list[Published]:
        """The files of some tables, all by default, with what was published of each; empty for flat files."""
        stored = self.manifest.tables if self.manifest else {}
        names = [table.name for table in tables] or list(stored)
        return [
            (self.directory / file.name, stored[name], file)
            for name in names
            if name in stored
            for file in stored[name].files
        ]

    @cached_property
    def bytes(self) -> int:
        """The total size of all files."""
        if self.manifest is None:
            return sum(path.stat().st_size for table in self.model.tables for path in self.files(table))
        return sum(file.bytes for stored in self.manifest.tables.values() for file in stored.files)

    @property
    def is_large(self) -> bool:
        """Whether its tables are better streamed than loaded into memory."""
        return self.bytes >= LARGE_BYTES

    @property
    def engine(self) -> Engine:
        """The Polars engine for its tables. Streaming bounds memory and is faster on large ones, but on small ones it
        takes longer to start than the work itself. Both give the same figures."""
        return "streaming" if self.is_large else "in-memory"

    def is_intact(self, path: Path) -> bool:
        """Whether a file of this snapshot exists with its published size; a flat file, with both of its ends."""
        size = size_of(path)
        if size is None or self.manifest is None:
            return size is not None and _has_both_ends(path)
        sizes = {file.name: file.bytes for stored in self.manifest.tables.values() for file in stored.files}
        return size == sizes[path.name]

    def scan(self, table: Table, between: Between | None = None) -> pl.LazyFrame:
        """A table's rows, in no order, with the columns of the source (`Table.columns` names those always present).

        Args:
            table: The table.
            between: The rows that matter. Files known to have none are not opened; other rows are not filtered out.

        Raises:
            TableMissingError: The snapshot lacks the table or a required column.
            FileDamagedError: A file differs from what was published.
        """
        files = self.files(table)
        if not files:
            raise TableMissingError(self.directory, f"{table.name}.parquet")
        if self.manifest is None:
            return self._scan_flat(table, files)
        if self.checks and (faults := self.checks.faults(self.published(table))):
            raise FileDamagedError(faults)
        stored = self.manifest.tables[table.name]
        if between is not None:
            overlapping = [file for file in stored.files if file.may_have(between)]
            # If there is none, any one file provides the columns.
            files = [self.directory / file.name for file in overlapping] or files[:1]
        schema = stored.polars_schema
        return self._checked(table, pl.scan_parquet(files, schema=schema, glob=False), schema)

    def tables(self, *tables: Table) -> list[pl.LazyFrame]:
        """The required columns of several tables, for many figures at once.

        Small tables are read once, here; each figure scans large ones for the columns it needs.

        Raises:
            TableMissingError: The snapshot lacks a table or a required column.
            FileDamagedError: A file is not as it was published.
        """
        scans = [self.scan(table).select(*table.columns) for table in tables]
        return scans if self.is_large else [rows.lazy() for rows in pl.collect_all(scans, engine="streaming")]

    def time_column(self, table: Table) -> str:
        """The column with the time of each row's creation, whatever the source calls it.

        Raises:
            TableMissingError: There is none, or several but none with the declared name.
        """
        declared = table.grows.time if isinstance(table.grows, Append) else None
        schema = self.scan(table).collect_schema()
        instants = [name for name, dtype in schema.items() if isinstance(dtype, pl.Datetime)]
        if declared in instants:
            return declared
        if len(instants) == 1:
            return instants[0]
        raise TableMissingError(self.directory, f"column {table.name}.{declared}")

    def _scan_flat(self, table: Table, files: list[Path]) -> pl.LazyFrame:
        """Cast the required columns of flat files, which may hold the same facts in other types, to the declared types.

        Instants become UTC, which is what those without a time zone mean. That is left to the scan where it can do so:
        then files of other times are not read.
        """
        schema = pl.scan_parquet(files, glob=False).collect_schema()
        instants = {name: dtype for name, dtype in schema.items() if isinstance(dtype, pl.Datetime)}
        by_scan = {name: INSTANT for name, dtype in instants.items() if dtype.time_unit != "ms"}
        frame = pl.scan_parquet(files, schema={**schema, **by_scan}, cast_options=INSTANT_CASTS, glob=False)
        checked = self._checked(table, frame, schema)
        others = {name: dtype for name, dtype in table.columns.items() if not is_usable(schema[name], dtype)}
        later = others | {name: INSTANT for name in instants if name not in by_scan}
        return checked.with_columns(pl.col(name).cast(dtype) for name, dtype in later.items())

    def _checked(self, table: Table, frame: pl.LazyFrame, schema: pl.Schema) -> pl.LazyFrame:
        missing = table.columns.keys() - schema.keys()
        if missing:
            raise TableMissingError(self.directory, f"column {table.name}.{min(missing)}")
        for name, dtype in table.columns.items() if self.manifest else ():
            if not same_kind(schema[name], dtype):
                raise TableMissingError(self.directory, f"column {table.name}.{name} of type {dtype}")
        return frame


def open_snapshot(data_dir: Path, model: ReadModel, checks: FileChecks | None = None) -> Snapshot:
    """The snapshot of a read model that is current now.

    Call it once per request: all figures of a response come from the same snapshot.

    Args:
        data_dir: Where the read models are.
        model: The one to open.
        checks: What this process knows about the files; without it they are not checked.

    Raises:
        SnapshotMissingError: There is none yet.
        SnapshotUnreadableError: Its manifest is missing, broken or in a later version than this program knows.
    """
    home = model.directory(data_dir)
    directory = current_directory(home)
    while directory is not None:
        try:
            return Snapshot(model, directory, read_manifest(directory), checks)
        except SnapshotUnreadableError:
            before, directory = directory, current_directory(home)
            # Otherwise another one was published, and this one removed, after the link was read.
            if directory == before:
                raise
    if plain := [path for table in model.tables for path in flat_files(home, table)]:
        youngest = max(path.stat().st_mtime for path in plain)
        return Snapshot(model, home, None, last_written=datetime.fromtimestamp(youngest, UTC))
    raise SnapshotMissingError(home)


def published_files(data_dir: Path, models: Iterable[ReadModel]) -> list[Published]:
    """The files of the current snapshots of several read models, without those that can't be opened."""
    files: list[Published] = []
    for model in models:
        with suppress(SnapshotError, OSError):
            files += open_snapshot(data_dir, model).published()
    return files


def kept_manifests(home: Path) -> list[Manifest]:
    """The manifests of the snapshots still kept in a read model's directory, newest first; unreadable ones are
    left out."""
    manifests = []
    for directory in (home / SNAPSHOTS).glob("*"):
        try:
            manifests.append(read_manifest(directory))
        except SnapshotUnreadableError:
            # It is being written, or was just removed.
            continue
    return sorted(manifests, key=lambda manifest: manifest.data_updated_at, reverse=True)


def is_replaced(snapshot: Snapshot, data_dir: Path) -> bool:
    """Whether another snapshot was published since this one was opened, which may therefore be removed."""
    return snapshot.manifest is not None and current_directory(snapshot.model.directory(data_dir)) != snapshot.directory


def current_directory(home: Path) -> Path | None:
    """Where `current` leads, whether or not that exists; None if there is no such link.

    Raises:
        SnapshotUnreadableError: The read model's directory may not be accessed.
    """
    link = home / CURRENT
    try:
        os.lstat(link)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise SnapshotUnreadableError(link, error.strerror or str(error)) from error
    # `Path.resolve` raises if the link points to itself.
    return Path(os.path.realpath(link))


def size_of(path: Path) -> int | None:
    """The size of a file in bytes; None if it does not exist, or no longer does."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_size if stat.S_ISREG(found.st_mode) else None


def read_manifest(directory: Path) -> Manifest:
    """The manifest of a snapshot's directory.

    Raises:
        SnapshotUnreadableError: It is missing, not as it was written, inconsistent, or in a version of the format that
            this program does not know.
    """
    try:
        manifest = stored_manifest(directory / MANIFEST)
        if manifest.id != directory.name:
            raise ManifestError("belongs to another snapshot")
    except ManifestError as error:
        raise SnapshotUnreadableError(directory, f"{MANIFEST} {error}") from error
    return manifest


def _has_both_ends(path: Path) -> bool:
    """Whether a Parquet file was written to its end: both ends carry the format's magic bytes."""
    with path.open("rb") as file:
        if path.stat().st_size < 2 * len(MAGIC):
            return False
        first = file.read(len(MAGIC))
        file.seek(-len(MAGIC), 2)
        return first == file.read() == MAGIC


def flat_files(directory: Path, table: Table) -> list[Path]:
    """The flat files of a table: `fpp_votes.parquet`, `fpp_votes.1.parquet` and so on."""
    pattern = re.compile(re.escape(table.name) + r"(?:\.(\d+))?\.parquet")
    found = [(match, path) for path in directory.glob("*.parquet") if (match := pattern.fullmatch(path.name))]
    return [path for _, path in sorted((int(match[1] or 0), path) for match, path in found)]
