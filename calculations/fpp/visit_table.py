"""Visits one by one: who made them, when, how long they took, and which of the page views in them are selected.

All activities are packed into integers with a number of what they are counted under, a *code*, and sorted once. What is
known of visits and visitors then lies between neighbours.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import polars as pl

from calculations.fpp.packed_keys import LOOKED, user_hash
from calculations.frames.collecting import collect, collect_all
from calculations.time.buckets import Buckets
from calculations.time.period import MICROSECOND

VISIT_GAP = timedelta(minutes=10)
LAST_ACTIVITY = timedelta(seconds=10)

# From the highest bit on: hash of the user, microseconds since 1970 (until 2255), code, kind. One bit is left free, so
# that codes and kinds differ by less than half a microsecond.
TIME_BITS = 53
KIND_BITS = 1
FREE_BITS = 1
HASH_BITS = 64
ALL_BITS = 128
MOST_CODES = 2**24


@dataclass(frozen=True)
class Packing:
    """How an activity becomes one integer (UInt128) that sorts by user, then by time.

    Two of n users share a hash with a probability of n² / 2 to the power of `hash_bits` + 1: all 64 bits are kept up to
    511 codes, and 53 for a million.
    """

    codes: int

    @property
    def code_bits(self) -> int:
        """Bits that hold the codes 0 to `codes`."""
        return self.codes.bit_length()

    @property
    def tick_bits(self) -> int:
        """Bits below the time."""
        return FREE_BITS + self.code_bits + KIND_BITS

    @property
    def hash_bits(self) -> int:
        """Bits that are left for the user."""
        return min(HASH_BITS, ALL_BITS - TIME_BITS - self.tick_bits)

    def shortened(self, user: pl.Expr) -> pl.Expr:
        """As much of a user's hash as there is room for (UInt64)."""
        return user // (1 << (HASH_BITS - self.hash_bits))

    def key(self, time: str, kind: int, code: pl.Expr) -> pl.Expr:
        """An activity of `user_id` (UInt128); null without a user."""
        low = (code.cast(pl.UInt64) * 2 + kind).cast(pl.UInt128)
        instant = pl.col(time).to_physical().cast(pl.UInt128, wrap_numerical=True) * (1 << self.tick_bits)
        return self.shortened(user_hash()).cast(pl.UInt128) * (1 << (TIME_BITS + self.tick_bits)) + instant + low

    def gap_bits(self, gap: timedelta) -> int:
        """What the distance of two activities of a user exceeds when they lie further apart than that."""
        return ((gap // MICROSECOND) << self.tick_bits) + (1 << (self.tick_bits - 1))

    def microsecond(self) -> pl.Expr:
        """The time of the column `key` (Int64, microseconds since 1970)."""
        ticks = pl.col("key") // (1 << self.tick_bits)
        return (ticks.cast(pl.UInt64, wrap_numerical=True) % (1 << TIME_BITS)).cast(pl.Int64)

    def code(self) -> pl.Expr:
        """The code of the column `key` (UInt32)."""
        return (self._low() // 2 % (1 << self.code_bits)).cast(pl.UInt32)

    def looked(self) -> pl.Expr:
        """Whether the column `key` is a page view (Boolean)."""
        return self._low() % 2 == LOOKED

    def _low(self) -> pl.Expr:
        return pl.col("key").cast(pl.UInt64, wrap_numerical=True)


@dataclass(frozen=True, eq=False)
class VisitTable:
    """The visits of a stretch of time.

    Attributes:
        visits: One row per visit, by user, then by time: `visitor` (UInt32, a row of `visitors`), `start` (Int64,
            microseconds since 1970), `duration` (Int64, microseconds) and `views` (UInt32, its page views).
        visitors: One row per user, or per user and bucket: `user` (UInt64, as `Packing.shortened` has it), `estimated`
            (Boolean) and, where visits are cut by buckets, `bucket` (Int32).
        viewed: Page views of each visitor by code, codes of 0 left out: `visitor`, `code` and `views` (UInt32).
        counted: The codes in each visit, each once, 0 left out: `visit` (UInt32, a row of `visits`) and `code`.
    """

    visits: pl.DataFrame
    visitors: pl.DataFrame
    viewed: pl.DataFrame
    counted: pl.DataFrame


def visit_table(activities: Sequence[pl.LazyFrame], packing: Packing, buckets: Buckets | None = None) -> VisitTable:
    """Cut activities into visits.

    A gap of more than `VISIT_GAP` begins a visit, and so does a bucket: then a visit past midnight is one of both days,
    and a user is a visitor of each. A visit lasts until its last activity, and `LAST_ACTIVITY` longer.

    Args:
        activities: `key` (UInt128) as `packing` packs them, in no order; nulls are left out.
        packing: What packed them.
        buckets: What to cut by.
    """
    keys = collect(pl.concat(activities)).get_column("key").drop_nulls().sort().to_frame().lazy()
    rows = keys.select("key", gap=pl.col("key") - pl.col("key").shift(1))
    another = pl.col("gap").is_null() | (pl.col("gap") > 1 << (TIME_BITS + packing.tick_bits - 1))
    begins = pl.col("gap").is_null() | (pl.col("gap") > packing.gap_bits(VISIT_GAP))
    rows = rows.select("key", "gap", another=another, begins=begins, looked=packing.looked())
    if buckets is not None:
        number = buckets.number_of_microsecond(packing.microsecond())
        changes = (pl.col("bucket") != pl.col("bucket").shift(1)).fill_null(value=True)
        rows = rows.with_columns(bucket=number).with_columns(
            another=pl.col("another") | changes, begins=pl.col("begins") | changes
        )
    selected = rows.select("looked", visitor=_number("another"), visit=_number("begins"), code=packing.code()).filter(
        pl.col("code") > 0
    )
    visits, visitors, viewed, counted = collect_all(
        [
            _visits(rows, packing),
            _visitors(rows, packing, buckets),
            _viewed(selected, packing),
            _counted(selected, packing),
        ]
    )
    return VisitTable(visits, visitors, viewed, counted)


def _number(begins: str) -> pl.Expr:
    """The number of the run a row lies in, from 0 on (UInt32)."""
    return pl.col(begins).cum_sum().cast(pl.UInt32) - 1


def _visits(rows: pl.LazyFrame, packing: Packing) -> pl.LazyFrame:
    time = packing.microsecond()
    starts = rows.select(
        "begins",
        visitor=_number("another"),
        start=time,
        before=time.shift(1),
        last=time.last(),
        seen=pl.col("looked").cum_sum() - pl.col("looked"),
        seen_in_all=pl.col("looked").sum(),
    ).filter("begins")
    ends = pl.col("before").shift(-1).fill_null(pl.col("last"))
    views = pl.col("seen").shift(-1).fill_null(pl.col("seen_in_all")) - pl.col("seen")
    return starts.select(
        "visitor", "start", duration=ends - pl.col("start") + LAST_ACTIVITY // MICROSECOND, views=views.cast(pl.UInt32)
    )


def _visitors(rows: pl.LazyFrame, packing: Packing, buckets: Buckets | None) -> pl.LazyFrame:
    estimations = (~pl.col("looked")).cast(pl.UInt32)
    starts = rows.select(
        *([] if buckets is None else ["bucket"]),
        "another",
        user=(pl.col("key") // (1 << (TIME_BITS + packing.tick_bits))).cast(pl.UInt64),
        made=estimations.cum_sum() - estimations,
        made_in_all=estimations.sum(),
    ).filter("another")
    made = pl.col("made").shift(-1).fill_null(pl.col("made_in_all")) > pl.col("made")
    return starts.select(pl.exclude("another", "made", "made_in_all"), estimated=made)


def _viewed(selected: pl.LazyFrame, packing: Packing) -> pl.LazyFrame:
    looked = selected.filter("looked")
    if packing.codes > 1:
        return looked.group_by("visitor", "code").agg(views=pl.len())
    # The views of a visitor follow one another: how far it is to the next one's is their number.
    first = (pl.col("visitor") != pl.col("visitor").shift(1)).fill_null(value=True)
    place = pl.int_range(pl.len(), dtype=pl.UInt32)
    begins = looked.select("visitor", "code", first=first, place=place, total=pl.len()).filter("first")
    views = pl.col("place").shift(-1).fill_null(pl.col("total")) - pl.col("place")
    return begins.select("visitor", "code", views=views.cast(pl.UInt32))


def _counted(selected: pl.LazyFrame, packing: Packing) -> pl.LazyFrame:
    pairs = selected.select("visit", "code")
    if packing.codes > 1:
        return pairs.unique()
    return pairs.filter((pl.col("visit") != pl.col("visit").shift(1)).fill_null(value=True))
