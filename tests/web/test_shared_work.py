"""Requests for the same answer at the same time are computed once."""

import json
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.faults.gated_app import GATE, SIZE, SMALL, Gate
from tests.faults.growth import Publisher
from tests.faults.history import History
from tests.processes import HOST, PATIENCE_S, Server, serving, until
from tests.served import Sample
from tests.web.tokens import readers_file, with_token

pytestmark = pytest.mark.server


@contextmanager
def gated(
    sampled: Sample | Publisher, directory: Path, **settings: Any
) -> Iterator[tuple[Server, Gate, ThreadPoolExecutor]]:
    """A server whose computations wait at a gate, and threads to send requests from."""
    variables = {GATE: directory, SIZE: SMALL, "MAX_CONCURRENT_QUERIES": 1, **settings}
    with (
        serving(sampled.data_dir, app="tests.faults.gated_app:make_app", factory=True, **variables) as server,
        ThreadPoolExecutor() as others,
    ):
        yield server, Gate(directory), others


def came(directory: Path) -> int:
    """How many computations came to the gate."""
    return len(list(directory.glob("came-*")))


def test_one_computes_for_all_who_ask_the_same(sampled: Sample, tmp_path: Path) -> None:
    """Four ask while the first one computes: one computation, five equal answers, each with its own request id."""
    with gated(sampled, tmp_path) as (server, gate, others):
        first = others.submit(server.get, "/")
        gate.wait_for(1)
        following = [others.submit(server.get, "/") for _ in range(4)]
        until(lambda: server.get("/health").status_code == 200, "the server to have taken them")
        gate.let(1)
        answers = [first.result(), *(asked.result() for asked in following)]
        assert {answer.status_code for answer in answers} == {200}
        assert len({answer.content for answer in answers}) == 1
        assert len({answer.headers["etag"] for answer in answers}) == 1
        assert len({answer.headers["x-request-id"] for answer in answers}) == len(answers)
        assert came(tmp_path) == 1


def test_nothing_is_kept(sampled: Sample, tmp_path: Path) -> None:
    """Who asks after the answer was given has it computed anew."""
    with gated(sampled, tmp_path) as (server, gate, _):
        for number in (1, 2):
            gate.let(number)
            assert server.get("/").status_code == 200
        assert came(tmp_path) == 2


def test_callers_of_other_rights_compute_for_themselves(sampled: Sample, tmp_path: Path) -> None:
    """Two organisations ask the same at the same time: neither is handed the other's answer."""
    tokens = readers_file(tmp_path, "ann", "bob")
    with gated(sampled, tmp_path, MAX_CONCURRENT_QUERIES=2, TOKENS_FILE=tokens) as (server, gate, others):
        asked = [others.submit(server.http.get, "/", headers=with_token(token)) for token in ("ann", "bob")]
        gate.wait_for(1)
        gate.wait_for(2)
        gate.let(1)
        gate.let(2)
        assert [answer.result().status_code for answer in asked] == [200, 200]


def test_a_request_that_waits_too_long_is_503(sampled: Sample, tmp_path: Path) -> None:
    """A queue of a tenth of a second: 503 with a time to come back, while the first one is computed to its end."""
    with gated(sampled, tmp_path, QUERY_QUEUE_SECONDS=0.1) as (server, gate, others):
        first = others.submit(server.get, "/")
        gate.wait_for(1)
        refused = server.get("/")
        assert refused.status_code == 503
        assert refused.headers["retry-after"]
        assert "busy" in json.loads(refused.content)["detail"]
        gate.let(1)
        assert first.result().status_code == 200


def test_an_unauthorized_request_gets_no_part_in_it(sampled: Sample, tmp_path: Path) -> None:
    """It is refused at once."""
    with gated(sampled, tmp_path) as (server, gate, others):
        first = others.submit(server.get, "/")
        gate.wait_for(1)
        assert server.http.get("/").status_code == 401
        gate.let(1)
        assert first.result().status_code == 200


def test_when_the_first_one_crashes_another_computes(sampled: Sample, tmp_path: Path) -> None:
    """The first one is told of the crash, the three that waited for it get the answer of one of them."""
    with gated(sampled, tmp_path) as (server, gate, others):
        first = others.submit(server.get, "/")
        gate.wait_for(1)
        following = [others.submit(server.get, "/") for _ in range(3)]
        until(lambda: server.get("/health").status_code == 200, "the server to have taken them")
        gate.crash(1)
        assert first.result().status_code == 500
        gate.wait_for(2)
        gate.let(2)
        assert [answer.result().status_code for answer in following] == [200] * 3
        assert came(tmp_path) == 2


def test_when_the_first_ones_client_leaves_the_others_get_its_answer(sampled: Sample, tmp_path: Path) -> None:
    """It is computed already, and to its end."""
    with gated(sampled, tmp_path) as (server, gate, others):
        with socket.create_connection((HOST, server.port), PATIENCE_S) as connection:
            connection.sendall(f"GET / HTTP/1.1\r\nHost: {HOST}\r\nAuthorization: {server.token}\r\n\r\n".encode())
            gate.wait_for(1)
        following = [others.submit(server.get, "/") for _ in range(2)]
        until(lambda: server.get("/health").status_code == 200, "the server to have taken them")
        gate.let(1)
        assert [answer.result().status_code for answer in following] == [200, 200]
        assert came(tmp_path) == 1


def test_who_waits_for_one_that_starts_over_gets_an_answer(tmp_path: Path) -> None:
    """The snapshot is replaced while one computes and two wait: all get the figures of the next one."""
    publisher = Publisher(tmp_path / "data", History())
    publisher.publish()
    with gated(publisher, tmp_path) as (server, gate, others):
        asked = [others.submit(server.get, "/")]
        gate.wait_for(1)
        asked += [others.submit(server.get, "/") for _ in range(2)]
        until(lambda: server.get("/health").status_code == 200, "the server to have taken them")
        newest = publisher.publish(only_current=True)
        for number in range(1, 7):
            gate.let(number)
        answers = [answer.result() for answer in asked]
        assert {answer.status_code for answer in answers} == {200}
        told = {datetime.fromisoformat(answer.json()["data_updated_at"]) for answer in answers}
        assert told == {newest.data_updated_at}


def test_a_restarted_request_is_not_queued_behind_a_waiting_one(tmp_path: Path) -> None:
    """There is one turn. The second request is for the next snapshot and waits for the turn of the first, which starts
    over for that snapshot too: it computes instead of waiting for the second, which computes afterwards."""
    publisher = Publisher(tmp_path / "data", History())
    publisher.publish()
    with gated(publisher, tmp_path, QUERY_QUEUE_SECONDS=PATIENCE_S) as (server, gate, others):
        first = others.submit(server.get, "/")
        gate.wait_for(1)
        publisher.publish(only_current=True)
        second = others.submit(server.get, "/")
        until(lambda: server.get("/health").status_code == 200, "the server to have taken it")
        for number in range(1, 4):
            gate.let(number)
        answers = [asked.result(PATIENCE_S / 2) for asked in (first, second)]
        assert [answer.status_code for answer in answers] == [200, 200]
        assert len({answer.headers["etag"] for answer in answers}) == 1
