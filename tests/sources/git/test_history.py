"""Which branches contain which commits, and where they left the default branch, agrees with git's own commands."""

import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl
from hypothesis import example, given, settings
from hypothesis import strategies as st

from read_model.table import INSTANT
from sources.git.branches import COLUMNS, branch_table
from sources.git.command import Git
from sources.git.history import History
from sources.git.mirror import Heads
from tests.repositories import ANN, START_S, Repository

MOST_COMMITS = 12
# Which earlier commits each commit has as its parents, as distances; then which commits branches point at.
PARENTS = st.lists(st.lists(st.integers(1, 4), max_size=3, unique=True), min_size=1, max_size=MOST_COMMITS)
# A branch that merged the default branch (0, 2, 4, 6) three times.
MERGED_OFTEN: Sequence[Sequence[int]] = ([], [1], [2], [2, 1], [2], [2, 1], [2], [2, 1])
BRANCHES = st.lists(st.integers(0, MOST_COMMITS - 1), min_size=1, max_size=5)


@settings(max_examples=30)
@given(PARENTS, BRANCHES)
@example(MERGED_OFTEN, [6, 7])
def test_any_graph_of_commits(parents: Sequence[Sequence[int]], branches: Sequence[int]) -> None:
    """Merges of any shape, several roots, branches at the same commit; the first branch is the default one."""
    with TemporaryDirectory() as directory:
        repository = Repository.new(Path(directory) / "r.git")
        commits = commit_graph(repository, parents)
        heads = {f"b{number}": commits[commit % len(commits)] for number, commit in enumerate(branches)}
        (Path(directory) / "gitconfig").touch()
        git = Git(repository.path, Path(directory) / "gitconfig", time.monotonic() + 60, most_bytes=1 << 30)
        history = History.of(git, Heads(heads, "b0"))
        reached = {name: set(repository.git("rev-list", head).decode().split()) for name, head in heads.items()}
        every = sorted(set.union(*reached.values()))
        assert sorted(history.commits["commit_sha"]) == every
        held = history.holders.join(history.commits, on="group").select("branch", "commit_sha", "is_own").rows()
        assert sorted(held) == sorted(
            (name, sha, name == "b0" or sha not in reached["b0"]) for name in heads for sha in reached[name]
        )
        dated = pl.LazyFrame(
            {"commit_sha": every, "committed_at": 0}, {"commit_sha": pl.String, "committed_at": INSTANT}
        )
        table = branch_table(git, Heads(heads, "b0"), history, dated, pl.DataFrame(schema=COLUMNS))
        found = table.select("branch", "commits", "unique_commits", "merged", "merge_base").rows()
        assert found == [
            (
                name,
                len(reached[name]),
                len(reached[name] - reached["b0"] if name != "b0" else reached[name]),
                name != "b0" and reached[name] <= reached["b0"],
                merge_base(repository, heads["b0"], head),
            )
            for name, head in sorted(heads.items())
        ]


def commit_graph(repository: Repository, parents: Sequence[Sequence[int]]) -> list[str]:
    """Commits with the given parents."""
    tree = repository.git("mktree").decode().strip()
    commits: list[str] = []
    for number, distances in enumerate(parents):
        known = [commits[number - distance] for distance in distances if distance <= number]
        lines = [f"tree {tree}", *(f"parent {parent}" for parent in known)]
        lines += [f"{role} {ANN} {START_S + 60 * number} +0000" for role in ("author", "committer")]
        text = "\n".join([*lines, "", f"{number}\n"]).encode()
        commits.append(repository.git("hash-object", "-t", "commit", "-w", "--stdin", stdin=text).decode().strip())
    return commits


def merge_base(repository: Repository, one: str, other: str) -> str | None:
    """The best common ancestor, if there is any."""
    try:
        return repository.git("merge-base", one, other).decode().strip()
    except subprocess.CalledProcessError:
        return None
