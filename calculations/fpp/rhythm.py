"""When in the week people use the app: every hour of every weekday."""

import polars as pl
from pydantic import BaseModel, Field

from calculations.fpp.packed_keys import user_hash
from calculations.frames.arithmetic import NotAdditive
from calculations.frames.collecting import collect_all

HOURS = 24
DAYS = 7
SLOT = ("weekday", "hour")


class Slot(BaseModel, frozen=True):
    """An hour of a weekday, all weeks of the period together."""

    weekday: int = Field(ge=1, le=DAYS, description="Local weekday: 1 is Monday, 7 Sunday.")
    hour: int = Field(ge=0, lt=HOURS, description="Local hour of the day.")
    page_views: int = Field(ge=0, description="Page views.")
    visitors: NotAdditive[int] = Field(ge=0, description="Distinct users with a page view.")
    votes: int = Field(ge=0, description="Votes.")


FIGURES = tuple(name for name in Slot.model_fields if name not in SLOT)


def rhythm(page_views: pl.LazyFrame | None, votes: pl.LazyFrame | None, zone: str) -> pl.DataFrame:
    """Page views, visitors and votes by weekday and hour of a time zone.

    Args:
        page_views: The rows to count; None leaves out page views and visitors.
        votes: The rows to count; None leaves them out.
        zone: The IANA time zone of weekdays and hours.

    Returns:
        One row per slot of a week, in order: `SLOT` (Int64) and those of `FIGURES` that are counted (Int64).
    """
    counts = []
    if page_views is not None:
        per_user = page_views.group_by(_slot("viewed_at", zone), user=user_hash()).agg(page_views=pl.len())
        counts.append(per_user.group_by("slot").agg(pl.col("page_views").sum(), visitors=pl.col("user").count()))
    if votes is not None:
        counts.append(votes.group_by(_slot("voted_at", zone)).agg(votes=pl.len()))
    slots = pl.select(slot=pl.int_range(DAYS * HOURS))
    for counted in collect_all(counts):
        slots = slots.join(counted.drop_nulls("slot"), on="slot", how="left", maintain_order="left")
    slot = pl.col("slot")
    return slots.select(
        pl.exclude("slot").fill_null(0).cast(pl.Int64), weekday=slot // HOURS + 1, hour=slot % HOURS
    ).select(*SLOT, pl.exclude(SLOT))


def _slot(time: str, zone: str) -> pl.Expr:
    """The hour of the week, from 0 on (Int64)."""
    local = pl.col(time).dt.convert_time_zone(zone).dt
    return ((local.weekday().cast(pl.Int64) - 1) * HOURS + local.hour()).alias("slot")
