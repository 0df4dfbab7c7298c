"""The dashboard's bundle: all sections of `GET /` over one set of tables (metrics reference, section 3)."""

from dataclasses import dataclass

import polars as pl
from pydantic import BaseModel, Field

from calculations.fpp.activities import activities
from calculations.fpp.behaviour import Behaviour, behaviour
from calculations.fpp.historical import HistoricalDay, historical
from calculations.fpp.location import Location, location
from calculations.fpp.reoccurring import ReoccurringDay, reoccurring
from calculations.fpp.tables import Tables
from calculations.fpp.traffic import Traffic, traffic
from calculations.fpp.votes import Votes, votes
from calculations.frames.collecting import worker_threads
from calculations.time.period import Period

SECTIONS_AT_ONCE = 2


class Bundle(BaseModel, frozen=True):
    """Every figure of the dashboard, as `GET /` returns them."""

    traffic: Traffic = Field(description="Visitors and how long they stay.")
    votes: Votes = Field(description="Totals and averages of votes.")
    behaviour: Behaviour = Field(description="Counts per route, event, source and room.")
    reoccurring: list[ReoccurringDay] = Field(description="Users and rooms that come back, one row per weekday.")
    historical: list[HistoricalDay] = Field(description="Counts, totals and moving averages, one row per weekday.")
    location_and_user_agent: Location = Field(description="Users per device, system, browser and place.")


@dataclass(frozen=True, eq=False)
class Figures:
    """Every figure of the dashboard, with the series as frames: turning their rows into objects would take longer than
    counting them."""

    traffic: Traffic
    votes: Votes
    behaviour: Behaviour
    reoccurring: pl.DataFrame
    historical: pl.DataFrame
    location_and_user_agent: Location


def bundle(tables: Tables, period: Period) -> Figures:
    """Compute every section from one snapshot's tables; series and visits begin with `period`.

    Two sections run at a time, because each has steps that use only one core. Sorting the activities, which traffic and
    reoccurring need, is the longest step: it comes first, in parallel with sections that do not need it.
    """
    with worker_threads(SECTIONS_AT_ONCE) as pool:
        active = pool.submit(activities, tables.estimations, period, tables.page_views)
        behaviour_ = pool.submit(behaviour, tables)
        location_ = pool.submit(location, tables.users)
        reoccurring_ = pool.submit(lambda: reoccurring(tables.estimations, period, active=active.result()))
        traffic_ = pool.submit(lambda: traffic(tables.page_views, tables.estimations, period, active=active.result()))
        historical_ = pool.submit(historical, tables, period)
        totals = pool.submit(votes, tables.votes, tables.estimations)
        return Figures(
            traffic=traffic_.result(),
            votes=totals.result(),
            behaviour=behaviour_.result(),
            reoccurring=reoccurring_.result(),
            historical=historical_.result(),
            location_and_user_agent=location_.result(),
        )
