"""Measure other layouts of the files: `python -m benchmarks.layout`.

Covers other compressions, row groups and statistics, and sealed segments ordered by user, of which a query for a range
of users would read few row groups. The files are rewritten in each layout, and the same queries run on all.
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median
from typing import Any

import polars as pl

from benchmarks.data import BYTES_PER_MB, DataSet, data_set
from benchmarks.report import README, write_between_markers
from benchmarks.sections import all_sections
from benchmarks.tables import machine, table
from calculations.fpp.daily import daily
from calculations.fpp.room_stats import room_stats
from calculations.frames.collecting import collecting_with
from read_model.manifest import StoredTable
from read_model.publishing import COMPRESSION, ROW_GROUP_ROWS
from read_model.snapshot import Snapshot
from read_model.tables.fpp import ESTIMATIONS, PAGE_VIEWS, VOTES
from util.clock import utc_now

MARKERS = ("<!-- layout -->", "<!-- end of layout -->")
OF_USERS = (ESTIMATIONS, PAGE_VIEWS)
KEY = "user_key"
RANGES = 10
ROOM_ID = 1_000
MS = 1000


@dataclass(frozen=True)
class Layout:
    """A way to write the files: the options `written` that differ from ours, and an order for sealed segments.

    Those of tables with users are sorted by the columns `by`, which `made` may add.
    """

    name: str
    written: Mapping[str, Any] = field(default_factory=dict)
    by: tuple[str, ...] = ()
    made: Mapping[str, pl.Expr] = field(default_factory=dict)


AS_IT_IS = {"compression": COMPRESSION, "row_group_size": ROW_GROUP_ROWS, "sync_on_close": "all"}
LAYOUTS = (
    Layout("as it is"),
    Layout("zstd", {"compression": "zstd"}),
    Layout("lz4", {"compression": "lz4"}),
    Layout("row groups of 25,000", {"row_group_size": 25_000}),
    Layout("row groups of 1,000,000", {"row_group_size": 1_000_000}),
    Layout("no statistics", {"statistics": False}),
    Layout("sealed segments by user id", by=("user_id",)),
    Layout("sealed segments by a stored user key", by=(KEY,), made={KEY: pl.col("user_id").hash()}),
)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.layout", description=__doc__)
    parser.add_argument("--scale", type=float, default=100, help="scale of the sample (100)")
    parser.add_argument("--runs", type=int, default=5, help="times each question is asked (5)")
    parser.add_argument("--write", action="store_true", help="put the table into benchmarks/README.md")
    options = parser.parse_args(arguments)
    text = report(data_set(options.scale), options.runs)
    print(text)
    if options.write:
        write_between_markers(README, text, *(f"{marker}\n" for marker in MARKERS))


def report(data: DataSet, runs: int) -> str:
    """The measurements as Markdown."""
    header = ["files", "`GET /` in process", "daily", "a room", "a tenth of the users", "size", "writing one"]
    return f"{machine(utc_now())}\n\nScale {data.scale:g}.\n\n{table(header, all_layouts(data, runs))}"


def all_layouts(data: DataSet, runs: int) -> list[list[str]]:
    """One row per layout."""
    engine = collecting_with(data.open().engine)
    with engine, tempfile.TemporaryDirectory(dir=data.directory) as directory:
        written = [
            rewritten(data.open(), layout, Path(directory) / str(number)) for number, layout in enumerate(LAYOUTS)
        ]
        asked = [questions(snapshot, layout, data) for layout, (snapshot, _) in zip(LAYOUTS, written, strict=True)]
        # All layouts take turns, so that a disturbance affects all of them; the first turn is a warm-up.
        turns = [[[milliseconds(ask) for ask in of_layout] for of_layout in asked] for _ in range(1 + runs)][1:]
        # Turned from (turn, layout, question) into medians by (layout, question).
        times = [[median(each) for each in zip(*of_layout, strict=True)] for of_layout in zip(*turns, strict=True)]
        return [
            [layout.name, *measured_row(snapshot, writing_s, *of_layout)]
            for layout, (snapshot, writing_s), of_layout in zip(LAYOUTS, written, times, strict=True)
        ]


def questions(snapshot: Snapshot, layout: Layout, data: DataSet) -> list[Callable[[], object]]:
    """The measured queries: the bundle, the daily figures, one room and a tenth of the users."""
    return [
        lambda: all_sections(snapshot, data.period),
        lambda: daily(snapshot.scan(VOTES), snapshot.scan(PAGE_VIEWS), data.now),
        lambda: room_stats(snapshot.scan(VOTES), ROOM_ID),
        lambda: a_tenth(snapshot, layout),
    ]


def milliseconds(ask: Callable[[], object]) -> float:
    """How long a query takes, in milliseconds."""
    start = time.perf_counter()
    ask()
    return (time.perf_counter() - start) * MS


def measured_row(
    snapshot: Snapshot, writing_s: float, whole_ms: float, daily_ms: float, room_ms: float, part_ms: float
) -> list[str]:
    """A row of the table."""
    size = sum(path.stat().st_size for path in snapshot.directory.iterdir()) / BYTES_PER_MB
    times = [f"{whole_ms:,.0f} ms", f"{daily_ms:.1f} ms", f"{room_ms:.1f} ms", f"{part_ms:.0f} ms"]
    return [*times, f"{size:.0f} MB", f"{writing_s:.2f} s"]


def a_tenth(snapshot: Snapshot, layout: Layout) -> pl.DataFrame:
    """Rows per user for a tenth of the users: a range of the layout's sort column, else of the hash."""
    if layout.by == ("user_id",):
        part = pl.col("user_id").is_between(pl.lit("A"), pl.lit("G"), closed="left")
    else:
        key = pl.col(KEY) if layout.made else pl.col("user_id").hash()
        part = key < 2**64 // RANGES
    rows = pl.concat([snapshot.scan(table_).filter(part).select("user_id") for table_ in OF_USERS])
    return rows.group_by("user_id").len().collect()


def rewritten(snapshot: Snapshot, layout: Layout, directory: Path) -> tuple[Snapshot, float]:
    """The snapshot in another layout, and the longest time to write one of its files, in seconds."""
    assert snapshot.manifest is not None, "the sample has a manifest"  # noqa: S101 - for the type
    directory.mkdir()
    tables: dict[str, StoredTable] = {}
    seconds = []
    for name, stored in snapshot.manifest.tables.items():
        followed = name in {table_.name for table_ in OF_USERS}
        for file in stored.files:
            ordered = followed and file != stored.files[-1]
            source, target = snapshot.directory / file.name, directory / file.name
            seconds.append(rewrite(source, target, layout, layout.by if ordered else (), followed=followed))
        columns = {**stored.columns, **{added: "UInt64" for added in layout.made if followed}}
        tables[name] = stored.model_copy(update={"columns": columns})
    manifest = snapshot.manifest.model_copy(update={"tables": tables})
    return replace(snapshot, directory=directory, manifest=manifest), max(seconds)


def rewrite(source: Path, target: Path, layout: Layout, by: Sequence[str], *, followed: bool) -> float:
    """Rewrite one file; returns the time without reading it, in seconds."""
    rows = pl.read_parquet(source).with_columns(**(layout.made if followed else {}))
    start = time.perf_counter()
    ordered = rows.sort(by) if by else rows
    ordered.lazy().sink_parquet(target, **{**AS_IT_IS, **layout.written})
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
