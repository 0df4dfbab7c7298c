"""Lines and bytes of commits, counted slowly and in another way than the extraction does.

Lines are those of `git diff-tree --numstat`. Bytes are those of patch lines whose origin git was told to mark by bytes
that begin no other line.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl

from read_model.tables.repositories import FILE_CHANGES
from tests.repositories import Deployment, Repository

NEW, OLD, SAME = b"\x01", b"\x02", b"\x03"
COMMON = ("--no-renames", "--no-color", "--no-ext-diff", "--no-textconv")
EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"


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
    marks = (
        f"--output-indicator-new={NEW.decode()}",
        f"--output-indicator-old={OLD.decode()}",
        f"--output-indicator-context={SAME.decode()}",
    )
    patch = repository.git("diff-tree", "-r", "-p", "-U1", *marks, *COMMON, against, commit, "--", *paths)
    lines = patch.split(b"\n")
    return tuple(sum(len(line) - 1 for line in lines if line.startswith(mark)) for mark in (NEW, OLD))  # type: ignore[return-value]


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
    return parents[0] if parents else EMPTY_TREE


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
