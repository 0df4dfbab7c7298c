"""How fresh the data are: how long ago the updater read them, by the reader's own clock."""

from datetime import datetime, timedelta
from typing import Literal

from pydantic import BaseModel, Field

from read_model.snapshot import Snapshot

# The clocks of synchronised machines differ by less.
TOLERATED_SKEW = timedelta(minutes=5)


class Freshness(BaseModel, frozen=True):
    """How old the data are."""

    status: Literal["ok", "stale", "dead", "future"] = Field(
        description="By default `ok` under 20 minutes, `stale` under 60, `dead` above or without data; `future` where "
        "they are young, but dated ahead of the clock of the updater or of this server."
    )
    data_updated_at: datetime | None = Field(description="When the source data was read (ISO 8601, UTC).")
    age_seconds: int | None = Field(description="Time since the updater read them, in seconds.")


def ahead_by(read_at: datetime, synced_at: datetime, now: datetime) -> timedelta:
    """How far the source's clock was ahead of the updater's, or the updater's is ahead of `now`, whichever is more.

    Zero if they agree within `TOLERATED_SKEW`.
    """
    ahead = max(read_at - synced_at, synced_at - now)
    return ahead if ahead > TOLERATED_SKEW else timedelta(0)


def told_time(read_at: datetime, synced_at: datetime, not_before: datetime | None) -> datetime:
    """The source's time as readers are told it.

    That is `read_at`, unless it lies ahead of the updater's own time `synced_at`. It never goes back before what
    readers were last told, `not_before`, unless that was ahead of the updater's time.
    """
    latest = synced_at + TOLERATED_SKEW
    told = read_at if read_at <= latest else synced_at
    return max(told, not_before) if not_before and not_before <= latest else told


def freshness(snapshot: Snapshot, now: datetime, *, stale_after: timedelta, dead_after: timedelta) -> Freshness:
    """The age and status of a snapshot at an instant."""
    age = max(now - snapshot.synced_at, timedelta(0))
    status: Literal["ok", "stale", "dead", "future"] = "ok"
    if age >= dead_after:
        status = "dead"
    elif age >= stale_after:
        status = "stale"
    elif ahead_by(snapshot.read_at, snapshot.synced_at, now):
        status = "future"
    return Freshness(status=status, data_updated_at=snapshot.data_updated_at, age_seconds=round(age.total_seconds()))
