"""Times of files: those known to have no row between two instants are not opened, and no row is missed for it."""

import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from read_model.model import ReadModel
from read_model.publishing import SnapshotWriter
from read_model.snapshot import Snapshot, open_snapshot
from read_model.table import INSTANT, Append, Between, Table

VOTES = Table("votes", "id", Append("id", "voted_at"))
MODEL = ReadModel("drawn", (VOTES,))
START = datetime(2026, 3, 2, 9, tzinfo=UTC)
SEGMENT_ROWS = 3
MOMENTS = st.integers(-5, 5).map(lambda microseconds: START + timedelta(microseconds=microseconds))


def published(data_dir: Path, instants: list[datetime | None]) -> Snapshot:
    """A snapshot of votes at these instants, in files of `SEGMENT_ROWS` rows."""
    rows = pl.DataFrame({"id": range(len(instants)), "voted_at": instants}, {"id": pl.Int64, "voted_at": INSTANT})
    with SnapshotWriter(MODEL.directory(data_dir), SEGMENT_ROWS) as writer:
        writer.write(VOTES, rows.schema, [rows])
        writer.publish(read_at=START, full_sync_at=START, source="drawn")
    return open_snapshot(data_dir, MODEL)


@given(st.lists(st.none() | MOMENTS, max_size=12), MOMENTS, MOMENTS)
def test_rows_between_two_instants_are_the_same_in_fewer_files(
    instants: list[datetime | None], start: datetime, end: datetime
) -> None:
    """In any order, with files of nulls only, with no file that fits, and with the end before the start."""
    within = (pl.col("voted_at") >= start) & (pl.col("voted_at") < end)
    with tempfile.TemporaryDirectory() as directory:
        snapshot = published(Path(directory), instants)
        every = snapshot.scan(VOTES).filter(within).collect()
        found = snapshot.scan(VOTES, Between("voted_at", start, end)).filter(within).collect()
    assert found.schema == every.schema
    assert found["id"].sort().to_list() == every["id"].sort().to_list()


def test_files_without_rows_between_them_are_not_opened(tmp_path: Path) -> None:
    """Of four files, the first has earlier rows, and the last one rows from the second instant on."""
    hours: list[datetime | None] = [START + timedelta(hours=hour) for hour in range(12)]
    snapshot = published(tmp_path, hours)
    first, *_, last = snapshot.files(VOTES)
    first.unlink()
    last.unlink()
    rows = snapshot.scan(VOTES, Between("voted_at", START + timedelta(hours=3), START + timedelta(hours=9))).collect()
    assert rows["id"].sort().to_list() == [3, 4, 5, 6, 7, 8]


def test_instants_are_microseconds_since_1970(tmp_path: Path) -> None:
    """The first and the last one, of the rows in any order."""
    snapshot = published(tmp_path, [START + timedelta(seconds=1), None, START])
    assert snapshot.manifest is not None
    (file,) = snapshot.manifest.tables["votes"].files
    assert file.instants == {"voted_at": (1_772_442_000_000_000, 1_772_442_001_000_000)}
