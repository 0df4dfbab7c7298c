"""A request that is too large is refused before it is processed."""

from collections.abc import Callable, Iterator

import pytest
from fastapi import FastAPI, Request
from fastapi.testclient import TestClient

from tests.processes import Server
from tests.web.problems import problem

LARGEST_BODY = 64 * 1024
LONGEST_URL = 8 * 1024


@pytest.fixture
def client(in_process: Callable[..., TestClient]) -> TestClient:
    """The server, and a route that reads a body."""
    made = in_process()
    app = made.app
    assert isinstance(app, FastAPI)

    @app.post("/length")
    async def length(request: Request) -> int:
        return len(await request.body())

    return made


def in_pieces(size: int, piece: int = 1000) -> Iterator[bytes]:
    """A body without a length, which is sent in chunks."""
    for begin in range(0, size, piece):
        yield b"x" * min(piece, size - begin)


def test_a_body_of_the_largest_size_is_taken(client: TestClient) -> None:
    """Whole, in one piece or in many."""
    assert client.post("/length", content=b"x" * LARGEST_BODY).json() == LARGEST_BODY
    assert client.post("/length", content=in_pieces(LARGEST_BODY)).json() == LARGEST_BODY
    assert client.post("/length").json() == 0


def test_a_larger_body_is_413(client: TestClient) -> None:
    found = problem(client.post("/length", content=b"x" * (LARGEST_BODY + 1)), 413)
    assert str(LARGEST_BODY) in found["detail"]
    problem(client.post("/length", content=in_pieces(LARGEST_BODY + 1)), 413)


@pytest.mark.server
def test_no_more_is_read_than_it_takes_to_know(server: Server) -> None:
    """The length is enough: of these two, nothing more is ever sent."""
    for header in (b"Content-Length: 65537\r\n", b"Content-Length: 99999999999\r\nExpect: 100-continue\r\n"):
        answer = server.get_raw("/health", header)
        assert answer.status == 413
        assert answer.headers["connection"] == "close"


@pytest.mark.server
def test_a_body_without_end_is_413(server: Server) -> None:
    """Its chunks are counted; the connection ends, the server goes on."""
    chunk = b"%x\r\n" % 16_384 + b"x" * 16_384 + b"\r\n"
    chunks = (5 * chunk).removesuffix(b"\r\n")
    answer = server.get_raw("/health", b"Transfer-Encoding: chunked\r\n\r\n" + chunks)
    assert answer.status == 413
    assert server.http.get("/health").status_code == 200


def test_a_longer_url_is_414(client: TestClient) -> None:
    """Path and query together; the answer repeats neither."""
    fits = LONGEST_URL - len("/health")
    assert client.get(f"/health?{'x' * fits}").status_code == 200
    for path in (f"/health?{'x' * (fits + 1)}", f"/{'x' * LONGEST_URL}"):
        found = problem(client.get(path), 414)
        assert str(LONGEST_URL) in found["detail"]
        assert len(str(found)) < 2000
