"""The branches of a codebase, and where they left the default branch."""

from collections.abc import Collection

import polars as pl

from read_model.tables.repositories import BRANCHES
from sources.git.command import Git
from sources.git.history import History
from sources.git.mirror import Heads

COLUMNS = pl.Schema({name: dtype for name, dtype in BRANCHES.columns.items() if name != "codebase_id"})


def branch_table(
    git: Git,
    heads: Heads,
    history: History,
    commits: pl.LazyFrame,
    before: pl.DataFrame,
    unselected: Collection[str] = (),
) -> pl.DataFrame:
    """The table of branches.

    Args:
        git: The mirror.
        heads: The selected branches that exist at the remote.
        history: The commits they contain.
        commits: All commits, `commit_sha` and `committed_at`.
        before: The table as it was. Branches that are gone are kept from it.
        unselected: Existing branches that the configuration no longer selects; they are not kept.

    Returns:
        The columns of `BRANCHES` except `codebase_id`, one row per branch.

    Raises:
        CodebaseError: git failed or took too long.
    """
    gone = before.filter(~pl.col("branch").is_in([*heads.commits, *unselected]))
    return pl.concat([_living(git, heads, history, commits), _gone(gone, history.of_branch(heads.head))])


def _living(git: Git, heads: Heads, history: History, commits: pl.LazyFrame) -> pl.DataFrame:
    named = pl.LazyFrame(list(heads.commits.items()), {"branch": pl.String, "head": pl.String}, orient="row")
    last = commits.select(head="commit_sha", last_commit="committed_at")
    counted = named.join(_counted(history, commits), on="branch").join(last, on="head")
    is_default = pl.col("branch") == pl.lit(heads.head, pl.String)
    living = counted.with_columns(
        is_default=is_default, merged=pl.col("unique_commits") == 0, deleted=pl.lit(value=False)
    ).collect()
    bases = [
        head
        if default or merged
        else _merge_base(git, heads.commits[heads.head or ""], head, history.forks.get(branch))
        for branch, head, default, merged in living.select("branch", "head", "is_default", "merged").iter_rows()
    ]
    return _typed(living.with_columns(merge_base=pl.Series(bases, dtype=pl.String)))


def _counted(history: History, commits: pl.LazyFrame) -> pl.LazyFrame:
    """Per branch, the number of its commits, how many are its own, and when the first of those was made."""
    of_group = (
        history.commits.lazy()
        .join(commits, on="commit_sha")
        .group_by("group")
        .agg(commits=pl.len().cast(pl.Int64), first=pl.col("committed_at").min())
    )
    own = pl.col("is_own")
    return (
        history.holders.lazy()
        .join(of_group, on="group")
        .group_by("branch")
        .agg(
            pl.col("commits").sum(),
            unique_commits=pl.col("commits").filter(own).sum(),
            created=pl.col("first").filter(own).min(),
        )
    )


def _gone(gone: pl.DataFrame, of_default: pl.DataFrame) -> pl.DataFrame:
    """The rows of branches that no longer exist, marked as merged if they were merged before they were deleted."""
    is_merged = pl.col("merged") | pl.col("head").is_in(of_default["commit_sha"].implode())
    return _typed(gone.with_columns(deleted=pl.lit(value=True), is_default=pl.lit(value=False), merged=is_merged))


def _typed(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.select(pl.col(name).cast(dtype) for name, dtype in COLUMNS.items()).sort("branch")


def _merge_base(git: Git, default_head: str, head: str, forks: Collection[str] | None) -> str | None:
    """The best common ancestor of two commits: git's first choice if there are several, None if there is none."""
    if forks is None:
        return None
    # Of several forks, some may be ancestors of others.
    return next(iter(forks)) if len(forks) == 1 else git.run("merge-base", default_head, head).decode().strip()
