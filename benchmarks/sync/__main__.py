"""Measure the sync on a private MariaDB: `python -m benchmarks.sync`.

Full loads of one table against typed rows and dlt, then whole runs of the updater: the first, one with nothing new, one
with 1,000 new rows.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks.report import README, write_between_markers
from benchmarks.tables import machine, megabytes, table
from demo.sample import sample
from read_model.snapshot import open_snapshot
from read_model.tables.fpp import FPP
from tests.mariadb import Server, fresh_database, insert, private_server
from tests.processes import ROOT
from util.clock import utc_now

MARKERS = ("<!-- sync -->", "<!-- end of sync -->")
READING = ("ours, reading", "typed rows")
WRITING = ("ours", "dlt, pyarrow", "dlt, connectorx")
NEW_ROWS = 1_000
BYTES_PER_MB = 1_000_000
SEED = 7


@dataclass(frozen=True)
class Load:
    """One load: its time, rows and bytes."""

    seconds: float
    rows: int
    peak_mb: float
    sent_mb: float


@dataclass(frozen=True)
class Bench:
    """A filled database and a place for files."""

    server: Server
    database: str
    directory: Path

    def load(self, name: str) -> Load:
        """Run a contender once, in its own process."""
        before = self.bytes_sent()
        with tempfile.TemporaryDirectory(dir=self.directory) as files:
            done = subprocess.run(  # noqa: S603 - our own arguments
                [sys.executable, "-m", "benchmarks.sync.contenders", name, files],
                cwd=ROOT,
                env=os.environ | self.environment(),
                capture_output=True,
                text=True,
                check=False,
            )
        if done.returncode:
            raise RuntimeError(f"{name} failed:\n{done.stderr}")
        printed = json.loads(done.stdout.splitlines()[-1])
        return Load(
            printed["seconds"], printed["rows"], printed["peak_mb"], (self.bytes_sent() - before) / BYTES_PER_MB
        )

    def environment(self) -> dict[str, str]:
        """The updater's settings."""
        return {
            "DB_HOST": self.server.host,
            "DB_PORT": str(self.server.port),
            "DB_USERNAME": self.server.username,
            "DB_PASSWORD": self.server.password,
            "DB_NAME": self.database,
            "DATA_DIR": str(self.directory / "data"),
        }

    def bytes_sent(self) -> int:
        """Bytes that the server sent since its start."""
        connection = self.server.connect()
        with connection.cursor() as cursor:
            cursor.execute("SHOW GLOBAL STATUS LIKE 'Bytes_sent'")
            ((_, sent),) = cursor.fetchall()
        connection.close()
        return int(str(sent))

    def stored_rows(self) -> int:
        """Rows of the read model."""
        manifest = open_snapshot(self.directory / "data", FPP).manifest
        return sum(stored.rows for stored in manifest.tables.values()) if manifest else 0

    def written_mb(self) -> float:
        """Size of the files that the last run wrote, without linked ones, in megabytes."""
        current = (self.directory / "data" / "current").resolve()
        new = [path.stat() for path in current.glob("*.parquet")]
        return sum(stat.st_size for stat in new if stat.st_nlink == 1) / BYTES_PER_MB


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sync", description=__doc__)
    parser.add_argument("--scale", type=float, default=100, help="scale of the database (100)")
    parser.add_argument("--runs", type=int, default=3, help="loads per contender (3)")
    parser.add_argument("--write", action="store_true", help="put the tables into benchmarks/README.md")
    options = parser.parse_args(arguments)
    with (
        private_server() as server,
        fresh_database(server) as database,
        tempfile.TemporaryDirectory() as directory,
    ):
        fill(server, database, options.scale)
        bench = Bench(server, database, Path(directory))
        text = "\n\n".join([machine(utc_now()), loads(bench, options.runs), runs(bench, options.runs)])
    sys.stdout.write(f"{text}\n")
    if options.write:
        write_between_markers(README, text, *MARKERS)


def fill(server: Server, database: str, scale: float) -> None:
    """Insert the sample, and let the server settle."""
    connection = server.connect(database)
    for name, rows in sample(utc_now(), scale).items():
        sys.stderr.write(f"Inserting {rows.height:,} rows into {name}\n")
        insert(connection, name, rows)
    connection.close()


def loads(bench: Bench, times: int) -> str:
    """Full loads of the votes, the contenders in turn."""
    done: dict[str, list[Load]] = {name: [] for name in (*READING, *WRITING)}
    for _ in range(times):
        for name, taken in done.items():
            taken.append(bench.load(name))
    seconds = {name: median(load.seconds for load in taken) for name, taken in done.items()}
    rows = []
    for name, taken in done.items():
        compared = "ours, reading" if name in READING else "ours"
        rate = taken[0].rows / seconds[name] / 1_000_000
        peak = max(load.peak_mb for load in taken)
        rows.append(
            [
                name,
                f"{seconds[name]:.2f} s",
                f"{rate:.2f} M",
                megabytes(peak),
                f"{seconds[name] / seconds[compared]:.2f}",
            ]
        )
    count = done["ours"][0].rows
    heading = f"Full loads of {count:,} votes: the first two read into Polars, the others end in Parquet files."
    return f"{heading}\n\n" + table(["", "median", "rows/s", "peak memory", "/ ours"], rows)


def runs(bench: Bench, times: int) -> str:
    """Whole runs of the updater: the first, then with nothing new, then with new rows."""
    kinds = {"first run": 0, "nothing new": 0, f"{NEW_ROWS:,} new rows": NEW_ROWS}
    rows = []
    for kind, new in kinds.items():
        taken = []
        for turn in range(1 if kind == "first run" else times):
            add_page_views(bench, new, turn)
            taken.append(bench.load("updater"))
        slowest = median(load.seconds for load in taken)
        read = f"{taken[-1].sent_mb:.1f} MB"
        peak = megabytes(max(load.peak_mb for load in taken))
        rate = f"{bench.stored_rows() / slowest / 1_000_000:.2f} M" if kind == "first run" else ""
        rows.append([kind, f"{slowest:.2f} s", rate, read, f"{bench.written_mb():.1f} MB", peak])
    heading = f"Whole runs of the updater over {bench.stored_rows():,} rows."
    return f"{heading}\n\n" + table(["", "median", "rows/s", "sent by the server", "written", "peak memory"], rows)


def add_page_views(bench: Bench, count: int, turn: int) -> None:
    """Insert rows as the app would, now."""
    if not count:
        return
    connection = bench.server.connect(bench.database)
    views = sample(utc_now(), 0.1, seed=SEED + turn)["fpp_page_views"].tail(count).drop("id")
    insert(connection, "fpp_page_views", views)
    connection.close()


if __name__ == "__main__":
    main()
