"""Our own figures over a snapshot: the whole bundle as `GET /` computes it, and each section alone."""

from collections.abc import Callable, Mapping

import polars as pl
from pydantic import BaseModel

from calculations.fpp.behaviour import Behaviour, behaviour
from calculations.fpp.bundle import Figures, bundle
from calculations.fpp.historical import historical
from calculations.fpp.location import Location, location
from calculations.fpp.reoccurring import reoccurring
from calculations.fpp.tables import Tables
from calculations.fpp.traffic import Traffic, traffic
from calculations.fpp.votes import Votes, votes
from calculations.time.period import Period
from read_model.snapshot import Snapshot
from read_model.tables.fpp import ESTIMATIONS, FPP, PAGE_VIEWS, USERS, VOTES
from routers.tables import all_tables


def all_sections(of: Snapshot, period: Period) -> Figures:
    """The whole bundle."""
    return bundle(all_tables(of), period)


def scanned(of: Snapshot) -> Tables:
    """Every table, read by each section for the columns it needs."""
    names = {table.name.removeprefix("fpp_"): of.scan(table) for table in FPP.tables}
    return Tables(**names)


def _traffic(of: Snapshot, period: Period) -> Traffic:
    return traffic(of.scan(PAGE_VIEWS), of.scan(ESTIMATIONS), period)


def _votes(of: Snapshot, _: Period) -> Votes:
    return votes(of.scan(VOTES), of.scan(ESTIMATIONS))


def _behaviour(of: Snapshot, _: Period) -> Behaviour:
    return behaviour(scanned(of))


def _reoccurring(of: Snapshot, period: Period) -> pl.DataFrame:
    return reoccurring(of.scan(ESTIMATIONS), period)


def _historical(of: Snapshot, period: Period) -> pl.DataFrame:
    return historical(scanned(of), period)


def _location(of: Snapshot, _: Period) -> Location:
    return location(of.scan(USERS))


SECTIONS: Mapping[str, Callable[[Snapshot, Period], BaseModel | pl.DataFrame]] = {
    "traffic": _traffic,
    "votes": _votes,
    "behaviour": _behaviour,
    "reoccurring": _reoccurring,
    "historical": _historical,
    "location_and_user_agent": _location,
}
