"""Retention, worked by hand."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest

from read_model.tables.fpp import ESTIMATIONS
from tests.routers.v1.api import Api, assert_same_rows
from tests.web.problems import problem

# Mondays and Tuesdays of three weeks; asked on Wednesday of the third.
THREE_WEEKS = {
    ESTIMATIONS: """
        user_id | room_id | estimated_at
        ann     | 1       | 2026-02-16 09:00
        bob     | 1       | 2026-02-17 09:00
        ann     | 1       | 2026-02-23 09:00
        cem     | 2       | 2026-02-24 09:00
        bob     | 2       | 2026-03-02 09:00
        """
}
RANGE = "2026-02-16,2026-03-04"
ASKED = {"date_range": RANGE, "total_intervals": 3}


@pytest.fixture
def weeks(api_over: Callable[..., Api]) -> Api:
    """Three weeks of estimations."""
    return api_over(THREE_WEEKS, now=datetime(2026, 3, 4, 12, tzinfo=UTC))


def retained(data: dict[str, Any]) -> list[list[int | None]]:
    """Cell by cell."""
    return [[cell["retained"] for cell in cohort["cells"]] for cohort in data["cohorts"]]


def test_retention(weeks: Api) -> None:
    """Ann and Bob began in the first week, half of them came the week after; Cem in the second, nobody in the third.

    The third week isn't over: what it would tell is null, not 0. Of the 3 of two cohorts 3 came in their own week.
    """
    data = weeks.data("retention", **ASKED)
    assert [cohort["date"] for cohort in data["cohorts"]] == ["2026-02-16", "2026-02-23", "2026-03-02"]
    assert [cohort["size"] for cohort in data["cohorts"]] == [2, 1, 0]
    assert [cohort["partial"] for cohort in data["cohorts"]] == [False, False, True]
    assert retained(data) == [[2, 1, None], [1, None, None], [None, None, None]]
    assert [cell["rate"] for cell in data["cohorts"][0]["cells"]] == [1.0, 0.5, None]
    assert data["weighted_mean"] == [
        {"interval": 0, "size": 3, "retained": 3, "rate": 1.0},
        {"interval": 1, "size": 2, "retained": 1, "rate": 0.5},
        {"interval": 2, "size": 0, "retained": 0, "rate": None},
    ]


def test_cells_stay_null_while_the_data_are_old(weeks: Api) -> None:
    """Three weeks later, data of 4 March know no more."""
    weeks.now = datetime(2026, 3, 25, tzinfo=UTC)
    assert retained(weeks.data("retention", **ASKED)) == [[2, 1, None], [1, None, None], [None, None, None]]


def test_cells_are_known_once_the_data_reach_their_end(api_over: Callable[..., Api]) -> None:
    """The data of two weeks later tell: Bob was back two weeks after; a cohort of nobody has zeros and no rate."""
    data = api_over(THREE_WEEKS, now=datetime(2026, 3, 25, tzinfo=UTC)).data("retention", **ASKED)
    assert retained(data) == [[2, 1, 1], [1, 0, 0], [0, 0, 0]]
    assert data["cohorts"][2]["cells"][0] == {"interval": 0, "retained": 0, "rate": None}
    assert data["weighted_mean"][2] == {"interval": 2, "size": 3, "retained": 1, "rate": 0.3333}


def test_cumulative_retention_counts_who_comes_later(api_over: Callable[..., Api]) -> None:
    """Bob came after two weeks, so he was not gone after one."""
    data = api_over(THREE_WEEKS, now=datetime(2026, 3, 25, tzinfo=UTC)).data("retention", cumulative="true", **ASKED)
    assert retained(data)[0] == [2, 2, 1]


def test_recurring_retention_counts_everyone_of_a_week(api_over: Callable[..., Api]) -> None:
    """Ann belongs to the second week, too, and Bob to the third."""
    api = api_over(THREE_WEEKS, now=datetime(2026, 3, 25, tzinfo=UTC))
    data = api.data("retention", retention_type="recurring", **ASKED)
    assert [cohort["size"] for cohort in data["cohorts"]] == [2, 2, 1]


def test_retention_of_rooms(weeks: Api) -> None:
    """Room 1 began in the first week, room 2 in the second."""
    data = weeks.data("retention", entity="room", **ASKED)
    assert [cohort["size"] for cohort in data["cohorts"]] == [1, 1, 0]


def test_the_first_cohort_counts_whole(weeks: Api) -> None:
    """From Tuesday on, the week is still that of Monday: Ann is in it."""
    body = weeks.get("retention", date_range="2026-02-17,2026-03-04")
    assert body["query"]["first_instant"] == "2026-02-16T00:00:00Z"
    assert body["data"]["cohorts"][0]["size"] == 2


@pytest.mark.parametrize(("period", "cohorts"), [("day", 17), ("week", 3), ("month", 2)])
def test_cohorts_are_days_weeks_or_months(weeks: Api, period: str, cohorts: int) -> None:
    """Each with as many cells as asked for."""
    data = weeks.data("retention", date_range=RANGE, period=period, total_intervals=5)
    assert [len(cells) for cells in retained(data)] == [5] * cohorts
    assert len(data["weighted_mean"]) == 5


def test_weeks_may_begin_on_sunday_in_a_zone(weeks: Api) -> None:
    """The offset is the zone's."""
    data = weeks.data("retention", week_start="sunday", timezone="America/New_York", **ASKED)
    assert data["cohorts"][0]["start"] == "2026-02-15T00:00:00-05:00"


@pytest.mark.parametrize("asked", [{}, {"timezone": "Asia/Kolkata"}, {"period": "day"}], ids=str)
def test_other_formats_have_a_row_per_cell(weeks: Api, asked: dict[str, str]) -> None:
    cohorts = weeks.data("retention", **ASKED, **asked)["cohorts"]
    expected = [
        {name: value for name, value in cohort.items() if name != "cells"} | cell
        for cohort in cohorts
        for cell in cohort["cells"]
    ]
    assert_same_rows(weeks, "retention", expected, **ASKED, **asked)


def test_empty_tables_have_cohorts_of_nobody(api_over: Callable[..., Api]) -> None:
    data = api_over({}).data("retention", **ASKED)
    assert [cohort["size"] for cohort in data["cohorts"]] == [0, 0, 0]


@pytest.mark.parametrize("asked", [{"date_range": "2199-12-31,2199-12-31"}, {}], ids=["range", "START_DATE"])
@pytest.mark.parametrize("period", ["day", "week", "month"])
def test_nothing_has_begun(drawn_dir: Any, asked: dict[str, str], period: str) -> None:
    """No cohorts, and means over nobody; in every format."""
    api = Api(drawn_dir, start_date=date(2030, 1, 1))
    data = api.data("retention", period=period, total_intervals=1, **asked)
    assert data == {"cohorts": [], "weighted_mean": [{"interval": 0, "size": 0, "retained": 0, "rate": None}]}
    assert_same_rows(api, "retention", [], period=period, **asked)


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"period": "year"}, "`period` is `year`; allowed: day, week, month."),
        ({"total_intervals": "0"}, "`total_intervals` is `0`: Input should be greater than or equal to 1."),
        ({"total_intervals": "101"}, "`total_intervals` is `101`: Input should be less than or equal to 100."),
        ({"retention_type": "all"}, "`retention_type` is `all`; allowed: first_time, recurring."),
        ({"cumulative": "perhaps"}, "`cumulative` is `perhaps`: Input should be a valid boolean"),
        ({"entity": "team"}, "`entity` is `team`; allowed: user, room."),
        ({"granularity": "week"}, "`granularity` is not a parameter of /v1/retention; allowed: "),
        ({"compare": "previous_period"}, "`compare` is not a parameter of /v1/retention; allowed: "),
    ],
    ids=str,
)
def test_what_retention_refuses(weeks: Api, asked: dict[str, str], told: str) -> None:
    assert problem(weeks.ask("retention", None, **asked), 422)["detail"].startswith(told)
