"""Which calls are counted, and by what they are grouped."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

import polars as pl

from calculations.time.period import Period

# Not a `type`: the description of the API would make a model of it.
Status = Literal["success", "error", "timeout", "throttled"]
GroupBy = Literal["model", "actor", "status", "errorCode", "none"]

CENTS = pl.Decimal(38, 4)
STATUSES: tuple[Status, ...] = get_args(Status)
GROUP_COLUMNS: Mapping[GroupBy, str | None] = {
    "model": "model_id",
    "actor": "actor_id",
    "status": "status",
    "errorCode": "error_code",
    "none": None,
}


@dataclass(frozen=True)
class Selection:
    """The calls a question is about: those of one organisation in a period that pass all filters.

    No models or no statuses mean all of them; None among the models stands for calls without one.
    """

    org_id: str
    period: Period
    models: frozenset[str | None] = frozenset()
    statuses: frozenset[Status] = frozenset()
    min_latency_ms: int = 0

    def of(self, events: pl.LazyFrame) -> pl.LazyFrame:
        """The rows of `events` that are selected; row groups of other times are not read."""
        chosen = events.filter(pl.col("org_id") == self.org_id, self.period.contains("occurred_at"))
        if self.models:
            chosen = chosen.filter(is_one_of("model_id", self.models))
        if self.statuses:
            chosen = chosen.filter(pl.col("status").is_in(self.statuses))
        return chosen.filter(pl.col("latency_ms") >= self.min_latency_ms) if self.min_latency_ms else chosen


def is_one_of(column: str, values: frozenset[str | None]) -> pl.Expr:
    """Whether a text is one of several; None among them stands for null."""
    known = pl.col(column).is_in([value for value in values if value is not None])
    return known | pl.col(column).is_null() if None in values else known


def group(column: str | None) -> pl.Expr:
    """What rows are grouped by, as `group` (String): a column, or null for all of them when there is none."""
    return (pl.lit(None, pl.String) if column is None else pl.col(column)).alias("group")


def newest_first(groups: pl.DataFrame) -> pl.DataFrame:
    """Rows in the order of every series: the newest `bucket` first, then by the code points of `group`, null last.

    There are few names for many rows: sorting by their places costs a tenth of sorting by the names.
    """
    names = groups["group"].drop_nulls().unique().sort()
    place = pl.col("group").cast(pl.Enum(names)).to_physical().cast(pl.Int64).fill_null(len(names))
    return groups.sort(place - pl.col("bucket").cast(pl.Int64) * (len(names) + 1))
