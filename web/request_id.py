"""An id per request, which its answer, its log lines and its error reports have in common."""

import re
import secrets

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from web.state import state_of

HEADER = "X-Request-ID"
# No characters that could forge a log line or a header.
_ACCEPTED = re.compile(r"[A-Za-z0-9._-]{1,64}")


def request_id(scope: Scope) -> str:
    """The id of a request."""
    return state_of(scope).request_id


class RequestId:
    """Middleware that gives each request and its answer the id that the client sent, or a new one."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        sent = Headers(scope=scope).get(HEADER, "")
        own = sent if _ACCEPTED.fullmatch(sent) else secrets.token_hex(16)
        state_of(scope).request_id = own

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)[HEADER] = own
            await send(message)

        await self._app(scope, receive, send_with_id)
