"""How often calls fail and how long they take."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from calculations.frames.collecting import collect
from calculations.llm.events import STATUSES, group, newest_first
from calculations.llm.percentiles import Percentile, percentiles
from calculations.time.buckets import Buckets

# One for each of them, then one for any other.
STATUS_CODES = len(STATUSES) + 1
LARGEST_INT64 = 2**63 - 1


@dataclass(frozen=True)
class Reliability:
    """Failures and latencies of calls.

    Both frames have `invocations` and a count for each of `STATUSES` (Int64), `error_rate` (Float64, the share of calls
    with another status than `success`), `error_only_rate` (Float64, the share with status `error`), and for each
    requested percentile its milliseconds (Float64, one decimal). Rates and percentiles over no calls are null.

    `series` has a row per bucket and group with calls, by `bucket` (Int32, its number) and `group` (String), in the
    order of `newest_first`; `totals` has one row, of all calls.
    """

    series: pl.DataFrame
    totals: pl.DataFrame


def reliability(
    events: pl.LazyFrame, buckets: Buckets, by: str | None, asked: Sequence[Percentile] = ("p50", "p95", "p99")
) -> Reliability:
    """Failures and latencies of calls per bucket and group, and of all.

    Args:
        events: Calls within the buckets.
        buckets: The buckets of the series.
        by: The column to group by; None for one group of all.
        asked: Which percentiles.
    """
    calls = collect(
        events.select(
            buckets.number(pl.col("occurred_at")).alias("bucket"),
            # Numbered in the order they are met, apart from those of any other question.
            group(by).cast(pl.Categorical(pl.Categories.random())),
            pl.col("latency_ms").cast(pl.Int64),
            _status_code(),
        )
    )
    in_order = _sorted(calls)
    runs = in_order["run"].rle().struct.unnest().select("value", count=pl.col("len").cast(pl.Int64))
    counts, of_all = _counts(in_order["status"], runs["count"]), pl.Series([calls.height])
    of_each = _figures(counts, in_order["latency"], runs["count"], asked)
    series = pl.concat([_named(runs["value"], calls["group"]), of_each], how="horizontal")
    return Reliability(newest_first(series), _figures(counts.sum(), calls["latency_ms"].sort(), of_all, asked))


def _status_code() -> pl.Expr:
    """The place of a call's status among `STATUSES`, or the one after the last."""
    codes = pl.lit(len(STATUSES), pl.UInt8)
    for place, name in enumerate(STATUSES):
        codes -= (pl.col("status") == name).cast(pl.UInt8) * (len(STATUSES) - place)
    return codes.alias("status")


def _sorted(calls: pl.DataFrame) -> pl.DataFrame:
    """Calls by bucket, group and latency, each packed into one integer, since sorting integers is what is fast.

    Returns:
        `run` (Int64, the number of the bucket times that of all groups, plus that of the group), `latency` (Int64) and
        `status` (UInt8).
    """
    groups, latencies = _groups(calls["group"]), _above(calls["latency_ms"])
    fits = _above(calls["bucket"]) * groups * latencies * STATUS_CODES <= LARGEST_INT64
    bucket = pl.col("bucket").cast(pl.Int64 if fits else pl.Int128)
    run = bucket * groups + pl.col("group").to_physical().fill_null(groups - 1)
    packed = calls.select(call=(run * latencies + pl.col("latency_ms")) * STATUS_CODES + pl.col("status")).sort("call")
    call = pl.col("call") // STATUS_CODES
    return packed.select(
        run=(call // latencies).cast(pl.Int64),
        latency=(call % latencies).cast(pl.Int64),
        status=(pl.col("call") % STATUS_CODES).cast(pl.UInt8),
    )


def _named(runs: pl.Series, names: pl.Series) -> pl.DataFrame:
    """The bucket and the group of each run, `names` being those of the calls."""
    groups = _groups(names)
    code = pl.col("run") % groups
    return (
        runs.rename("run")
        .to_frame()
        .select(
            (pl.col("run") // groups).cast(pl.Int32).alias("bucket"),
            pl.when(code < groups - 1).then(code).cast(pl.UInt32).cat.to(names.dtype).cast(pl.String).alias("group"),
        )
    )


def _groups(names: pl.Series) -> int:
    """How many groups there may be: one per name, and the last one for null."""
    return _above(names.to_physical()) + 1


def _above(numbers: pl.Series) -> int:
    """The least integer above all of these, which are not negative."""
    most: Any = numbers.max()
    return 0 if most is None else most + 1


def _counts(statuses: pl.Series, count: pl.Series) -> pl.DataFrame:
    """The calls of each run, whose lengths are `count`, by status: `invocations` and each of `STATUSES`."""
    end = count.cum_sum()
    failed = {name: _per_run((statuses == code).arg_true(), end) for code, name in enumerate(STATUSES) if code}
    others = _per_run((statuses == len(STATUSES)).arg_true(), end)
    succeeded = count - sum(failed.values(), others)
    return pl.DataFrame({"invocations": count, STATUSES[0]: succeeded} | failed)


def _per_run(places: pl.Series, end: pl.Series) -> pl.Series:
    """How many of some places in ascending order lie in each run."""
    before_end = places.search_sorted(end).cast(pl.Int64)
    return before_end - before_end.shift(fill_value=0)


def _figures(counts: pl.DataFrame, latencies: pl.Series, count: pl.Series, asked: Sequence[Percentile]) -> pl.DataFrame:
    """The columns of `Reliability` for runs of calls, whose lengths are `count` and whose latencies are sorted."""
    calls = pl.when(pl.col("invocations") > 0).then(pl.col("invocations"))
    rates = counts.select(error_rate=(calls - pl.col("success")) / calls, error_only_rate=pl.col("error") / calls)
    return pl.concat([counts, rates, percentiles(latencies, count.cum_sum() - count, count, asked)], how="horizontal")
