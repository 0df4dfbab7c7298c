"""LLM events in their own format: JSON or NDJSON over HTTP."""

from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool

from intake import documents
from intake.bodies import BadBodyError, BodyTooLargeError, read_body
from intake.documents import NotJsonError
from intake.llm.batches import Batch, Receipt, Rejection, sift
from intake.llm.intake import SCOPE, Intake, IntakeDep, parser_of
from intake.values import shown
from web.callers import Caller, CallerDep, requires
from web.errors import PROBLEM_JSON, REFUSED, UNAVAILABLE, Problem, problem_response

MOST_EVENTS = 1_000
NDJSON = frozenset({"application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines"})

router = APIRouter(prefix="/analytics/v1/events", dependencies=[requires(SCOPE)])


class RejectedEvent(BaseModel, frozen=True):
    """An event that was rejected."""

    index: int = Field(description="Its index among the events of the request, from 0.")
    event_id: str | None = Field(description="Its id as it was sent; null when it had none.")
    reason: str = Field(description="What is wrong with it.")

    @classmethod
    def of(cls, rejection: Rejection) -> "RejectedEvent":
        """A rejection as its sender is told."""
        return cls(index=rejection.index, event_id=rejection.event_id, reason=rejection.reason)


class Accepted(BaseModel, frozen=True):
    """The outcome of a batch: everything reported here is committed to disk."""

    batch_id: int = Field(description="Number of the batch, by which its events and dead letters are found.")
    accepted: int = Field(description="Number of new events.")
    duplicates: int = Field(description="Number of events that were stored already, by this batch or an earlier one.")
    rejected: list[RejectedEvent] = Field(description="Invalid events, kept as dead letters.")

    @classmethod
    def of(cls, batch: Batch, receipt: Receipt) -> "Accepted":
        """The outcome as the sender of the batch is told."""
        rejected = [RejectedEvent.of(rejection) for rejection in batch.rejections]
        return cls(
            batch_id=receipt.batch_id, accepted=receipt.accepted, duplicates=receipt.duplicates, rejected=rejected
        )


class InvalidEvents(Problem):
    """A problem that says which events are wrong, and why."""

    rejected: list[RejectedEvent] = Field(description="Every invalid event.")


_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": f"At most {MOST_EVENTS:,} events and 5 MB uncompressed; gzip is accepted.",
        "content": {
            "application/json": {
                "schema": {
                    "oneOf": [
                        {
                            "type": "object",
                            "required": ["events"],
                            "properties": {"events": {"type": "array", "items": {"type": "object"}}},
                        },
                        {"type": "array", "items": {"type": "object"}},
                    ]
                }
            },
            "application/x-ndjson": {"schema": {"type": "string"}},
        },
    }
}
REFUSALS: dict[int | str, dict[str, Any]] = {
    **REFUSED,
    **UNAVAILABLE,
    413: {"model": Problem, "description": "The batch is too large."},
    415: {"model": Problem, "description": "The Content-Encoding of the body is not supported."},
}


@router.post("", status_code=HTTPStatus.ACCEPTED, responses=REFUSALS | {400: {"model": Problem}}, openapi_extra=_BODY)
async def post_events(request: Request, caller: CallerDep, intake: IntakeDep) -> Accepted:
    """Store events; the answer comes when they are durable. Valid ones are kept, invalid ones are listed."""
    with intake.backlog.share() as share:
        body = await read_body(request, share)
        batch = await run_in_threadpool(_batch, request, body, caller, intake)
        return Accepted.of(batch, await intake.commit(batch))


@router.post(
    "/validate",
    status_code=HTTPStatus.NO_CONTENT,
    responses=REFUSALS | {400: {"model": InvalidEvents}},
    openapi_extra=_BODY,
    response_model=None,
)
async def validate_events(request: Request, caller: CallerDep, intake: IntakeDep) -> Response:
    """Check events without storing them: 204, or 400 with what is wrong with which event."""
    with intake.backlog.share() as share:
        body = await read_body(request, share)
        batch = await run_in_threadpool(_batch, request, body, caller, intake)
    if not batch.rejections:
        return Response(status_code=HTTPStatus.NO_CONTENT)
    detail = f"{len(batch.rejections):,} of {len(batch):,} events are invalid; `rejected` says why"
    return _with_rejected(problem_response(request, HTTPStatus.BAD_REQUEST, detail), batch.rejections)


def _with_rejected(problem: JSONResponse, rejections: list[Rejection]) -> JSONResponse:
    told = documents.parse(bytes(problem.body)) | {
        "rejected": [RejectedEvent.of(rejection).model_dump() for rejection in rejections]
    }
    return JSONResponse(told, problem.status_code, media_type=PROBLEM_JSON)


def _batch(request: Request, body: bytes, caller: Caller, intake: Intake) -> Batch:
    """The batch of a request.

    Raises:
        BadBodyError: The body is not JSON, or has no list of events.
        BodyTooLargeError: It has too many.
    """
    now = intake.now()
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    found = documents_of(body, is_ndjson=media_type in NDJSON)
    events, rejections = sift(found, parser_of(caller, now, intake.price_of), origin=f"http:{caller.name}:{now}")
    return Batch("http", caller.name, now, events, rejections)


def documents_of(body: bytes, *, is_ndjson: bool) -> list[Any]:
    """The documents of a body, each of which may be an event.

    Raises:
        BadBodyError: The body is not JSON, or has no list of events.
        BodyTooLargeError: It has too many.
    """
    if is_ndjson:
        lines = [line for line in body.split(b"\n") if line.strip()]
        _limit(len(lines))
        return [documents.parse_line(line) for line in lines]
    try:
        found = documents.parse(body)
    except NotJsonError as error:
        raise BadBodyError(f"The body is not JSON: {error}. Send NDJSON as application/x-ndjson") from None
    listed = found.get("events") if isinstance(found, dict) else found
    if not isinstance(listed, list):
        raise BadBodyError(f'The body is {shown(found)}: send {{"events": [...]}}, an array of events, or NDJSON')
    _limit(len(listed))
    return listed


def _limit(events: int) -> None:
    if events > MOST_EVENTS:
        raise BodyTooLargeError(f"{events:,} events are more than {MOST_EVENTS:,}")
