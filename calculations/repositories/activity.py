"""What happened per bucket of time: commits, lines, bytes and people."""

import polars as pl
from pydantic import BaseModel, Field

from calculations.frames.arithmetic import NotAdditive
from calculations.frames.collecting import collect
from calculations.repositories.history import COUNTS, History, Merges
from calculations.repositories.lines import (
    BYTES,
    CHURN,
    NET,
    NET_BYTES,
    SIZES,
    SUMS,
    is_refactoring,
    is_size,
    source_lines,
)
from calculations.time.buckets import Buckets

COUNTED = ("commits", "merges", "active_contributors", "files_changed", *SIZES, "refactorings")


class Activity(BaseModel, frozen=True):
    """One bucket; zeros for a quiet one. Merges have no lines and bytes unless they are included."""

    commits: int = Field(ge=0, description="Commits, merges included.")
    merges: int = Field(ge=0, description="Merges, commits with several parents.")
    additions: int = Field(ge=0, description="Lines added.")
    deletions: int = Field(ge=0, description="Lines deleted.")
    net: int = Field(description="Lines added less lines deleted.")
    churn: int = Field(ge=0, description="Lines added or deleted.")
    addition_bytes: int = Field(ge=0, description="Bytes of the lines added.")
    deletion_bytes: int = Field(ge=0, description="Bytes of the lines deleted.")
    bytes: int = Field(ge=0, description="Bytes of the lines added or deleted.")
    sloc: NotAdditive[int] = Field(ge=0, description="Those bytes in source lines, 50 bytes each.")
    active_contributors: NotAdditive[int] = Field(ge=0, description="People with a commit.")
    files_changed: int = Field(ge=0, description="Paths changed, each counted in every commit that changes it.")
    cumulative_lines: NotAdditive[int] = Field(
        description="Net lines from the beginning of the period to the end of the bucket."
    )
    cumulative_sloc: NotAdditive[int] = Field(
        description="Bytes added less bytes deleted since the beginning of the period, in source lines."
    )
    tiny: int = Field(ge=0, description="Commits with a churn below 10 lines, of those whose lines count.")
    small: int = Field(ge=0, description="Commits with a churn of 10 to 49 lines.")
    medium: int = Field(ge=0, description="Commits with a churn of 50 to 199 lines.")
    large: int = Field(ge=0, description="Commits with a churn of 200 lines or more.")
    refactorings: int = Field(
        ge=0, description="Commits that add and delete lines, with `net` below a tenth of their churn either way."
    )


def activity(history: History, buckets: Buckets, *, merges: Merges = "exclude") -> pl.DataFrame:
    """What happened per bucket, quiet ones included.

    Args:
        history: Commits, all of a time within `buckets`.
        buckets: What to count by.
        merges: Whether merges have lines, and so a size.

    Returns:
        One row per bucket in order: `bucket`, its number (Int32), and the fields of `Activity` (Int64).
    """
    has_lines = pl.lit(value=True) if merges == "include" else ~pl.col("is_merge")
    counted = history.commits.group_by(bucket=buckets.number(pl.col("committed_at"))).agg(
        *SUMS,
        commits=pl.len(),
        merges=pl.col("is_merge").sum(),
        active_contributors=pl.col("person").n_unique(),
        files_changed=pl.col("files_changed").sum(),
        refactorings=is_refactoring().sum(),
        **{size: (is_size(size) & has_lines).sum() for size in SIZES},
    )
    rows = buckets.dated().lazy().select("bucket").join(counted, on="bucket", how="left", maintain_order="left")
    filled = rows.with_columns(pl.col(*COUNTED, *COUNTS).fill_null(0).cast(pl.Int64))
    return collect(
        filled.with_columns(
            net=NET,
            churn=CHURN,
            bytes=BYTES,
            sloc=source_lines(BYTES),
            cumulative_lines=NET.cum_sum(),
            cumulative_sloc=source_lines(NET_BYTES.cum_sum()),
        ).select("bucket", *Activity.model_fields)
    )
