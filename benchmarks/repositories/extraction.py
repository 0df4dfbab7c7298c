"""How fast a repository is extracted, compared with git's own diff and pydriller on the same commits."""

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measuring import DisagreementError
from benchmarks.tables import table
from read_model.tables.repositories import COMMITS
from sources.git.log import LOG_OPTIONS
from tests.repositories import Deployment, Repository

FIRST_PARENT = ("--root", "--no-renames", "--diff-merges=first-parent", "--format=")
HEAD = ("", "time", "processor time", "commits/s", "times pydriller")
MOST_SECONDS, MOST_MB = 3_600, 10_000


@dataclass(frozen=True)
class Cost:
    """Wall time and processor time, child processes included, in seconds."""

    time: float
    processor: float


def compared(directory: Path, source: Path, rounds: int) -> str:
    """A table of extraction speeds, each the best of several rounds; pydriller gets one round.

    Raises:
        DisagreementError: Our lines are not those of `git log --numstat`.
    """
    copy = Repository(directory / "remote.git")
    subprocess.run(["git", "clone", "--quiet", "--bare", source, copy.path], check=True)  # noqa: S603, S607 - no shell
    commits, lines = _checked(directory / "checked", copy)
    head = copy.git("rev-parse", "HEAD").decode().strip()
    pydriller = _cost(lambda: _pydriller(copy))
    costs = {
        "first run, of a repository on the same disk": _best(rounds, _first_runs(directory, copy)),
        "of it, reading all commits and publishing": _best(rounds, _readings(directory / "checked")),
        "`git clone`, which one elsewhere takes besides": _best(rounds, _clones(directory, copy)),
        "`git log -p -U1`, one process, nothing read": _best(rounds, _repeated(lambda: _log(copy, *LOG_OPTIONS))),
        "`git log --numstat`": _best(rounds, _repeated(lambda: _log(copy, "--numstat", *FIRST_PARENT))),
        "pydriller, from a local clone": pydriller,
        "second run, nothing new": _best(rounds, _second_runs(directory / "checked")),
    }
    rows = [_row(name, cost, commits, pydriller) for name, cost in costs.items()]
    return f"{commits:,} commits up to {head[:12]}, {lines}.\n\n{table(HEAD, rows)}"


def _row(name: str, cost: Cost, commits: int, pydriller: Cost) -> list[str]:
    numbers = [f"{cost.time:,.2f} s", f"{cost.processor:,.2f} s", f"{commits / cost.time:,.0f}"]
    return [name, *numbers, f"{pydriller.time / cost.time:,.1f}"]


def _checked(directory: Path, repository: Repository) -> tuple[int, str]:
    """The numbers of commits and lines, once both ways of counting agree."""
    rows = _extracted(directory, repository).rows(COMMITS)
    counts = [line.split(b"\t")[:2] for line in _log(repository, "--numstat", *FIRST_PARENT).splitlines()]
    added, deleted = (sum(int(count[side]) for count in counts if count[0].isdigit()) for side in (0, 1))
    found = (rows["additions_lines"].sum(), rows["deletions_lines"].sum())
    if found != (added, deleted):
        raise DisagreementError("git log --numstat", [f"lines added and deleted: {found} and {(added, deleted)}"])
    return rows.height, f"+{added:,} -{deleted:,} lines"


def _extracted(directory: Path, repository: Repository) -> Deployment:
    deployment = Deployment(directory)
    deployment.watch(repository)
    deployment.run(seconds=MOST_SECONDS, megabytes=MOST_MB)
    return deployment


def _first_runs(directory: Path, repository: Repository) -> Iterator[Callable[[], object]]:
    for number in _numbers():
        yield lambda place=directory / f"run{number}": _extracted(place, repository)  # type: ignore[misc]


def _readings(directory: Path) -> Iterator[Callable[[], object]]:
    """Runs that already have the clone, but none of its commits."""
    deployment = Deployment(directory)
    while True:
        for state in deployment.data_dir.glob("repositories/codebases/*/state.json"):
            state.unlink()
        yield lambda: deployment.run(seconds=MOST_SECONDS, megabytes=MOST_MB)


def _second_runs(directory: Path) -> Iterator[Callable[[], object]]:
    return _repeated(lambda: Deployment(directory).run(seconds=MOST_SECONDS, megabytes=MOST_MB))


def _clones(directory: Path, repository: Repository) -> Iterator[Callable[[], object]]:
    for number in _numbers():
        # As from elsewhere: without links.
        command = ["clone", "--quiet", "--bare", "--no-local", str(repository.path), str(directory / f"clone{number}")]
        yield lambda command=command: repository.git(*command)  # type: ignore[misc]


def _repeated(work: Callable[[], object]) -> Iterator[Callable[[], object]]:
    while True:
        yield work


def _numbers() -> Iterator[int]:
    number = 0
    while True:
        yield (number := number + 1)


def _best(rounds: int, works: Iterator[Callable[[], object]]) -> Cost:
    return min((_cost(work) for _, work in zip(range(rounds), works, strict=False)), key=lambda cost: cost.time)


def _cost(work: Callable[[], object]) -> Cost:
    before = os.times()
    started = time.perf_counter()
    work()
    elapsed, after = time.perf_counter() - started, os.times()
    return Cost(elapsed, sum(after[:4]) - sum(before[:4]))


def _log(repository: Repository, *options: str) -> bytes:
    return repository.git("log", "--branches", *options)


def _pydriller(repository: Repository) -> None:
    from pydriller import Repository as Driller

    for commit in Driller(str(repository.path), include_refs=True).traverse_commits():
        _ = [(file.added_lines, file.deleted_lines) for file in commit.modified_files]
