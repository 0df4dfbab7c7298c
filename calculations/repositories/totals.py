"""Codebases as a whole: one, several side by side, and all together."""

import datetime as dt

import polars as pl
from pydantic import BaseModel, Field

from calculations.frames.arithmetic import NotAdditive, average
from calculations.frames.collecting import collect, collect_all
from calculations.repositories.history import History
from calculations.repositories.lines import BYTES_PER_LINE, CHURN, SUMS, source_lines


class Totals(BaseModel, frozen=True):
    """What was done in a period, and how large the trees of the default branches are now."""

    total_commits: int = Field(ge=0, description="Commits of all branches, merges included.")
    total_merges: int = Field(ge=0, description="Merges.")
    total_contributors: NotAdditive[int] = Field(ge=0, description="People with a commit.")
    total_branches: NotAdditive[int] = Field(ge=0, description="Living branches, whatever the period.")
    additions_lines: int = Field(ge=0, description="Lines added.")
    deletions_lines: int = Field(ge=0, description="Lines deleted.")
    total_churn: int = Field(ge=0, description="Lines added or deleted.")
    addition_bytes: int = Field(ge=0, description="Bytes of the lines added.")
    deletion_bytes: int = Field(ge=0, description="Bytes of the lines deleted.")
    total_sloc: NotAdditive[int] = Field(ge=0, description="Bytes added or deleted, in source lines of 50 bytes.")
    net_sloc: NotAdditive[int] = Field(description="Bytes added less bytes deleted, in source lines.")
    avg_bytes_per_line: NotAdditive[float] = Field(
        ge=0, description="Mean number of bytes per line added or deleted; 0 without any."
    )
    current_sloc: NotAdditive[int] = Field(ge=0, description="Bytes of the tree, in source lines.")
    total_lines: NotAdditive[int] = Field(ge=0, description="Lines of the tree.")
    total_files: NotAdditive[int] = Field(ge=0, description="Files of the tree, binary ones included.")


class Codebase(BaseModel, frozen=True):
    """A codebase beside others."""

    codebase_id: str = Field(description="Id (UUID).")
    display_name: str = Field(description="`owner/name`.")
    provider: str = Field(description="Where it is hosted.")
    primary_language: str | None = Field(description="Language most of the tree is written in; null without any.")
    last_commit_date: dt.datetime | None = Field(description="Time of the last commit (UTC); null without any.")
    analytics_status: str = Field(description="`complete`, `failed` (the figures are of the last success) or `none`.")
    total_commits: int = Field(ge=0, description="Commits of all branches, merges included.")
    current_sloc: NotAdditive[int] = Field(ge=0, description="Bytes of the tree, in source lines of 50 bytes.")
    total_contributors: NotAdditive[int] = Field(ge=0, description="People with a commit.")
    total_branches: NotAdditive[int] = Field(ge=0, description="Living branches.")
    total_churn: int = Field(ge=0, description="Lines added or deleted.")


def totals(history: History, branches: pl.LazyFrame, tree: pl.LazyFrame) -> Totals:
    """What was done in some codebases, and how large they are.

    Args:
        history: What counts as done.
        branches: Rows of `repo_branches`.
        tree: Rows of `repo_tree`.
    """
    did, living, size = collect_all(
        [
            history.commits.select(
                *SUMS,
                commits=pl.len(),
                merges=pl.col("is_merge").sum(),
                contributors=pl.col("person").n_unique(),
            ),
            branches.filter(~pl.col("deleted")).select(pl.len()),
            tree.select(pl.col("files", "lines", "bytes").sum()),
        ]
    )
    done = did.row(0, named=True)
    churn = done["additions"] + done["deletions"]
    changed = done["addition_bytes"] + done["deletion_bytes"]
    return Totals(
        total_commits=done["commits"],
        total_merges=done["merges"],
        total_contributors=done["contributors"],
        total_branches=living.item(),
        additions_lines=done["additions"],
        deletions_lines=done["deletions"],
        total_churn=churn,
        addition_bytes=done["addition_bytes"],
        deletion_bytes=done["deletion_bytes"],
        total_sloc=changed // BYTES_PER_LINE,
        net_sloc=(done["addition_bytes"] - done["deletion_bytes"]) // BYTES_PER_LINE,
        avg_bytes_per_line=average(changed, churn),
        current_sloc=size["bytes"].item() // BYTES_PER_LINE,
        total_lines=size["lines"].item(),
        total_files=size["files"].item(),
    )


def codebases(known: pl.LazyFrame, history: History, branches: pl.LazyFrame, tree: pl.LazyFrame) -> pl.DataFrame:
    """Codebases side by side.

    Args:
        known: Rows of `repo_codebases`.
        history: What counts as done.
        branches: Rows of `repo_branches`.
        tree: Rows of `repo_tree`.

    Returns:
        One row per codebase, in no order, with the fields of `Codebase`.
    """
    did = history.commits.group_by("codebase_id").agg(
        total_commits=pl.len(),
        total_contributors=pl.col("person").n_unique(),
        total_churn=CHURN.sum(),
        last_commit_date=pl.col("committed_at").max(),
    )
    living = branches.filter(~pl.col("deleted")).group_by("codebase_id").agg(total_branches=pl.len())
    sizes = tree.group_by("codebase_id").agg(current_sloc=source_lines(pl.col("bytes").sum()))
    rows = known
    for figures in (did, living, sizes):
        rows = rows.join(figures, on="codebase_id", how="left")
    counted = ("total_commits", "total_contributors", "total_churn", "total_branches", "current_sloc")
    return collect(
        rows.with_columns(
            pl.col(counted).fill_null(0),
            display_name=pl.concat_str("owner", "name", separator="/"),
            analytics_status="status",
        ).select(*Codebase.model_fields)
    )
