"""How many users or rooms of a cohort are active in later buckets."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

import polars as pl

from calculations.fpp.active_buckets import Entity, active_buckets, begins_subject, ends_subject
from calculations.frames.collecting import collect, collect_all
from calculations.time.buckets import LONGEST, Buckets, WeekStart
from calculations.time.period import Period, literal

type RetentionGranularity = Literal["day", "week", "month"]
type RetentionType = Literal["first_time", "recurring"]

RATE_DECIMALS = 4


@dataclass(frozen=True, eq=False)
class Retention:
    """The cohorts of a period and their means.

    Attributes:
        cells: One row per cohort and interval, in order of both: `bucket` (Int32, the cohort's), `size` (Int64, its
            users or rooms), `interval` (Int32, buckets later), `retained` (Int64, those of them active then; null
            until that bucket has ended) and `rate` (Float64, 0 to 1: retained / size; null like `retained`, and over
            nobody).
        means: One row per interval, in order: `interval` (Int32), `size` and `retained` (Int64, summed over the
            cohorts whose cell isn't null) and `rate` (Float64, their mean weighted by size; null over nobody).
    """

    cells: pl.DataFrame
    means: pl.DataFrame


def retention(
    rows: pl.LazyFrame,
    period: Period,
    *,
    entity: Entity,
    granularity: RetentionGranularity,
    week_start: WeekStart,
    intervals: int,
    retention_type: RetentionType,
    cumulative: bool,
    known_until: datetime,
    time: str = "estimated_at",
) -> Retention:
    """Follow each bucket's users (rooms) through that bucket and the following ones.

    Args:
        rows: What makes a user (room) active: rows of any table with `user_id` (`room_id`), of all time.
        period: Its buckets are the cohorts; the first and the last one are counted in full.
        entity: Users or rooms.
        granularity: The length of a bucket.
        week_start: The first day of weeks.
        intervals: How many buckets to follow a cohort, its own included; at least 1.
        retention_type: `first_time`: a user (room) is in the cohort of its first activity ever, so in none if that was
            before the first bucket; `recurring`: in the cohort of every bucket with activity.
        cumulative: Whether activity in any later bucket counts as retained, even after the last one shown.
        known_until: The instant (UTC) up to which rows are known; rows at or after it don't count.
        time: The column with the time of a row.
    """
    cohorts = len(Buckets.of(period, granularity, week_start))
    followed = _followed(period, granularity, week_start, cohorts + intervals - 1)
    active = active_buckets(rows.filter(pl.col(time) < literal(known_until)), entity, followed, time)
    is_member = begins_subject() if retention_type == "first_time" else pl.lit(value=True)
    counts = [_last_activity(active, is_member, intervals)] if cumulative else _each(active, is_member, intervals)
    retained = _table(collect_all(counts), cohorts, intervals)
    if cumulative:
        retained = retained.with_columns(pl.col("retained").cum_sum(reverse=True).over("bucket"))
    ended = pl.lit(followed.edges).gather(pl.col("bucket") + pl.col("interval") + 1) <= known_until
    cells = _cells(retained, ended)
    return Retention(cells, _means(cells, intervals))


def retained_rooms(
    rows: pl.LazyFrame,
    moment: Period,
    interval: int,
    *,
    granularity: RetentionGranularity,
    week_start: WeekStart,
    retention_type: RetentionType,
    cumulative: bool,
    known_until: datetime,
    time: str = "estimated_at",
) -> pl.Series:
    """The ids (Int64) of the rooms in a cell of `retention`, in order; none for a bucket that has not ended.

    Args:
        rows: What makes a room active, of all time.
        moment: A period within the cohort's bucket.
        interval: The number of buckets after it.
        granularity: The length of a bucket.
        week_start: The first day of weeks.
        retention_type: As for `retention`.
        cumulative: Whether rooms active in a later bucket are included.
        known_until: The instant (UTC) up to which rows are known.
        time: The column with the time of a row.
    """
    followed = _followed(moment, granularity, week_start, interval + 1)
    if followed.edges[-1] > known_until:
        return pl.Series("subject", [], pl.Int64)
    known = rows.filter(pl.col(time) < literal(known_until))
    active = collect(active_buckets(known, "room", followed, time))
    joins = begins_subject() if retention_type == "first_time" else pl.lit(value=True)
    members = active.filter(joins & (pl.col("bucket") == 0))["subject"]
    is_then = pl.col("bucket") >= interval if cumulative else pl.col("bucket") == interval
    return active.filter(is_then & pl.col("subject").is_in(members.implode()))["subject"].unique().sort()


def _followed(period: Period, granularity: RetentionGranularity, week_start: WeekStart, count: int) -> Buckets:
    """The first `count` buckets from the beginning of a period."""
    longer = replace(period, end=period.end + count * LONGEST[granularity])
    return Buckets(Buckets.of(longer, granularity, week_start).edges.head(count + 1), period.zone)


def _each(active: pl.LazyFrame, is_member: pl.Expr, intervals: int) -> list[pl.LazyFrame]:
    """Members of cohorts per bucket in which they are active: i buckets later is at most i rows below."""
    return [_distances(active, is_member, row, intervals) for row in range(intervals)]


def _distances(active: pl.LazyFrame, is_member: pl.Expr, rows: int, intervals: int) -> pl.LazyFrame:
    """Count the distances, in buckets, from members to the same subject's activity `rows` rows below."""
    bucket, subject = pl.col("bucket"), pl.col("subject")
    distance = pl.when(is_member & (subject.shift(-rows) == subject)).then(bucket.shift(-rows) - bucket)
    return _counted(active.select("bucket", interval=distance).filter(pl.col("interval") < intervals))


def _last_activity(active: pl.LazyFrame, is_member: pl.Expr, intervals: int) -> pl.LazyFrame:
    """Members of cohorts by the last interval in which they are active; later activity counts in the last interval."""
    last = pl.when(ends_subject()).then("bucket").backward_fill()
    distance = pl.when(is_member).then((last - pl.col("bucket")).clip(upper_bound=intervals - 1))
    return _counted(active.select("bucket", interval=distance).filter(pl.col("interval").is_not_null()))


def _counted(members: pl.LazyFrame) -> pl.LazyFrame:
    """Rows per cell: `bucket`, `interval` (Int32) and `retained` (Int64)."""
    return members.group_by("bucket", "interval").agg(retained=pl.len().cast(pl.Int64))


def _table(counts: list[pl.DataFrame], cohorts: int, intervals: int) -> pl.DataFrame:
    """The counts of all cells, in order, 0 where there are no rows."""
    buckets = pl.select(bucket=pl.int_range(cohorts, dtype=pl.Int32))
    cells = buckets.join(_spine(intervals), how="cross")
    counted = pl.concat(counts).group_by("bucket", "interval").agg(pl.col("retained").sum())
    filled = cells.join(counted, on=["bucket", "interval"], how="left")
    return filled.with_columns(pl.col("retained").fill_null(0)).sort("bucket", "interval")


def _cells(retained: pl.DataFrame, ended: pl.Expr) -> pl.DataFrame:
    """`Retention.cells`, from all counts and whether a cell's bucket has ended."""
    sized = retained.with_columns(size=pl.col("retained").first().over("bucket"))
    cut = sized.with_columns(retained=pl.when(ended).then("retained"))
    return cut.select("bucket", "size", "interval", "retained", rate=_rate())


def _means(cells: pl.DataFrame, intervals: int) -> pl.DataFrame:
    """`Retention.means`."""
    known = cells.filter(pl.col("retained").is_not_null())
    summed = known.group_by("interval").agg(pl.col("size", "retained").sum())
    filled = _spine(intervals).join(summed, on="interval", how="left").sort("interval")
    return filled.with_columns(pl.col("size", "retained").fill_null(0)).with_columns(rate=_rate())


def _spine(intervals: int) -> pl.DataFrame:
    """One row per interval in order: `interval` (Int32)."""
    return pl.select(interval=pl.int_range(intervals, dtype=pl.Int32))


def _rate() -> pl.Expr:
    """`retained / size` (Float64, null for null and over nobody)."""
    return pl.when(pl.col("size") > 0).then(pl.col("retained") / pl.col("size")).round(RATE_DECIMALS)
