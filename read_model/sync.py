"""Bring the read model up to the state of the source: decide what to read and what to keep.

Plain cursors lose rows, since transactions commit out of order. So the rows of append tables stay unsettled for an
overlap longer than any transaction, and every run replaces the stored unsettled rows with what the source has now.
"""

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import chain
from pathlib import Path

import polars as pl

from read_model.integrity import Published, faults_of
from read_model.manifest import Manifest, StoredTable
from read_model.model import ReadModel
from read_model.publishing import SEGMENT_ROWS, Kept, SnapshotWriter
from read_model.snapshot import SnapshotError, SnapshotMissingError, open_snapshot
from read_model.source import Source, SourceTable
from read_model.stored_rows import Split, in_order, read_stored, reading, split_stored_rows, warn_of_future_rows
from read_model.table import Table
from util.clock import utc_now
from util.error_reporting import report
from util.errors import EXIT_DATA, AnalyticsError, Severity

logger = logging.getLogger(__name__)

LARGEST_SHRINK = 0.2

# Called after each batch with the table's name and the number of its rows read so far.
type Progress = Callable[[str, int], None]


class ShrunkError(AnalyticsError):
    """A table lost so many rows that an accident is likelier than a clean-up."""

    exit_code = EXIT_DATA
    severity = Severity.HIGH

    def __init__(self, table: str, before: int, now: int) -> None:
        super().__init__(
            f"Table {table} shrank from {before:,} to {now:,} rows: nothing is published."
            " If that is right, run again with --allow-shrink"
        )


class DamagedFileError(AnalyticsError):
    """A file of the current snapshot differs from what was published."""

    def __init__(self, path: Path, fault: str, table: str) -> None:
        super().__init__(f"The stored file {path} {fault}: all of {table} is read again")


@dataclass(frozen=True)
class Options:
    """How to sync.

    `overlap` is longer than any transaction at the source. `full_because` is the reason to read everything; None to
    read only what may have changed. `full_interval` is the longest time between full runs; None for no such limit.
    """

    overlap: timedelta = timedelta(hours=1)
    full_because: str | None = None
    full_interval: timedelta | None = timedelta(hours=24)
    allow_shrink: bool = False
    segment_rows: int = SEGMENT_ROWS


@dataclass(frozen=True)
class Stored:
    """The snapshot a run starts from."""

    directory: Path
    manifest: Manifest
    files: Sequence[Published]


@dataclass(frozen=True)
class Synced:
    """What a run did: the snapshot it published, the rows it read, and why it was full (None if it was not)."""

    manifest: Manifest
    rows_read: int
    why_full: str | None


def sync(source: Source, data_dir: Path, model: ReadModel, options: Options, progress: Progress) -> Synced:
    """Publish a snapshot of the source's current state; call while holding the lock of the read model.

    Raises:
        StoredFileError: A file of the current snapshot can't be read; a full run needs none of them.
        SourceError: The source failed or lacks something; nothing is published.
        ShrunkError: A table lost more than `LARGEST_SHRINK` of its rows; nothing is published.
        CannotWriteError: The disk is full or read-only; nothing is published.
    """
    synced_at = utc_now()
    stored = stored_snapshot(data_dir, model)
    tables = [source.describe(table) for table in model.tables]
    why_full = reason_for_full(stored, source, tables, options)
    splits: dict[Table, Split | None] = {}
    if stored and not why_full:
        damaged = damaged_tables(stored)
        splits = {
            table.table: None if table.table.name in damaged else split_of(stored, table, options.overlap)
            for table in tables
        }
        why_full = reason_to_distrust(splits, source, tables)
    rows_read: Counter[Table] = Counter()
    with SnapshotWriter(model.directory(data_dir), options.segment_rows) as writer:
        for table in tables:
            split = None if why_full else splits.get(table.table)
            fetched = _counted(source.rows(table, split.since if split else None), table.table, rows_read, progress)
            if stored and split:
                _write_changes(writer, table, stored, split, fetched)
            else:
                writer.write(table.table, table.schema, fetched)
        if stored and not options.allow_shrink:
            _refuse_shrunk(stored.manifest, writer.tables)
        warn_of_future_rows(writer.directory, writer.tables, tables, source.now)
        manifest = writer.publish(
            read_at=source.now,
            full_sync_at=stored.manifest.full_sync_at if stored and not why_full else source.now,
            source=source.identity,
            synced_at=synced_at,
            not_before=stored.manifest.data_updated_at if stored else None,
        )
    return Synced(manifest, rows_read.total(), why_full)


def stored_snapshot(data_dir: Path, model: ReadModel) -> Stored | None:
    """What earlier runs published; None if there is nothing a run could build on."""
    try:
        snapshot = open_snapshot(data_dir, model)
    except SnapshotMissingError:
        return None
    except SnapshotError as error:
        logger.warning("%s; it is rebuilt now", error)
        return None
    return Stored(snapshot.directory, snapshot.manifest, snapshot.published()) if snapshot.manifest else None


def reason_for_full(
    stored: Stored | None, source: Source, tables: Iterable[SourceTable], options: Options
) -> str | None:
    """Why everything has to be read again; None if reading what may have changed is enough."""
    if stored is None:
        return "nothing is stored yet"
    manifest = stored.manifest
    if options.full_because:
        return options.full_because
    if manifest.source != source.identity:
        return f"the source is another one: {source.identity}, formerly {manifest.source}"
    if source.now < manifest.read_at:
        return f"the source's clock went back, from {manifest.read_at} to {source.now}"
    if options.full_interval is not None and source.now - manifest.full_sync_at >= options.full_interval:
        return f"the last full sync was at {manifest.full_sync_at:%Y-%m-%d %H:%M} UTC"
    for table in tables:
        before = manifest.tables.get(table.table.name)
        if before is None:
            return f"table {table.table.name} is new"
        if before.polars_schema != table.schema:
            return f"the columns of {table.table.name} changed"
    return None


def damaged_tables(stored: Stored) -> set[str]:
    """Report damaged files, and return their tables, which have to be read whole again."""
    damaged = set()
    for (path, _, file), fault in faults_of(stored.files):
        table = file.name.partition(".")[0]
        report(DamagedFileError(path, fault, table), Severity.MEDIUM)
        damaged.add(table)
    return damaged


def reason_to_distrust(
    splits: Mapping[Table, Split | None], source: Source, tables: Iterable[SourceTable]
) -> str | None:
    """Why the settled rows can't be built on; None if the youngest of each table is still as it was stored.

    This catches a restored backup or a failover behind the same address, which could otherwise pass for "nothing new".
    """
    for table in tables:
        split = splits[table.table]
        if split and split.anchor and source.time_of(table, split.anchor.by) != split.anchor.time:
            return f"row {split.anchor.by} of {table.table.name} is no longer as stored: restored, erased or edited"
    return None


def split_of(stored: Stored, table: SourceTable, overlap: timedelta) -> Split | None:
    """The stored rows of a table, split at the previous run's time at the source, less the overlap."""
    files = stored.manifest.tables[table.table.name].files
    read_at = stored.manifest.read_at
    return split_stored_rows(stored.directory, files, table, settled_before=read_at - overlap, read_at=read_at)


def _write_changes(
    writer: SnapshotWriter, table: SourceTable, stored: Stored, split: Split, fetched: Iterator[pl.DataFrame]
) -> None:
    """Replace the stored unsettled rows with the fetched ones; unchanged files are kept as they are."""
    first = table.schema.to_frame()
    if split.unsettled is not None:
        first = _take(fetched, more_than=split.unsettled.height, schema=table.schema)
        first = in_order(first.lazy(), table).collect()
        if first.equals(split.unsettled):
            files = stored.manifest.tables[table.table.name].files
            writer.write(table.table, table.schema, [], Kept(stored.directory, files))
            return
    kept, reopened = split.files, table.schema.to_frame()
    if kept and not writer.is_full(kept[-1]):
        reopened = read_stored(stored.directory, kept[-1:], table)
        kept = kept[:-1]
    with reading(stored.directory):
        settled = split.settled.collect()
    rows = chain([reopened, settled, first], fetched)
    writer.write(table.table, table.schema, rows, Kept(stored.directory, kept))


def _take(frames: Iterator[pl.DataFrame], more_than: int, schema: pl.Schema) -> pl.DataFrame:
    """The first frames, until they have more than `more_than` rows or there are no more."""
    taken, height = [schema.to_frame()], 0
    while height <= more_than and (frame := next(frames, None)) is not None:
        taken.append(frame)
        height += frame.height
    return pl.concat(taken)


def _counted(
    frames: Iterator[pl.DataFrame], table: Table, rows_read: Counter[Table], progress: Progress
) -> Iterator[pl.DataFrame]:
    for frame in frames:
        rows_read[table] += frame.height
        progress(table.name, rows_read[table])
        yield frame


def _refuse_shrunk(before: Manifest, now: Mapping[str, StoredTable]) -> None:
    for name, table in now.items():
        rows = before.tables[name].rows if name in before.tables else 0
        if table.rows < rows * (1 - LARGEST_SHRINK):
            raise ShrunkError(name, rows, table.rows)
