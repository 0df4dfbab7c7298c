"""The branches of a codebase, and the commits they hold."""

from collections.abc import Collection, Iterable

import polars as pl

from read_model.tables.repositories import BRANCHES
from sources.git.command import Git
from sources.git.errors import GitError
from sources.git.mirror import Heads

COLUMNS = pl.Schema({name: dtype for name, dtype in BRANCHES.columns.items() if name != "codebase_id"})
HELD = pl.Schema({"branch": pl.String, "commit_sha": pl.String})


def held_commits(git: Git, branch: str, head: str) -> pl.LazyFrame:
    """The commits of a branch: `branch` and `commit_sha`.

    Raises:
        CodebaseError: git failed or took too long.
    """
    return _commits(git, [head]).lazy().select(branch=pl.lit(branch), commit_sha="commit_sha")


def reachable(git: Git, heads: Heads) -> pl.DataFrame:
    """All commits that branches hold, each once: `commit_sha`.

    Raises:
        CodebaseError: git failed or took too long.
    """
    return _commits(git, heads.commits.values())


def _commits(git: Git, heads: Iterable[str]) -> pl.DataFrame:
    stdin = "".join(f"{head}\n" for head in heads).encode()
    listed = git.run("rev-list", "--stdin", stdin=stdin) if stdin else b""
    return pl.DataFrame({"commit_sha": listed.decode().split()}, {"commit_sha": pl.String})


def branch_table(
    git: Git,
    heads: Heads,
    held: pl.LazyFrame,
    commits: pl.LazyFrame,
    before: pl.DataFrame,
    unselected: Collection[str] = (),
) -> pl.DataFrame:
    """The table of branches.

    Args:
        git: The mirror.
        heads: The living branches that are asked for.
        held: Which branches hold which commits, rows of `repo_commit_branches`.
        commits: All commits, `commit_sha` and `committed_at`.
        before: The table as it was. Branches that are gone are kept from it.
        unselected: Living branches that are not asked for any more; they are not kept.

    Returns:
        The columns of `BRANCHES` but `codebase_id`, a row per branch.

    Raises:
        CodebaseError: git failed or took too long.
    """
    if not heads.commits or heads.head is None:
        return _gone(before, heads, unselected, pl.LazyFrame(schema=HELD))
    dated = held.join(commits, on="commit_sha")
    every = held.group_by("branch").agg(commits=pl.len())
    own = dated.filter("is_own").group_by("branch").agg(unique_commits=pl.len(), created=pl.col("committed_at").min())
    named = pl.LazyFrame({"branch": list(heads.commits), "head": list(heads.commits.values())}, orient="col")
    last = commits.select(head="commit_sha", last_commit="committed_at")
    is_default = pl.col("branch") == heads.head
    living = (
        named.join(every, on="branch")
        .join(own, on="branch", how="left")
        .join(last, on="head")
        .with_columns(
            is_default=is_default,
            merged=pl.col("unique_commits").is_null(),
            deleted=pl.lit(value=False),
            unique_commits=pl.col("unique_commits").fill_null(0),
        )
        .collect()
    )
    default_head = heads.commits[heads.head]
    bases = [
        head if merged or default else merge_base(git, default_head, head)
        for head, merged, default in living.select("head", "merged", "is_default").iter_rows()
    ]
    table = living.with_columns(merge_base=pl.Series(bases, dtype=pl.String))
    of_default = held.filter(pl.col("branch") == heads.head).select("commit_sha")
    return pl.concat([_typed(table), _gone(before, heads, unselected, of_default)])


def _gone(before: pl.DataFrame, heads: Heads, unselected: Collection[str], of_default: pl.LazyFrame) -> pl.DataFrame:
    """The rows of branches that no longer exist; one that was merged before it was deleted says so."""
    names = [*heads.commits, *unselected]
    gone = before.filter(~pl.col("branch").is_in(names))
    reached = set(of_default.filter(pl.col("commit_sha").is_in(gone["head"].to_list())).collect()["commit_sha"])
    return _typed(
        gone.with_columns(
            deleted=pl.lit(value=True),
            is_default=pl.lit(value=False),
            merged=pl.col("merged") | pl.col("head").is_in(list(reached)),
        )
    )


def _typed(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.select(pl.col(name).cast(dtype) for name, dtype in COLUMNS.items()).sort("branch")


def merge_base(git: Git, one: str, other: str) -> str | None:
    """The best common ancestor of two commits, the one git prefers where there are several; None without any.

    Raises:
        CodebaseError: git failed or took too long.
    """
    try:
        return git.run("merge-base", one, other).decode().strip()
    except GitError as error:
        # It fails without a word when there is none.
        if error.said.strip():
            raise
        return None
