"""How errors are answered and described: as problem details (RFC 9457) with a `detail` that says what to do."""

from collections.abc import Mapping, Sequence
from http.client import responses as phrases
from typing import Any, Literal
from urllib.parse import quote

from fastapi import Request, status
from fastapi.responses import JSONResponse
from polars.exceptions import PanicException
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from util.error_reporting import report
from util.errors import AnalyticsError, Severity
from web.request_id import request_id

PROBLEM_JSON = "application/problem+json"
ECHOED_CHARACTERS = 60
LONGEST_INSTANCE = 1024

type Responses = dict[int | str, dict[str, Any]]
# Not a `type` alias, which the API description would turn into a model.
Place = Literal["query", "path", "header", "cookie", "body"]


class ParameterFault(BaseModel):
    """What is wrong with one parameter."""

    model_config = ConfigDict(frozen=True, validate_by_name=True)

    parameter: str | None = Field(description="Name of the parameter; null when the fault is in several together.")
    place: Place = Field(alias="in", description="Where the parameter is.")
    message: str = Field(description="What is wrong with it, as a sentence.")
    allowed: tuple[str, ...] | None = Field(description="The allowed values; null if they are not a list.")


class Problem(BaseModel):
    """An error, as problem details (RFC 9457)."""

    type: Literal["about:blank"] = Field(
        default="about:blank", description="Kind of the problem: `about:blank`, so `status` says it all."
    )
    title: str = Field(description="Reason phrase of the status.")
    status: int = Field(description="HTTP status of the answer.")
    detail: str = Field(description="What is wrong and what to do.")
    instance: str = Field(description="Path of the request.")
    request_id: str = Field(description="The answer's `X-Request-ID`, by which the log knows the request.")
    errors: list[ParameterFault] | None = Field(
        default=None, description="What is wrong with each parameter, where that is the problem."
    )


REFUSED: Responses = {
    401: {
        "model": Problem,
        "description": "The token is missing or wrong.",
        "headers": {"WWW-Authenticate": {"description": "`Bearer`.", "required": True, "schema": {"type": "string"}}},
    },
    403: {"model": Problem, "description": "The token lacks the scope that the operation requires."},
}
INVALID: Responses = {422: {"model": Problem, "description": "A parameter is unknown, missing or wrong."}}
UNAVAILABLE: Responses = {
    503: {
        "model": Problem,
        "description": "There is no snapshot to serve, or the server is busy.",
        "headers": {
            "Retry-After": {
                "description": "When to ask again, in seconds; absent where asking again does not help.",
                "schema": {"type": "integer"},
            }
        },
    }
}


class InvalidParameterError(AnalyticsError):
    """A wrong parameter that only the route function can detect; `message` is a sentence that says what is wrong."""

    status = 422

    def __init__(
        self, parameter: str, message: str, allowed: Sequence[str] | None = None, place: Place = "query"
    ) -> None:
        super().__init__(message)
        self.fault = ParameterFault(
            parameter=parameter, place=place, message=message, allowed=None if allowed is None else tuple(allowed)
        )


def shortened(text: str) -> str:
    """What a client sent, shortened for an error message."""
    return text if len(text) <= ECHOED_CHARACTERS else f"{text[: ECHOED_CHARACTERS - 1]}…"


def path_of(request: Request) -> str:
    """The path of a request, percent-encoded: always a valid URI, and safe in a log line."""
    return quote(request.scope["path"])


def problem_response(
    request: Request,
    status: int,
    detail: str,
    headers: Mapping[str, str] | None = None,
    errors: list[ParameterFault] | None = None,
) -> JSONResponse:
    """The answer to a request that failed."""
    problem = Problem(
        title=phrases.get(status, "Error"),
        status=status,
        detail=detail,
        instance=path_of(request)[:LONGEST_INSTANCE],
        request_id=request_id(request.scope),
        errors=errors,
    )
    body = problem.model_dump(by_alias=True, exclude={"errors"} if errors is None else None)
    return JSONResponse(body, status, headers, media_type=PROBLEM_JSON)


def status_of_invalid(request: Request) -> int:
    """The status with which a route answers a wrong parameter: 422, unless its class says otherwise."""
    status_: int = getattr(request.scope.get("route"), "status_of_invalid", status.HTTP_422_UNPROCESSABLE_CONTENT)
    return status_


def answer_expected(request: Request, error: Exception) -> JSONResponse:
    """Answer an error with its own status and message; report it if its class says so."""
    if not isinstance(error, AnalyticsError):
        return answer_crash(request, error)
    if error.severity is not None:
        report(error, error.severity, **_facts(request))
    if isinstance(error, InvalidParameterError):
        return problem_response(request, status_of_invalid(request), str(error), errors=[error.fault])
    return problem_response(request, error.status, str(error), error.headers)


async def answer_http_error(request: Request, error: Exception) -> JSONResponse:
    """Answer what the framework refuses: an unknown path, a wrong method, a body that is not JSON."""
    if not isinstance(error, HTTPException):
        return answer_crash(request, error)
    path = shortened(path_of(request))
    headers = dict(error.headers or {})
    docs_url: str | None = request.app.docs_url
    detail = {
        404: f"There is nothing at {path}" + (f": {docs_url} lists every path" if docs_url else ""),
        405: f"{path} answers {headers.get('Allow', 'other methods')}, not {shortened(request.method)}",
    }.get(error.status_code, str(error.detail))
    if headers.get("Allow") == "GET":
        # Routes don't know that `Head` answers for them.
        headers["Allow"] = "GET, HEAD"
    return problem_response(request, error.status_code, detail, headers)


def answer_crash(request: Request, error: BaseException) -> JSONResponse:
    """Report a crash and answer without its details."""
    report(error, Severity.CRITICAL, **_facts(request))
    detail = "The server failed on this request; the error was reported under the request id"
    return problem_response(request, status.HTTP_500_INTERNAL_SERVER_ERROR, detail)


def _facts(request: Request) -> dict[str, str]:
    return {"request": f"{request.method} {path_of(request)}", "request_id": request_id(request.scope)}


class CrashGuard:
    """Middleware that answers a crash, panics of the query engine included: reported once, and the connection goes on.

    An exception handler would not do: Starlette re-raises the error after it, so that the server logs it a second time
    and drops the connection. A panic is a `BaseException`, which handlers never see.
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
