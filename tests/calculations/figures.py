"""Every figure the service can return for a case: computed fast by the calculations and slowly by the oracle."""

import json
from datetime import datetime, timedelta
from typing import Any

from calculations.fpp.bundle import bundle
from calculations.fpp.daily import daily
from calculations.fpp.room_stats import room_stats
from read_model.tables.fpp import PAGE_VIEWS, VOTES
from routers.bundle_json import bundle_json
from tests import oracle
from tests.calculations.strategies import ABSENT_ROOMS, ROOM_IDS, Case, Frames, tables_of

ASKED_ROOMS = (*ROOM_IDS, *ABSENT_ROOMS)
SOME = 4


def fast(case: Case, frames: Frames) -> dict[str, Any]:
    """The responses as JSON, computed from `frames` at the times of `case`."""
    figures = bundle(tables_of(frames), case.period)
    return {
        "bundle": json.loads(bundle_json(figures)),
        "rooms": {room: room_stats(frames[VOTES], room).model_dump(mode="json") for room in ASKED_ROOMS},
        "daily": [daily(frames[VOTES], frames[PAGE_VIEWS], now).model_dump(mode="json") for now in clocks(case)[:SOME]],
    }


def slow(case: Case) -> dict[str, Any]:
    """The same, computed by the oracle."""
    return {
        "bundle": oracle.bundle(case.tables, case.start, case.now),
        "rooms": {room: oracle.room_stats(case.tables, room) for room in ASKED_ROOMS},
        "daily": [oracle.daily(case.tables, now) for now in clocks(case)[:SOME]],
    }


def clocks(case: Case) -> list[datetime]:
    """The clock of the case, and those at which a row of the last 24 hours comes in or falls out."""
    edges = (timedelta(), timedelta(microseconds=1), timedelta(hours=24), timedelta(hours=24, microseconds=1))
    return [case.now, *(instant + edge for instant in case.instants() for edge in edges)]
