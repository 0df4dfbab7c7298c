"""When people commit: by weekday and hour of the author's own zone."""

import polars as pl
from pydantic import BaseModel, Field

from calculations.frames.collecting import collect
from calculations.repositories.history import History

WEEKDAYS, HOURS = 7, 24


class RhythmHour(BaseModel, frozen=True):
    """An hour of the week."""

    weekday: int = Field(ge=1, le=WEEKDAYS, description="Day of the week, 1 (Monday) to 7 (Sunday).")
    hour: int = Field(ge=0, lt=HOURS, description="Hour of the day, 0 to 23.")
    commits: int = Field(ge=0, description="Commits written then, by the clock of their author.")


def rhythm(history: History) -> pl.DataFrame:
    """Commits per hour of the week.

    Returns:
        One row per weekday and hour, in order, with the fields of `RhythmHour` (Int64).
    """
    local = pl.col("authored_at").dt.replace_time_zone(None) + pl.duration(minutes="utc_offset_minutes")
    counted = history.commits.group_by(
        weekday=local.dt.weekday().cast(pl.Int64), hour=local.dt.hour().cast(pl.Int64)
    ).agg(commits=pl.len().cast(pl.Int64))
    number = pl.int_range(WEEKDAYS * HOURS, dtype=pl.Int64)
    week = pl.select(weekday=number // HOURS + 1, hour=number % HOURS).lazy()
    joined = week.join(counted, on=["weekday", "hour"], how="left", maintain_order="left")
    return collect(joined.with_columns(pl.col("commits").fill_null(0)))
