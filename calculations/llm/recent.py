"""What is watched: the last minutes that are known, per organisation."""

from datetime import datetime, timedelta

import polars as pl

from calculations.frames.collecting import collect
from calculations.llm.reliability import reliability
from calculations.time.buckets import Buckets
from calculations.time.period import Period

WATCHED = timedelta(minutes=15)
MOST_ORGANISATIONS = 200
OTHER = "other"
INSTANT = pl.Datetime("us", "UTC")


def recent(events: pl.LazyFrame, known_until: datetime, most: int = MOST_ORGANISATIONS) -> pl.DataFrame:
    """Requests, failures and latencies of the organisations in the 15 minutes that end at `known_until`.

    Returns:
        One row per organisation, for the `most` busiest, and one named `other` for the rest, if there are more, in the
        order of code points: `org_id` (String), `invocations` (Int64), `error_rate` (Float64), `p95`, `p99` (Float64,
        milliseconds). None for an organisation without requests.
    """
    period = Period(known_until - WATCHED, known_until)
    watched = events.filter(period.contains("occurred_at")).select("org_id", "occurred_at", "latency_ms", "status")
    rows = collect(watched)
    busiest = rows.group_by("org_id").len().sort("len", "org_id", descending=[True, False]).head(most)["org_id"]
    named = rows.lazy().with_columns(
        pl.when(pl.col("org_id").is_in(busiest.implode())).then("org_id").otherwise(pl.lit(OTHER)).alias("org_id")
    )
    one_bucket = Buckets(pl.Series([period.start, period.end], dtype=INSTANT), period.zone)
    figures = reliability(named, one_bucket, "org_id", ("p95", "p99")).series
    return figures.select(pl.col("group").alias("org_id"), "invocations", "error_rate", "p95", "p99").sort("org_id")
