"""Totals and averages of votes and estimations (metrics reference, votes)."""

import polars as pl
from pydantic import BaseModel, Field

from calculations.frames.arithmetic import NotAdditive, average, sums_and_counts
from calculations.frames.collecting import collect_all

MINUTE = 60
MEASURES = (
    "amount_of_estimations",
    "amount_of_spectators",
    "duration",
    "avg_estimation",
    "min_estimation",
    "max_estimation",
)
TOTALS = (pl.len().alias("votes"), *sums_and_counts(MEASURES))
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


class Votes(BaseModel, frozen=True):
    """Votes and estimations; an average over nothing is 0."""

    total_votes: int = Field(ge=0, description="Votes.")
    total_estimations: int = Field(ge=0, description="Estimations given in votes.")
    avg_estimations_per_vote: NotAdditive[float] = Field(description="Mean number of estimations of a vote.")
    avg_spectators_per_vote: NotAdditive[float] = Field(description="Mean number of spectators of a vote.")
    avg_duration_per_vote: NotAdditive[float] = Field(description="Mean duration of a vote, in minutes.")
    avg_estimation: NotAdditive[float] = Field(
        description="Mean over votes of their average estimation, in story points."
    )
    avg_min_estimation: NotAdditive[float] = Field(
        description="Mean over votes of their lowest estimation, in story points."
    )
    avg_max_estimation: NotAdditive[float] = Field(
        description="Mean over votes of their highest estimation, in story points."
    )
    weekday_counts: dict[str, int] = Field(description="Votes per weekday, Monday to Sunday, all seven present.")
    estimation_counts: dict[int, int] = Field(
        description="Estimations per value in story points, ascending; estimations without a value are left out."
    )


class VotesOfPeriod(Votes, frozen=True):
    """Votes and estimations of a period."""

    avg_duration_per_vote_s: NotAdditive[float] = Field(description="Mean duration of a vote, in seconds.")


def votes(votes: pl.LazyFrame, estimations: pl.LazyFrame, zone: str = "UTC") -> Votes:
    """Count votes and estimations and average over votes; `zone` is the time zone of the weekdays."""
    found = votes_of_period(votes, estimations, zone)
    return Votes.model_construct(**{name: getattr(found, name) for name in Votes.model_fields})


def votes_of_period(votes: pl.LazyFrame, estimations: pl.LazyFrame, zone: str = "UTC") -> VotesOfPeriod:
    """The same with durations in seconds."""
    weekday = pl.col("voted_at").dt.convert_time_zone(zone).dt.weekday()
    on_weekdays = [(weekday == number).sum().alias(name) for number, name in enumerate(WEEKDAYS, start=1)]
    totals, values = collect_all(
        [
            # Sequentially: distributing so many small sums over threads takes longer than computing them.
            votes.select_seq(*TOTALS, *on_weekdays),
            estimations.group_by("estimation").len("count").drop_nulls().sort("estimation"),
        ]
    )
    of = {name: (totals[f"{name}_sum"].item(), totals[f"{name}_count"].item()) for name in MEASURES}
    seconds, timed = of["duration"]
    return VotesOfPeriod(
        total_votes=totals["votes"].item(),
        total_estimations=int(of["amount_of_estimations"][0]),
        avg_estimations_per_vote=average(*of["amount_of_estimations"]),
        avg_spectators_per_vote=average(*of["amount_of_spectators"]),
        avg_duration_per_vote=average(seconds, timed * MINUTE),
        avg_duration_per_vote_s=average(seconds, timed),
        avg_estimation=average(*of["avg_estimation"]),
        avg_min_estimation=average(*of["min_estimation"]),
        avg_max_estimation=average(*of["max_estimation"]),
        weekday_counts=totals.select(WEEKDAYS).row(0, named=True),
        estimation_counts=dict(values.iter_rows()),
    )
