"""Funnels: how far people get along a sequence of steps, and how long each step takes them.

An attempt begins with the first step. Each person counts once, at the furthest step that any attempt reaches; times are
those of the earliest such attempt, with each step taken as early as possible.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from typing import Literal

import polars as pl
from pydantic import BaseModel, Field

from calculations.fpp.attributes import BORNE, Attributes, Kind, is_of_users
from calculations.fpp.funnel_steps import Activity, Step
from calculations.fpp.packed_keys import shares_of_users, user_hash
from calculations.fpp.tables import Tables
from calculations.fpp.visit_table import VISIT_GAP
from calculations.frames.arithmetic import DECIMALS, NotAdditive, average
from calculations.frames.collecting import collect, each_of
from calculations.frames.filters import EVERYTHING, Filter
from calculations.time.period import MICROSECOND

type Order = Literal["sequential", "strict"]

US_PER_S = 1_000_000
# The bits below the time: whether an activity belongs to a visit, whether it is selected, and one per step it can be.
IN_VISIT, SELECTED, STEPS_FROM = 1, 2, 2
MASK_BITS = 11
MASKS = 1 << MASK_BITS
TIME_BITS = 53
# Two keys of one person differ by at most this, those of two people by more.
ONE_PERSON = 1 << (TIME_BITS - 1 + MASK_BITS)

# Stands for no row.
NOWHERE = (1 << 32) - 1

TABLES: dict[Activity, tuple[Kind, str, str]] = {
    "page_view": ("page_views", "viewed_at", "route"),
    "event": ("events", "event_at", "event"),
    "estimation": ("estimations", "estimated_at", "estimation"),
}


class FunnelStep(BaseModel, frozen=True):
    """One step and who reached it."""

    step: str = Field(description="The step, as it was asked for.")
    visitors: NotAdditive[int] = Field(ge=0, description="Distinct users who got at least so far.")
    conversion_rate: NotAdditive[float] = Field(
        ge=0, le=1, description="Share of the users of the first step (0 to 1) who got so far; 0 over nobody."
    )
    drop_off_rate: NotAdditive[float] = Field(
        ge=0, le=1, description="Share of the users of the step before (0 to 1) who didn't get so far; 0 over nobody."
    )
    median_time_s: NotAdditive[float | None] = Field(
        description="Median time since the step before, in seconds; null for the first step and without anybody."
    )


class Funnel(BaseModel, frozen=True):
    """The steps in order."""

    steps: list[FunnelStep] = Field(description="One per step, in order.")


@dataclass(frozen=True, eq=False)
class Attempts:
    """One attempt per person that reaches a certain step.

    Attributes:
        persons: Their numbers (UInt32).
        times: For each step from the second up to that one, how long it took (Int64, microseconds).
    """

    persons: pl.Series
    times: Sequence[pl.Series]


@dataclass(frozen=True, eq=False)
class Moments:
    """Activities sorted by person, then by time; those of one person at one instant form one moment.

    For a `strict` order these are all activities, otherwise those that can be a step or begin a visit.

    Attributes:
        rows: Per activity its `time` (Int64, microseconds since 1970), and whether it is the last one of its person and
            of its moment: `ends_person` and `ends_moment` (Boolean).
        may_be: For each step, by its number, whether a row can be that step (Boolean).
        steps: The steps.
        order: Their order.
    """

    rows: pl.DataFrame
    may_be: pl.DataFrame
    steps: Sequence[Step]
    order: Order
    _found: dict[tuple[int, int], pl.Series] = field(default_factory=dict)

    def starts(self) -> pl.DataFrame:
        """The rows that can be the first step, in order: `row` and the number of the `person` (both UInt32)."""
        rows = self.rows.lazy().select("ends_person", starts=self.may_be["0"]).with_row_index("row")
        person = pl.col("ends_person").cum_sum() - pl.col("ends_person").cast(pl.UInt32)
        few = rows.filter(pl.col("starts") | pl.col("ends_person")).with_columns(person=person)
        return collect(few.filter("starts").select("row", "person"))

    def times(self, rows: pl.Series) -> pl.Series:
        """The times of rows (Int64, microseconds since 1970)."""
        return self.rows["time"][rows]

    def next_step(self, rows: pl.Series, number: int, until: int) -> pl.Series:
        """For each of `rows`, the next row of the person that can be a step and be followed by those up to `until`.

        The nearest such row also reaches the last step first, so no attempt is missed.

        Returns:
            Row numbers (UInt32), null where there is none.
        """
        there = _known(self._nearest(number, until)[self._last(rows)])
        if self.steps[number].within is not None:
            there = there.set(~self._is_in_time(self.times(rows), self.times(there), number), None)
        if self.order == "strict":
            very_next = (self._last(rows) + 1).clip(upper_bound=max(len(self.rows), 1) - 1)
            there = there.set(self.times(there) != self.times(very_next), None)
        return there

    def _nearest(self, number: int, until: int) -> pl.Series:
        """For each row, the nearest later one of its person that can be a step and be followed (UInt32, `NOWHERE`)."""
        bound = number
        while bound < until and self._is_limited(bound + 1):
            bound += 1
        if (number, bound) not in self._found:
            row = pl.int_range(1, pl.len() + 1, dtype=pl.UInt32)
            below = pl.when("ends_person").then(NOWHERE).when(pl.col("may_be").shift(-1)).then(row).backward_fill()
            rows = self.rows.select("ends_person", may_be=self._followed(number, bound))
            self._found[number, bound] = rows.select(below).to_series()
        return self._found[number, bound]

    def _followed(self, number: int, until: int) -> pl.Series:
        """Whether a row can be a step and be followed by those up to `until` (Boolean), all of which are limited."""
        may_be = self.may_be[str(number)]
        if number == until:
            return may_be
        nearest = self._nearest(number + 1, until)
        there = _known(nearest if self._lasts is None else nearest[self._lasts])
        return may_be & self._is_in_time(self.rows["time"], self.times(there), number + 1)

    def _is_in_time(self, before: pl.Series, after: pl.Series, number: int) -> pl.Series:
        """Whether a step comes soon enough (Boolean, false for null)."""
        longest = self.steps[number].within or timedelta.max
        return (after - before <= longest // MICROSECOND).fill_null(value=False)

    def _is_limited(self, number: int) -> bool:
        """Whether a step has a time limit, so that it can be too late for one previous step but not for a later one."""
        return self.order == "sequential" and self.steps[number].within is not None

    def _last(self, rows: pl.Series) -> pl.Series:
        """The last rows of the moments of some rows (UInt32)."""
        return rows if self._lasts is None else self._lasts[rows]

    @cached_property
    def _lasts(self) -> pl.Series | None:
        """For each row the last one of its moment (UInt32); None if every row is its own moment."""
        if self.rows["ends_moment"].all():
            return None
        row = pl.int_range(pl.len(), dtype=pl.UInt32)
        return self.rows.select(pl.when("ends_moment").then(row).backward_fill()).to_series()


def funnel(
    tables: Tables,
    attributes: Attributes,
    steps: Sequence[Step],
    *,
    filter_: Filter = EVERYTHING,
    window: timedelta | None = None,
    order: Order = "sequential",
) -> Funnel:
    """Count how far people get.

    Args:
        tables: The page views, events (with `event_at`) and estimations of a period.
        attributes: The attributes of users and rooms.
        steps: At least two.
        filter_: On attributes that the rows of every step have: which rows can be a step.
        window: Maximum time from the first to the last step; None for no limit.
        order: `sequential`: a step is any later moment; `strict`: it is the person's very next moment.
    """
    keys = _ordered_keys(tables, attributes, steps, filter_, order)
    shares = shares_of_users(keys, TIME_BITS + MASK_BITS)
    levels = each_of(shares, lambda share: _levels(_moments(share, steps, filter_, order), window))
    return Funnel(steps=_counted(steps, levels))


def _levels(moments: Moments, window: timedelta | None) -> list[Attempts]:
    """The attempts that reach the last step, the one before and so on; each person is in exactly one."""
    starts = moments.starts()
    if window is None and moments.order == "sequential" and moments.steps[1].within is None:
        # Whatever follows a later start also follows the first one.
        starts = starts.filter(_begins_person())
    levels: list[Attempts] = []
    for level in range(len(moments.steps), 0, -1):
        levels.append(_attempts(moments, starts, level, window))
        starts = starts.filter(~pl.col("person").is_in(levels[-1].persons.implode()))
    return levels


def _counted(steps: Sequence[Step], shares: Sequence[Sequence[Attempts]]) -> list[FunnelStep]:
    """The steps with their figures, from the levels of each share of the people."""
    counted: list[FunnelStep] = []
    for number, step in enumerate(steps):
        reached = [attempts for levels in shares for attempts in levels[: len(steps) - number]]
        visitors = sum(len(attempts.persons) for attempts in reached)
        first, before = (counted[0].visitors, counted[-1].visitors) if counted else (visitors, visitors)
        took = pl.concat([attempts.times[number - 1] for attempts in reached]).median() if number else None
        counted.append(
            FunnelStep(
                step=str(step),
                visitors=visitors,
                conversion_rate=average(visitors, first),
                drop_off_rate=average(before - visitors, before),
                median_time_s=None if took is None else round(float(str(took)) / US_PER_S, DECIMALS),
            )
        )
    return counted


def _attempts(moments: Moments, starts: pl.DataFrame, level: int, window: timedelta | None) -> Attempts:
    """The first attempt of each person that reaches step number `level` within the window."""
    attempts = starts.rename({"row": "0"})
    for number in range(1, level):
        rows = attempts[str(number - 1)]
        there = moments.next_step(rows, number, level - 1).alias(str(number))
        attempts = attempts.with_columns(there).filter(there.is_not_null())
    attempts = attempts.with_columns(moments.times(attempts[str(number)]).alias(str(number)) for number in range(level))
    if window is not None:
        attempts = attempts.filter(pl.col(str(level - 1)) - pl.col("0") <= window // MICROSECOND)
    first = attempts.filter(_begins_person())
    times = [first[str(number)] - first[str(number - 1)] for number in range(1, level)]
    return Attempts(first["person"], times)


def _begins_person() -> pl.Expr:
    """Whether a row is the first one of its `person` (Boolean)."""
    return (pl.col("person") != pl.col("person").shift(1)).fill_null(value=True)


def _ordered_keys(
    tables: Tables, attributes: Attributes, steps: Sequence[Step], filter_: Filter, order: Order
) -> pl.Series:
    """The activities a funnel is about (UInt128), by person, then by time."""
    needed = set(TABLES) if order == "strict" else {step.activity for step in steps}
    if _returns(steps):
        needed |= {"page_view", "estimation"}
    packed = pl.concat(
        [_keys(tables, attributes, steps, filter_, activity) for activity in TABLES if activity in needed]
    )
    if order != "strict" and not _returns(steps):
        packed = packed.filter(_mask() >= 1 << STEPS_FROM)
    return collect(packed).get_column("key").drop_nulls().sort()


def _returns(steps: Sequence[Step]) -> bool:
    """Whether one of the steps is a return."""
    return any(step.activity == "return" for step in steps)


def _moments(keys: pl.Series, steps: Sequence[Step], filter_: Filter, order: Order) -> Moments:
    """The activities of a share of the people."""
    time = (pl.col("key").cast(pl.UInt64, wrap_numerical=True) // MASKS).cast(pl.Int64)
    ends_person = (pl.col("key").shift(-1) - pl.col("key") > ONE_PERSON).fill_null(value=True)
    rows = collect(
        keys.to_frame("key")
        .lazy()
        .with_columns(mask=_mask(), time=time, ends_person=ends_person)
        .select(
            *("mask", "time", "ends_person"),
            ends_moment=pl.col("ends_person") | (pl.col("time") != pl.col("time").shift(-1)),
            **{str(number): pl.col("mask") & (1 << (STEPS_FROM + number)) != 0 for number in range(len(steps))},
        )
    )
    may_be = rows.select(str(number) for number in range(len(steps)))
    if _returns(steps):
        begun = _flags(collect(_visits(rows.lazy(), filter_)).to_series(), len(rows))
        may_be = may_be.with_columns(
            begun.alias(str(number)) for number, step in enumerate(steps) if step.activity == "return"
        )
    return Moments(rows.select("time", "ends_person", "ends_moment"), may_be, steps, order)


def _known(rows: pl.Series) -> pl.Series:
    """Rows, null for those that are nowhere."""
    return rows.set(rows == NOWHERE, None)


def _flags(rows: pl.Series, length: int) -> pl.Series:
    """Whether a row is one of some rows (Boolean)."""
    return pl.repeat(value=False, n=length, eager=True).scatter(rows, True)


def _keys(
    tables: Tables, attributes: Attributes, steps: Sequence[Step], filter_: Filter, activity: Activity
) -> pl.LazyFrame:
    """The activities of one table in integers (UInt128): user, time, and a mask of what it can be."""
    kind, time, column = TABLES[activity]
    rows: pl.LazyFrame = getattr(tables, kind)
    mask = pl.lit(0 if activity == "event" else IN_VISIT, pl.UInt16)
    if set(filter_.attributes()) <= set(BORNE[kind]):
        if is_of_users(set(filter_.attributes())):
            rows, holds = attributes.selected(rows, kind, filter_), pl.lit(value=True)
            mask += SELECTED
        else:
            holds = attributes.holds(rows, kind, filter_)
            mask += pl.when(holds & (activity == "page_view")).then(SELECTED).otherwise(0)
        for number, step in enumerate(steps):
            if step.activity == activity:
                is_step = holds if step.value is None else holds & pl.col(column).eq_missing(step.value)
                mask += pl.when(is_step).then(1 << (STEPS_FROM + number)).otherwise(0)
    moment = pl.col(time).to_physical().cast(pl.UInt64, wrap_numerical=True) * MASKS + mask
    return rows.select(key=user_hash().cast(pl.UInt128) * (1 << (TIME_BITS + MASK_BITS)) + moment.cast(pl.UInt128))


def _visits(rows: pl.LazyFrame, filter_: Filter) -> pl.LazyFrame:
    """The first rows of the visits that contain a selected activity: `row`, in order."""
    person = pl.col("ends_person").shift(1, fill_value=True).cum_sum()
    within = rows.with_row_index("row").with_columns(person=person).filter(pl.col("mask") & IN_VISIT != 0)
    goes_on = (pl.col("time") - pl.col("time").shift(1) <= VISIT_GAP // MICROSECOND) & ~_begins_person()
    begins = ~goes_on.fill_null(value=False)
    if is_of_users(set(filter_.attributes())):
        return within.filter(begins).select("row")
    visits = within.select("row", begins=begins, selected=(pl.col("mask") & SELECTED != 0).cum_sum())
    before = pl.col("selected").shift(1, fill_value=0)
    starts = visits.with_columns(before=before, last=pl.col("selected").last()).filter("begins")
    until = pl.col("before").shift(-1).fill_null(pl.col("last"))
    return starts.filter(until > pl.col("before")).select("row")


def _mask() -> pl.Expr:
    """The mask of a row (UInt16)."""
    return pl.col("key").cast(pl.UInt16, wrap_numerical=True) % MASKS
