"""The `Server-Timing` header: what a request spent its time on."""

from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter

from fastapi import Request
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from web.state import state_of

HEADER = "Server-Timing"
MS = 1000


class ServerTiming:
    """Middleware that reports how long it took until an answer began, and the parts that were measured."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = perf_counter()
        parts = state_of(scope).timings

        async def send_timed(message: Message) -> None:
            if message["type"] == "http.response.start":
                spans = {**parts, "total": perf_counter() - begun}
                told = ", ".join(f"{name};dur={seconds * MS:.1f}" for name, seconds in spans.items())
                MutableHeaders(scope=message)[HEADER] = told
            await send(message)

        await self._app(scope, receive, send_timed)


@contextmanager
def timed(request: Request, part: str) -> Iterator[None]:
    """Measure a part of a request."""
    begun = perf_counter()
    try:
        yield
    finally:
        parts = state_of(request.scope).timings
        parts[part] = parts.get(part, 0.0) + perf_counter() - begun
