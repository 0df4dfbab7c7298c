"""What visitors view and do, where they come from and which rooms vote (metrics reference, behaviour)."""

from functools import reduce

import polars as pl
from pydantic import BaseModel, Field

from calculations.fpp.tables import Tables
from calculations.frames.arithmetic import TOP, as_map, counts, total_per_label
from calculations.frames.collecting import collect_all

# The first rule that matches a page view's source wins. Add a category by adding a line.
SOURCE_RULES = (
    ("Teams", r"teams\."),
    ("Google Ads", r"ads\.|google_ads"),
    ("Google Search", r"www\.google\.com"),
    ("Free Planning Poker", r"free-planning-poker\.com"),
    ("CV", r"cv"),
    ("Email", r"email"),
    ("GitHub", r"github\.com"),
    ("Bing", r"bing\.com"),
)
OTHER = "Other"
# The category of a page view's `source` (String).
CATEGORY = reduce(
    lambda otherwise, rule: pl.when(pl.col("source").str.contains(rule[1])).then(pl.lit(rule[0])).otherwise(otherwise),
    reversed(SOURCE_RULES),
    pl.lit(OTHER),
).alias("category")


class Behaviour(BaseModel, frozen=True):
    """Counts per label over all rows, each by count descending, then by label."""

    routes: dict[str, int] = Field(description="Page views per route.")
    events: dict[str, int] = Field(description="Events per kind of event.")
    sources: dict[str, int] = Field(
        description="Page views per category of source; direct traffic (no source) is left out, `Other` always present."
    )
    rooms: dict[str, int] = Field(
        description="Votes per room name, the 40 largest; votes of rooms that no longer exist are under `unknown`."
    )


def behaviour(tables: Tables) -> Behaviour:
    """Count page views by route and source, events by kind and votes by room."""
    lists = behaviour_lists(tables)
    lists["rooms"] = lists["rooms"].head(TOP)
    maps = dict(zip(lists, map(as_map, collect_all(lists.values())), strict=True))
    return Behaviour.model_validate({**maps, "sources": maps["sources"] | {OTHER: maps["sources"].get(OTHER, 0)}})


def behaviour_lists(tables: Tables) -> dict[str, pl.LazyFrame]:
    """The complete lists of `Behaviour` by name: a label (String) and `count` (UInt32), only labels that occur."""
    return {
        "routes": counts(tables.page_views, "route"),
        "events": counts(tables.events, "event"),
        "sources": page_views_per_source(tables.page_views),
        "rooms": votes_per_room(tables.votes, tables.rooms),
    }


def page_views_per_source(page_views: pl.LazyFrame) -> pl.LazyFrame:
    """Page views per category of source: `category` (String), `count` (UInt32), only categories that occur."""
    per_source = page_views.drop_nulls("source").group_by("source").len("count")
    return total_per_label(per_source.select(CATEGORY, "count"), "category")


def votes_per_room(votes: pl.LazyFrame, rooms: pl.LazyFrame) -> pl.LazyFrame:
    """Votes per room name: `name` (String, `"unknown"` for erased rooms), `count` (UInt32)."""
    per_room = votes.group_by("room_id").len("count")
    named = per_room.join(rooms.select("id", "name"), left_on="room_id", right_on="id", how="left")
    return total_per_label(named.select("name", "count"), "name")
