"""The small last step of every figure: divide and round, never by zero; and rows per label."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Annotated, TypeVar

import polars as pl
import polars.selectors as cs
from pydantic import Field

DECIMALS = 2
EXACT = pl.Decimal(38, 6)
UNKNOWN = "unknown"
TOP = 40
# A figure that of a whole period is not the sum of its parts': all but plain counts. Its description says so.
Kind = TypeVar("Kind")
NotAdditive = Annotated[Kind, Field(json_schema_extra={"x-additive": False})]


def average(total: float | Decimal, count: int) -> float:
    """`total / count` with two decimals; 0 over nothing."""
    return round(float(total) / count, DECIMALS) if count else 0.0


def sums_and_counts(columns: Iterable[str]) -> list[pl.Expr]:
    """What the averages of number columns need: `<column>_sum` (exact: Int64 of integers, otherwise Decimal) and
    `<column>_count` (UInt32, those not null), in no order."""
    numbers = cs.by_name(*columns)
    integers, decimals = numbers & cs.integer(), numbers & cs.decimal()
    sums = (integers.cast(pl.Int64), decimals, (numbers - integers - decimals).cast(EXACT))
    return [*(of.sum().name.suffix("_sum") for of in sums), numbers.count().name.suffix("_count")]


def label(column: str) -> pl.Expr:
    """A column used as a label (String): a missing value is `"unknown"`, never a null key."""
    return pl.col(column).cast(pl.String).fill_null(UNKNOWN)


def counts(table: pl.LazyFrame, *columns: str) -> pl.LazyFrame:
    """Rows per label, or per combination of labels.

    Returns:
        `columns` (String, `"unknown"` for null) and `count` (UInt32), by count descending, then by labels ascending.
    """
    return _largest_first(table.group_by(label(column) for column in columns).len("count"), *columns)


def total_per_label(counted: pl.LazyFrame, *columns: str) -> pl.LazyFrame:
    """Sum `count` per label; the result has the columns and the order of `counts`."""
    labelled = counted.with_columns(label(column) for column in columns)
    return _largest_first(labelled.group_by(*columns).agg(pl.col("count").sum()), *columns)


def _largest_first(counted: pl.LazyFrame, *columns: str) -> pl.LazyFrame:
    return counted.sort("count", *columns, descending=[True, *[False] * len(columns)])


def as_map(counted: pl.DataFrame) -> dict[str, int]:
    """A frame of one label column and `count` as a mapping, in the frame's order."""
    return dict(counted.iter_rows())
