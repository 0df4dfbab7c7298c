"""The calls of an incident themselves, page by page."""

from dataclasses import dataclass
from datetime import datetime

import polars as pl

from calculations.frames.collecting import collect
from calculations.llm.events import CENTS
from calculations.time.period import literal

COLUMNS = (
    *("event_id", "org_id", "occurred_at", "received_at", "model_id", "actor_id", "input_tokens", "output_tokens"),
    *("latency_ms", "status", "error_code", "cost_estimate_cents", "metadata"),
)


@dataclass(frozen=True)
class Place:
    """Where a page ends: at the call with this time and event id, which is unique within its organisation."""

    occurred_at: datetime
    event_id: str


@dataclass(frozen=True)
class Page:
    """Some of the calls that match: `calls` with the columns `COLUMNS`, newest first, ties by descending id.

    `total` counts all that match, on whatever page; `following` is where this page ends, None on the last one.
    """

    calls: pl.DataFrame
    total: int
    following: Place | None


class UnknownPlaceError(LookupError):
    """No call of the organisation is where the previous page ended."""


def page(events: pl.LazyFrame, organisation: pl.LazyFrame, after: Place | None, limit: int) -> Page:
    """The calls that match and follow a place, at most `limit`.

    Keys are read first, so that the wide columns are read of this page's calls alone.

    Args:
        events: The calls that match.
        organisation: All events of the same organisation.
        after: Where the previous page ended; None for the first one.
        limit: The most calls of a page.

    Raises:
        UnknownPlaceError: There is no call at `after`.
    """
    keys = collect(events.select("occurred_at", "id"))
    left = keys if after is None else keys.filter(_follows(after, organisation))
    shown = left.top_k(limit, by=["occurred_at", "id"])
    calls = collect(_calls(events, shown))
    last = calls.tail(1)
    following = Place(last["occurred_at"].item(), last["event_id"].item()) if left.height > limit else None
    return Page(calls.select(COLUMNS), keys.height, following)


def _calls(events: pl.LazyFrame, keys: pl.DataFrame) -> pl.LazyFrame:
    span = pl.col("occurred_at").is_between(keys["occurred_at"].min(), keys["occurred_at"].max())
    chosen = events.filter(span, pl.col("id").is_in(keys["id"].implode()))
    named = chosen.with_columns(cost_estimate_cents=pl.col("cost_estimate").cast(CENTS))
    return named.sort("occurred_at", "id", descending=True).select("id", *COLUMNS)


def _follows(after: Place, organisation: pl.LazyFrame) -> pl.Expr:
    time = pl.col("occurred_at")
    there = organisation.filter(time == literal(after.occurred_at), pl.col("event_id") == after.event_id)
    last: int | None = collect(there.select(pl.col("id").max())).item()
    if last is None:
        raise UnknownPlaceError(after)
    is_earlier = time < literal(after.occurred_at)
    return is_earlier | ((time == literal(after.occurred_at)) & (pl.col("id") < last))
