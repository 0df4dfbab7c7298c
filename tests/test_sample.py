"""The sample of the demo: exact sizes, repeatable, never ahead of its clock, and similar to real use."""

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from demo.sample import COLUMNS, room_names, sample
from demo.sample_rhythm import FIRST_DAY
from read_model.tables.fpp import FPP

type Tables = dict[str, pl.DataFrame]

NOW = datetime(2026, 11, 20, 9, 40, 8, 500, tzinfo=UTC)  # a Friday morning
SUNDAY_NIGHT = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
FIRST_MORNING = FIRST_DAY + timedelta(hours=1)
SCALE = 0.02
TIMES = {
    "fpp_estimations": "estimated_at",
    "fpp_events": "event_at",
    "fpp_page_views": "viewed_at",
    "fpp_rooms": "first_used_at",
    "fpp_votes": "voted_at",
    "fpp_users": "created_at",
}


class Category(NamedTuple):
    """One rule of section 3 of the metrics reference."""

    name: str
    pattern: str


SOURCES = (
    Category("Teams", r"teams\."),
    Category("Google Ads", r"ads\.|google_ads"),
    Category("Google Search", r"www\.google\.com"),
    Category("Free Planning Poker", r"free-planning-poker\.com"),
    Category("CV", "cv"),
    Category("Email", "email"),
    Category("GitHub", r"github\.com"),
    Category("Bing", r"bing\.com"),
)


def share(holds: pl.Series) -> float:
    """How often a condition holds, 0..1."""
    return int(holds.sum()) / holds.len()


@pytest.fixture(scope="module")
def small() -> Tables:
    """A fiftieth of the sample."""
    return sample(NOW, SCALE)


@pytest.fixture(scope="module")
def full() -> Tables:
    """The sample at scale 1, made in a fraction of a second."""
    return sample(NOW)


def test_tables_have_the_requested_sizes(small: Tables) -> None:
    """A fiftieth of 75,000 estimations is 1,500, and so on."""
    assert {name: table.height for name, table in small.items()} == {
        "fpp_estimations": 1_500,
        "fpp_events": 800,
        "fpp_page_views": 1_200,
        "fpp_rooms": 50,
        "fpp_votes": 360,
        "fpp_users": 200,
    }


@pytest.mark.parametrize("scale", [0.000_01, 0.001, 0.013])
def test_every_table_has_a_row_at_any_scale(scale: float) -> None:
    """Even where a table rounds to nothing."""
    assert all(table.height >= 1 for table in sample(NOW, scale).values())


def test_columns_are_those_of_the_source(small: Tables) -> None:
    """Names, order and types as declared, and what the read model requires among them."""
    assert {name: dict(table.schema) for name, table in small.items()} == COLUMNS
    needed = {table.name: table.columns for table in FPP.tables}
    assert all(needed[name].items() <= columns.items() for name, columns in COLUMNS.items())


def test_same_seed_gives_the_same_rows(small: Tables) -> None:
    """And another seed gives others."""
    for name, table in sample(NOW, SCALE).items():
        assert_frame_equal(table, small[name])
    assert not sample(NOW, SCALE, seed=1)["fpp_votes"].equals(small["fpp_votes"])


@pytest.mark.parametrize("now", [NOW, SUNDAY_NIGHT, FIRST_MORNING, FIRST_DAY + timedelta(days=9)])
def test_rows_end_within_the_last_minutes_before_now(now: datetime) -> None:
    """Also at night, at a weekend and at the beginning: nothing before the first day, nothing from the future."""
    for name, table in sample(now, SCALE).items():
        instants = table[TIMES[name]]
        assert instants.is_sorted()
        assert instants.is_between(FIRST_DAY, now).all(), name
        assert instants.is_between(now - timedelta(hours=1), now).any(), name


def test_rows_begin_with_the_first_day(full: Tables) -> None:
    """At scale 1 every table has rows in the first week."""
    for name, table in full.items():
        assert table[TIMES[name]][0] < FIRST_DAY + timedelta(days=7), name


def test_instants_are_whole_seconds(small: Tables) -> None:
    """MySQL's `timestamp` has no fractions, `now` may have."""
    for name, table in small.items():
        assert (table[TIMES[name]].dt.microsecond() == 0).all(), name


def test_keys_are_unique(full: Tables) -> None:
    """Ids count from 1 in order of time; users have nanoids; rooms have a number and a name of their own."""
    for name, table in full.items():
        if name != "fpp_users":
            assert table["id"].to_list() == list(range(1, table.height + 1))
    users, rooms = full["fpp_users"], full["fpp_rooms"]
    assert users["id"].n_unique() == users.height
    assert users["id"].str.contains(r"^[A-Za-z0-9_-]{21}$").all()
    assert not users["id"].is_sorted()
    assert rooms["number"].n_unique() == rooms["name"].n_unique() == rooms.height
    assert rooms["name"].str.contains("^[a-z]+[0-9]*$").all()


def test_names_of_a_quarter_of_a_million_rooms_are_unique_and_fit() -> None:
    """The size at scale 100; the column holds 15 characters."""

    names = room_names(np.random.default_rng(1), 250_000)
    assert names.n_unique() == 250_000
    assert names.str.len_chars().max() == 15


def test_references_lead_to_rows(small: Tables) -> None:
    """Users and rooms of every table exist; only page views of a room name it."""
    users, rooms = small["fpp_users"]["id"].implode(), small["fpp_rooms"]["id"].implode()
    for name in ("fpp_estimations", "fpp_events", "fpp_page_views"):
        assert small[name]["user_id"].is_in(users).all()
    for name in ("fpp_estimations", "fpp_votes"):
        assert small[name]["room_id"].is_in(rooms).all()
    views = small["fpp_page_views"]
    assert (views["room_id"].is_not_null() == (views["route"] == "ROOM")).all()
    assert views["room_id"].drop_nulls().is_in(rooms).all()


def test_votes_agree_with_their_estimations(full: Tables) -> None:
    """Lowest <= average <= highest, and as many spectators and estimated values as there are rows."""
    votes, estimations = full["fpp_votes"], full["fpp_estimations"]
    assert votes.select(pl.col("avg_estimation").is_between("min_estimation", "max_estimation").all()).item()
    assert votes["amount_of_estimations"].min() == 1
    assert votes["amount_of_estimations"].sum() == estimations["estimation"].count()
    assert votes["amount_of_spectators"].sum() == estimations["spectator"].sum()
    assert set(estimations["estimation"]) == {0, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 100, None}


def test_rows_of_a_room_and_a_user_lie_in_their_time(full: Tables) -> None:
    """Nobody estimates before they came, and a room is in use from its first to its last vote."""
    estimations = (
        full["fpp_estimations"]
        .join(full["fpp_users"], left_on="user_id", right_on="id")
        .join(full["fpp_rooms"], left_on="room_id", right_on="id")
    )
    assert estimations.height == full["fpp_estimations"].height
    assert (estimations["created_at"] <= estimations["estimated_at"]).all()
    assert estimations.select(pl.col("estimated_at").is_between("first_used_at", "last_used_at").all()).item()


def test_planning_poker_is_played_on_workdays(full: Tables) -> None:
    """Weekends are quiet, not empty; most happens between 6 and 22 UTC; the last year is busier than the first."""
    for name, table in full.items():
        instants = table[TIMES[name]]
        assert 0.9 < share(instants.dt.weekday() <= 5) < 0.995, name
        assert 0.9 < share(instants.dt.hour().is_between(6, 21)) < 1, name
        assert (instants >= NOW - timedelta(days=365)).sum() > (instants < FIRST_DAY + timedelta(days=365)).sum(), name


def test_teams_return(full: Tables) -> None:
    """Hundreds of rooms meet on several days, and their sessions hold several votes within the hour."""
    votes = full["fpp_votes"].with_columns(day=pl.col("voted_at").dt.date())
    meetings = votes.group_by("room_id", "day").agg(
        pl.len(), length=pl.col("voted_at").max() - pl.col("voted_at").min()
    )
    days = meetings.group_by("room_id").len()["len"]
    assert (days >= 3).sum() > 200
    assert days.top_k(1).item() > 10 * days.sum() / days.len()
    several = meetings.filter(pl.col("len") >= 3)
    assert several.height > 1_500
    assert share(several["length"] < timedelta(hours=1)) > 0.95


def test_about_half_of_the_visitors_only_look(full: Tables) -> None:
    """Every user has a page view, 40 to 60 % never estimate, and some have that one page view only."""
    views = full["fpp_page_views"].group_by("user_id").len()
    assert views.height == 10_000
    assert 0.4 < 1 - full["fpp_estimations"]["user_id"].n_unique() / views.height < 0.6
    assert share(views["len"] == 1) > 0.15


def test_every_category_of_sources_is_reached(full: Tables) -> None:
    """By its own rule, and with direct visits and others besides."""
    sources = full["fpp_page_views"]["source"]
    assert sources.null_count() > 0
    for category in SOURCES:
        matches = sources.str.contains(category.pattern)
        assert matches.any(), category.name
        sources = sources.filter(~matches)
    assert sources.drop_nulls().len() > 0


def test_every_route_and_event_occurs(full: Tables) -> None:
    """All values of the two enums, HOME and ROOM most."""
    routes = full["fpp_page_views"]["route"].value_counts(sort=True)["route"].to_list()
    assert set(routes[:2]) == {"HOME", "ROOM"}
    assert set(routes[2:]) == {"CONTACT", "IMPRINT", "GUIDE", "ANALYTICS", "ROADMAP"}
    assert full["fpp_events"]["event"].n_unique() == 8


def test_users_come_from_many_places(full: Tables) -> None:
    """More than 20 countries and 40 cities, each city in one region; some of everything is unknown."""
    users = full["fpp_users"]
    assert users["country"].n_unique() > 20
    cities = users.select("country", "region", "city").unique().drop_nulls("city")
    assert cities.height > 40
    assert cities["city"].is_unique().all()
    assert all(users[name].null_count() > 0 for name in ("device", "os", "browser", "country", "region", "city"))


@pytest.mark.parametrize(
    ("now", "scale", "reason"),
    [
        (NOW.replace(tzinfo=None), 1.0, "time zone"),
        (FIRST_DAY, 1.0, "at least one hour after"),
        (NOW, 0.0, "positive"),
        (NOW, float("nan"), "positive"),
    ],
)
def test_arguments_without_a_sample_are_refused(now: datetime, scale: float, reason: str) -> None:
    """The error says which argument and why."""
    with pytest.raises(ValueError, match=reason):
        sample(now, scale)
