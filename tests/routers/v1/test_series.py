"""Series and lifecycle, worked by hand: buckets, zones, partial buckets, comparisons, weekends."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from itertools import pairwise
from typing import Any

import pytest

from read_model.tables.fpp import ESTIMATIONS, PAGE_VIEWS
from tests.routers.v1.api import NOW, Api, assert_same_rows, flat
from tests.web.problems import problem

WEEK = "2026-03-02,2026-03-05"
SERIES = ("historical", "reoccurring", "lifecycle")
NOTHING = {"value": 0, "comparison": 0, "change": 0, "change_pct": None}


def column(rows: list[dict[str, Any]], name: str) -> list[Any]:
    """A figure from row to row."""
    return [row[name] for row in rows]


def test_historical(api: Api) -> None:
    """Monday to Thursday: views 2, 1, 0, 1; totals begin with the period; the mean of 30 rows from the third day
    on, when there are 30 since START_DATE, 2 February: 3 of 30, and 3, and 5."""
    rows = api.data("historical", date_range=WEEK)
    assert column(rows, "date") == ["2026-03-02", "2026-03-03", "2026-03-04", "2026-03-05"]
    assert column(rows, "page_views") == [2, 1, 0, 1]
    assert column(rows, "acc_page_views") == [2, 3, 3, 4]
    assert column(rows, "new_users") == [0, 1, 0, 1]
    assert column(rows, "rooms") == [0, 1, 1, 0]
    assert column(rows, "estimations") == [1, 2, 0, 1]
    assert column(rows, "votes") == [1, 1, 0, 2]
    assert column(rows, "acc_votes") == [1, 2, 2, 4]
    assert column(rows, "ma_votes") == [None, 0.1, 0.1, 0.17]


def test_moving_averages_are_known_from_the_30th_row_on(api: Api) -> None:
    """32 days from 2 February to 5 March: on 3 March 3 votes in 30 days, on the 4th too, on the 5th 5."""
    assert column(api.data("historical"), "ma_votes") == [None] * 29 + [0.1, 0.1, 0.17]


def test_a_bucket_says_what_it_is(api: Api) -> None:
    """Its local day, both ends with the zone's offset; today is partial."""
    rows = api.data("historical", date_range="2026-03-04,2026-03-05", timezone="Asia/Kolkata")
    assert [{name: row[name] for name in ("date", "start", "end", "partial")} for row in rows] == [
        {
            "date": "2026-03-04",
            "start": "2026-03-04T00:00:00+05:30",
            "end": "2026-03-05T00:00:00+05:30",
            "partial": False,
        },
        {
            "date": "2026-03-05",
            "start": "2026-03-05T00:00:00+05:30",
            "end": "2026-03-06T00:00:00+05:30",
            "partial": True,
        },
    ]


@pytest.mark.parametrize(
    ("granularity", "week_start", "dates", "partial", "votes"),
    [
        ("week", "monday", ["2026-02-23", "2026-03-02"], [False, True], [1, 4]),
        ("week", "sunday", ["2026-02-22", "2026-03-01"], [True, True], [1, 4]),
        ("month", "monday", ["2026-02-01", "2026-03-01"], [True, True], [1, 4]),
        ("month", "sunday", ["2026-02-01", "2026-03-01"], [True, True], [1, 4]),
        ("quarter", "monday", ["2026-01-01"], [True], [5]),
        ("year", "monday", ["2026-01-01"], [True], [5]),
    ],
)
def test_a_bucket_that_is_cut_or_open_is_partial(
    api: Api, granularity: str, week_start: str, dates: list[str], partial: list[bool], votes: list[int]
) -> None:
    """From Monday 23 February: only a week that begins then is whole; this week, month, quarter and year go on."""
    asked = {"date_range": "2026-02-23,2026-03-05", "granularity": granularity, "week_start": week_start}
    rows = api.data("historical", **asked)
    assert column(rows, "date") == dates
    assert column(rows, "partial") == partial
    assert column(rows, "votes") == votes


def test_hours(api: Api) -> None:
    """Today until 12:30: thirteen hours have begun, the last is partial; Bob estimated in the tenth."""
    rows = api.data("historical", date_range="2026-03-05,2026-03-05", granularity="hour")
    assert column(rows, "estimations") == [0] * 9 + [1, 0, 0, 0]
    assert column(rows, "partial") == [False] * 12 + [True]
    assert rows[-1]["start"] == "2026-03-05T12:00:00Z"


def test_24h_begins_within_an_hour_or_a_day(api: Api) -> None:
    """From 12:31 yesterday: 24 whole hours less a minute, so 25 buckets, the first and the last one partial."""
    hours = api.data("historical", date_range="24h", granularity="auto")
    assert len(hours) == 25
    assert column(hours, "partial") == [True] + [False] * 23 + [True]
    assert column(api.data("historical", date_range="24h"), "partial") == [True, True]


def test_buckets_after_what_is_known_are_partial(api_over: Callable[..., Api]) -> None:
    """The data show Tuesday noon: Tuesday is partial, and so are the days since, though they are over."""
    api = api_over({}, published=datetime(2026, 3, 3, 12, tzinfo=UTC))
    assert column(api.data("historical", date_range=WEEK), "partial") == [False, True, True, True]


def test_a_day_is_whole_once_the_data_reach_its_end(api_over: Callable[..., Api]) -> None:
    api = api_over({}, published=datetime(2026, 3, 4, tzinfo=UTC))
    assert column(api.data("historical", date_range=WEEK), "partial") == [False, False, True, True]


@pytest.mark.parametrize(
    ("day", "zone", "hours", "first", "last"),
    [
        ("2026-03-29", "Europe/Berlin", 23, "2026-03-29T00:00:00+01:00", "2026-03-30T00:00:00+02:00"),
        ("2026-10-25", "Europe/Berlin", 25, "2026-10-25T00:00:00+02:00", "2026-10-26T00:00:00+01:00"),
        ("2026-11-01", "America/New_York", 25, "2026-11-01T00:00:00-04:00", "2026-11-02T00:00:00-05:00"),
        ("2025-09-07", "America/Santiago", 23, "2025-09-07T01:00:00-03:00", "2025-09-08T00:00:00-03:00"),
        ("2026-04-05", "Australia/Lord_Howe", 24, "2026-04-05T00:00:00+11:00", "2026-04-06T00:00:00+10:30"),
    ],
)
def test_days_when_clocks_change(drawn_dir: Any, day: str, zone: str, hours: int, first: str, last: str) -> None:
    """23 or 25 hours; where half an hour comes twice, one hour is longer."""
    api = Api(drawn_dir, datetime(2027, 1, 1, tzinfo=UTC))
    (whole,) = api.data("historical", date_range=f"{day},{day}", timezone=zone)
    cut = api.data("historical", date_range=f"{day},{day}", timezone=zone, granularity="hour")
    assert (whole["start"], whole["end"]) == (first, last)
    assert len(cut) == hours
    assert (cut[0]["start"], cut[-1]["end"]) == (first, last)
    assert all(one["end"] == other["start"] for one, other in pairwise(cut))


def test_rows_are_counted_on_the_zones_days(api_over: Callable[..., Api]) -> None:
    """Saturday 28 March 23:30 UTC is Sunday 00:30 in Berlin, whose Sunday ends at 22:00 UTC."""
    api = api_over(
        {PAGE_VIEWS: "viewed_at\n2026-03-28 22:59:59\n2026-03-28 23:00\n2026-03-29 21:59:59\n2026-03-29 22:00"},
        now=datetime(2026, 4, 2, tzinfo=UTC),
    )
    rows = api.data("historical", date_range="2026-03-28,2026-03-30", timezone="Europe/Berlin")
    assert column(rows, "page_views") == [1, 2, 1]


def test_without_weekends(api_over: Callable[..., Api]) -> None:
    """Friday, Monday and Tuesday: Saturday's view has no row, but belongs to the total."""
    api = api_over({PAGE_VIEWS: "viewed_at\n2026-02-27 09:00\n2026-02-28 09:00\n2026-03-02 09:00"})
    rows = api.data("historical", date_range="2026-02-27,2026-03-03", weekends="exclude")
    assert column(rows, "date") == ["2026-02-27", "2026-03-02", "2026-03-03"]
    assert column(rows, "page_views") == [1, 1, 0]
    assert column(rows, "acc_page_views") == [1, 3, 3]


def test_hours_without_weekends(api: Api) -> None:
    """Friday 27 February to Monday: 48 hours."""
    rows = api.data("historical", date_range="2026-02-27,2026-03-02", weekends="exclude", granularity="hour")
    assert [row["date"] for row in rows] == ["2026-02-27"] * 24 + ["2026-03-02"] * 24


@pytest.mark.parametrize("granularity", ["week", "month", "quarter", "year"])
def test_longer_buckets_have_weekends(api: Api, granularity: str) -> None:
    found = problem(api.ask("historical", weekends="exclude", granularity=granularity), 422)
    assert found["detail"] == f"`weekends` is `exclude`, but a {granularity} has weekends; allowed: include."


def test_auto_without_weekends_means_days_where_it_would_mean_weeks(api: Api) -> None:
    """Which have weekends."""
    query = api.get("historical", weekends="exclude", granularity="auto", date_range="12mo")["query"]
    assert query["granularity"] == "day"


@pytest.mark.parametrize(
    ("date_range", "granularity"),
    [("24h", "hour"), ("91d", "day"), ("12mo", "week"), ("2024-01-01,2026-01-01", "month")],
)
def test_auto_is_shown_as_the_granularity_it_chose(api: Api, date_range: str, granularity: str) -> None:
    """Hours, days, weeks or months; for reoccurring users, days at the least."""
    assert api.get("historical", date_range=date_range, granularity="auto")["query"]["granularity"] == granularity
    days = api.get("reoccurring", date_range=date_range, granularity="auto")["query"]["granularity"]
    assert days == ("day" if granularity == "hour" else granularity)


def test_series_are_compared_bucket_by_bucket(api: Api) -> None:
    """Monday to Thursday with the same days of the week before last: by order, not by date."""
    rows = api.data("historical", date_range=WEEK, compare="2026-02-23,2026-02-26")
    assert column(rows, "date") == ["2026-03-02", "2026-03-03", "2026-03-04", "2026-03-05"]
    assert rows[0]["page_views"] == {"value": 2, "comparison": 1, "change": 1, "change_pct": 100.0}
    assert rows[1]["page_views"] == {"value": 1, "comparison": 0, "change": 1, "change_pct": None}
    assert rows[1]["acc_page_views"] == {"value": 3, "comparison": 1, "change": 2, "change_pct": 200.0}
    assert rows[2]["page_views"] == NOTHING


def test_a_bucket_without_a_counterpart_is_compared_with_null(api: Api) -> None:
    """Four days with two: the third and fourth have nothing beside them."""
    rows = api.data("historical", date_range=WEEK, compare="2026-02-23,2026-02-24")
    assert rows[3]["votes"] == {"value": 2, "comparison": None, "change": None, "change_pct": None}
    assert len(rows) == 4


def test_weekdays_are_compared_with_weekdays(api: Api) -> None:
    """Monday to Thursday with Friday 20 to Monday 23 February, without the weekend between: two rows beside four."""
    rows = api.data("historical", date_range=WEEK, compare="2026-02-20,2026-02-23", weekends="exclude")
    assert [row["votes"]["comparison"] for row in rows] == [0, 1, None, None]


def test_reoccurring(api: Api) -> None:
    """Ann was there on 23 February, and is back from Monday on, Bob from Thursday; rooms 1 and 2 with them."""
    rows = api.data("reoccurring", date_range=WEEK)
    assert column(rows, "reoccurring_users") == [1, 1, 1, 2]
    assert column(rows, "reoccurring_rooms") == [1, 1, 1, 2]
    assert column(rows, "adjusted_reoccurring_users") == [1, 1, 1, 2]
    assert column(api.data("reoccurring", date_range=WEEK, granularity="week"), "reoccurring_users") == [2]


def test_reoccurring_has_no_hours(api: Api) -> None:
    found = problem(api.ask("reoccurring", granularity="hour"), 422)
    assert found["errors"][0]["allowed"] == ["day", "week", "month", "quarter", "year", "auto"]


def test_lifecycle(api: Api) -> None:
    """By week: Ann was new in the week of 23 February and returns; Bob is new in the next one."""
    rows = api.data("lifecycle", date_range="2026-02-16,2026-03-05", granularity="week")
    assert column(rows, "date") == ["2026-02-16", "2026-02-23", "2026-03-02"]
    assert column(rows, "new") == [0, 1, 1]
    assert column(rows, "returning") == [0, 0, 1]
    assert column(rows, "resurrecting") == [0, 0, 0]
    assert column(rows, "dormant") == [0, 0, 0]


def test_lifecycle_by_day(api: Api) -> None:
    """Ann is back on Monday after a week, on Tuesday from Monday, and stays away on Wednesday."""
    rows = api.data("lifecycle", date_range=WEEK)
    assert column(rows, "resurrecting") == [1, 0, 0, 1]
    assert column(rows, "returning") == [0, 1, 0, 0]
    assert column(rows, "new") == [0, 1, 0, 0]
    assert column(rows, "dormant") == [0, 0, 2, 0]


def test_lifecycle_of_rooms(api: Api) -> None:
    """Room 1 is of the week of 23 February, room 2 new in the next."""
    rows = api.data("lifecycle", date_range="2026-02-23,2026-03-05", granularity="week", entity="room")
    assert (column(rows, "new"), column(rows, "returning")) == ([1, 1], [0, 1])


def test_a_lifecycles_first_bucket_counts_whole(api: Api) -> None:
    """Asked from Wednesday on, the week is still that of Monday: Ann returned on Monday, and nothing is cut off."""
    body = api.get("lifecycle", date_range="2026-03-04,2026-03-05", granularity="week")
    assert body["query"]["first_instant"] == "2026-03-02T00:00:00Z"
    assert (body["data"][0]["returning"], body["data"][0]["new"]) == (1, 1)
    closed = api.get("lifecycle", date_range="2026-02-25,2026-03-01", granularity="week")["data"]
    assert column(closed, "partial") == [False]


def test_a_lifecycle_is_compared_with_whole_buckets(api: Api) -> None:
    """Wednesday to Friday with the three days before, Sunday to Tuesday: this week with the last and this one.

    Each from its Monday on, for the three and a half days that have passed of this one.
    """
    body = api.get("lifecycle", date_range="2026-03-04,2026-03-06", granularity="week", compare="previous_period")
    assert body["query"]["first_instant"] == "2026-03-02T00:00:00Z"
    assert body["query"]["comparison"] == {
        "first_instant": "2026-02-23T00:00:00Z",
        "last_instant": "2026-02-26T12:29:59.999999Z",
    }
    (week,) = body["data"]
    assert week["new"] == {"value": 1, "comparison": 1, "change": 0, "change_pct": 0.0}


def test_auto_widens_a_lifecycle_by_the_buckets_it_shows(api: Api) -> None:
    """366 days are shown by weeks, although with the whole first week they are longer than that."""
    query = api.get("lifecycle", date_range="2025-03-05,2026-03-05", granularity="auto")["query"]
    assert (query["granularity"], query["first_instant"]) == ("week", "2025-03-03T00:00:00Z")


@pytest.mark.parametrize("path", SERIES)
@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"compare": "2026-02-23,2026-02-24"},
        {"granularity": "week", "timezone": "Europe/Berlin"},
        {"date_range": "24h", "granularity": "auto", "timezone": "Asia/Kolkata", "compare": "previous_period"},
    ],
    ids=str,
)
def test_series_are_the_same_in_every_format(api: Api, path: str, asked: dict[str, str]) -> None:
    asked = {"date_range": WEEK} | asked
    assert_same_rows(api, path, [dict(flat(row)) for row in api.data(path, **asked)], **asked)


@pytest.mark.parametrize("path", SERIES)
def test_empty_tables_have_quiet_buckets(api_over: Callable[..., Api], path: str) -> None:
    """A row of zeros per day."""
    rows = api_over({}).data(path, date_range=WEEK)
    assert column(rows, "date") == ["2026-03-02", "2026-03-03", "2026-03-04", "2026-03-05"]
    figures = [value for row in rows for name, value in row.items() if name not in ("date", "start", "end", "partial")]
    assert {value for value in figures if value is not None} == {0}


@pytest.mark.parametrize("path", SERIES)
@pytest.mark.parametrize("start_date", [date(2026, 3, 6), date(2030, 1, 1)])
@pytest.mark.parametrize("compare", [{}, {"compare": "previous_period"}], ids=["plain", "compared"])
def test_start_date_in_the_future_has_no_buckets(
    drawn_dir: Any, path: str, start_date: date, compare: dict[str, str]
) -> None:
    """In JSON and the other formats."""
    api = Api(drawn_dir, start_date=start_date)
    assert api.data(path, **compare) == []
    assert_same_rows(api, path, [], **compare)


@pytest.mark.parametrize("path", SERIES)
@pytest.mark.parametrize("granularity", ["day", "week", "year", "auto"])
def test_a_range_in_the_future_has_no_buckets(api: Api, path: str, granularity: str) -> None:
    body = api.get(path, date_range="2199-12-31,2199-12-31", granularity=granularity)
    assert body["data"] == []
    assert "has not begun" in body["meta"]["notices"][0]


def test_days_still_to_come_have_no_buckets(api: Api) -> None:
    """March so far."""
    assert len(api.data("historical", date_range="2026-03-01,2026-03-31")) == 5


def test_a_day_that_was_skipped_has_no_buckets(api: Api) -> None:
    """Apia had no 30 December 2011: that day is empty, and the three days around it are two."""
    zone = {"timezone": "Pacific/Apia"}
    assert api.data("historical", date_range="2011-12-30,2011-12-30", **zone) == []
    rows = api.data("historical", date_range="2011-12-29,2011-12-31", **zone)
    assert column(rows, "date") == ["2011-12-29", "2011-12-31"]


@pytest.mark.parametrize("compare", ["previous_period", "year_over_year"])
def test_comparisons_may_lie_before_1970(api_over: Callable[..., Api], compare: str) -> None:
    """With zeros."""
    api = api_over({ESTIMATIONS: "user_id|estimated_at\nann|1970-01-01 09:00"})
    (day,) = api.data("historical", date_range="1970-01-01,1970-01-01", compare=compare)
    assert day["estimations"] == {"value": 1, "comparison": 0, "change": 1, "change_pct": None}


def test_all_hours_since_start_date(drawn_dir: Any) -> None:
    """Two years and a half, 20,000 rows or more, in JSON and CSV."""
    api = Api(drawn_dir, start_date=date(2023, 9, 1))
    hours = int((NOW - datetime(2023, 9, 1, tzinfo=UTC)).total_seconds() // 3600) + 1
    assert len(api.data("historical", granularity="hour")) == hours
    assert api.ask("historical", granularity="hour", format="csv").text.count("\n") == hours + 1


@pytest.mark.parametrize("granularity", ["hour", "day", "month"])
def test_a_bucket_begins_with_its_first_instant(api: Api, granularity: str) -> None:
    """At midnight of 1 April sharp there is a row that begins then."""
    api.now = datetime(2026, 4, 1, tzinfo=UTC)
    rows = api.data("historical", date_range="2026-03-01,2026-04-30", granularity=granularity)
    assert rows[-1]["start"] == "2026-04-01T00:00:00Z"


@pytest.mark.parametrize("granularity", ["week", "month", "quarter", "year"])
def test_a_cut_bucket_counts_what_lies_in_the_period(api: Api, granularity: str) -> None:
    """From Tuesday 3 to Wednesday 4 March: one vote and two estimations, though Monday's are of the same bucket."""
    (bucket,) = api.data("historical", date_range="2026-03-03,2026-03-04", granularity=granularity)
    assert (bucket["votes"], bucket["estimations"], bucket["page_views"], bucket["rooms"]) == (1, 2, 1, 2)
    assert (bucket["new_users"], bucket["acc_votes"], bucket["partial"]) == (1, 1, True)
    (returned,) = api.data("reoccurring", date_range="2026-03-03,2026-03-04", granularity=granularity)
    # Ann, since START_DATE.
    assert returned["reoccurring_users"] == 1


@pytest.mark.parametrize(
    ("asked", "first", "comparison"),
    [
        ({"date_range": "7d", "granularity": "week"}, "2026-02-23", ["2026-02-09", "2026-02-16"]),
        ({"date_range": "month", "granularity": "quarter"}, "2026-01-01", ["2025-10-01"]),
        ({"date_range": "30d", "granularity": "month"}, "2026-02-01", ["2025-12-01", "2026-01-01"]),
    ],
    ids=["weeks", "a quarter", "months"],
)
def test_a_lifecycle_is_compared_with_as_many_whole_buckets_before(
    api: Api, asked: dict[str, str], first: str, comparison: list[str]
) -> None:
    """They never overlap, and the last one is cut where the open one is; each row says with which it is compared."""
    body = api.get("lifecycle", compare="previous_period", **asked)
    assert body["data"][0]["date"] == first
    assert [row["comparison_start"][:10] for row in body["data"]] == comparison
    assert [row["comparison_partial"] for row in body["data"]] == [row["partial"] for row in body["data"]]
    assert body["query"]["comparison"]["last_instant"] < body["query"]["first_instant"]
