"""When organisations and their models were last used."""

from datetime import datetime, timedelta

import polars as pl

from calculations.frames.collecting import collect
from calculations.time.period import literal

# Most organisations were active lately, and the events of that time are few: the rest is looked at for others only.
LOOK_BACKS = (timedelta(days=1), timedelta(days=30), None)


def last_event_at(events: pl.LazyFrame, now: datetime) -> datetime | None:
    """The latest of an organisation's events; None without any.

    Args:
        events: All events of the organisation.
        now: An instant shortly before which events are likely.
    """
    for look_back in LOOK_BACKS:
        recent = events if look_back is None else events.filter(pl.col("occurred_at") >= literal(now - look_back))
        last: datetime | None = collect(recent.select(pl.col("occurred_at").max())).item()
        if last is not None:
            return last
    return None


def last_events(events: pl.LazyFrame, by: str) -> pl.DataFrame:
    """The latest event of each group.

    Returns:
        One row per value of the column `by`, in the order of code points, null last: `by` and `last_event_at`
        (Datetime, UTC).
    """
    latest = events.group_by(by).agg(pl.col("occurred_at").max().alias("last_event_at"))
    return collect(latest.sort(by, nulls_last=True))
