"""What a question about a codebase is of: some of its commits, and the paths they changed."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

import polars as pl

from calculations.time.period import Period

type Merges = Literal["exclude", "include"]

COUNTS = {
    "additions": "additions_lines",
    "deletions": "deletions_lines",
    "addition_bytes": "addition_bytes",
    "deletion_bytes": "deletion_bytes",
}


@dataclass(frozen=True)
class Selection:
    """Which commits count: those on a branch that change a path with a prefix, by some people; and how merges count.

    None means no restriction. With `exclude`, merges are commits without lines and bytes, which are counted once: in
    the commits they merge. With `include`, they have those they change relative to their first parent.
    """

    branch: str | None = None
    path: str | None = None
    people: Collection[str] | None = None
    merges: Merges = "exclude"


@dataclass(frozen=True)
class History:
    """Commits, and the paths they changed.

    `commits` has a row per commit: `codebase_id`, `commit_key`, `person`, `is_merge`, `committed_at`, `authored_at`,
    `utc_offset_minutes`, `files_changed` and the columns of `COUNTS` (Int64). `changes` has a row per commit and path:
    `commit_key`, `committed_at`, `path_key`, `language` and the columns of `COUNTS`; merges only where their lines
    count. `paths` has a row per path, of these and of others: `path_key`, `path`, `language`. Keys tell commits and
    paths of one codebase apart.
    """

    commits: pl.LazyFrame
    changes: pl.LazyFrame
    paths: pl.LazyFrame

    def within(self, period: Period) -> "History":
        """What was committed in a period."""
        inside = period.contains("committed_at")
        return History(self.commits.filter(inside), self.changes.filter(inside), self.paths)


def history(
    commits: pl.LazyFrame, changes: pl.LazyFrame, paths: pl.LazyFrame, held: pl.LazyFrame, selection: Selection
) -> History:
    """The commits that are selected, and the paths they changed.

    Args:
        commits: Rows of `repo_commits`.
        changes: Rows of `repo_file_changes`, of the same codebases.
        paths: Rows of `repo_paths`, of the same codebases.
        held: Rows of `repo_commit_branches`, of the same codebases.
        selection: What to select; a branch or path only where the rows are of one codebase.
    """
    if selection.branch is not None:
        of_branch = held.filter(pl.col("branch") == selection.branch).select("commit_key")
        commits, changes = (rows.join(of_branch, on="commit_key", how="semi") for rows in (commits, changes))
    if selection.people is not None:
        by_them = pl.col("person").is_in(list(selection.people))
        commits, changes = commits.filter(by_them), changes.filter(by_them)
    if selection.path is not None:
        below = pl.col("path").str.starts_with(selection.path)
        changes, paths = changes.filter(below), paths.filter(below)
        commits = _of_paths(commits, changes)
    is_counted = pl.lit(value=True) if selection.merges == "include" else ~pl.col("is_merge")
    return History(
        commits.select(
            *("codebase_id", "commit_key", "person", "is_merge", "committed_at", "authored_at", "utc_offset_minutes"),
            "files_changed",
            *(pl.when(is_counted).then(stored).otherwise(0).alias(name) for name, stored in COUNTS.items()),
        ),
        changes.filter(is_counted).select(
            *("commit_key", "committed_at", "path_key", "language"),
            *(pl.col(stored).alias(name) for name, stored in COUNTS.items()),
        ),
        paths.select("path_key", "path", "language").unique("path_key"),
    )


def changes_by_person(history: History) -> pl.LazyFrame:
    """The changes with their `person` (Categorical, so that grouping by it compares numbers)."""
    person = history.commits.select("commit_key", pl.col("person").cast(pl.Categorical))
    return history.changes.join(person, on="commit_key")


def _of_paths(commits: pl.LazyFrame, changes: pl.LazyFrame) -> pl.LazyFrame:
    """The commits with some changes, with the counts of these alone."""
    stored = list(COUNTS.values())
    counted = changes.group_by("commit_key").agg(pl.col(stored).sum(), files_changed=pl.len())
    without = commits.drop(*stored, "files_changed")
    return without.join(counted, on="commit_key").with_columns(pl.col("files_changed").cast(pl.Int64))
