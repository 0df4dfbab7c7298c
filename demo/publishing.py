"""The sample as a published read model."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl

from demo.sample import sample
from read_model import locking, publishing
from read_model.manifest import Manifest
from read_model.model import ReadModel
from read_model.snapshot import SnapshotError, open_snapshot
from read_model.table import INSTANT, Append, Table
from read_model.tables.fpp import FPP

OUTDATED_AFTER = timedelta(minutes=15)


def recent_sample(data_dir: Path, now: datetime) -> Manifest:
    """The sample's manifest: of the one already there, or of a new one up to `now` when that is outdated."""
    stored = _stored(data_dir, FPP)
    if stored is not None and _is_recent(stored, now) and all(table.name in stored.tables for table in FPP.tables):
        return stored
    return publish_sample(sample(now), data_dir, now)


def is_recent(data_dir: Path, model: ReadModel, now: datetime) -> bool:
    """Whether a read model was published and is not outdated."""
    stored = _stored(data_dir, model)
    return stored is not None and _is_recent(stored, now)


def _stored(data_dir: Path, model: ReadModel) -> Manifest | None:
    try:
        return open_snapshot(data_dir, model).manifest
    except SnapshotError:
        return None


def _is_recent(manifest: Manifest, now: datetime) -> bool:
    return now - manifest.data_updated_at < OUTDATED_AFTER


def publish_sample(
    tables: Mapping[str, pl.DataFrame], data_dir: Path, now: datetime, model: ReadModel = FPP
) -> Manifest:
    """Publish made-up tables with the code that publishes real ones; tables not given are empty."""
    directory = model.directory(data_dir)
    with locking.locked(directory):
        publishing.sweep(directory, now)
        with publishing.SnapshotWriter(directory) as writer:
            for table in model.tables:
                rows = tables.get(table.name, empty(table))
                writer.write(table, rows.schema, [rows])
            return writer.publish(read_at=now, full_sync_at=now, source="a made-up sample")


def empty(table: Table) -> pl.DataFrame:
    """No rows of a table: its key, its time and the columns it declares."""
    time = {table.grows.time: INSTANT} if isinstance(table.grows, Append) else {}
    return pl.DataFrame(schema={table.key: pl.Int32(), **time, **table.columns})
