"""Write a snapshot and make it current.

Files are written under names that are never reused, flushed to disk, and become visible together by one atomic rename
of the symlink `current`. A crash before that leaves only litter, which the next run sweeps.
"""

import errno
import hashlib
import logging
import os
import secrets
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, Self

import polars as pl
import polars.selectors as cs

from read_model.freshness import told_time
from read_model.manifest import MANIFEST, File, Manifest, StoredTable, file_name, sealed
from read_model.schema import dtype_name
from read_model.snapshot import CURRENT, SNAPSHOTS, current_directory
from read_model.table import Table
from util.clock import utc_now
from util.crash_points import crash_point
from util.errors import EXIT_CANNOT_WRITE, AnalyticsError, Severity

logger = logging.getLogger(__name__)

SEGMENT_ROWS = 1_000_000
# Size in memory, where a segment is assembled.
SEGMENT_BYTES = 128_000_000
ROW_GROUP_ROWS = 100_000
# Most columns are dictionary-encoded and don't shrink further. Instants would, but every figure reads them: files are
# a sixth larger than with lz4, and the dashboard's figures up to a tenth faster.
COMPRESSION: Final = "uncompressed"
# Hard links are not supported, used up, or not allowed to this file or file system.
NO_LINKS = frozenset({errno.EPERM, errno.EXDEV, errno.EMLINK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS})
KEPT_SNAPSHOTS = 3
KEPT_AGE = timedelta(minutes=30)


class CannotWriteError(AnalyticsError):
    """The directory of a read model can't be written to."""

    exit_code = EXIT_CANNOT_WRITE
    severity = Severity.CRITICAL

    def __init__(self, home: Path, reason: object) -> None:
        super().__init__(f"Cannot write to DATA_DIR {home}: {reason}. Free disk space, or fix its owner or permissions")


@contextmanager
def writing_to(home: Path) -> Iterator[None]:
    """Turn errors of the file system inside the block into a `CannotWriteError`."""
    try:
        yield
    except OSError as error:
        raise CannotWriteError(home, error.strerror or error) from error


@dataclass(frozen=True)
class Kept:
    """Files of an earlier snapshot, or of another directory, that become part of the new one as they are."""

    directory: Path
    files: tuple[File, ...]


@dataclass
class SnapshotWriter:
    """A snapshot being written, in the directory `home` of its read model.

    Leaving the `with` block before it is current removes what was written.
    """

    home: Path
    segment_rows: int = SEGMENT_ROWS
    id: str = field(init=False)
    tables: dict[str, StoredTable] = field(init=False, default_factory=dict)
    _copies: bool = field(init=False, default=False)

    def __post_init__(self) -> None:
        self.id = f"{utc_now():%Y%m%dT%H%M%S%fZ}-{secrets.token_hex(2)}"

    @property
    def directory(self) -> Path:
        """The folder of the snapshot's files."""
        return self.home / SNAPSHOTS / self.id

    @property
    def _new_link(self) -> Path:
        """The symlink that is renamed to `current`."""
        return self.home / f".{CURRENT}-{self.id}"

    def __enter__(self) -> Self:
        with writing_to(self.home):
            self.directory.mkdir(parents=True)
        crash_point("after the directory")
        return self

    def __exit__(self, *_: object) -> None:
        # The disk decides: an interrupt or an error can come right after the rename.
        if current_directory(self.home) != self.directory.resolve():
            shutil.rmtree(self.directory, ignore_errors=True)
            self._new_link.unlink(missing_ok=True)

    def is_full(self, file: File) -> bool:
        """Whether a file is full, so that further rows go into another one."""
        return file.rows >= self.segment_rows or file.bytes >= SEGMENT_BYTES // 2

    def write(self, table: Table, schema: pl.Schema, frames: Iterable[pl.DataFrame], kept: Kept | None = None) -> None:
        """Store a table: hard links to the files `kept`, then the rows of `frames`.

        Rows are cut into segments of `segment_rows`, or of fewer if rows are large. A table without rows gets one empty
        file, which records its columns.

        Raises:
            CannotWriteError: The disk is full or read-only, or a kept file is gone.
        """
        files = self._linked(table, kept) if kept else []
        for segment in _segments(frames, schema, self.segment_rows, at_least_one=not files):
            files.append(self._write_file(file_name(table.name, len(files)), segment))
        columns = {name: dtype_name(dtype) for name, dtype in schema.items()}
        self.tables[table.name] = StoredTable(columns=columns, files=tuple(files))

    def _linked(self, table: Table, kept: Kept) -> list[File]:
        return [
            self._link(kept.directory / file.name, file_name(table.name, number), file)
            for number, file in enumerate(kept.files)
        ]

    def _link(self, kept: Path, name: str, facts: File) -> File:
        with writing_to(self.home):
            self._link_or_copy(kept, self.directory / name)
        crash_point(f"after linking {name}")
        return facts.model_copy(update={"name": name})

    def _link_or_copy(self, kept: Path, new: Path) -> None:
        try:
            os.link(kept, new)
        except OSError as error:
            if error.errno not in NO_LINKS:
                raise
            if not self._copies:
                logger.warning("Files can't be hard-linked in %s (%s): they are copied", self.home, error.strerror)
            self._copies = True
            shutil.copyfile(kept, new)
            flush_to_disk(new)

    def _write_file(self, name: str, rows: pl.DataFrame) -> File:
        path = self.directory / name
        with writing_to(self.home):
            try:
                rows.lazy().sink_parquet(
                    path, compression=COMPRESSION, row_group_size=ROW_GROUP_ROWS, sync_on_close="all"
                )
            except pl.exceptions.ComputeError as error:
                # This is how Polars reports a full disk.
                raise OSError(f"{name}: {error}") from error
            crash_point(f"after {name}")
            with path.open("rb") as written:
                digest = hashlib.file_digest(written, "sha256").hexdigest()
            size = path.stat().st_size
        return File(name=name, rows=rows.height, bytes=size, sha256=digest, instants=_instants(rows))

    def publish(
        self,
        *,
        read_at: datetime,
        full_sync_at: datetime,
        source: str,
        synced_at: datetime | None = None,
        not_before: datetime | None = None,
    ) -> Manifest:
        """Make the snapshot current, by one atomic rename after everything is on disk.

        Args:
            read_at: The source's own time when the read began.
            full_sync_at: The same for the last full run.
            source: The identity of the source.
            synced_at: The updater's time when the read began; `read_at` if source and updater share a clock.
            not_before: The time readers of the previous snapshot were told (see `told_time`).
        """
        synced_at = synced_at or read_at
        manifest = Manifest(
            id=self.id,
            data_updated_at=told_time(read_at, synced_at, not_before),
            read_at=read_at,
            full_sync_at=full_sync_at,
            synced_at=synced_at,
            source=source,
            tables=self.tables,
        )
        with writing_to(self.home):
            self._put_in_force(manifest)
        return manifest

    def _put_in_force(self, manifest: Manifest) -> None:
        crash_point("before the manifest")
        with (self.directory / MANIFEST).open("w", encoding="utf-8") as file:
            crash_point("with an empty manifest")
            file.write(sealed(manifest))
            file.flush()
            os.fsync(file.fileno())
        crash_point("after the manifest")
        flush_to_disk(self.directory)
        flush_to_disk(self.home / SNAPSHOTS)
        self._new_link.symlink_to(Path(SNAPSHOTS) / self.id)
        crash_point("before the rename")
        self._new_link.replace(self.home / CURRENT)
        crash_point("after the rename")
        flush_to_disk(self.home)


def _segments(
    frames: Iterable[pl.DataFrame], schema: pl.Schema, rows: int, *, at_least_one: bool
) -> Iterator[pl.DataFrame]:
    """Regroup frames into frames of exactly `rows` rows; the last one, and those of `SEGMENT_BYTES`, have fewer."""
    waiting: list[pl.DataFrame] = []
    height, size = 0, 0.0
    for frame in frames:
        waiting.append(frame.select(pl.col(name).cast(dtype) for name, dtype in schema.items()))
        height += frame.height
        size += waiting[-1].estimated_size()
        while height >= rows or (height and size >= SEGMENT_BYTES):
            full = pl.concat(waiting)
            yield full.head(rows)
            waiting, height = ([full.tail(-rows)], height - rows) if height > rows else ([], 0)
            size = waiting[0].estimated_size() if waiting else 0
            at_least_one = False
    if height or at_least_one:
        yield pl.concat([schema.to_frame(), *waiting])


def _instants(rows: pl.DataFrame) -> dict[str, tuple[int, int]]:
    """The first and the last value of each column of instants that has values, in microseconds since 1970."""
    instants = rows.select(cs.datetime().dt.timestamp("us"))
    firsts, lasts = instants.min().to_dicts(), instants.max().to_dicts()
    return {name: (first, lasts[0][name]) for name, first in firsts[0].items() if first is not None}


def flush_to_disk(path: Path) -> None:
    """Make the bytes of a file, or the names in a directory, durable."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sweep(home: Path, now: datetime, *, only_current: bool = False) -> None:
    """Remove the litter of crashed runs and the snapshots no longer in use; call while holding the lock.

    Keeps the current snapshot and, unless `only_current`, the last `KEPT_SNAPSHOTS` and those younger than `KEPT_AGE`,
    which a slow reader may still be reading. A directory without a manifest, or with a name that sorts after the
    current one's, was never published.

    Raises:
        CannotWriteError: A directory may not be listed.
    """
    with writing_to(home):
        for litter in home.glob(f".{CURRENT}-*"):
            litter.unlink(missing_ok=True)
        current = current_directory(home)
        snapshots = (home / SNAPSHOTS).resolve()
        directories = sorted((path for path in snapshots.iterdir() if path.is_dir()), reverse=True)
        complete = [path for path in directories if (path / MANIFEST).exists()]
        published = [path for path in complete if current and path.name <= current.name]
        youngest_to_go = (now - KEPT_AGE).timestamp()
        kept = {current}
        if not only_current:
            kept |= set(published[:KEPT_SNAPSHOTS])
            kept |= {path for path in published if path.stat().st_mtime > youngest_to_go}
    for directory in directories:
        if directory not in kept:
            crash_point("during the sweep")
            shutil.rmtree(directory, ignore_errors=True)
