"""Answers are compressed as the client accepts it; one tag stands for all of them."""

import re
from collections.abc import Callable, Iterator

import httpx
import pytest
from fastapi import FastAPI
from fastapi.responses import Response, StreamingResponse
from fastapi.testclient import TestClient

from tests.processes import UNPACK, Server
from tests.web.problems import problem

ROWS = [f"2026-03-{day:02},{day}\n" for day in range(1, 32)] * 100


@pytest.fixture
def client(in_process: Callable[..., TestClient]) -> TestClient:
    """The server, and routes that answer other than JSON."""
    made = in_process()
    app = made.app
    assert isinstance(app, FastAPI)

    @app.get("/rows")
    def get_rows() -> StreamingResponse:
        return StreamingResponse(iter(ROWS), media_type="text/csv")

    @app.get("/file")
    def get_file() -> Response:
        return Response(b"PAR1" * 1000, media_type="application/vnd.apache.parquet")

    @app.get("/crash-in-the-rows")
    def crash_in_the_rows() -> StreamingResponse:
        def rows() -> Iterator[str]:
            yield ROWS[len(ROWS)]

        return StreamingResponse(rows(), media_type="text/csv")

    return made


def ask(server: Server, path: str, accepted: str | None, **headers: str) -> tuple[httpx.Response, bytes]:
    """An answer and its body as it came."""
    named = {"Authorization": server.token} | {name.replace("_", "-"): value for name, value in headers.items()}
    request = server.http.build_request("GET", path, headers=named)
    del request.headers["Accept-Encoding"]
    if accepted is not None:
        request.headers["Accept-Encoding"] = accepted
    answer = server.http.send(request, stream=True)
    try:
        return answer, b"".join(answer.iter_raw())
    finally:
        answer.close()


@pytest.mark.server
@pytest.mark.parametrize("encoding", UNPACK)
def test_an_answer_is_compressed_as_accepted(server: Server, encoding: str) -> None:
    """It is the same, a fraction as long, and says that it depends on what is accepted."""
    plain, body = ask(server, "/", None)
    assert "Content-Encoding" not in plain.headers
    answer, packed = ask(server, "/", encoding)
    assert answer.headers["Content-Encoding"] == encoding
    assert int(answer.headers["Content-Length"]) == len(packed) < len(body) / 3
    assert UNPACK[encoding](packed) == body
    assert plain.headers["Vary"] == answer.headers["Vary"] == "Accept-Encoding"


@pytest.mark.server
@pytest.mark.parametrize("accepted", [None, "", "identity", "deflate", "gzip;q=0", "*;q=0"])
def test_a_client_that_accepts_none_of_them_gets_it_as_it_is(server: Server, accepted: str | None) -> None:
    answer, body = ask(server, "/", accepted)
    assert "Content-Encoding" not in answer.headers
    assert body.startswith(b'{"data":')


@pytest.mark.server
def test_one_weak_tag_stands_for_every_encoding(server: Server) -> None:
    """Whoever has an answer in one encoding is told that it is unchanged in any other."""
    tags = {ask(server, "/", accepted)[0].headers["ETag"] for accepted in (None, *UNPACK)}
    (tag,) = tags
    assert re.fullmatch(r'W/"[0-9a-f]{32}"', tag)
    for known in (tag, tag.removeprefix("W/"), f'"x", {tag}', "*"):
        for accepted in (None, *UNPACK):
            answer, body = ask(server, "/", accepted, If_None_Match=known)
            assert (answer.status_code, body, answer.headers["ETag"]) == (304, b"", tag)
            assert answer.headers["Vary"] == "Accept-Encoding"
            assert "Content-Encoding" not in answer.headers


def test_a_short_answer_is_left_as_it_is(client: TestClient) -> None:
    """It would become longer."""
    answer = client.get("/room/1/stats", headers={"Accept-Encoding": "gzip"})
    assert "Content-Encoding" not in answer.headers


@pytest.mark.parametrize("encoding", UNPACK)
def test_a_stream_is_compressed_as_it_comes(client: TestClient, encoding: str) -> None:
    with client.stream("GET", "/rows", headers={"Accept-Encoding": encoding}) as answer:
        packed = b"".join(answer.iter_raw())
    assert answer.headers["Content-Encoding"] == encoding
    assert "Content-Length" not in answer.headers
    assert UNPACK[encoding](packed) == "".join(ROWS).encode()
    assert len(packed) < len("".join(ROWS)) / 3


def test_parquet_is_left_as_it_is(client: TestClient) -> None:
    """It is compressed already."""
    answer = client.get("/file", headers={"Accept-Encoding": "gzip, br, zstd"})
    assert "Content-Encoding" not in answer.headers
    assert len(answer.content) == 4000


@pytest.mark.parametrize("encoding", UNPACK)
def test_a_crash_before_the_first_row_is_a_problem(client: TestClient, encoding: str) -> None:
    """Nothing of the answer has been sent by then."""
    problem(client.get("/crash-in-the-rows", headers={"Accept-Encoding": encoding}), 500)
