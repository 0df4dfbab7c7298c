"""The dashboard's bundle: all sections of `GET /` over one set of tables (metrics reference, section 3)."""

import polars as pl
from pydantic import BaseModel, Field

from calculations.behaviour import Behaviour, behaviour
from calculations.historical import HistoricalDay, historical
from calculations.location import Location, location
from calculations.period import Period
from calculations.reoccurring import ReoccurringDay, reoccurring
from calculations.traffic import Traffic, traffic
from calculations.votes import Votes, votes


class Bundle(BaseModel, frozen=True):
    """Every figure of the dashboard."""

    traffic: Traffic = Field(description="Visitors and how long they stay.")
    votes: Votes = Field(description="Totals and averages of votes.")
    behaviour: Behaviour = Field(description="Counts per route, event, source and room.")
    reoccurring: list[ReoccurringDay] = Field(description="Users and rooms that come back, one row per weekday.")
    historical: list[HistoricalDay] = Field(description="Counts, totals and moving averages, one row per weekday.")
    location_and_user_agent: Location = Field(description="Users per device, system, browser and place.")


def bundle(
    *,
    estimations: pl.LazyFrame,
    events: pl.LazyFrame,
    page_views: pl.LazyFrame,
    rooms: pl.LazyFrame,
    votes_: pl.LazyFrame,
    users: pl.LazyFrame,
    period: Period,
) -> Bundle:
    """Compute every section from one snapshot's tables; series and sessions begin with `period`."""
    return Bundle(
        traffic=traffic(page_views, estimations, period),
        votes=votes(votes_, estimations),
        behaviour=behaviour(page_views, events, votes_, rooms),
        reoccurring=reoccurring(estimations, period),
        historical=historical(users, page_views, rooms, estimations, votes_, period),
        location_and_user_agent=location(users),
    )
