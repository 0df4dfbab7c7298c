"""Lines and bytes: what follows from those that were added and deleted."""

import polars as pl

from calculations.repositories.history import COUNTS

BYTES_PER_LINE = 50
CHURN = pl.col("additions") + pl.col("deletions")
NET = pl.col("additions") - pl.col("deletions")
BYTES = pl.col("addition_bytes") + pl.col("deletion_bytes")
NET_BYTES = pl.col("addition_bytes") - pl.col("deletion_bytes")
SUMS = [pl.col(name).sum() for name in COUNTS]

# A commit's size by its churn, and the churn that is too much for it.
SIZES = {"tiny": 10, "small": 50, "medium": 200, "large": None}
# A refactoring replaces about as much as it removes: less than a tenth of its churn is new or gone.
REFACTORED = 10


def source_lines(of_bytes: pl.Expr) -> pl.Expr:
    """Bytes as lines of source code, fifty bytes each; summed before."""
    return of_bytes.floordiv(BYTES_PER_LINE)


def is_size(size: str) -> pl.Expr:
    """Whether a commit is of a size."""
    names = list(SIZES)
    before = names.index(size) - 1
    least = SIZES[names[before]] if before >= 0 else 0
    most = SIZES[size]
    at_least = pl.lit(least) <= CHURN
    return at_least if most is None else at_least & (most > CHURN)


def is_refactoring() -> pl.Expr:
    """Whether a commit replaces lines by about as many."""
    return (pl.col("additions") > 0) & (pl.col("deletions") > 0) & (NET.abs() * REFACTORED < CHURN)
