"""Measure git analytics: `python -m benchmarks.repositories`.

Compares extraction of a repository (this one by default) with git's own diff and pydriller, after checking that lines
agree with `git log --numstat`; then measures every endpoint over a made-up codebase: the best wall time of several,
which other work on the machine inflates least, and the best processor time.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from fastapi.testclient import TestClient
from pydantic import SecretStr

from benchmarks.measuring import DisagreementError
from benchmarks.report import README, write_between_markers
from benchmarks.repositories.extraction import compared
from benchmarks.repositories.tables import CODEBASE, publish
from benchmarks.tables import machine
from config import ServerSettings
from server import create_app
from util.clock import utc_now
from util.errors import EXIT_DATA, EXIT_OK

ROOT = Path(__file__).parents[2]
TOKEN = "a-token-of-the-benchmark"  # noqa: S105 - it guards made-up data
COMMITS_COUNT, CHANGES_COUNT, ROUNDS = 100_000, 1_000_000, 9
BEGIN, END = "<!-- extraction -->", "<!-- end of extraction -->"
ENDPOINTS = (
    *("/analytics/summary", "/analytics/codebases", "overview", "activity", "branches", "ownership"),
    *("ownership?by=file&limit=100", "ownership?by=language", "contributors", "files?limit=100", "rhythm", "status"),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.repositories", description=__doc__)
    parser.add_argument("--repository", type=Path, default=ROOT, help="the repository to extract (this one)")
    parser.add_argument("--write", action="store_true", help=f"write the table of the extraction to {README.name}")
    options = parser.parse_args(arguments)
    begun = machine(utc_now())
    with tempfile.TemporaryDirectory() as directory:
        try:
            extraction = compared(Path(directory) / "extraction", options.repository, ROUNDS)
        except DisagreementError as error:
            sys.stderr.write(f"{error}\nThe figures differ, so no times are compared.\n")
            return EXIT_DATA
        print(extraction, flush=True)
        if options.write:
            write_between_markers(README, f"\n{begun}\n\n{extraction}", BEGIN, END)
        for line in _endpoints(Path(directory) / "made-up"):
            print(line, flush=True)
    return EXIT_OK


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _seconds_of_both(work: Callable[[], object]) -> tuple[float, float]:
    """Wall time and processor time, in seconds."""
    began = time.process_time()
    return _seconds(work), time.process_time() - began


def _endpoints(data_dir: Path) -> Iterator[str]:
    publish(data_dir, COMMITS_COUNT, CHANGES_COUNT)
    app = create_app(ServerSettings(data_dir=data_dir, analytics_secret_token=SecretStr(TOKEN)))
    client = TestClient(app, headers={"Authorization": f"Bearer {TOKEN}"})
    yield f"\n{COMMITS_COUNT:,} commits, {CHANGES_COUNT:,} changed paths"
    for endpoint in ENDPOINTS:
        path = endpoint if endpoint.startswith("/") else f"/codebases/{CODEBASE}/analytics/{endpoint}"
        client.get(path).raise_for_status()
        rounds = [_seconds_of_both(lambda path=path: client.get(path)) for _ in range(ROUNDS)]  # type: ignore[misc]
        wall, processor = (min(seconds) * 1000 for seconds in zip(*rounds, strict=True))
        yield f"{endpoint:<32}{wall:>8,.0f} ms{processor:>8,.0f} ms of processor time"


if __name__ == "__main__":
    sys.exit(main())
