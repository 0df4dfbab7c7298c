"""How answers are sent: compressed, piece by piece, and within a budget of bytes for all answers under way.

A server buffers whatever it is given, so clients that read slowly or not at all would fill the memory with answers.
Here an answer is handed to the server one piece at a time, each after the previous one was sent, and a large answer
that does not fit into the budget is refused.
"""

import asyncio
from collections import Counter
from http import HTTPStatus

import anyio.to_thread
from fastapi import Request
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from web.compression import ENCODERS, SMALLEST, Encoder, accepted_encoding, compressed, is_compressible
from web.errors import problem_response

PIECE = 64 * 1024
RETRY_AFTER_S = 5
# In bytes. Compressing more than this on the event loop would delay other requests by a millisecond.
MOST_ON_LOOP = 32 * 1024
COMPRESSIONS_AT_ONCE = 2


class AnswersUnderWay:
    """The bytes of answers on their way to clients: at most `budget`, or a single answer that is larger.

    A body that is sent to several clients is one buffer and counts once. Answers of up to one piece are always
    admitted: the limit on connections bounds them.
    """

    def __init__(self, budget: int) -> None:
        self._budget = budget
        self._holders: Counter[int] = Counter()
        # Includes the body itself, so that no other object gets its id meanwhile.
        self._compressing: dict[tuple[int, str], tuple[bytes, asyncio.Task[bytes]]] = {}
        self._encoders = anyio.CapacityLimiter(COMPRESSIONS_AT_ONCE)
        self.bytes = 0

    def fits(self, size: int) -> bool:
        """Whether another answer of this size may be sent."""
        return size <= PIECE or self.bytes == 0 or self.bytes + size <= self._budget

    def hold(self, body: bytes) -> None:
        """Count a body until it has been released as often as it was held."""
        self._holders[id(body)] += 1
        if self._holders[id(body)] == 1:
            self.bytes += len(body)

    def release(self, body: bytes) -> None:
        """Stop counting a body for one client."""
        self._holders[id(body)] -= 1
        if not self._holders[id(body)]:
            del self._holders[id(body)]
            self.bytes -= len(body)

    def is_held(self, body: bytes) -> bool:
        """Whether a body is already under way to another client."""
        return id(body) in self._holders

    def reserve(self, size: int) -> None:
        """Count memory other than bodies, such as the table behind a stream; a negative size releases it."""
        self.bytes += size

    async def compress(self, body: bytes, encoding: str) -> bytes:
        """A held body in an encoding, compressed once for all requests that need it meanwhile."""
        if len(body) <= MOST_ON_LOOP:
            return compressed(body, encoding)
        key = (id(body), encoding)
        if key not in self._compressing:
            task = asyncio.ensure_future(anyio.to_thread.run_sync(compressed, body, encoding, limiter=self._encoders))
            task.add_done_callback(lambda _: self._compressing.pop(key))
            self._compressing[key] = body, task
        return await asyncio.shield(self._compressing[key][1])

    async def feed(self, encoder: Encoder, part: bytes, last: bool) -> bytes:
        """The next part of a stream, encoded."""

        def encoded() -> bytes:
            return encoder.feed(part) + (encoder.finish() if last else b"")

        if len(part) <= MOST_ON_LOOP:
            return encoded()
        return await anyio.to_thread.run_sync(encoded, limiter=self._encoders)


def declare_size(scope: Scope, size: int) -> None:
    """Declare how many bytes a streamed answer keeps in memory besides its parts; call before it begins."""
    scope["state"]["streamed_bytes"] = size


class _OverBudgetError(Exception):
    """The answer does not fit into the budget, so the app need not go on."""


class Delivery:
    """Middleware that compresses answers and passes them to the server in pieces, within the budget.

    An answer in one part is sent after the app has returned: by then only the compressed body is in memory.
    """

    def __init__(self, app: ASGIApp, under_way: AnswersUnderWay) -> None:
        self._app = app
        self._under_way = under_way

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        answer = _Answer(scope, send, self._under_way)
        try:
            await self._app(scope, receive, answer.take)
            await answer.send_rest()
        except _OverBudgetError:
            detail = f"Too many answers are on their way to slow clients: try again in {RETRY_AFTER_S} seconds"
            refusal = problem_response(
                Request(scope), HTTPStatus.SERVICE_UNAVAILABLE, detail, {"Retry-After": str(RETRY_AFTER_S)}
            )
            await refusal(scope, receive, send)
        finally:
            answer.release()


class _Answer:
    """One answer, from the app to the server."""

    def __init__(self, scope: Scope, send: Send, under_way: AnswersUnderWay) -> None:
        self._scope = scope
        self._send = send
        self._under_way = under_way
        self._start: Message | None = None
        self._rest: bytes | None = None
        self._encoder: Encoder | None = None
        self._reserved = 0

    async def take(self, message: Message) -> None:
        """Take a message from the app.

        Raises:
            _OverBudgetError: The answer does not fit into the budget.
        """
        if message["type"] == "http.response.start":
            self._start = message
        elif message["type"] != "http.response.body":
            await self._send(message)
        elif self._start is not None and not message.get("more_body", False):
            await self._take_whole(self._start, message.get("body", b""))
        else:
            await self._take_part(message.get("body", b""), last=not message.get("more_body", False))

    async def send_rest(self) -> None:
        """Send an answer that came in one part."""
        if self._start is not None:
            await self._send(self._start)
        if self._rest is not None:
            await self._send_body(self._rest, last=True)

    def release(self) -> None:
        """Stop counting it."""
        self._under_way.reserve(-self._reserved)
        if self._rest is not None:
            self._under_way.release(self._rest)

    async def _take_whole(self, start: Message, body: bytes) -> None:
        if not self._under_way.is_held(body) and not self._under_way.fits(len(body)):
            raise _OverBudgetError
        self._keep(body)
        encoding = self._negotiated(start) if len(body) >= SMALLEST else None
        if encoding is not None:
            self._keep(await self._under_way.compress(body, encoding))
            MutableHeaders(scope=start)["Content-Length"] = str(len(self._rest or b""))

    def _keep(self, body: bytes) -> None:
        self._under_way.hold(body)
        if self._rest is not None:
            self._under_way.release(self._rest)
        self._rest = body

    async def _take_part(self, part: bytes, last: bool) -> None:
        if self._start is not None:
            await self._begin_stream(self._start, part)
        self._under_way.hold(part)
        try:
            piece = part if self._encoder is None else await self._under_way.feed(self._encoder, part, last)
            if piece or last:
                await self._send_body(piece, last)
        finally:
            self._under_way.release(part)

    async def _begin_stream(self, start: Message, part: bytes) -> None:
        size = self._scope.get("state", {}).get("streamed_bytes", 0)
        if not self._under_way.fits(size + len(part)):
            raise _OverBudgetError
        self._reserved = size
        self._under_way.reserve(size)
        encoding = self._negotiated(start)
        if encoding is not None:
            self._encoder = ENCODERS[encoding]()
            del MutableHeaders(scope=start)["Content-Length"]
        self._start = None
        await self._send(start)

    def _negotiated(self, start: Message) -> str | None:
        """The encoding of the answer, written into its headers."""
        headers = MutableHeaders(scope=start)
        if not is_compressible(start["status"], headers):
            return None
        headers.add_vary_header("Accept-Encoding")
        encoding = accepted_encoding(Headers(scope=self._scope))
        if encoding is not None:
            headers["Content-Encoding"] = encoding
        return encoding

    async def _send_body(self, body: bytes, last: bool) -> None:
        """Hand a body to the server, each piece after the previous one was sent."""
        ends = range(PIECE, len(body), PIECE)
        for end in ends:
            await self._send({"type": "http.response.body", "body": body[end - PIECE : end], "more_body": True})
        await self._send({"type": "http.response.body", "body": body[len(ends) * PIECE :], "more_body": not last})
