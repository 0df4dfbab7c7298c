"""Routes, events, sources and rooms, worked by hand."""

import pytest

from calculations.fpp.behaviour import Behaviour, behaviour
from calculations.fpp.tables import Tables
from read_model.tables.fpp import EVENTS, PAGE_VIEWS, ROOMS, VOTES
from tests.rows import rows

FORTY_ONE = [f"room-{number:02}" for number in range(41)]


def behaviour_of(*, views: str = "", events: str = "", votes: str = "", rooms_: str = "") -> Behaviour:
    """The counts of four drawn tables."""
    return behaviour(
        Tables(
            page_views=rows(PAGE_VIEWS, views),
            events=rows(EVENTS, events),
            votes=rows(VOTES, votes),
            rooms=rows(ROOMS, rooms_),
        )
    )


def drawing(*lines: str) -> str:
    """Lines as one drawing."""
    return "\n".join(lines)


def test_empty_tables_have_no_counts_but_other() -> None:
    """`Other` is there with 0."""
    assert behaviour_of() == Behaviour(routes={}, events={}, sources={"Other": 0}, rooms={})


def test_routes_by_count_then_by_name() -> None:
    """ROOM twice, then the tie of GUIDE and HOME by name."""
    result = behaviour_of(
        views="""
        route
        HOME
        ROOM
        GUIDE
        ROOM
        """
    )
    assert list(result.routes.items()) == [("ROOM", 2), ("GUIDE", 1), ("HOME", 1)]


def test_a_null_route_is_unknown() -> None:
    """Two of three have no route."""
    result = behaviour_of(
        views="""
        route | viewed_at
        null  | 2026-03-02 09:00
        HOME  | 2026-03-02 09:00
        null  | null
        """
    )
    assert list(result.routes.items()) == [("unknown", 2), ("HOME", 1)]


def test_all_rows_count_whenever_they_were() -> None:
    """One before any START_DATE, one on a Sunday, one at midnight, one without a time: four."""
    result = behaviour_of(
        views="""
        route | source | viewed_at
        HOME  | email  | 2001-01-01 00:00
        HOME  | email  | 2026-03-01 12:00
        HOME  | email  | 2026-03-02 00:00
        HOME  | email  | null
        """
    )
    assert (result.routes, result.sources) == ({"HOME": 4}, {"Email": 4, "Other": 0})


def test_events_by_count_then_by_name_with_unknown() -> None:
    """LEFT_ROOM twice, then the tie in order of names: capital letters come before small ones."""
    result = behaviour_of(
        events="""
        event
        null
        LEFT_ROOM
        COPIED_ROOM_LINK
        LEFT_ROOM
        """
    )
    assert list(result.events.items()) == [("LEFT_ROOM", 2), ("COPIED_ROOM_LINK", 1), ("unknown", 1)]


@pytest.mark.parametrize(
    ("source", "category"),
    [
        ("https://teams.microsoft.com/", "Teams"),
        ("statics.teams.cdn.office.net", "Teams"),
        ("https://ads.example.com", "Google Ads"),
        ("google_ads", "Google Ads"),
        ("https://www.google.com/search", "Google Search"),
        ("https://free-planning-poker.com", "Free Planning Poker"),
        ("my-cv", "CV"),
        ("email", "Email"),
        ("https://github.com/x", "GitHub"),
        ("https://www.bing.com/", "Bing"),
        ("https://www.google.de/", "Other"),
        ("Email", "Other"),
        ("teamsXmicrosoft", "Other"),
        ("wwwXgoogleXcom", "Other"),
        ("https://münchen.example/", "Other"),
        ('""', "Other"),
    ],
)
def test_category_of_a_source(source: str, category: str) -> None:
    """Dots are dots, capital letters count, and what no rule knows is `Other`, also the empty text."""
    expected = {category: 1} if category == "Other" else {category: 1, "Other": 0}
    assert behaviour_of(views=drawing("source", source)).sources == expected


@pytest.mark.parametrize(
    ("source", "category"),
    [
        ("teams.ads.example", "Teams"),
        ("ads.www.google.com", "Google Ads"),
        ("google_ads at www.google.com", "Google Ads"),
        ("www.google.com for free-planning-poker.com", "Google Search"),
        ("free-planning-poker.com/cv", "Free Planning Poker"),
        ("cv by email", "CV"),
        ("email from github.com", "Email"),
        ("github.com on bing.com", "GitHub"),
        ("bing.com after teams.", "Teams"),
    ],
)
def test_the_first_rule_that_matches_wins(source: str, category: str) -> None:
    """Each source matches two rules."""
    assert behaviour_of(views=drawing("source", source)).sources == {category: 1, "Other": 0}


def test_sources_by_count_then_by_name_and_direct_traffic_left_out() -> None:
    """Two of Bing under different addresses, then CV and Other by name; the two null sources are nowhere."""
    result = behaviour_of(
        views="""
        source
        null
        bing.com
        example.org
        cv
        bing.com/search
        null
        """
    )
    assert list(result.sources.items()) == [("Bing", 2), ("CV", 1), ("Other", 1)]


def test_other_comes_last_when_nothing_is_other() -> None:
    """0 is the smallest count."""
    result = behaviour_of(
        views="""
        source
        teams.
        """
    )
    assert list(result.sources.items()) == [("Teams", 1), ("Other", 0)]


def test_rooms_are_votes_per_name() -> None:
    """Two votes in Zürich, one in ateam, one in Zebra; a room without votes is not listed. Capitals come first."""
    result = behaviour_of(
        votes="""
        room_id
        1
        2
        1
        3
        """,
        rooms_="""
        id | name
        1  | Zürich
        2  | ateam
        3  | Zebra
        4  | silent
        """,
    )
    assert list(result.rooms.items()) == [("Zürich", 2), ("Zebra", 1), ("ateam", 1)]


def test_non_ascii_names_are_ordered_by_code_point() -> None:
    """One vote each: z before ä before 李."""
    result = behaviour_of(
        votes="""
        room_id
        1
        2
        3
        """,
        rooms_="""
        id | name
        1  | 李雷
        2  | ä
        3  | z
        """,
    )
    assert list(result.rooms) == ["z", "ä", "李雷"]


def test_votes_of_erased_rooms_are_unknown() -> None:
    """Rooms 8 and 9 are gone, one vote has no room, one room no name: four under `unknown`, one for the team."""
    result = behaviour_of(
        votes="""
        room_id
        1
        2
        8
        9
        null
        """,
        rooms_="""
        id | name
        1  | team
        2  | null
        """,
    )
    assert list(result.rooms.items()) == [("unknown", 4), ("team", 1)]


def test_of_41_equal_counts_the_last_name_is_cut() -> None:
    """One vote in each of 41 rooms, drawn backwards: the first 40 names remain, in order."""
    result = behaviour_of(
        votes=drawing("room_id", *(str(number) for number in range(41))),
        rooms_=drawing("id | name", *(f"{number} | {name}" for number, name in reversed(list(enumerate(FORTY_ONE))))),
    )
    assert list(result.rooms.items()) == [(name, 1) for name in FORTY_ONE[:40]]


def test_the_larger_count_is_never_cut() -> None:
    """The last name has two votes and comes first; of the 40 with one vote, 39 remain."""
    result = behaviour_of(
        votes=drawing("room_id", "40", *(str(number) for number in range(41))),
        rooms_=drawing("id | name", *(f"{number} | {name}" for number, name in enumerate(FORTY_ONE))),
    )
    assert list(result.rooms.items()) == [("room-40", 2), *((name, 1) for name in FORTY_ONE[:39])]


def test_only_rooms_are_cut() -> None:
    """41 routes and 41 events all remain."""
    result = behaviour_of(views=drawing("route", *FORTY_ONE), events=drawing("event", *FORTY_ONE))
    assert (len(result.routes), len(result.events)) == (41, 41)
