"""Lines and bytes of commits, counted slowly and differently from the extraction.

Lines are those of `git diff-tree --numstat`. Bytes are those of the lines of patches with git's own markers, which are
read line by line, as many of them as the header of each hunk says.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl

from read_model.tables.repositories import COMMITS, FILE_CHANGES
from tests.repositories import Deployment, Repository

COMMON = ("--no-renames", "--no-color", "--no-ext-diff", "--no-textconv")
HUNK = re.compile(rb"@@ -\d+(?:,(\d+))? \+\d+(?:,(\d+))? @@")
COMMIT = re.compile(rb"commit ([0-9a-f]{40,64})")


@dataclass(frozen=True)
class Counted:
    """What a commit does to a path; -1 lines are those of a binary file."""

    added: int
    deleted: int


def numstat(repository: Repository, commit: str, parent: str | None = None) -> dict[str, Counted]:
    """Lines per path, against the first parent, unless another one is named."""
    against = parent or _parent(repository, commit)
    output = repository.git("diff-tree", "-r", "-z", "--numstat", *COMMON, against, commit)
    fields = (field.split(b"\t", 2) for field in output.split(b"\0") if field)
    return {path.decode(errors="replace"): _counted(added, deleted) for added, deleted, path in fields}


def patch_bytes(repository: Repository, commit: str, parent: str | None = None, *paths: str) -> tuple[int, int]:
    """The bytes a commit adds and deletes, in all or some paths; against the first parent, unless another is named."""
    against = parent or _parent(repository, commit)
    patch = repository.git("diff-tree", "-r", "-p", *COMMON, against, commit, "--", *paths)
    return _bytes_of(_lines(patch))


def all_patch_bytes(repository: Repository) -> dict[str, tuple[int, int]]:
    """The bytes each commit adds and deletes, of the commits that changed something; for histories without merges."""
    log = repository.git("log", "--branches", "--root", "-p", *COMMON, "--format=commit %H")
    found: dict[str, tuple[int, int]] = {}
    commit = ""
    patch: list[bytes] = []
    for line in _lines(log):
        if begins := COMMIT.fullmatch(line):
            found[commit] = _bytes_of(iter(patch))
            commit, patch = begins[1].decode(), []
        else:
            patch.append(line)
    found[commit] = _bytes_of(iter(patch))
    return found


def _lines(text: bytes) -> Iterator[bytes]:
    return iter(text.removesuffix(b"\n").split(b"\n"))


def _bytes_of(patch: Iterator[bytes]) -> tuple[int, int]:
    """The bytes of the lines that a patch adds and deletes."""
    sums = {b"+": 0, b"-": 0, b" ": 0}
    for line in patch:
        if hunk := HUNK.match(line):
            old, new = (1 if count is None else int(count) for count in hunk.groups())
            while old or new:
                changed = next(patch)
                marker = changed[:1]
                if marker != b"\\":
                    sums[marker] += len(changed) - 1
                    old -= marker != b"+"
                    new -= marker != b"-"
    return sums[b"+"], sums[b"-"]


def changes_of(
    repository: Repository, commit: str, parent: str | None = None
) -> Iterator[tuple[str, int, int, int, int]]:
    """Per path that a commit changes: the path, lines added and deleted, and their bytes; a binary file has none.

    Against its first parent, unless another one is named.
    """
    against = parent or _parent(repository, commit)
    for path, lines in numstat(repository, commit, against).items():
        sizes = patch_bytes(repository, commit, against, path)
        yield (path, max(lines.added, 0), max(lines.deleted, 0), *sizes)


def _parent(repository: Repository, commit: str) -> str:
    parents = repository.git("rev-list", "--parents", "-n1", commit).decode().split()[1:]
    return parents[0] if parents else empty_tree(repository)


def empty_tree(repository: Repository) -> str:
    """The tree without any files."""
    return repository.git("hash-object", "-t", "tree", "--stdin").decode().strip()


def check_against_git(repository: Repository, deployment: Deployment) -> None:
    """Every commit's lines and bytes are those that git counts."""
    commits = {row["commit_sha"]: row for row in deployment.rows(COMMITS).to_dicts()}
    assert commits.keys() == set(repository.commits())
    found = extracted(deployment)
    for sha, row in commits.items():
        expected = numstat(repository, sha)
        assert found.get(sha, {}) == expected
        assert row["files_changed"] == len(expected)
        assert row["additions_lines"] == sum(max(0, counted.added) for counted in expected.values())
        assert row["deletions_lines"] == sum(max(0, counted.deleted) for counted in expected.values())
        assert (row["addition_bytes"], row["deletion_bytes"]) == patch_bytes(repository, sha)


def all_numstats(repository: Repository) -> dict[str, dict[str, Counted]]:
    """Lines per commit and path, of the commits that changed something; for histories without merges."""
    output = repository.git("log", "--branches", "-z", "--root", "--numstat", *COMMON, "--format=%x00%H")
    found: dict[str, dict[str, Counted]] = {}
    commit = ""
    for field in output.split(b"\0"):
        counts = field.lstrip(b"\n").split(b"\t", 2)
        if len(counts) == 1 and field:
            commit = field.decode()
        elif len(counts) > 1:
            found.setdefault(commit, {})[counts[2].decode(errors="replace")] = _counted(*counts[:2])
    return found


def _counted(added: bytes, deleted: bytes) -> Counted:
    return Counted(*(-1 if count == b"-" else int(count) for count in (added, deleted)))


def extracted(deployment: Deployment) -> dict[str, dict[str, Counted]]:
    """Lines per commit and path, as they were published."""
    return counted(deployment.rows(FILE_CHANGES))


def counted(changes: pl.DataFrame) -> dict[str, dict[str, Counted]]:
    """Lines per commit and path of rows of changes."""
    found: dict[str, dict[str, Counted]] = {}
    columns = ("commit_sha", "path", "is_binary", "additions_lines", "deletions_lines")
    for commit, path, is_binary, added, deleted in changes.select(columns).iter_rows():
        assert not (is_binary and (added or deleted))
        found.setdefault(commit, {})[path] = Counted(-1, -1) if is_binary else Counted(added, deleted)
    return found
