"""`GET /` and `GET /daily-analytics`: every figure equals the slow twin's, computed from the same tables."""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from demo.publishing import publish_sample
from demo.sample import sample
from tests import oracle
from tests.processes import Server
from tests.served import START, Sample, on_one_day
from util.clock import utc_now

WEDNESDAY_NOON = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
LATE_ON_SUNDAY = datetime(2026, 3, 8, 23, 59, 59, 999_999, tzinfo=UTC)
FIRST_MIDNIGHT = datetime(2024, 6, 3, tzinfo=UTC)
DAY = timedelta(hours=24)

type Json = dict[str, Any]


@pytest.fixture(scope="session")
def dashboard(server: Server, sampled: Sample) -> tuple[Json, Json]:
    """One answer of `/`, and what its `data` should be on the day it was given."""
    asked, response = on_one_day(lambda: server.get("/"))
    assert response.status_code == 200, response.text
    return response.json(), oracle.bundle(sampled.rows, START, asked)


@pytest.mark.server
@pytest.mark.parametrize(
    "section", ["traffic", "votes", "behaviour", "reoccurring", "historical", "location_and_user_agent"]
)
def test_a_section_of_the_dashboard_equals_the_slow_twin(dashboard: tuple[Json, Json], section: str) -> None:
    """It has the fields of the metrics reference, no more and no fewer."""
    answer, expected = dashboard
    assert answer["data"][section] == expected[section]


@pytest.mark.server
def test_the_dashboard_has_the_sections_of_the_reference_and_no_others(dashboard: tuple[Json, Json]) -> None:
    answer, expected = dashboard
    assert answer.keys() == {"data", "data_updated_at"}
    assert answer["data"].keys() == expected.keys()


@pytest.mark.server
def test_labels_are_ordered_by_count_then_name(dashboard: tuple[Json, Json]) -> None:
    """JSON objects keep their order, so the same data always give the same text."""
    answer, expected = dashboard
    for section in ("votes", "behaviour", "location_and_user_agent"):
        for name, counts in expected[section].items():
            if isinstance(counts, dict):
                assert list(answer["data"][section][name]) == list(counts), name


@pytest.mark.server
def test_the_dashboard_says_which_instant_it_shows(dashboard: tuple[Json, Json], sampled: Sample) -> None:
    """In ISO 8601, in UTC."""
    told = dashboard[0]["data_updated_at"]
    assert told.endswith(("Z", "+00:00"))
    assert datetime.fromisoformat(told) == sampled.now


@pytest.mark.parametrize("now", [WEDNESDAY_NOON, LATE_ON_SUNDAY, FIRST_MIDNIGHT, FIRST_MIDNIGHT - timedelta(days=1)])
def test_series_end_with_the_day_of_the_request(
    in_process: Callable[..., TestClient], sampled: Sample, now: datetime
) -> None:
    """Also on the first day, and before it, when they are empty."""
    answer = in_process(clock=lambda: now).get("/")
    assert answer.status_code == 200
    assert answer.json()["data"] == oracle.bundle(sampled.rows, START, now)


@pytest.mark.parametrize("start", [date(2025, 1, 1), date(2026, 3, 4), date(2026, 3, 7), date(2026, 3, 9)])
def test_series_begin_with_the_start_date(in_process: Callable[..., TestClient], sampled: Sample, start: date) -> None:
    """On a holiday, today, on a Saturday and after today."""
    answer = in_process(clock=lambda: WEDNESDAY_NOON, start_date=start).get("/")
    assert answer.status_code == 200
    assert answer.json()["data"] == oracle.bundle(sampled.rows, start, WEDNESDAY_NOON)


@pytest.mark.server
def test_a_new_snapshot_answers_the_next_request(bare_server: Server, data_dir: Path, sampled: Sample) -> None:
    """Nothing at first, then the sample, then a later and larger one: no restart, no cache."""
    assert bare_server.get("/").status_code == 503

    publish_sample(sampled.tables, data_dir, sampled.now)
    assert bare_server.get("/").json()["data"]["traffic"]["page_views"] == 3_000

    publish_sample(sample(sampled.now, scale=0.1), data_dir, sampled.now + timedelta(minutes=10))
    answer = bare_server.get("/").json()
    assert answer["data"]["traffic"]["page_views"] == 6_000
    assert datetime.fromisoformat(answer["data_updated_at"]) == sampled.now + timedelta(minutes=10)


@pytest.mark.server
def test_daily_figures_are_of_the_24_hours_before_the_request(server: Server, sampled: Sample) -> None:
    """They belong to an instant between asking and having the answer."""
    asked = utc_now()
    answer = server.get("/daily-analytics")
    answered = utc_now()
    assert answer.status_code == 200
    assert answer.json() in [oracle.daily(sampled.rows, now) for now in turning_points(sampled, asked, answered)]


def turning_points(sampled: Sample, asked: datetime, answered: datetime) -> Iterator[datetime]:
    """`asked`, and every later instant from which on the last 24 hours hold other rows than just before."""
    yield asked
    for table, column in (("fpp_votes", "voted_at"), ("fpp_page_views", "viewed_at")):
        for row in sampled.rows[table]:
            if asked - DAY <= row[column] <= answered - DAY:
                yield row[column] + DAY + timedelta(microseconds=1)


@pytest.mark.parametrize("now", [WEDNESDAY_NOON, LATE_ON_SUNDAY, FIRST_MIDNIGHT])
def test_daily_figures_equal_the_slow_twin(
    in_process: Callable[..., TestClient], sampled: Sample, now: datetime
) -> None:
    """On some day, on a quiet one, and before any data."""
    answer = in_process(clock=lambda: now).get("/daily-analytics")
    assert (answer.status_code, answer.json()) == (200, oracle.daily(sampled.rows, now))


def test_daily_figures_of_the_busiest_day_equal_the_slow_twin(
    in_process: Callable[..., TestClient], sampled: Sample
) -> None:
    """All of them are numbers other than 0."""
    votes_per_day = Counter(row["voted_at"].date() for row in sampled.rows["fpp_votes"])
    busiest = votes_per_day.most_common(1)[0][0]
    now = datetime.combine(busiest, time(), UTC) + DAY
    expected = oracle.daily(sampled.rows, now)
    assert all(expected.values())
    assert in_process(clock=lambda: now).get("/daily-analytics").json() == expected


@pytest.mark.parametrize(("microseconds", "counts"), [(-1, True), (0, True), (1, False)])
def test_a_vote_of_exactly_24_hours_ago_counts(
    in_process: Callable[..., TestClient], sampled: Sample, microseconds: int, counts: bool
) -> None:
    """One microsecond later it is over."""
    instants = sampled.tables["fpp_votes"]["voted_at"].to_list()
    last = max(instants)
    now = last + DAY + timedelta(microseconds=microseconds)
    answer = in_process(clock=lambda: now).get("/daily-analytics")
    assert answer.json()["votes"] == (instants.count(last) if counts else 0)
