"""Exact percentiles of many groups at once, from values that are sorted within their group.

A percentile interpolates linearly between ranks: of n values in order it stands at position (n - 1) · p. All of it is
integer arithmetic, so no rounding error moves a value across the last decimal.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Literal

import polars as pl

# Not a `type`: the description of the API would make a model of it.
Percentile = Literal["p50", "p75", "p90", "p95", "p99"]

HUNDREDTHS: Mapping[Percentile, int] = {"p50": 50, "p75": 75, "p90": 90, "p95": 95, "p99": 99}
WHOLE = 100
TENTHS = 10


def percentiles(values: pl.Series, first: pl.Series, count: pl.Series, asked: Iterable[Percentile]) -> pl.DataFrame:
    """Percentiles of runs of sorted values.

    Args:
        values: Integers up to 2⁵³, sorted within each run.
        first: Where each run begins (Int64).
        count: How many values it has (Int64).
        asked: Which percentiles.

    Returns:
        One row per run, one column per percentile (Float64, one decimal, rounded half up; null for a run of no value).
    """
    runs = pl.DataFrame({"first": first, "count": count})
    return runs.select(_columns(values.cast(pl.Int64), asked))


def _columns(values: pl.Series, asked: Iterable[Percentile]) -> Iterator[pl.Expr]:
    every = pl.lit(values)
    for name in asked:
        position = (pl.col("count") - 1) * HUNDREDTHS[name]
        between = position % WHOLE
        rank = pl.col("first") + position // WHOLE
        lower = every.gather(pl.when(pl.col("count") > 0).then(rank))
        upper = every.gather(pl.when(pl.col("count") > 0).then(rank + (between > 0)))
        hundredfold = lower * WHOLE + between * (upper - lower)
        # Polars divides by a constant as it multiplies by the reciprocal: 3 / 10 would be 0.30000000000000004.
        yield (half_up(hundredfold, WHOLE // TENTHS) / TENTHS).round(1).alias(name)


def half_up(number: pl.Expr, divisor: int) -> pl.Expr:
    """A non-negative integer divided by an even one, rounded half up to an integer."""
    return (number + divisor // 2) // divisor
