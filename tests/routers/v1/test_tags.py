"""Tags: the same answer is not sent, or computed, twice."""

from collections.abc import Callable
from datetime import timedelta
from unittest.mock import patch

import pytest

from tests.routers.v1.api import ALL, DRAWN, NOW, PERIODS, Api, publish
from util.version import VERSION

MINUTE = timedelta(minutes=1)

every_path = pytest.mark.parametrize("path", ALL)


def tag(api: Api, path: str, **parameters: object) -> str:
    """The tag of an answer."""
    answer = api.ask(path, None, **parameters)
    assert answer.status_code == 200, answer.text
    return answer.headers["ETag"]


@every_path
def test_the_same_question_has_the_same_tag(api: Api, path: str) -> None:
    """A minute later, too: only age_seconds differs."""
    first = tag(api, path)
    api.now = NOW + MINUTE
    assert tag(api, path) == first
    assert first.startswith('W/"')


@every_path
def test_a_known_tag_is_answered_304_without_any_work(api: Api, path: str) -> None:
    """No table is read; the headers are the same, the body is empty."""
    headers = {"If-None-Match": tag(api, path)}
    with patch("read_model.snapshot.Snapshot.scan", side_effect=AssertionError("computed")):
        answer = api.ask(path, headers)
    assert (answer.status_code, answer.content) == (304, b"")
    assert answer.headers["ETag"] == headers["If-None-Match"]
    assert answer.headers["Cache-Control"] == "private, no-cache"
    assert "Accept" in answer.headers["Vary"]
    assert "compute" not in answer.headers["Server-Timing"]


@pytest.mark.parametrize("path", PERIODS)
def test_another_question_has_another_tag(api: Api, path: str) -> None:
    """Other parameters, formats and paths."""
    asked: list[dict[str, str]] = [
        {},
        {"date_range": "7d"},
        {"date_range": "28d"},
        {"timezone": "Europe/Berlin"},
        {"timezone": "Africa/Abidjan"},
        {"format": "csv"},
        {"format": "parquet"},
    ]
    tags = [tag(api, path, **one) for one in asked]
    assert len(set(tags)) == len(asked)
    assert tag(api, "snapshot") not in tags


def test_the_accepted_format_has_its_own_tag(api: Api) -> None:
    """As if it were requested by name."""
    answer = api.ask("rooms", {"Accept": "text/csv"})
    assert answer.headers["ETag"] == tag(api, "rooms", format="csv")


@every_path
def test_a_new_snapshot_has_another_tag(api_over: Callable[..., Api], path: str) -> None:
    """Even with the same rows."""
    api = api_over(DRAWN)
    before = tag(api, path)
    publish(api.data_dir, DRAWN)
    assert tag(api, path) != before
    assert api.ask(path, {"If-None-Match": before}).status_code == 200


def test_another_version_has_another_tag(api: Api) -> None:
    before = tag(api, "traffic")
    with patch("web.conditional.VERSION", f"{VERSION}+1"):
        assert tag(api, "traffic") != before


@every_path
def test_old_data_have_another_tag(api: Api, path: str) -> None:
    """The answer says that they are stale."""
    before = tag(api, path)
    api.now = NOW + timedelta(minutes=20)
    assert tag(api, path) != before


@pytest.mark.parametrize("asked", [{}, {"date_range": "7d"}, {"date_range": "2026-03-01,2026-03-31"}], ids=str)
def test_the_next_day_is_another_row_and_another_tag(api: Api, asked: dict[str, str]) -> None:
    """Also of a range that is the same tomorrow; data and freshness stay (dead) what they were."""
    api.now = NOW + timedelta(hours=10)
    rows, before = api.data("historical", **asked), tag(api, "historical", **asked)
    api.now = NOW + timedelta(hours=12)
    assert api.data("historical", **asked) != rows
    assert tag(api, "historical", **asked) != before


@pytest.mark.parametrize(
    "asked",
    [
        {"date_range": "2026-03-01,2026-03-31"},
        {"date_range": "2026-02-01,2026-02-28", "compare": "2026-03-01,2026-03-31"},
    ],
    ids=str,
)
def test_the_next_day_of_a_month_is_another_figure_and_another_tag(api: Api, asked: dict[str, str]) -> None:
    """Bob estimated on Thursday, nobody on Friday: until midnight the month's last day has an active user."""
    asked = {**asked, "granularity": "month", "metrics": "dau"}
    api.now = NOW + timedelta(hours=10)
    rows, before = api.data("historical", **asked), tag(api, "historical", **asked)
    api.now = NOW + timedelta(hours=12)
    assert api.data("historical", **asked) != rows
    assert tag(api, "historical", **asked) != before


@pytest.mark.parametrize("path", ["historical", "lifecycle", "rooms/1"])
def test_the_next_hour_is_another_row_and_another_tag(api: Api, path: str) -> None:
    """Within one day, whose period stays the same."""
    asked = {"date_range": "2026-03-05,2026-03-05", "granularity": "hour"}
    api.now = NOW + timedelta(minutes=70)
    before = tag(api, path, **asked)
    api.now = NOW + timedelta(minutes=130)
    assert tag(api, path, **asked) != before


def test_a_minute_later_24h_is_another_period(api: Api) -> None:
    before = tag(api, "traffic", date_range="24h")
    api.now = NOW + MINUTE
    assert tag(api, "traffic", date_range="24h") != before
