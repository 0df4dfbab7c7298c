"""How errors are answered and described: one body for all, with a `detail` that says what to do."""

from typing import Any

from fastapi import Request, status
from fastapi.responses import JSONResponse
from polars.exceptions import PanicException
from pydantic import BaseModel, Field
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from util.error_reporting import report
from util.errors import AnalyticsError, Severity


class Problem(BaseModel):
    """An error."""

    detail: str = Field(description="What is wrong and what to do.")


UNAUTHORIZED: dict[int | str, dict[str, Any]] = {
    401: {"model": Problem, "description": "The token is missing or wrong."}
}
UNAVAILABLE: dict[int | str, dict[str, Any]] = {
    503: {"model": Problem, "description": "There is no snapshot to serve."}
}


class CrashGuard:
    """Middleware that answers a crash, panics of the query engine included: reported once, and the connection goes on.

    An exception handler would not do: Starlette raises the crash again behind it, so the server logs it a second time
    and cuts the connection. A panic is a `BaseException`, which handlers never see.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = False

        async def send_noted(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, receive, send_noted)
        except (Exception, PanicException) as crash:
            answer = answer_crash(Request(scope), crash)
            if begun:
                raise
            await answer(scope, receive, send)


def answer_expected(request: Request, error: Exception) -> JSONResponse:
    """Answer an error with its own status and text; report it when its kind asks for that."""
    if not isinstance(error, AnalyticsError):
        return answer_crash(request, error)
    if error.severity is not None:
        report(error, error.severity, request=f"{request.method} {request.url.path}")
    return JSONResponse({"detail": str(error)}, error.status, headers=error.headers)


def answer_crash(request: Request, error: BaseException) -> JSONResponse:
    """Report a crash and answer without its details."""
    report(error, Severity.CRITICAL, request=f"{request.method} {request.url.path}")
    return JSONResponse(
        {"detail": "The server failed on this request; the error was reported"}, status.HTTP_500_INTERNAL_SERVER_ERROR
    )
