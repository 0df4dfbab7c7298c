"""Limits on the size of a request: every endpoint needs only a short query, and a short body if any."""

from fastapi import Request
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from web.errors import problem_response

LARGEST_BODY = 64 * 1024
LONGEST_URL = 8 * 1024


class RequestSize:
    """Middleware that refuses a request whose body or URL is too large, before it is parsed."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if len(scope["raw_path"]) + len(scope["query_string"]) > LONGEST_URL:
            detail = f"Path and query are longer than {LONGEST_URL} bytes: ask for less at once"
            await problem_response(Request(scope), 414, detail)(scope, receive, send)
            return
        headers = Headers(scope=scope)
        body = await _read(receive) if "transfer-encoding" in headers else None
        length = len(body["body"]) if body else int(headers.get("content-length", 0))
        if length > LARGEST_BODY:
            detail = f"The body is larger than {LARGEST_BODY} bytes: send less at once"
            # The rest of the body is not read, so the next request could not be told from it.
            await problem_response(Request(scope), 413, detail, {"Connection": "close"})(scope, receive, send)
            return

        async def receive_read() -> Message:
            nonlocal body
            if body is None:
                return await receive()
            message, body = body, None
            return message

        await self._app(scope, receive_read, send)


async def _read(receive: Receive) -> Message:
    """Join a body that comes in pieces into one message; stops when it is too large or the client has left."""
    body, more = b"", True
    while more and len(body) <= LARGEST_BODY:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return {"type": "http.request", "body": body, "more_body": False}
