"""Visitors, visits and bounce rate over time: exact within each bucket, so not additive over buckets."""

import polars as pl
from pydantic import BaseModel, Field

from calculations.fpp.selection import Selection
from calculations.fpp.visit_table import VisitTable
from calculations.frames.arithmetic import NotAdditive, quotient
from calculations.frames.collecting import collect, each_of
from calculations.time.buckets import Buckets


class BucketVisitors(BaseModel, frozen=True):
    """Traffic within one bucket."""

    visitors: NotAdditive[int] = Field(ge=0, description="Distinct users with a page view in the bucket.")
    visits: NotAdditive[int] = Field(
        ge=0, description="Visits in the bucket; one that goes on past its end is a visit of both buckets."
    )
    bounce_rate: NotAdditive[float] = Field(
        ge=0, le=1, description="Share of the visitors (0 to 1) without an estimation in the bucket; 0 without any."
    )


SUMS = ("visitors", "bounced", "visits")


def visitors_per_bucket(
    page_views: pl.LazyFrame, estimations: pl.LazyFrame, selection: Selection, buckets: Buckets
) -> pl.DataFrame:
    """Visitors, visits and bounce rate, quiet buckets included.

    Args:
        page_views: The rows of a period.
        estimations: Likewise.
        selection: Which page views and visits count.
        buckets: The buckets of the period.

    Returns:
        One row per bucket in order: `bucket` (Int32) and the fields of `BucketVisitors` (Int64 and Float64).
    """

    def counts(table: VisitTable) -> pl.LazyFrame:
        counted = table.counted()
        return counted.select(*SUMS, bucket=table.visitors["bucket"][counted["visitor"]]).lazy()

    tables = selection.visits(page_views, estimations, buckets=buckets)
    summed = collect(buckets.sums(each_of(tables, counts), SUMS))
    return summed.select("bucket", "visitors", "visits", bounce_rate=quotient(pl.col("bounced"), pl.col("visitors")))
