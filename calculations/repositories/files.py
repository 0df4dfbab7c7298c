"""Hot spots: the paths that change most, and those that change together."""

import datetime as dt

import polars as pl
from pydantic import BaseModel, Field

from calculations.frames.arithmetic import NotAdditive
from calculations.frames.collecting import collect
from calculations.repositories.history import History, changes_by_person
from calculations.repositories.lines import CHURN, SUMS

# Pairs are sought among the first number of paths, in commits that change at most the second number of them: a commit
# that touches everything says nothing about two files.
PAIRED_PATHS = 300
MOST_TOGETHER = 50
DECIMALS = 4


class HotSpot(BaseModel, frozen=True):
    """A path and how it changed."""

    path: str = Field(description="The path.")
    first: dt.datetime = Field(description="Time of the first change of the period (UTC).")
    last: dt.datetime = Field(description="Time of the last change of the period (UTC).")
    changes: int = Field(ge=0, description="Commits that changed it.")
    authors: NotAdditive[int] = Field(ge=0, description="People who changed it.")
    additions: int = Field(ge=0, description="Lines added.")
    deletions: int = Field(ge=0, description="Lines deleted.")
    churn: int = Field(ge=0, description="Lines added or deleted.")
    age_days: NotAdditive[int] = Field(description="Whole days since the first change.")


class Pair(BaseModel, frozen=True):
    """Two paths that change together."""

    path: str = Field(description="One of them.")
    other: str = Field(description="The other one, later in the alphabet.")
    together: int = Field(ge=0, description="Commits that changed both.")
    share: float = Field(ge=0, le=1, description="Those of the commits that changed the one that changes less, 0 to 1.")


def hot_spots(history: History, now: dt.datetime) -> pl.DataFrame:
    """How each path changed until `now`.

    Returns:
        One row per path, in no order, with `path_key` and the fields of `HotSpot`.
    """
    changed = history.changes.group_by("path_key").agg(
        *SUMS,
        changes=pl.len(),
        first=pl.col("committed_at").min(),
        last=pl.col("committed_at").max(),
    )
    # Distinct pairs first: counting distinct values within groups is slower.
    people = changes_by_person(history).select("path_key", "person").unique()
    authors = people.group_by("path_key").agg(authors=pl.len())
    age = pl.lit(now, pl.Datetime("us", "UTC")) - pl.col("first")
    return collect(
        changed.join(authors, on="path_key")
        .join(history.paths, on="path_key")
        .with_columns(churn=CHURN, age_days=age.dt.total_days())
        .select("path_key", *HotSpot.model_fields)
    )


def pairs(history: History, spots: pl.DataFrame) -> pl.DataFrame:
    """The pairs of often changed paths that changed together.

    Args:
        history: What counts.
        spots: The `hot_spots` of it.

    Returns:
        One row per pair, in no order, with the fields of `Pair`.
    """
    ranked = spots.sort("changes", "path", descending=[True, False]).head(PAIRED_PATHS)
    often = ranked.lazy().select("path_key", "path", "changes").with_row_index("number")
    touched = history.changes.select("commit_key", "path_key").join(often, on="path_key").select("commit_key", "number")
    together = touched.group_by("commit_key").agg("number")
    some = together.filter(pl.col("number").list.len().is_between(2, MOST_TOGETHER))
    single = some.explode("number")
    both = single.join(single, on="commit_key", suffix="_other").filter(pl.col("number") < pl.col("number_other"))
    counted = both.group_by("number", "number_other").agg(together=pl.len())
    other = often.select(number_other="number", other="path", other_changes="changes")
    named = counted.join(often, on="number").join(other, on="number_other")
    first, second = pl.min_horizontal("path", "other"), pl.max_horizontal("path", "other")
    share = (pl.col("together") / pl.min_horizontal("changes", "other_changes")).round(DECIMALS)
    return collect(named.select(path=first, other=second, together="together", share=share))
