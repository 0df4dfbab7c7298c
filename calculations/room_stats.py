"""The figures of one room (metrics reference, `/room/{room_id}/stats`)."""

import polars as pl
from pydantic import BaseModel, Field

from calculations.arithmetic import average, sums_and_counts

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
    duration: int = Field(description="Mean duration of a vote, in whole seconds.")
    estimations: int = Field(ge=0, description="Estimations given in votes.")
    estimations_per_vote: float = Field(description="Mean number of estimations of a vote.")
    avg_min_estimation: float = Field(description="Mean over votes of their lowest estimation, in story points.")
    avg_avg_estimation: float = Field(description="Mean over votes of their average estimation, in story points.")
    avg_max_estimation: float = Field(description="Mean over votes of their highest estimation, in story points.")
    spectators: int = Field(ge=0, description="Spectators of votes, summed.")
    spectators_per_vote: float = Field(description="Mean number of spectators of a vote.")


def room_stats(votes: pl.LazyFrame, room_id: int) -> RoomStats:
    """Count and average the votes of one room."""
    of_room = votes.filter(pl.col("room_id").cast(pl.Int64) == room_id)
    totals = of_room.select(pl.len().alias("votes"), *sums_and_counts(MEASURES)).collect().row(0, named=True)
    count = totals["votes"]
    seconds, timed = totals["duration_sum"], totals["duration_count"]
    return RoomStats(
        votes=count,
        duration=round(float(seconds) / timed) if timed else 0,
        estimations=int(totals["amount_of_estimations_sum"]),
        estimations_per_vote=average(totals["amount_of_estimations_sum"], count),
        avg_min_estimation=average(totals["min_estimation_sum"], totals["min_estimation_count"]),
        avg_avg_estimation=average(totals["avg_estimation_sum"], totals["avg_estimation_count"]),
        avg_max_estimation=average(totals["max_estimation_sum"], totals["max_estimation_count"]),
        spectators=int(totals["amount_of_spectators_sum"]),
        spectators_per_vote=average(totals["amount_of_spectators_sum"], count),
    )
