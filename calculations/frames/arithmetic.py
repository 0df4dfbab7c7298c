"""The last step of every figure: division and rounding, with 0 over nothing; and counting rows per label."""

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
# A figure that cannot be summed over sub-periods; marked so in the OpenAPI schema. Plain counts can be.
Kind = TypeVar("Kind")
NotAdditive = Annotated[Kind, Field(json_schema_extra={"x-additive": False})]


def average(total: float | Decimal, count: int) -> float:
    """`total / count` with two decimals; 0 over nothing."""
    return round(float(total) / count, DECIMALS) if count else 0.0


def rounded(number: pl.Expr) -> pl.Expr:
    """A Float64 below 10¹¹ with two decimals, exactly as `average` rounds it.

    Polars rounds the product `number * 100`, which is itself inexact: 2.675 is slightly less in binary, but its product
    is the tie 267.5, so it would become 2.68 instead of 2.67. Such numbers are first moved to the side they lie on.
    """
    scale = 10.0**DECIMALS
    product = number * scale
    # Numbers of 24 and of 29 binary digits have exact products, so this is by how much `product` is too small.
    high = number.cast(pl.Float32).cast(pl.Float64)
    error = (high * scale - product) + (number - high) * scale
    looks_tied = product - product.floor() == 0.5
    return pl.when(looks_tied).then(number + error.sign() * 0.1 / scale).otherwise(number).round(DECIMALS)


def sums_and_counts(columns: Iterable[str]) -> list[pl.Expr]:
    """The parts of an average of number columns: `<column>_sum` (exact: Int64 of integers, otherwise Decimal) and
    `<column>_count` (UInt32, those not null), in no order."""
    numbers = cs.by_name(*columns)
    integers, decimals = numbers & cs.integer(), numbers & cs.decimal()
    sums = (integers.cast(pl.Int64), decimals, (numbers - integers - decimals).cast(EXACT))
    return [*(of.sum().name.suffix("_sum") for of in sums), numbers.count().name.suffix("_count")]


def quotient(total: pl.Expr, count: pl.Expr) -> pl.Expr:
    """`total / count` as `average` gives it, for columns (Float64)."""
    return pl.when(count > 0).then(rounded(total.cast(pl.Float64) / count)).otherwise(0.0)


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
