"""Compares a table of figures with the same table for another period."""

from collections.abc import Iterator, Sequence
from typing import Literal

import polars as pl

DECIMALS = 4
PERCENT = 100
PARTS = ("value", "comparison", "change", "change_pct")


def compared(
    now: pl.DataFrame, then: pl.DataFrame, keys: Sequence[str], rows: Literal["all", "of_now"] = "all"
) -> pl.DataFrame:
    """Join each figure with that of the other period.

    Args:
        now: Columns `keys`, which identify a row, and figures (Int64 or Float64). Without keys it has one row.
        then: The same for the other period. Figures that only one of the two has are 0 in the other.
        keys: The columns that are not figures.
        rows: With `all`, a row that only one period has counts as 0 in the other. With `of_now`, rows that only `then`
            has are dropped, and rows that it lacks are compared with null.

    Returns:
        `keys`, and for each figure `x`: `x`, `x_comparison`, `x_change` (the difference) and `x_change_pct` (Float64,
        percent of the comparison, null where that is 0); rows in no particular order.
    """
    figures = list(dict.fromkeys(name for name in (*now.columns, *then.columns) if name not in keys))
    ours, theirs = (_with_all(frame, figures, keys) for frame in (now, then))
    both = ours.join(
        theirs,
        on=["_", *keys],
        how="full" if rows == "all" else "left",
        suffix="_comparison",
        coalesce=True,
        nulls_equal=True,
    )
    if rows == "all" and figures:
        both = both.with_columns(pl.col(*figures, *(f"{name}_comparison" for name in figures)).fill_null(0))
    return both.select(*keys, *(part for name in figures for part in _parts(name)))


def parted(name: str) -> tuple[str, ...]:
    """The columns that a compared figure consists of, in the order of `PARTS`."""
    return (name, *(f"{name}_{part}" for part in PARTS[1:]))


def _with_all(frame: pl.DataFrame, figures: Sequence[str], keys: Sequence[str]) -> pl.DataFrame:
    absent = [pl.lit(0, pl.Int64).alias(name) for name in figures if name not in frame.columns]
    return frame.with_columns(absent).select(pl.lit(0).alias("_"), *keys, *figures)


def _parts(name: str) -> Iterator[pl.Expr]:
    _, comparison, change, change_pct = parted(name)
    difference = pl.col(name) - pl.col(comparison)
    yield pl.col(name)
    yield pl.col(comparison)
    yield difference.round(DECIMALS).alias(change)
    share = difference / pl.col(comparison) * PERCENT
    yield pl.when(pl.col(comparison) != 0).then(share.round(DECIMALS)).alias(change_pct)
