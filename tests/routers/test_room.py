"""`GET /room/{room_id}/stats`."""

from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient

from tests import oracle
from tests.processes import Server
from tests.served import Sample
from tests.web.problems import problem

NO_VOTES = dict.fromkeys(
    (
        "votes",
        "duration",
        "estimations",
        "estimations_per_vote",
        "avg_min_estimation",
        "avg_avg_estimation",
        "avg_max_estimation",
        "spectators",
        "spectators_per_vote",
    ),
    0,
)


@pytest.mark.server
@pytest.mark.parametrize("room_id", [1, 2, 60, 125])
def test_stats_equal_the_slow_twin(server: Server, sampled: Sample, room_id: int) -> None:
    """The sample has the rooms 1 to 125."""
    expected = oracle.room_stats(sampled.rows, room_id)
    assert expected["votes"] > 0
    answer = server.get(f"/room/{room_id}/stats")
    assert (answer.status_code, answer.json()) == (200, expected)


def test_stats_of_every_room_equal_the_slow_twin(in_process: Callable[..., TestClient], sampled: Sample) -> None:
    """All 125 of them."""
    client = in_process()
    for room_id in sampled.tables["fpp_rooms"]["id"]:
        assert client.get(f"/room/{room_id}/stats").json() == oracle.room_stats(sampled.rows, room_id), room_id


@pytest.mark.server
@pytest.mark.parametrize("room_id", [126, 8_388_607, 2**31 - 1])
def test_stats_are_all_zeros_before_the_first_vote(server: Server, room_id: int) -> None:
    """The room page asks then."""
    answer = server.get(f"/room/{room_id}/stats")
    assert (answer.status_code, answer.json()) == (200, NO_VOTES)


@pytest.mark.server
@pytest.mark.parametrize("room_id", ["0", "-0", "-1", "-99999999999", f"-{10**30}"])
def test_an_id_that_is_not_positive_is_refused(server: Server, room_id: str) -> None:
    assert "not positive" in problem(server.get(f"/room/{room_id}/stats"), 400)["detail"]


@pytest.mark.server
@pytest.mark.parametrize("room_id", ["abc", "1.5", "1e3", "%20", "null", "%00", "+1", "1_0", "%D9%A1", "--1"])
def test_an_id_that_is_not_an_integer_is_refused(server: Server, room_id: str) -> None:
    (fault,) = problem(server.get(f"/room/{room_id}/stats"), 422)["errors"]
    assert (fault["parameter"], fault["in"]) == ("room_id", "path")


@pytest.mark.server
@pytest.mark.parametrize("room_id", [2**31, 2**63 - 1, 2**63, 10**39, "9" * 5_000])
def test_an_id_that_no_room_can_have_is_refused(server: Server, room_id: int | str) -> None:
    assert "too large" in problem(server.get(f"/room/{room_id}/stats"), 400)["detail"]


@pytest.mark.server
@pytest.mark.parametrize("path", ["/", "/room/1/stats", "/daily-analytics"])
def test_unknown_parameters_are_refused(server: Server, path: str) -> None:
    """If they were ignored, the question would silently become another one."""
    (fault,) = problem(server.get(f"{path}?x=1"), 422)["errors"]
    assert (fault["parameter"], fault["in"]) == ("x", "query")
