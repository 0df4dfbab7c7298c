"""The branches of a codebase."""

import datetime as dt
from typing import Literal

import polars as pl
from pydantic import BaseModel, Field

from calculations.frames.arithmetic import NotAdditive
from calculations.frames.collecting import collect
from calculations.repositories.history import History
from calculations.repositories.lines import CHURN

STALE_AFTER = dt.timedelta(days=30)


class Branch(BaseModel, frozen=True):
    """A branch; one that is deleted keeps its row."""

    name: str = Field(description="Name of the branch.")
    is_default: bool = Field(description="Whether it is the default branch.")
    head: str = Field(description="The commit it points at, or did last.")
    divergence: str | None = Field(
        description="The commit at which it left the default branch; null without a common history."
    )
    created: dt.datetime | None = Field(
        description="Time of its first own commit (UTC); null where the default branch holds all its commits."
    )
    last_commit: dt.datetime = Field(description="Time of the commit it points at (UTC).")
    status: Literal["merged", "deleted", "default", "stale", "active"] = Field(
        description="The first that is true: the default branch holds all of it; it is gone; it is the default branch; "
        "its last commit is more than 30 days old; otherwise `active`."
    )
    commits: int = Field(ge=0, description="Commits it holds.")
    own_commits: int = Field(ge=0, description="Commits the default branch does not hold; of itself, all.")
    churn: int = Field(ge=0, description="Lines its own commits added or deleted; 0 for one that is gone.")
    contributors: NotAdditive[int] = Field(ge=0, description="People with an own commit; 0 for one that is gone.")


def branches(known: pl.LazyFrame, held: pl.LazyFrame, history: History, now: dt.datetime) -> pl.DataFrame:
    """The branches of one codebase.

    Args:
        known: Rows of `repo_branches`.
        held: Rows of `repo_commit_branches`.
        history: The codebase's commits.
        now: The instant at which staleness is judged.

    Returns:
        One row per branch, in no order, with the fields of `Branch`.
    """
    own = held.filter("is_own").select("branch", "commit_key").join(history.commits, on="commit_key")
    did = own.group_by("branch").agg(churn=CHURN.sum(), contributors=pl.col("person").n_unique())
    is_stale = pl.col("last_commit") < pl.lit(now - STALE_AFTER, pl.Datetime("us", "UTC"))
    status = (
        pl.when("merged")
        .then(pl.lit("merged"))
        .when("deleted")
        .then(pl.lit("deleted"))
        .when("is_default")
        .then(pl.lit("default"))
        .when(is_stale)
        .then(pl.lit("stale"))
        .otherwise(pl.lit("active"))
    )
    return collect(
        known.join(did, on="branch", how="left")
        .with_columns(pl.col("churn", "contributors").fill_null(0), status=status)
        .rename({"branch": "name", "merge_base": "divergence", "unique_commits": "own_commits"})
        .select(*Branch.model_fields)
    )
