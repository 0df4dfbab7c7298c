"""Funnels: how far people get along a sequence of steps, and how long each step takes them.

An attempt begins with the first step. Each person counts once, at the furthest step that any attempt reaches; times are
those of the attempt that begins first among these, each step taken as early as possible.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

import polars as pl
from pydantic import BaseModel, Field

from calculations.fpp.attributes import BORNE, Attributes, Kind, is_of_users
from calculations.fpp.funnel_steps import Activity, Step
from calculations.fpp.packed_keys import user_hash
from calculations.fpp.tables import Tables
from calculations.fpp.visit_table import VISIT_GAP
from calculations.frames.arithmetic import DECIMALS, NotAdditive, average
from calculations.frames.collecting import collect, collect_all
from calculations.frames.filters import EVERYTHING, Filter
from calculations.time.period import MICROSECOND

type Order = Literal["sequential", "strict"]

US_PER_S = 1_000_000
# Below the time: whether an activity belongs to a visit, whether it is selected, and one bit per step that it may be.
IN_VISIT, SELECTED, STEPS_FROM = 1, 2, 2
MASK_BITS = 11
MASKS = 1 << MASK_BITS
TIME_BITS = 53

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
    """One attempt per person that gets to a certain step.

    Attributes:
        persons: Their numbers (UInt32).
        times: For each step after the first up to that one, how long it took them (Int64, microseconds).
    """

    persons: pl.Series
    times: Sequence[pl.Series]


def funnel(
    tables: Tables,
    attributes: Attributes,
    steps: Sequence[Step],
    *,
    filter_: Filter = EVERYTHING,
    window: timedelta | None = None,
    order: Order = "sequential",
) -> Funnel:
    """Count who gets how far.

    Args:
        tables: The page views, events (with `event_at`) and estimations of a period.
        attributes: Of users and rooms.
        steps: At least two.
        filter_: On attributes that the rows of every step bear: who or what counts as a step.
        window: How long after the first step the last one may be; None for any time.
        order: `sequential`: a step is any later moment; `strict`: it is the person's very next one.
    """
    moments = _moments(tables, attributes, steps, filter_, every_activity=order == "strict")
    levels: list[Attempts] = []
    done = pl.Series([], dtype=pl.UInt32)
    for level in range(len(steps), 0, -1):
        levels.append(_attempts(moments[:level], steps[:level], done, window, order))
        done = pl.concat([done, levels[-1].persons])
    return Funnel(steps=_counted(steps, levels))


def _counted(steps: Sequence[Step], levels: Sequence[Attempts]) -> list[FunnelStep]:
    """The steps with their figures, from the attempts that get to the last step, to the one before and so on."""
    counted: list[FunnelStep] = []
    for number, step in enumerate(steps):
        reached = levels[: len(steps) - number]
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


def _attempts(
    moments: Sequence[pl.DataFrame], steps: Sequence[Step], done: pl.Series, window: timedelta | None, order: Order
) -> Attempts:
    """The attempts that get to the last of these steps, of persons who are not `done`.

    From the last step back, each moment is led to the next one from which the rest can be done. That one is both the
    nearest in time and the one from which the last step is reached first, so no attempt is missed.
    """
    following = moments[-1].with_columns(end="time")
    followers = []
    for number in range(len(steps) - 2, -1, -1):
        followers.append(following)
        following = _led_on(moments[number], following, steps[number + 1], order)
    begun = following.filter(~pl.col("person").is_in(done.implode()))
    if window is not None:
        begun = begun.filter(pl.col("end") - pl.col("time") <= window // MICROSECOND)
    here = begun.filter((pl.col("person") != pl.col("person").shift(1)).fill_null(value=True))
    persons, times = here["person"], []
    for follower in reversed(followers):
        there = follower[here["next"]]
        times.append(there["time"] - here["time"])
        here = there
    return Attempts(persons, times)


def _led_on(moments: pl.DataFrame, following: pl.DataFrame, step: Step, order: Order) -> pl.DataFrame:
    """Those moments after which a step can be taken.

    Args:
        moments: Those to lead on: `at`, `person` and `time`.
        following: The moments that are the step, from which the rest can be done, with the time of the last one: `end`.
        step: The step.
        order: Whether it may be any later moment or has to be the next one.

    Returns:
        `moments` with `end` and `next` (UInt32, the row of `following` that it leads to).
    """
    there = following.select("at", "end", there="at", whose="person", then="time").with_row_index("next")
    # Both are sorted, so that walking along them side by side costs a fifth of searching.
    found = moments.join_asof(there, on="at", strategy="forward", allow_exact_matches=False)
    possible = pl.col("whose") == pl.col("person")
    if order == "strict":
        possible &= pl.col("there") == pl.col("at") + 1
    if step.within is not None:
        possible &= pl.col("then") - pl.col("time") <= step.within // MICROSECOND
    return found.filter(possible).select("at", "person", "time", "end", "next")


def _moments(
    tables: Tables, attributes: Attributes, steps: Sequence[Step], filter_: Filter, *, every_activity: bool
) -> list[pl.DataFrame]:
    """The moments that may be each step; what one person did at one time is one moment, which may be several steps.

    Moments are numbered by person, then by time: all of them with `every_activity`, otherwise only what may be a step,
    or is part of a visit to return by.

    Returns:
        For each step, in order: `at` (UInt32, the number of the moment), `person` (UInt32, that of the person) and
        `time` (Int64, microseconds since 1970).
    """
    needed = {step.activity for step in steps}
    if "return" in needed:
        needed |= {"page_view", "estimation"}
    keys = [
        _keys(tables, attributes, steps, filter_, activity)
        for activity in TABLES
        if every_activity or activity in needed
    ]
    ordered = collect(pl.concat(keys)).get_column("key").drop_nulls().sort().to_frame().lazy()
    rows = ordered.select(
        instant=pl.col("key") // MASKS, mask=pl.col("key").cast(pl.UInt16, wrap_numerical=True) % MASKS
    )
    is_new = (pl.col("instant") != pl.col("instant").shift(1)).fill_null(value=True)
    rows = rows.with_columns(is_new=is_new).with_columns(at=pl.col("is_new").cum_sum().cast(pl.UInt32) - 1)
    begins_person = _gap().is_null() | (_gap() > 1 << (TIME_BITS - 1))
    moments = rows.filter("is_new").select(person=begins_person.cum_sum(), time=_microsecond())
    found, *may_be = collect_all([moments, *(_may_be(rows, number, step) for number, step in enumerate(steps))])
    # In one piece each: to gather from many costs several times as much.
    found = found.rechunk()
    return [each.hstack(found[each["at"]]) for each in may_be]


def _keys(
    tables: Tables, attributes: Attributes, steps: Sequence[Step], filter_: Filter, activity: Activity
) -> pl.LazyFrame:
    """The activities of one table in integers (UInt128): user, time, and a mask of what each of them is."""
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
    instant = pl.col(time).to_physical().cast(pl.UInt128, wrap_numerical=True) * MASKS
    person = user_hash().cast(pl.UInt128) * (1 << (TIME_BITS + MASK_BITS))
    return rows.select(key=person + instant + mask.cast(pl.UInt128))


def _may_be(rows: pl.LazyFrame, number: int, step: Step) -> pl.LazyFrame:
    """The moments that may be a step: `at`, in order, each once."""
    if step.activity == "return":
        return _visits(rows)
    found = rows.filter(pl.col("mask") & (1 << (STEPS_FROM + number)) != 0).select("at")
    return found.filter((pl.col("at") != pl.col("at").shift(1)).fill_null(value=True))


def _visits(rows: pl.LazyFrame) -> pl.LazyFrame:
    """The moments at which visits begin that contain something selected: `at`, in order."""
    within = rows.filter(pl.col("mask") & IN_VISIT != 0)
    begins = _gap().is_null() | (_gap() > VISIT_GAP // MICROSECOND)
    visits = within.select("at", begins=begins, selected=(pl.col("mask") & SELECTED != 0).cum_sum())
    before = pl.col("selected").shift(1, fill_value=0)
    starts = visits.with_columns(before=before, last=pl.col("selected").last()).filter("begins")
    until = pl.col("before").shift(-1).fill_null(pl.col("last"))
    return starts.filter(until > pl.col("before")).select("at")


def _gap() -> pl.Expr:
    """The distance from the row above (UInt128, microseconds between instants of one person)."""
    return pl.col("instant") - pl.col("instant").shift(1)


def _microsecond() -> pl.Expr:
    return (pl.col("instant").cast(pl.UInt64, wrap_numerical=True) % (1 << TIME_BITS)).cast(pl.Int64)
