"""`HEAD` for every `GET`: the same answer without its body."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from web.state import state_of


class Head:
    """Middleware that has a `HEAD` answered like the `GET` of the same URL, and drops the body."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return

        async def send_headers(message: Message) -> None:
            await send({**message, "body": b""} if message["type"] == "http.response.body" else message)

        state_of(scope).is_head = True
        await self._app({**scope, "method": "GET"}, receive, send_headers)
