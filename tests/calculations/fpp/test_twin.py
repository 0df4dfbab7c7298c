"""Fast and slow agree: the calculations on frames, the oracle on the same rows, down to types and order."""

import json
from typing import Any

import polars as pl
from hypothesis import given, settings
from pydantic import BaseModel

from calculations.fpp.behaviour import behaviour
from calculations.fpp.daily import daily
from calculations.fpp.historical import historical
from calculations.fpp.location import location
from calculations.fpp.reoccurring import reoccurring
from calculations.fpp.room_stats import room_stats
from calculations.fpp.traffic import traffic
from calculations.fpp.votes import votes
from calculations.frames.json_rows import json_rows
from read_model.tables.fpp import ESTIMATIONS, EVENTS, PAGE_VIEWS, ROOMS, USERS, VOTES
from tests import oracle
from tests.calculations.figures import ASKED_ROOMS, clocks, fast, slow
from tests.calculations.strategies import Case, busy_case, cases, tables_of

# Figures that depend on how the rows of one user lie in time, and are quick to compute.
more_examples = settings(max_examples=4 * settings().max_examples)


def as_json(result: BaseModel) -> Any:
    """What the client gets."""
    return result.model_dump(mode="json")


def rows_as_json(result: pl.DataFrame) -> Any:
    """What the client gets of a series."""
    return json.loads(b"[%s]" % json_rows(result))


def assert_same(ours: Any, theirs: Any) -> None:
    """Equal, also in the order of every map, and an integer where an integer is meant."""
    assert ours == theirs
    assert json.dumps(ours) == json.dumps(theirs)


@more_examples
@given(cases(PAGE_VIEWS, ESTIMATIONS))
def test_traffic(case: Case) -> None:
    """Visitors, bounce rate and visits."""
    result = traffic(case.frame(PAGE_VIEWS), case.frame(ESTIMATIONS), case.period)
    assert_same(as_json(result), oracle.traffic(case.tables, case.start))


@given(cases(VOTES, ESTIMATIONS))
def test_votes(case: Case) -> None:
    """Totals, averages, weekdays and values."""
    result = votes(case.frame(VOTES), case.frame(ESTIMATIONS))
    assert_same(as_json(result), oracle.votes(case.tables))


@given(cases(PAGE_VIEWS, EVENTS, VOTES, ROOMS))
def test_behaviour(case: Case) -> None:
    """Routes, events, sources and rooms."""
    result = behaviour(tables_of(case.frames))
    assert_same(as_json(result), oracle.behaviour(case.tables))


@more_examples
@given(cases(ESTIMATIONS))
def test_reoccurring(case: Case) -> None:
    """Who comes back, day by day."""
    result = reoccurring(case.frame(ESTIMATIONS), case.period)
    assert_same(
        json.loads(result.cast({"date": pl.String}).write_json()), oracle.reoccurring(case.tables, case.start, case.now)
    )


@given(cases(USERS, PAGE_VIEWS, ROOMS, ESTIMATIONS, VOTES))
def test_historical(case: Case) -> None:
    """Counts, totals and moving averages, day by day."""
    result = historical(tables_of(case.frames), case.period)
    assert_same(
        json.loads(result.cast({"date": pl.String}).write_json()), oracle.historical(case.tables, case.start, case.now)
    )


@given(cases(USERS))
def test_location(case: Case) -> None:
    """Devices, systems, browsers and places."""
    assert_same(as_json(location(case.frame(USERS))), oracle.location_and_user_agent(case.tables))


@given(cases(VOTES))
def test_room_stats(case: Case) -> None:
    """Every room, and some that are not there."""
    for room in ASKED_ROOMS:
        assert_same(as_json(room_stats(case.frame(VOTES), room)), oracle.room_stats(case.tables, room))


@given(cases(VOTES, PAGE_VIEWS, crowds=False))
def test_daily(case: Case) -> None:
    """At the clock of the case, and when a row comes into the window or falls out of it."""
    for now in clocks(case)[:30]:
        assert_same(as_json(daily(case.frame(VOTES), case.frame(PAGE_VIEWS), now)), oracle.daily(case.tables, now))


@given(cases())
def test_everything(case: Case) -> None:
    """The whole bundle, rooms and days from all six tables."""
    assert_same(fast(case, case.frames), slow(case))


def test_everything_of_busy_tables() -> None:
    """The same over 3,000 rows per table."""
    case = busy_case(3_000)
    assert_same(fast(case, case.frames), slow(case))
