"""Counts per weekday, their running totals and moving averages (metrics reference, historical)."""

import datetime as dt

import polars as pl
from pydantic import BaseModel, Field

from calculations.fpp.tables import Tables
from calculations.frames.arithmetic import DECIMALS, NotAdditive
from calculations.frames.collecting import collect, collect_all
from calculations.time.buckets import Buckets, is_weekday
from calculations.time.period import Period

WINDOW = 30
SERIES = ("new_users", "page_views", "rooms", "estimations", "votes")


class HistoricalDay(BaseModel, frozen=True):
    """One weekday. Plain fields count that day's rows, `acc_*` all rows from START_DATE to its end, weekends too;
    `ma_*` is the mean of the last 30 rows of the series, null until there are 30."""

    date: dt.date = Field(description="UTC calendar day.")
    new_users: int = Field(ge=0, description="Users created.")
    acc_new_users: NotAdditive[int] = Field(ge=0, description="Users created since START_DATE.")
    page_views: int = Field(ge=0, description="Page views.")
    acc_page_views: NotAdditive[int] = Field(ge=0, description="Page views since START_DATE.")
    rooms: int = Field(ge=0, description="Rooms first used.")
    acc_rooms: NotAdditive[int] = Field(ge=0, description="Rooms first used since START_DATE.")
    estimations: int = Field(ge=0, description="Estimations.")
    acc_estimations: NotAdditive[int] = Field(ge=0, description="Estimations since START_DATE.")
    votes: int = Field(ge=0, description="Votes.")
    acc_votes: NotAdditive[int] = Field(ge=0, description="Votes since START_DATE.")
    ma_new_users: NotAdditive[float | None] = Field(description="Users created per weekday, mean of 30 weekdays.")
    ma_page_views: NotAdditive[float | None] = Field(description="Page views per weekday, mean of 30 weekdays.")
    ma_rooms: NotAdditive[float | None] = Field(description="Rooms first used per weekday, mean of 30 weekdays.")
    ma_estimations: NotAdditive[float | None] = Field(description="Estimations per weekday, mean of 30 weekdays.")
    ma_votes: NotAdditive[float | None] = Field(description="Votes per weekday, mean of 30 weekdays.")


def historical(tables: Tables, period: Period) -> pl.DataFrame:
    """The weekday series of new users, page views, rooms, estimations and votes, quiet days included.

    Returns:
        One row per weekday in order, its columns the fields of `HistoricalDay`.
    """
    return counts_per_bucket(tables, Buckets.of(period), shown=is_weekday("date")).drop("bucket")


def counts_per_bucket(tables: Tables, buckets: Buckets, *, shown: pl.Expr) -> pl.DataFrame:
    """The series of new users, page views, rooms, estimations and votes.

    Args:
        tables: All but the events.
        buckets: What to count by.
        shown: Which buckets the series consists of, told by `date`; the others still belong to `acc_*`.

    Returns:
        In order: `bucket` (Int32), then the fields of `HistoricalDay`: `date` (Date), the columns of `SERIES` and their
        `acc_*` (Int64), and their `ma_*` (Float64, null until the series has `WINDOW` rows).
    """
    # Collected as they are stored, in order; sorted within these queries, large tables would be sorted from scratch.
    instants = collect_all(
        [
            tables.users.select(new_users="created_at"),
            tables.page_views.select(page_views="viewed_at"),
            tables.rooms.select(rooms="first_used_at"),
            tables.estimations.select(estimations="estimated_at"),
            tables.votes.select(votes="voted_at"),
        ]
    )
    counted = buckets.dated(*(buckets.counts(pl.lit(times.to_series())).alias(times.columns[0]) for times in instants))
    return collect(
        counted.lazy()
        .with_columns(pl.col(SERIES).cum_sum().name.prefix("acc_"))
        .filter(shown)
        .with_columns((pl.col(SERIES).rolling_sum(WINDOW) / WINDOW).round(DECIMALS).name.prefix("ma_"))
        .select("bucket", *HistoricalDay.model_fields)
    )
