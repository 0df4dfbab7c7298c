"""The figures of the last 24 hours, for the daily e-mail (metrics reference, `/daily-analytics`)."""

from datetime import datetime, timedelta

import polars as pl
from pydantic import BaseModel, Field

from calculations.frames.collecting import collect_all

DAY = timedelta(hours=24)


class Daily(BaseModel, frozen=True):
    """What happened in the 24 hours before now."""

    votes: int = Field(ge=0, description="Votes.")
    estimations: int = Field(ge=0, description="Estimations given in those votes.")
    rooms: int = Field(ge=0, description="Distinct rooms of those votes.")
    unique_users: int = Field(ge=0, description="Distinct users with a page view.")
    page_views: int = Field(ge=0, description="Page views.")


def daily(votes: pl.LazyFrame, page_views: pl.LazyFrame, now: datetime) -> Daily:
    """Count what happened from 24 hours before `now` (inclusive) to `now` (exclusive)."""

    def recent(column: str) -> pl.Expr:
        return pl.col(column).is_between(now - DAY, now, closed="left")

    voted, viewed = collect_all(
        [
            votes.filter(recent("voted_at")).select(
                votes=pl.len(),
                estimations=pl.col("amount_of_estimations").cast(pl.Int64).sum(),
                rooms=pl.col("room_id").drop_nulls().n_unique(),
            ),
            page_views.filter(recent("viewed_at")).select(
                page_views=pl.len(), unique_users=pl.col("user_id").drop_nulls().n_unique()
            ),
        ]
    )
    return Daily(**voted.row(0, named=True), **viewed.row(0, named=True))
