"""Answers leave in pieces, and those under way are counted, each buffer once."""

import asyncio
import threading
from typing import Any

import pytest
from starlette.responses import Response, StreamingResponse
from starlette.types import ASGIApp, Message

from tests.processes import UNPACK
from web.compression import compressed
from web.delivery import PIECE, AnswersUnderWay, Delivery, declare_size

LARGE = bytes(range(256)) * 1024
KB = 1024


class Client:
    """Receives an answer piece by piece, and records how many bytes were under way at each."""

    def __init__(self, under_way: AnswersUnderWay) -> None:
        self.under_way = under_way
        self.messages: list[Message] = []
        self.counted: list[int] = []

    async def take(self, message: Message) -> None:
        """What the server is given."""
        self.messages.append(message)
        self.counted.append(self.under_way.bytes)
        await asyncio.sleep(0)

    @property
    def pieces(self) -> list[bytes]:
        """The parts of the body."""
        return [message["body"] for message in self.messages if message["type"] == "http.response.body"]

    @property
    def status(self) -> int:
        """The status."""
        status: int = self.messages[0]["status"]
        return status

    @property
    def headers(self) -> dict[bytes, bytes]:
        """The headers."""
        return dict(self.messages[0]["headers"])


def scope(accepted: str = "") -> dict[str, Any]:
    """A request."""
    headers = [(b"accept-encoding", accepted.encode())]
    return {
        "type": "http", "method": "GET", "path": "/", "headers": headers, "query_string": b"",
        "state": {"request_id": "1"},
    }  # fmt: skip


async def receive() -> Message:
    """Nothing comes from the client."""
    await asyncio.sleep(1_000)
    return {"type": "http.disconnect"}


def deliver(under_way: AnswersUnderWay, *apps: ASGIApp, accepted: str = "") -> list[Client]:
    """The answers of apps that are asked at once."""

    async def ask() -> list[Client]:
        clients = [Client(under_way) for _ in apps]
        deliveries = [Delivery(app, under_way) for app in apps]
        await asyncio.gather(
            *(each(scope(accepted), receive, client.take) for each, client in zip(deliveries, clients, strict=True))
        )
        return clients

    return asyncio.run(ask())


def test_a_large_answer_is_handed_over_in_pieces() -> None:
    """256 KiB: four pieces, counted until the last one is taken."""
    under_way = AnswersUnderWay(budget=1_000_000)
    (client,) = deliver(under_way, Response(LARGE))
    assert [len(piece) for piece in client.pieces] == 4 * [PIECE]
    assert b"".join(client.pieces) == LARGE
    assert client.counted == 5 * [len(LARGE)]
    assert under_way.bytes == 0


@pytest.mark.parametrize("size", [0, 1, PIECE - 1, PIECE, PIECE + 1, 2 * PIECE])
def test_an_answer_of_any_size_arrives_whole(size: int) -> None:
    """With the end marked once, on the last piece."""
    (client,) = deliver(AnswersUnderWay(1_000_000), Response(LARGE[:size]))
    assert b"".join(client.pieces) == LARGE[:size]
    bodies = client.messages[1:]
    assert [message["more_body"] for message in bodies] == [True] * (len(bodies) - 1) + [False]


def test_a_body_for_several_clients_counts_once() -> None:
    """Ten answers of one buffer of 256 KiB."""
    under_way = AnswersUnderWay(budget=300 * KB)
    clients = deliver(under_way, *(Response(LARGE) for _ in range(10)))
    assert {client.status for client in clients} == {200}
    assert max(clients[0].counted) == len(LARGE)
    assert under_way.bytes == 0


def test_an_answer_beyond_the_budget_is_503() -> None:
    """Two of 256 KiB with a budget of 300 KiB: the second is told to retry; a small one is not."""
    under_way = AnswersUnderWay(budget=300 * KB)
    first, second, small = deliver(under_way, Response(LARGE), Response(LARGE[::-1]), Response(LARGE[:PIECE]))
    assert (first.status, second.status, small.status) == (200, 503, 200)
    assert second.headers[b"retry-after"] == b"5"
    assert under_way.bytes == 0


def test_one_answer_may_be_larger_than_the_budget() -> None:
    """Otherwise nobody would ever get it."""
    (client,) = deliver(AnswersUnderWay(budget=1), Response(LARGE))
    assert client.status == 200


def test_a_stream_counts_with_what_it_is_made_of() -> None:
    """A table of 200 KiB, and one part after the other; a second stream does not fit."""
    under_way = AnswersUnderWay(budget=300 * KB)

    def stream(size: int) -> ASGIApp:
        async def app(scope: Any, receive: Any, send: Any) -> None:
            declare_size(scope, size)
            await StreamingResponse(iter([LARGE[:KB], LARGE[: 2 * KB]]))(scope, receive, send)

        return app

    first, second = deliver(under_way, stream(200 * KB), stream(150 * KB))
    assert (first.status, second.status) == (200, 503)
    assert first.counted[1:3] == [201 * KB, 202 * KB]
    assert b"".join(first.pieces) == LARGE[:KB] + LARGE[: 2 * KB]
    assert under_way.bytes == 0


def test_nothing_stays_counted_when_a_client_goes() -> None:
    """The server raises while a piece is sent."""
    under_way = AnswersUnderWay(budget=1_000_000)

    async def gone(_: Message) -> None:
        raise OSError

    for response in (Response(LARGE), StreamingResponse(iter([LARGE]))):
        with pytest.raises((OSError, ExceptionGroup)):
            asyncio.run(Delivery(response, under_way)(scope(), receive, gone))
    assert under_way.bytes == 0


@pytest.fixture
def compressing(monkeypatch: pytest.MonkeyPatch) -> list[threading.Thread]:
    """The threads that compress a whole body, in order."""
    threads: list[threading.Thread] = []

    def noted(body: bytes, encoding: str) -> bytes:
        threads.append(threading.current_thread())
        return compressed(body, encoding)

    monkeypatch.setattr("web.delivery.compressed", noted)
    return threads


@pytest.mark.parametrize("encoding", UNPACK)
def test_large_bodies_are_compressed_beside_the_event_loop(compressing: list[threading.Thread], encoding: str) -> None:
    """Once for all requests that share it; small ones are not worth a thread."""
    clients = deliver(
        AnswersUnderWay(1), *(Response(LARGE, media_type="text/csv") for _ in range(5)), accepted=encoding
    )
    assert [UNPACK[encoding](b"".join(client.pieces)) for client in clients] == 5 * [LARGE]
    assert len(compressing) == 1
    assert compressing[0] is not threading.main_thread()
    deliver(AnswersUnderWay(1), Response(LARGE[: 20 * KB], media_type="text/csv"), accepted=encoding)
    assert compressing[1] is threading.main_thread()


def test_only_the_compressed_body_stays_under_way() -> None:
    """256 KiB of zeros."""
    body = bytes(len(LARGE))
    (client,) = deliver(AnswersUnderWay(1_000_000), Response(body, media_type="text/csv"), accepted="zstd")
    assert max(client.counted) < KB
    assert int(client.headers[b"content-length"]) == len(b"".join(client.pieces))
