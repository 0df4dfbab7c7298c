"""Measure git analytics: `python -m benchmarks.repositories`.

Extraction of a repository (this one, unless another is named) beside `git log --numstat` and pydriller, after lines
were found to agree with numstat; a second run with nothing new; and every endpoint over a made-up codebase: the best
time of several, which other work on the machine inflates least, and the best processor time.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from fastapi.testclient import TestClient
from pydantic import SecretStr

from benchmarks.repositories.tables import CODEBASE, publish
from config import ServerSettings
from read_model.tables.repositories import COMMITS
from server import create_app
from tests.repositories import Deployment, Repository
from util.errors import EXIT_DATA, EXIT_OK

ROOT = Path(__file__).parents[2]
TOKEN = "a-token-of-the-benchmark"  # noqa: S105 - it guards made-up data
COMMITS_COUNT, CHANGES_COUNT, ROUNDS = 100_000, 1_000_000, 9
PYDRILLER_COMMITS = 300
ENDPOINTS = (
    *("/analytics/summary", "/analytics/codebases", "overview", "activity", "branches", "ownership"),
    *("ownership?by=file&limit=100", "ownership?by=language", "contributors", "files?limit=100", "rhythm", "status"),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.repositories", description=__doc__)
    parser.add_argument("--repository", type=Path, default=ROOT, help="the repository to extract (this one)")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as directory:
        if not _extraction(Path(directory), options.repository):
            return EXIT_DATA
        for line in _endpoints(Path(directory) / "made-up"):
            print(line, flush=True)
    return EXIT_OK


def _extraction(directory: Path, source: Path) -> bool:
    """Print how fast commits are read; whether their lines agree with numstat."""
    copy = Repository(directory / "remote.git")
    subprocess.run(["git", "clone", "--quiet", "--bare", source, copy.path], check=True)  # noqa: S603, S607 - no shell
    deployment = Deployment(directory / "deployment")
    deployment.watch(copy)
    first, second = _seconds(deployment.run), _seconds(deployment.run)
    rows = deployment.rows(COMMITS)
    numstat = _seconds(lambda: _numstat(copy))
    added, deleted = _numstat(copy)
    if (added, deleted) != (rows["additions_lines"].sum(), rows["deletions_lines"].sum()):
        print("The lines differ from those of git log --numstat: no times are compared.")
        return False
    print(f"{rows.height:,} commits, +{added:,} -{deleted:,} lines")
    print(f"first run                {rows.height / first:>10,.0f} commits/s")
    print(f"git log --numstat        {rows.height / numstat:>10,.0f} commits/s")
    some = min(PYDRILLER_COMMITS, rows.height)
    print(f"pydriller ({some} commits)  {some / _seconds(lambda: _pydriller(copy, some)):>10,.0f} commits/s")
    print(f"second run, nothing new  {second * 1000:>10,.0f} ms")
    return True


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _seconds_of_both(work: Callable[[], object]) -> tuple[float, float]:
    """The time that passes, and that of the processor."""
    began = time.process_time()
    return _seconds(work), time.process_time() - began


def _numstat(repository: Repository) -> tuple[int, int]:
    options = ("--numstat", "--no-renames", "--root", "--diff-merges=first-parent", "--format=")
    lines = repository.git("log", "--branches", *options).splitlines()
    counts = [line.split(b"\t")[:2] for line in lines if line and not line.startswith(b"-")]
    return sum(int(added) for added, _ in counts), sum(int(deleted) for _, deleted in counts)


def _pydriller(repository: Repository, commits: int) -> None:
    from pydriller import Repository as Driller

    walk = Driller(str(repository.path), order="reverse").traverse_commits()
    for _, commit in zip(range(commits), walk, strict=False):
        _ = [(file.added_lines, file.deleted_lines) for file in commit.modified_files]


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
