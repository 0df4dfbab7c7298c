"""The figures of one room (metrics reference, `/room/{room_id}/stats`).

They take two steps, for a single room and for many: `TOTALS` aggregates the votes, `figures` divides and rounds.
"""

import polars as pl
from pydantic import BaseModel, Field

from calculations.frames.arithmetic import NotAdditive, rounded, sums_and_counts
from calculations.frames.collecting import collect

MEASURES = (
    "duration",
    "amount_of_estimations",
    "amount_of_spectators",
    "min_estimation",
    "avg_estimation",
    "max_estimation",
)


class RoomStats(BaseModel, frozen=True):
    """Votes of one room; all zeros for a room without votes."""

    votes: int = Field(ge=0, description="Votes.")
    duration: NotAdditive[int] = Field(description="Mean duration of a vote, in whole seconds.")
    estimations: int = Field(ge=0, description="Estimations given in votes.")
    estimations_per_vote: NotAdditive[float] = Field(description="Mean number of estimations of a vote.")
    avg_min_estimation: NotAdditive[float] = Field(
        description="Mean over votes of their lowest estimation, in story points."
    )
    avg_avg_estimation: NotAdditive[float] = Field(
        description="Mean over votes of their average estimation, in story points."
    )
    avg_max_estimation: NotAdditive[float] = Field(
        description="Mean over votes of their highest estimation, in story points."
    )
    spectators: int = Field(ge=0, description="Spectators of votes, summed.")
    spectators_per_vote: NotAdditive[float] = Field(description="Mean number of spectators of a vote.")


def _mean(measure: str, count: str) -> pl.Expr:
    """The sum of a measure divided by the column `count` (Float64); 0 over nothing."""
    total = pl.col(f"{measure}_sum").cast(pl.Float64)
    return pl.when(pl.col(count) > 0).then(total / pl.col(count)).otherwise(0.0)


def _mean_known(measure: str) -> pl.Expr:
    """The mean of a measure over the votes that have it."""
    return _mean(measure, f"{measure}_count")


# The aggregations over votes that `figures` needs.
TOTALS = (pl.len().alias("votes"), *sums_and_counts(MEASURES))
_UNROUNDED = (
    pl.col("votes").cast(pl.Int64),
    _mean_known("duration").round().cast(pl.Int64).alias("duration"),
    pl.col("amount_of_estimations_sum").cast(pl.Int64).alias("estimations"),
    _mean("amount_of_estimations", "votes").alias("estimations_per_vote"),
    _mean_known("min_estimation").alias("avg_min_estimation"),
    _mean_known("avg_estimation").alias("avg_avg_estimation"),
    _mean_known("max_estimation").alias("avg_max_estimation"),
    pl.col("amount_of_spectators_sum").cast(pl.Int64).alias("spectators"),
    _mean("amount_of_spectators", "votes").alias("spectators_per_vote"),
)


def figures(totals: pl.LazyFrame, *keys: str) -> pl.LazyFrame:
    """The fields of `RoomStats`.

    Args:
        totals: The columns of `TOTALS` and `keys`.
        keys: Columns to keep, none of them Float64.

    Returns:
        A row for each row of `totals`: `keys`, then the fields of `RoomStats` (Int64 and Float64).
    """
    return totals.select(*keys, *_UNROUNDED).with_columns(rounded(pl.col(pl.Float64)))


def room_stats(votes: pl.LazyFrame, room_id: int) -> RoomStats:
    """Count and average the votes of one room."""
    totals = of_room(votes, room_id).select(TOTALS)
    return RoomStats(**collect(figures(totals)).row(0, named=True))


def of_room(votes: pl.LazyFrame, room_id: int) -> pl.LazyFrame:
    """The rows of one room; none for a number too large to be one."""
    return votes.filter(pl.col("room_id").cast(pl.Int64) == room_id)
