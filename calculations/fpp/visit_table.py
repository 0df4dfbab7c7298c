"""Visits one by one: who made them, when, how long they took, and which of the page views in them are selected.

All activities are packed into integers with a number of what they are counted under, a *code*, and sorted once. What is
known of visits and visitors then lies between neighbours.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import polars as pl

from calculations.fpp.packed_keys import LOOKED, user_hash
from calculations.frames.collecting import collect
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


@dataclass(frozen=True)
class Packing:
    """How an activity becomes one integer (UInt128) that sorts by user, then by time.

    Without codes, everything counts as if its code were 1. Otherwise only page views have codes, from 1 to `codes`; an
    activity with the code 0 belongs to visits, but isn't counted itself.

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

    def microsecond(self, key: str = "key") -> pl.Expr:
        """The time of an activity (Int64, microseconds since 1970)."""
        ticks = pl.col(key) // (1 << self.tick_bits)
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
    keys = collect(pl.concat(activities)).get_column("key").drop_nulls().sort()
    # A null at the end ends the last visit and the last visitor.
    rows = collect(_marked(keys.extend_constant(None, 1).to_frame().lazy(), packing, buckets)).lazy()
    starts = collect(_starts(rows, packing))
    visitors = starts.filter("another")
    viewed, counted = _one_code(starts, visitors) if packing.codes <= 1 else _many_codes(rows, packing)
    return VisitTable(_visits(starts, packing), _visitors(visitors, packing), viewed, counted)


def _marked(keys: pl.LazyFrame, packing: Packing, buckets: Buckets | None) -> pl.LazyFrame:
    """Keys, and whether each begins another visitor (`another`) and a visit (`begins`), with its `bucket`."""
    rows = keys.select("key", gap=pl.col("key") - pl.col("key").shift(1))
    another = pl.col("gap").is_null() | (pl.col("gap") > 1 << (TIME_BITS + packing.tick_bits - 1))
    begins = pl.col("gap").is_null() | (pl.col("gap") > packing.gap_bits(VISIT_GAP))
    rows = rows.select("key", another=another, begins=begins)
    if buckets is None:
        return rows
    number = buckets.number_of_microsecond(packing.microsecond())
    changes = (pl.col("bucket") != pl.col("bucket").shift(1)).fill_null(value=True)
    return rows.with_columns(bucket=number).with_columns(
        another=pl.col("another") | changes, begins=pl.col("begins") | changes
    )


def _starts(rows: pl.LazyFrame, packing: Packing) -> pl.LazyFrame:
    """The first activity of each visit, and the row of the end.

    Its columns are those of `rows`, `before` (the key above) and how many rows lie above: of all kinds (`place`), page
    views (`looked`) and, where there is but one code, page views with it (`selected`).
    """
    kinds = {"looked": packing.looked()} | ({"selected": packing.code() > 0} if packing.codes == 1 else {})
    above = {name: kind.cast(pl.UInt32).cum_sum().shift(1, fill_value=0) for name, kind in kinds.items()}
    starts = rows.with_columns(before=pl.col("key").shift(1), place=pl.int_range(pl.len(), dtype=pl.UInt32), **above)
    return starts.filter("begins")


def _visits(starts: pl.DataFrame, packing: Packing) -> pl.DataFrame:
    start, last = packing.microsecond("key"), packing.microsecond("before").shift(-1)
    visits = starts.select(
        visitor=_number("another"),
        start=start,
        duration=last - start + LAST_ACTIVITY // MICROSECOND,
        views=_until_next("looked"),
    )
    return visits.head(-1)


def _visitors(visitors: pl.DataFrame, packing: Packing) -> pl.DataFrame:
    user = (pl.col("key") // (1 << (TIME_BITS + packing.tick_bits))).cast(pl.UInt64)
    estimated = _until_next("place") > _until_next("looked")
    return visitors.select(pl.col("^bucket$"), user=user, estimated=estimated).head(-1)


def _one_code(starts: pl.DataFrame, visitors: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """What is viewed and counted where there is at most one code: told by how many rows lie between starts."""
    views, counts = ("selected", "selected") if "selected" in starts.columns else ("looked", "place")
    viewed, counted = visitors.select(views=_until_next(views)), starts.select(counts=_until_next(counts))
    one = pl.lit(1, pl.UInt32).alias("code")
    return (
        viewed.head(-1).with_row_index("visitor").filter(pl.col("views") > 0).select("visitor", one, "views"),
        counted.head(-1).with_row_index("visit").filter(pl.col("counts") > 0).select("visit", one),
    )


def _many_codes(rows: pl.LazyFrame, packing: Packing) -> tuple[pl.DataFrame, pl.DataFrame]:
    """What is viewed and counted: each code is packed with its visitor or visit, so that sorting brings it together."""
    code = packing.code().cast(pl.UInt64)
    numbered = rows.select(visitor=_number("another"), visit=_number("begins"), code=code).filter(pl.col("code") > 0)
    packed = collect(
        numbered.select(pl.col("visitor", "visit").cast(pl.UInt64) * (1 << packing.code_bits) + pl.col("code"))
    )
    return _runs(packed["visitor"], packing), _runs(packed["visit"], packing).drop("views")


def _runs(packed: pl.Series, packing: Packing) -> pl.DataFrame:
    """Each packed number and code once, by its name and `code`, and how often it occurs: `views` (UInt32)."""
    rows = packed.sort().to_frame("packed")
    first = (pl.col("packed") != pl.col("packed").shift(1)).fill_null(value=True)
    runs = rows.select("packed", first=first, place=pl.int_range(pl.len(), dtype=pl.UInt32)).filter("first")
    return runs.select(
        (pl.col("packed") // (1 << packing.code_bits)).cast(pl.UInt32).alias(packed.name),
        code=(pl.col("packed") % (1 << packing.code_bits)).cast(pl.UInt32),
        views=pl.col("place").shift(-1, fill_value=len(rows)) - pl.col("place"),
    )


def _number(begins: str) -> pl.Expr:
    """The number of the run a row lies in, from 0 on (UInt32)."""
    return pl.col(begins).cum_sum().cast(pl.UInt32) - 1


def _until_next(above: str) -> pl.Expr:
    """How many rows lie between a start and the next one (UInt32, null for the end)."""
    return pl.col(above).shift(-1) - pl.col(above)
