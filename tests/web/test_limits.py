"""Turns to compute: none for clients that are gone."""

import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.faults.gated_app import GATE, SIZE, SMALL, Gate
from tests.processes import HOST, PATIENCE_S, Server, serving
from tests.served import Sample
from tests.web.tokens import readers_file, with_token

BODIES = {
    "without a body": b"\r\n",
    "with a body": b"Content-Length: 2\r\n\r\nhi",
    "with a body in pieces": b"Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
}


@pytest.mark.server
@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
def test_a_request_whose_client_left_the_queue_is_not_computed(sampled: Sample, tmp_path: Path, body: bytes) -> None:
    """One computes, one waits and leaves, one waits, each for its own answer: the third computes second and last."""
    variables: dict[str, Any] = {GATE: tmp_path, SIZE: SMALL, "MAX_CONCURRENT_QUERIES": 1, "QUERY_QUEUE_SECONDS": 60}
    variables["TOKENS_FILE"] = readers_file(tmp_path, "ann", "bob", "cem")
    gate = Gate(tmp_path)
    with (
        serving(sampled.data_dir, app="tests.faults.gated_app:make_app", factory=True, **variables) as server,
        ThreadPoolExecutor() as others,
    ):
        first = others.submit(server.http.get, "/", headers=with_token("ann"))
        gate.wait_for(1)
        ask_and_leave(server, "bob", body)
        third = others.submit(server.http.get, "/", headers=with_token("cem"))
        assert server.http.get("/health").status_code == 200
        gate.let(1)
        gate.wait_for(2)
        gate.let(2)
        assert first.result().status_code == 200
        # With the queue in order, the one that left would stand at the gate instead, and this one wait behind it.
        assert third.result(PATIENCE_S / 2).status_code == 200
        gate.let(3)
        assert not (tmp_path / "came-3").exists()


def ask_and_leave(server: Server, token: str, body: bytes) -> None:
    """Send a request for the dashboard and hang up."""
    head = f"GET / HTTP/1.1\r\nHost: {HOST}\r\nAuthorization: {token}\r\n".encode()
    with socket.create_connection((HOST, server.port), PATIENCE_S) as connection:
        connection.sendall(head + body)


def test_a_request_with_a_body_is_computed_while_its_client_waits(in_process: Callable[..., TestClient]) -> None:
    """Looking for its end does not mistake the body for one."""
    client = in_process()
    for content in (b"", b"hi", iter([b"h", b"i"])):
        assert client.request("GET", "/room/1/stats", content=content).status_code == 200


def test_without_a_queue_a_free_turn_is_used(in_process: Callable[..., TestClient]) -> None:
    """Nobody waits, but a request that need not wait is answered."""
    client = in_process(query_queue_seconds=0)
    for path in ("/", "/room/1/stats", "/v1/traffic", "/v1/traffic?format=csv"):
        assert client.get(path).status_code == 200
