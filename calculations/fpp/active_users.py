"""Active users: those who estimated on a day, and in the 7 and the 30 days that end with it."""

from datetime import timedelta

import polars as pl
from pydantic import BaseModel, Field

from calculations.fpp.active_buckets import active_buckets, begins_subject
from calculations.frames.arithmetic import NotAdditive, quotient
from calculations.frames.collecting import collect
from calculations.time.buckets import Buckets
from calculations.time.period import MICROSECOND, Period, literal

WINDOWS = {"dau": 1, "wau": 7, "mau": 30}


class ActiveUsers(BaseModel, frozen=True):
    """Users with an estimation, at the end of a bucket."""

    dau: NotAdditive[int] = Field(ge=0, description="Users with an estimation on the bucket's last day.")
    wau: NotAdditive[int] = Field(ge=0, description="Users with an estimation in the 7 days that end with that day.")
    mau: NotAdditive[int] = Field(ge=0, description="Users with an estimation in the 30 days that end with that day.")
    stickiness: NotAdditive[float | None] = Field(description="`dau` / `mau` (0 to 1); null where `mau` is 0.")


def counted_days(period: Period) -> Period:
    """The days on which an estimation makes somebody an active user of a period."""
    before = timedelta(days=max(WINDOWS.values()))
    return Period.of_days(period.first - before, period.last, period.zone)


def active_users(estimations: pl.LazyFrame, period: Period, buckets: Buckets) -> pl.DataFrame:
    """Daily, weekly and monthly active users of each bucket's last day.

    Args:
        estimations: The rows of `counted_days`; further ones are ignored.
        period: The part of the question's period that has begun; its last day is the last day of the last bucket.
        buckets: Its buckets.

    Returns:
        One row per bucket in order: `bucket` (Int32), the columns of `WINDOWS` (Int64) and `stickiness` (Float64).
    """
    days = Buckets.of(counted_days(period))
    is_day = pl.col("bucket").is_between(0, len(days) - 1)
    on_days = collect(active_buckets(estimations, "user", days).filter(is_day))
    ends = pl.lit(buckets.edges.tail(len(buckets))).clip(upper_bound=literal(period.end))
    last_day = days.number(ends - MICROSECOND)
    counted = [
        pl.lit(counts).gather(last_day).alias(name) for name, counts in _windows(on_days, days).to_dict().items()
    ]
    stickiness = pl.when(pl.col("mau") > 0).then(quotient(pl.col("dau"), pl.col("mau")))
    return buckets.dated(*counted).drop("date").with_columns(stickiness=stickiness)


def _windows(on_days: pl.DataFrame, days: Buckets) -> pl.DataFrame:
    """Per day, the users active in the windows that end with it: the columns of `WINDOWS` (Int64).

    Each active day of a user opens a window, which ends when it expires or with the user's next active day. The running
    total of openings minus ends is the number of users.
    """
    day = pl.col("bucket")
    following = pl.when(~begins_subject().shift(-1, fill_value=True)).then(day.shift(-1))
    ends = on_days.select(pl.min_horizontal(following, day + length).alias(name) for name, length in WINDOWS.items())
    opened = days.counts_so_far(pl.lit(on_days["bucket"]))
    return pl.select((opened - days.counts_so_far(pl.lit(ends[name]))).alias(name) for name in WINDOWS)
