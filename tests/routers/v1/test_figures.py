"""Traffic, votes, behaviour and location of a period, worked by hand."""

from collections.abc import Callable

import pytest

from read_model.tables.fpp import PAGE_VIEWS, USERS, VOTES
from tests.routers.v1.api import Api, assert_same_rows, flat
from tests.web.problems import problem

WEEK = "2026-03-02,2026-03-05"
BEFORE = "2026-02-23,2026-02-26"
FIGURES = ("traffic", "votes")
LISTS = ("behaviour", "location")


def figure(value: float, comparison: float, change: float, change_pct: float | None) -> dict[str, float | None]:
    """A compared figure."""
    return {"value": value, "comparison": comparison, "change": change, "change_pct": change_pct}


def test_traffic(api: Api) -> None:
    """Four views of Ann, Bob and Cem, who alone did not estimate; six visits: Ann's first took 610 s, the others 10."""
    assert api.data("traffic", date_range=WEEK) == {
        "visitors": 3,
        "visits": 6,
        "page_views": 4,
        "views_per_visit": 0.67,
        "bounce_rate": 0.33,
        "visit_duration": 110.0,
    }


def test_traffic_compared(api: Api) -> None:
    """With Ann's one visit of 610 s and one view in the week before."""
    assert api.data("traffic", date_range=WEEK, compare=BEFORE) == {
        "visitors": figure(3, 1, 2, 200.0),
        "visits": figure(6, 1, 5, 500.0),
        "page_views": figure(4, 1, 3, 300.0),
        "views_per_visit": figure(0.67, 1.0, -0.33, -33.0),
        "bounce_rate": figure(0.33, 0.0, 0.33, None),
        "visit_duration": figure(110.0, 610.0, -500.0, -81.9672),
    }


def test_votes(api: Api) -> None:
    """Four votes of 3, 4, 1 and 1 estimations that took 30, 90, 120 and 60 s: 9 estimations, 300 s, 1.25 minutes."""
    assert api.data("votes", date_range=WEEK) == {
        "total_votes": 4,
        "total_estimations": 9,
        "avg_estimations_per_vote": 2.25,
        "avg_spectators_per_vote": 0.75,
        "avg_duration_per_vote": 1.25,
        "avg_duration_per_vote_s": 75.0,
        "avg_estimation": 3.88,
        "avg_min_estimation": 2.75,
        "avg_max_estimation": 5.0,
        "weekday_counts": {
            "Monday": 1,
            "Tuesday": 1,
            "Wednesday": 0,
            "Thursday": 2,
            "Friday": 0,
            "Saturday": 0,
            "Sunday": 0,
        },
        "estimation_counts": {"5": 2, "8": 1},
    }


def test_maps_are_compared_figure_by_figure(api: Api) -> None:
    """An estimation of 8 had no match in the week before; Mondays had one vote each."""
    data = api.data("votes", date_range=WEEK, compare=BEFORE)
    assert data["total_votes"] == figure(4, 1, 3, 300.0)
    assert data["weekday_counts"]["Monday"] == figure(1, 1, 0, 0.0)
    assert data["weekday_counts"]["Sunday"] == figure(0, 0, 0, None)
    assert data["estimation_counts"] == {"5": figure(2, 1, 1, 100.0), "8": figure(1, 0, 1, None)}


def test_a_map_of_nothing_is_compared_with_nothing(api: Api) -> None:
    """No estimation in either period, and no other figure asked for."""
    parameters = {"date_range": "2026-02-10,2026-02-11", "compare": "previous_period", "metrics": "estimation_counts"}
    assert api.data("votes", **parameters) == {"estimation_counts": {}}


def test_weekdays_are_those_of_the_zone(api_over: Callable[..., Api]) -> None:
    """Monday 23:30 UTC is Tuesday in Berlin, Monday in New York."""
    api = api_over({VOTES: "voted_at\n2026-03-02 23:30"})
    counts = {
        zone: api.data("votes", timezone=zone)["weekday_counts"] for zone in ("Europe/Berlin", "America/New_York")
    }
    assert [counts[zone]["Tuesday"] for zone in counts] == [1, 0]
    assert [counts[zone]["Monday"] for zone in counts] == [0, 1]


def test_an_open_period_is_compared_with_the_same_elapsed_time(api_over: Callable[..., Api]) -> None:
    """Today until 12:30 with yesterday until 12:30: the view at 12:30 yesterday is after that."""
    api = api_over({PAGE_VIEWS: "viewed_at\n2026-03-04 12:29:59\n2026-03-04 12:30\n2026-03-05 09:00\n2026-03-05 10:00"})
    body = api.get("traffic", date_range="2026-03-05,2026-03-05", compare="previous_period")
    assert body["data"]["page_views"] == figure(2, 1, 1, 100.0)
    assert body["query"]["comparison"] == {
        "first_instant": "2026-03-04T00:00:00Z",
        "last_instant": "2026-03-04T12:29:59.999999Z",
    }


def test_while_the_data_are_old_less_has_elapsed(api_over: Callable[..., Api]) -> None:
    """The data show 10:00; at 12:30, yesterday until 10:00 is compared."""
    api = api_over(
        {PAGE_VIEWS: "viewed_at\n2026-03-04 09:59\n2026-03-04 11:00\n2026-03-05 09:00"},
        published=Api.now.replace(hour=10, minute=0),
    )
    data = api.data("traffic", date_range="2026-03-05,2026-03-05", compare="previous_period")
    assert data["page_views"] == figure(1, 1, 0, 0.0)


def test_behaviour(api: Api) -> None:
    """By count, then by name; room 404 does not exist, and Ann's view without a source is direct."""
    assert api.data("behaviour", date_range=WEEK) == {
        "routes": [{"name": "HOME", "count": 2}, {"name": "GUIDE", "count": 1}, {"name": "ROOM", "count": 1}],
        "events": [{"name": "LEFT_ROOM", "count": 2}, {"name": "ENTERED_NEW_ROOM", "count": 1}],
        "sources": [
            {"name": "GitHub", "count": 1},
            {"name": "Google Search", "count": 1},
            {"name": "Other", "count": 1},
        ],
        "rooms": [{"name": "=1+1", "count": 2}, {"name": "team", "count": 1}, {"name": "unknown", "count": 1}],
    }


def test_location(api: Api) -> None:
    """Two users were created in that week, one of whom nothing is known but the city and the device."""
    data = api.data("location", date_range=WEEK)
    assert data["device"] == [{"name": "desktop", "count": 1}, {"name": "mobile", "count": 1}]
    assert data["country"] == [{"name": "DE", "count": 1}, {"name": "unknown", "count": 1}]
    assert data["country_city"] == [
        {"country": "DE", "name": "Berlin", "count": 1},
        {"country": "unknown", "name": "@home", "count": 1},
    ]


def test_lists_are_compared_label_by_label(api: Api) -> None:
    """In both weeks LEFT_ROOM, in this one only ENTERED_NEW_ROOM; Firefox only in the one before."""
    events = api.data("behaviour", date_range=WEEK, compare=BEFORE)["events"]
    assert events == [
        {"name": "LEFT_ROOM", "count": figure(2, 1, 1, 100.0)},
        {"name": "ENTERED_NEW_ROOM", "count": figure(1, 0, 1, None)},
    ]
    browsers = api.data("location", date_range=WEEK, compare=BEFORE)["browser"]
    assert {row["name"]: row["count"]["change"] for row in browsers} == {"Chrome": 1, "unknown": 1, "Firefox": -1}
    assert browsers[-1]["name"] == "Firefox"


@pytest.mark.parametrize("path", FIGURES)
@pytest.mark.parametrize("compare", [{}, {"compare": BEFORE}], ids=["plain", "compared"])
def test_figures_in_other_formats_are_one_row(api: Api, path: str, compare: dict[str, str]) -> None:
    """A column per figure, with dots for those of maps, in parts when compared."""
    data = api.data(path, date_range=WEEK, **compare)
    assert_same_rows(api, path, [dict(flat(data))], date_range=WEEK, **compare)


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize(
    "asked", [{}, {"compare": BEFORE}, {"limit": "1", "offset": "1"}, {"order_by": "name:desc"}], ids=str
)
def test_lists_in_other_formats_are_one_table(api: Api, path: str, asked: dict[str, str]) -> None:
    """The first column says of which list a row is; a column of other lists only is empty."""
    data = api.data(path, date_range=WEEK, **asked)
    labels = {"list": "", "name": None} | ({"country": None} if path == "location" else {})
    expected = [labels | {"list": list_} | dict(flat(row)) for list_, rows in data.items() for row in rows]
    assert_same_rows(api, path, expected, date_range=WEEK, **asked)


TIES = {
    USERS: """
        device | country | city   | created_at
        d      | DE      | Berlin | 2026-03-02 09:00
        c      | DE      | Zürich | 2026-03-02 09:00
        b      | CH      | Zürich | 2026-03-02 09:00
        b      | null    | null   | 2026-03-02 09:00
        a      | AT      | Linz   | 2026-03-02 09:00
        """
}


@pytest.mark.parametrize(
    ("order_by", "names"),
    [
        (None, "bacd"),
        ("count", "acdb"),
        ("count:asc", "acdb"),
        ("count:desc,name:desc", "bdca"),
        ("name", "abcd"),
        ("name:desc", "dcba"),
        (" name:desc , count", "dcba"),
        ("name,name:desc", "abcd"),
    ],
)
def test_order_by(api_over: Callable[..., Api], order_by: str | None, names: str) -> None:
    """b occurs twice, the others once: what order_by leaves open, the usual order decides."""
    asked = {} if order_by is None else {"order_by": order_by}
    devices = api_over(TIES).data("location", **asked)["device"]
    assert "".join(row["name"] for row in devices) == names


def test_order_by_a_column_some_lists_have(api_over: Callable[..., Api]) -> None:
    """Cities by country, devices as usual."""
    data = api_over(TIES).data("location", order_by="country:desc")
    assert [row["country"] for row in data["country_city"]] == ["unknown", "DE", "DE", "CH", "AT"]
    assert [row["name"] for row in data["device"]] == ["b", "a", "c", "d"]


def test_order_by_a_part_of_a_comparison(api: Api) -> None:
    """The largest change first, what can't be told last; only when something is compared."""
    rows = api.data("behaviour", date_range=WEEK, compare=BEFORE, order_by="count_change_pct:desc")["events"]
    assert [row["count"]["change_pct"] for row in rows] == [100.0, None]
    problem(api.ask("behaviour", order_by="count_change:desc"), 422)


def test_limit_and_offset_hold_for_each_list(api_over: Callable[..., Api]) -> None:
    """The second and third of each; total_rows is that of the longest list, five cities."""
    body = api_over(TIES).get("location", limit=2, offset=1)
    assert [row["name"] for row in body["data"]["device"]] == ["a", "c"]
    assert [row["name"] for row in body["data"]["country"]] == ["AT", "CH"]
    assert body["meta"]["total_rows"] == 5


def test_an_offset_beyond_the_end_is_empty(api: Api) -> None:
    body = api.get("behaviour", offset=2**31 - 1, limit=2**31 - 1)
    assert body["data"] == {"routes": [], "events": [], "sources": [], "rooms": []}
    assert body["meta"]["total_rows"] == 3


@pytest.mark.parametrize("path", [*FIGURES, *LISTS])
@pytest.mark.parametrize("asked", [{}, {"compare": "previous_period"}, {"date_range": "24h"}], ids=str)
def test_empty_tables(api_over: Callable[..., Api], path: str, asked: dict[str, str]) -> None:
    """Zeros and empty lists, the same in every format."""
    api = api_over({})
    data = api.data(path, **asked)
    if path in LISTS:
        assert set(map(str, data.values())) == {"[]"}
        assert_same_rows(api, path, [], **asked)
    else:
        assert {value for name, value in flat(data) if not name.endswith("_pct")} == {0}
        assert_same_rows(api, path, [dict(flat(data))], **asked)


@pytest.mark.parametrize(
    ("order_by", "told"),
    [
        ("votes", "`order_by` is `votes`; allowed: one or more of name, count, "),
        ("name:up", "`order_by` is `name:up`"),
        ("name,,count", "`order_by` is ``"),
        ("x" * 500, "`order_by` is `" + "x" * 59 + "…`"),
    ],
)
def test_an_invalid_order_is_refused(api: Api, order_by: str, told: str) -> None:
    """Naming the columns that exist."""
    found = problem(api.ask("behaviour", order_by=order_by), 422)
    assert found["detail"].startswith(told)
    assert found["errors"][0]["parameter"] == "order_by"
    assert found["errors"][0]["allowed"] == ["name", "count"]
