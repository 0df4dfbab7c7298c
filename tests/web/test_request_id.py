"""Every answer has the id of its request."""

import re
from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient

from tests.processes import Server

HEADER = "X-Request-ID"
GOOD = ["a", "0", "3f2a-9_b.c", "x" * 64]
BAD = ["", "x" * 65, "a b", "a,b", "a/b", "ä", "<script>", "a\tb", '"']


@pytest.mark.parametrize("path", ["/health", "/room/1/stats", "/nothing", "/room/0/stats", "/openapi.json"])
def test_the_clients_id_is_answered(in_process: Callable[..., TestClient], path: str) -> None:
    """Whatever the answer is."""
    for given in GOOD:
        assert in_process().get(path, headers={HEADER: given}).headers[HEADER] == given


def test_an_id_of_other_characters_is_replaced(in_process: Callable[..., TestClient]) -> None:
    """It could not be told from text around it."""
    client = in_process()
    for given in BAD:
        answered = client.get("/health", headers={HEADER.encode(): given.encode()}).headers[HEADER]
        assert re.fullmatch("[0-9a-f]{32}", answered), given


def test_an_id_is_made_for_each_request(in_process: Callable[..., TestClient]) -> None:
    client = in_process()
    assert len({client.get("/health").headers[HEADER] for _ in range(3)}) == 3


def test_an_unchanged_answer_has_one(in_process: Callable[..., TestClient]) -> None:
    """304 has no body, but headers."""
    client = in_process()
    tag = client.get("/room/1/stats").headers["ETag"]
    answer = client.get("/room/1/stats", headers={"If-None-Match": tag, HEADER: "mine"})
    assert (answer.status_code, answer.headers[HEADER]) == (304, "mine")


@pytest.mark.server
def test_a_crash_is_answered_and_logged_with_it(production: Server) -> None:
    for path in ("/crash", "/panic"):
        answer = production.http.get(path, headers={HEADER: f"of{path[1:]}"})
        assert answer.json()["request_id"] == answer.headers[HEADER] == f"of{path[1:]}"
        assert f"[request_id: of{path[1:]}]" in production.log


@pytest.mark.server
def test_a_path_can_not_forge_a_line_of_the_log(production: Server) -> None:
    production.http.get("/crash/%0AERROR%20forged")
    assert "\nERROR forged" not in production.log
    assert "[request: GET /crash/%0AERROR%20forged]" in production.log
