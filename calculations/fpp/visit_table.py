"""Individual visits: their users, durations and selected page views.

All activities are packed into integers with a *code*, the number of the label under which they count, and sorted once.
Visits and visitors then follow from neighbouring rows. What a figure does not need is not computed.
"""

from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property

import polars as pl

from calculations.fpp.packed_keys import LOOKED, user_hash
from calculations.frames.collecting import collect
from calculations.time.buckets import Buckets
from calculations.time.period import MICROSECOND

VISIT_GAP = timedelta(minutes=10)
LAST_ACTIVITY = timedelta(seconds=10)

# From the highest bit down: hash of the user, microseconds since 1970 (until 2255), code, kind. One bit stays free, so
# that codes and kinds amount to less than half a microsecond.
TIME_BITS = 53
KIND_BITS = 1
FREE_BITS = 1
HASH_BITS = 64
ALL_BITS = 128
# Two instants of one user differ by at most this, keys of two users by more.
LONGEST = (1 << (TIME_BITS - 1)) * MICROSECOND

ONE = pl.lit(1, pl.UInt32)


@dataclass(frozen=True)
class Packing:
    """How an activity becomes one integer (UInt128) that sorts by user, then by time.

    Without codes, everything counts as code 1. Otherwise only page views have codes, from 1 to `codes`; an activity
    with code 0 belongs to visits, but is not counted itself.

    Among n users, two share a hash with a probability of about n² / 2 to the power of `hash_bits` + 1. All 64 bits are
    kept up to 511 codes, 53 for a million.
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
        """Bits left for the user."""
        return min(HASH_BITS, ALL_BITS - TIME_BITS - self.tick_bits)

    @property
    def word(self) -> type[pl.UInt64 | pl.UInt128]:
        """The smallest integer type for everything but the user; smaller ones are several times faster."""
        return pl.UInt64 if self.low_bits <= HASH_BITS else pl.UInt128

    def shortened(self, user: pl.Expr) -> pl.Expr:
        """The bits of a user's hash that fit (UInt64)."""
        return user // (1 << (HASH_BITS - self.hash_bits))

    @property
    def low_bits(self) -> int:
        """Bits below the user."""
        return TIME_BITS + self.tick_bits

    def key(self, time: str, kind: int, code: pl.Expr) -> pl.Expr:
        """An activity of `user_id` (UInt128); null without a user."""
        instant = pl.col(time).to_physical().cast(self.word, wrap_numerical=True) * (1 << self.tick_bits)
        low = instant + (code.cast(pl.UInt64) * 2 + kind).cast(self.word)
        user = self.shortened(user_hash()).cast(pl.UInt128) * (1 << self.low_bits)
        return user + low.cast(pl.UInt128)

    def users(self, keys: pl.Series) -> pl.Series:
        """The users of activities (UInt64), as `shortened` gives them."""
        return (keys // (1 << self.low_bits)).cast(pl.UInt64)

    def microsecond(self, key: str) -> pl.Expr:
        """The time of an activity (Int64, microseconds since 1970)."""
        ticks = pl.col(key).cast(self.word, wrap_numerical=True) // (1 << self.tick_bits)
        return (ticks % (1 << TIME_BITS)).cast(pl.Int64)

    def microseconds(self, gap: pl.Expr) -> pl.Expr:
        """The time between two activities of one user (Int64, microseconds), from the difference of their keys."""
        rounded = gap.cast(self.word, wrap_numerical=True) + (1 << (self.tick_bits - 1))
        return (rounded // (1 << self.tick_bits)).cast(pl.Int64)

    def code(self, key: str) -> pl.Expr:
        """The code of an activity (UInt32)."""
        low = pl.col(key).cast(pl.UInt8 if self.tick_bits <= 8 else pl.UInt32, wrap_numerical=True)
        return (low // 2 % (1 << self.code_bits)).cast(pl.UInt32)

    @staticmethod
    def looked(key: str) -> pl.Expr:
        """Whether an activity is a page view (Boolean)."""
        return pl.col(key).cast(pl.UInt8, wrap_numerical=True) % 2 == LOOKED

    def are_apart(self, gap: timedelta = LONGEST) -> pl.Expr:
        """Whether `key` and `next` are of two users, or further apart in time (Boolean); true if there is no next."""
        most = ((gap // MICROSECOND) << self.tick_bits) + (1 << (self.tick_bits - 1))
        return (pl.col("next") - pl.col("key") > most).fill_null(value=True)


@dataclass(frozen=True, eq=False)
class VisitTable:
    """The visits of a period, numbered by user, then by time.

    A gap of more than `VISIT_GAP` ends a visit, and so does the end of a bucket: with buckets of days, a visit past
    midnight counts on both days, and so does its visitor. A visit lasts `LAST_ACTIVITY` beyond its last activity.

    Attributes:
        keys: Activities in order (UInt128, no nulls), as `packing` packs them.
        packing: Their packing.
        buckets: What visits are cut by.
    """

    keys: pl.Series
    packing: Packing
    buckets: Buckets | None = None

    @property
    def durations(self) -> pl.Series:
        """The duration of each visit (Int64, microseconds)."""
        return self._visits["duration"]

    @cached_property
    def views(self) -> pl.Series:
        """The number of page views of each visit (UInt32)."""
        return self._so_far.select(_gained("views")).to_series()

    def selected(self, visits: pl.Series) -> pl.Series:
        """The values of a column for the visits with a selected page view; for at most one code."""
        return visits[self._coded["visit"]] if self.packing.codes else visits

    @cached_property
    def visitors(self) -> pl.DataFrame:
        """One row per visitor, by user: `user` (UInt64, as `Packing.shortened` gives it), whether the user `estimated`
        (Boolean) and, where visits are cut by buckets, the `bucket` (Int32)."""
        return self._everybody.select("^bucket$", "user", "estimated")

    def counted(self) -> pl.DataFrame:
        """Additive counts of what is selected.

        Returns:
            Unordered: `code` (UInt32, 1 without codes), `visitor` (UInt32, a row of `visitors`), and to be summed:
            `visitors` and `bounced` (Boolean), `page_views` with the code, `visits` with such page views (UInt32),
            their `duration` (Int64, microseconds) and all their page `views` (UInt32).
        """
        if not self.packing.codes:
            everybody = self._everybody.with_row_index("visitor")
            return everybody.select(
                "visitor", "visits", "duration", "views", code=ONE, page_views="views", **_viewed(pl.col("views") > 0)
            )
        visit = self._coded["visit"]
        visitor = self._visitor[visit]
        rows = self._coded.select(
            "code",
            "page_views",
            visitor=visitor,
            visits=ONE,
            duration=self.durations[visit],
            views=self.views[visit],
            estimated=self.visitors["estimated"][visitor],
        )
        return rows.select(pl.exclude("estimated"), **_viewed(_changes("visitor") | _changes("code")))

    @cached_property
    def _activities(self) -> pl.LazyFrame:
        """All: `row`, `key`, the `next` one (null for the last), whether it `ends` its visit, and its `bucket`."""
        rows = self.keys.to_frame("key").lazy().with_row_index("row").with_columns(next=pl.col("key").shift(-1))
        ends = self.packing.are_apart(VISIT_GAP)
        if self.buckets is not None:
            number = self.buckets.number_of_microsecond(self.packing.microsecond("key"))
            rows, ends = rows.with_columns(bucket=number), ends | _changes("bucket")
        # Where visits end is asked for several times.
        return rows.with_columns(collect(rows.select(ends=ends)).to_series())

    @cached_property
    def _visits(self) -> pl.DataFrame:
        """Per visit: the `row` it ends with, its `duration`, whether it `ends_visitor`, and its `bucket`.

        Computed in one pass with the rows: several times as fast as from columns in memory.
        """
        first = pl.lit(None if self.keys.is_empty() else self.keys[0], pl.UInt128)
        start = pl.col("next").shift(1).fill_null(first)
        of_visitor = self.packing.are_apart()
        if self.buckets is not None:
            of_visitor |= _changes("bucket")
        visits = self._activities.filter("ends").select(
            "^bucket$",
            "row",
            duration=self.packing.microseconds(pl.col("key") - start) + LAST_ACTIVITY // MICROSECOND,
            ends_visitor=of_visitor,
        )
        return collect(visits)

    @cached_property
    def _visitor(self) -> pl.Series:
        """Who made each visit (UInt32, a row of `visitors`)."""
        return self._visits["ends_visitor"].cum_sum().shift(1, fill_value=0)

    @cached_property
    def _so_far(self) -> pl.DataFrame:
        """Page views up to the end of each visit: all `views` and, where there is one code, the `selected` (UInt32)."""
        counted = {"views": self.packing.looked("key")}
        if self.packing.codes == 1:
            counted["selected"] = self.packing.code("key") > 0
        rows = self._activities.select("ends", **{name: each.cum_sum() for name, each in counted.items()})
        return collect(rows.filter("ends").drop("ends"))

    @cached_property
    def _everybody(self) -> pl.DataFrame:
        """Per visitor the columns of `visitors`, and over all visits `visits`, `duration` and `views`."""
        so_far = self._visits.select(
            "^bucket$",
            "row",
            "ends_visitor",
            visits=pl.int_range(1, pl.len() + 1, dtype=pl.UInt32),
            duration=pl.col("duration").cum_sum(),
            views=self._so_far["views"],
            activities=pl.col("row") + 1,
        )
        names = ("visits", "duration", "views", "activities")
        visitors = so_far.filter("ends_visitor").with_columns(_gained(*names))
        user = self.packing.users(self.keys[visitors["row"]])
        estimated = pl.col("activities") > pl.col("views")
        return visitors.select("^bucket$", *names[:-1], user=user, estimated=estimated)

    @cached_property
    def _coded(self) -> pl.DataFrame:
        """The codes of each visit, by code and then by visit: `code`, `visit`, `page_views` with it (all UInt32)."""
        if self.packing.codes == 1:
            visits = self._so_far.select(code=ONE, page_views=_gained("selected")).with_row_index("visit")
            return visits.filter(pl.col("page_views") > 0)
        visit = pl.col("ends").cum_sum() - pl.col("ends").cast(pl.UInt32)
        rows = collect(self._activities.select(visit=visit, code=self.packing.code("key")).filter(pl.col("code") > 0))
        # Rows stay in order within their group, which costs less than to sort them.
        rows = rows.group_by("code").agg("visit").explode("visit")
        rows = rows.with_row_index("page_views", offset=1)
        return rows.filter(_changes("visit") | _changes("code")).with_columns(_gained("page_views"))


def _viewed(viewed: pl.Expr) -> dict[str, pl.Expr]:
    return {"visitors": viewed, "bounced": viewed & ~pl.col("estimated")}


def _changes(name: str) -> pl.Expr:
    """Whether the next row has another value (Boolean); true for the last one."""
    return (pl.col(name) != pl.col(name).shift(-1)).fill_null(value=True)


def _gained(*names: str) -> pl.Expr:
    """The increases of running totals since the previous row."""
    return pl.col(names) - pl.col(names).shift(1, fill_value=0)
