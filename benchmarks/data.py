"""The data sets: the demo's sample at several scales, made once and cached in `benchmarks/.data`."""

import hashlib
import json
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

from calculations.time.period import Period
from demo import sample as sample_module
from demo.publishing import publish_sample
from demo.sample import sample
from demo.sample_rhythm import FIRST_DAY
from read_model import locking, manifest, publishing, schema
from read_model.manifest import Manifest
from read_model.snapshot import Snapshot, SnapshotError, open_snapshot
from read_model.tables import fpp
from read_model.tables.fpp import FPP

ROOT = Path(__file__).parent / ".data"
NOTE = "made.json"
NOW = datetime(2026, 11, 20, 9, 40, tzinfo=UTC)  # a Friday morning; the same data on every machine
BYTES_PER_MB = 1_000_000


@dataclass(frozen=True)
class DataSet:
    """A published sample; the clock stands still at the instant it was made for."""

    scale: float
    directory: Path
    made_in_s: float

    @cached_property
    def manifest(self) -> Manifest:
        """The manifest of its snapshot."""
        stored = self.open().manifest
        assert stored is not None, "a published snapshot has a manifest"  # noqa: S101 - for the type
        return stored

    @property
    def now(self) -> datetime:
        """The instant that clocks show during measurements."""
        return self.manifest.data_updated_at

    @property
    def period(self) -> Period:
        """The days of the series."""
        return Period.of_days(FIRST_DAY.date(), self.now.date())

    def open(self) -> Snapshot:
        """Its snapshot."""
        return open_snapshot(self.directory, FPP)

    def __str__(self) -> str:
        files = [file for table in self.manifest.tables.values() for file in table.files]
        rows = sum(file.rows for file in files) / 1_000_000
        size = sum(file.bytes for file in files) / BYTES_PER_MB
        made = f"made and published in {self.made_in_s:.1f} s"
        return f"{rows:.2f} million rows, {size:.1f} MB in {len(files)} files, {made}"


def data_set(scale: float, root: Path = ROOT) -> DataSet:
    """The data set of a scale, made if there is none yet or the code that makes it has changed."""
    directory = root / f"{scale:g}"
    return stored_data_set(scale, directory) or made_data_set(scale, directory)


def stored_data_set(scale: float, directory: Path) -> DataSet | None:
    """The data set of an earlier run; None if it is missing, unreadable or outdated."""
    try:
        note = json.loads((directory / NOTE).read_text(encoding="utf-8"))
        open_snapshot(directory, FPP)
    except (FileNotFoundError, SnapshotError):
        return None
    return DataSet(scale, directory, note["seconds"]) if note["fingerprint"] == fingerprint() else None


def made_data_set(scale: float, directory: Path) -> DataSet:
    """Make and publish the sample."""
    start = time.perf_counter()
    publish_sample(sample(NOW, scale), directory, NOW)
    with locking.locked(directory):
        publishing.sweep(directory, NOW, only_current=True)
    seconds = time.perf_counter() - start
    (directory / NOTE).write_text(json.dumps({"seconds": seconds, "fingerprint": fingerprint()}), encoding="utf-8")
    return DataSet(scale, directory, seconds)


def fingerprint() -> str:
    """A digest of the code that makes the sample and writes the files."""
    written_by = [Path(str(module.__file__)) for module in (manifest, publishing, schema, fpp)]
    drawn_by = sorted(Path(str(sample_module.__file__)).parent.glob("sample*.py"))
    return hashlib.sha256(b"".join(path.read_bytes() for path in [*written_by, *drawn_by])).hexdigest()
