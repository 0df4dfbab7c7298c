"""How much an organisation uses its models, and what that costs."""

from dataclasses import dataclass

import polars as pl

from calculations.frames.collecting import collect
from calculations.llm.events import CENTS, STATUSES, group, newest_first
from calculations.time.buckets import Buckets

SUMMED = ("invocations", "input_tokens", "output_tokens", "cost_estimate_cents", "unpriced_invocations", *STATUSES)


@dataclass(frozen=True)
class Usage:
    """Sums over calls.

    Both frames have `invocations`, `input_tokens`, `output_tokens` (Int64), `cost_estimate_cents` (Decimal(38, 4), the
    exact sum of the costs that are known; 0 when none is), `unpriced_invocations` (Int64, calls whose cost is not
    known) and a count for each of `STATUSES` (Int64).

    `series` has a row per bucket and group with calls, by `bucket` (Int32, its number) and `group` (String), in the
    order of `newest_first`; `totals` has one row.
    """

    series: pl.DataFrame
    totals: pl.DataFrame


def usage(events: pl.LazyFrame, buckets: Buckets, by: str | None) -> Usage:
    """Add up calls per bucket and group.

    Args:
        events: Calls within the buckets.
        buckets: The buckets of the series.
        by: The column to group by; None for one group of all.
    """
    per_status = collect(_per_status(events, buckets, by))
    series = per_status.group_by("bucket", "group").agg(_sums())
    return Usage(newest_first(series), per_status.select(_sums()))


def _per_status(events: pl.LazyFrame, buckets: Buckets, by: str | None) -> pl.LazyFrame:
    """One pass over all calls: the few rows it leaves are added up to everything else."""
    costs = pl.col("cost_estimate")
    return (
        events.select(
            buckets.number(pl.col("occurred_at")).alias("bucket"),
            group(by),
            *("status", "input_tokens", "output_tokens", "cost_estimate"),
        )
        .group_by("bucket", "group", "status")
        .agg(
            pl.len().alias("invocations"),
            pl.col("input_tokens", "output_tokens").sum(),
            costs.sum().cast(CENTS).alias("cost_estimate_cents"),
            costs.null_count().alias("unpriced_invocations"),
        )
        .with_columns(pl.col("invocations", "unpriced_invocations").cast(pl.Int64))
    )


def _sums() -> list[pl.Expr]:
    counted = pl.col("invocations")
    return [
        pl.col(*SUMMED[: -len(STATUSES)]).sum(),
        *(counted.filter(pl.col("status") == status).sum().alias(status) for status in STATUSES),
    ]
