"""The sample as a published read model."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl

from demo.sample import sample
from read_model import locking, publishing
from read_model.manifest import Manifest
from read_model.snapshot import SnapshotError, open_snapshot
from read_model.tables.fpp import FPP

OUTDATED_AFTER = timedelta(minutes=15)


def recent_sample(data_dir: Path, now: datetime) -> Manifest:
    """The sample's manifest: of the one already there, or of a new one up to `now` when that is outdated."""
    try:
        stored = open_snapshot(data_dir, FPP).manifest
    except SnapshotError:
        stored = None
    if stored is not None and now - stored.data_updated_at < OUTDATED_AFTER:
        return stored
    return publish_sample(sample(now), data_dir, now)


def publish_sample(tables: Mapping[str, pl.DataFrame], data_dir: Path, now: datetime) -> Manifest:
    """Publish made-up tables by the code that publishes real ones."""
    with locking.locked(data_dir):
        publishing.sweep(data_dir, now)
        with publishing.SnapshotWriter(FPP.directory(data_dir)) as writer:
            for table in FPP.tables:
                if table.name in tables:
                    rows = tables[table.name]
                    writer.write(table, rows.schema, [rows])
            return writer.publish(read_at=now, full_sync_at=now, source="a made-up sample")
