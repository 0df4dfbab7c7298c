"""LLM events as other programs send them: LiteLLM's callback, and OpenTelemetry traces."""

from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, Request, Response
from google.protobuf.json_format import MessageToJson
from starlette.concurrency import run_in_threadpool

from intake import documents
from intake.bodies import BadBodyError, read_body
from intake.documents import Broken
from intake.llm import litellm, otlp
from intake.llm.batches import Batch, sift
from intake.llm.foreign import Organisations
from intake.llm.intake import SCOPE, Intake, IntakeDep, parser_of
from intake.llm.routes import REFUSALS, Accepted
from intake.values import shown
from web.callers import Caller, CallerDep, requires
from web.errors import Problem

# In bytes; they contain prompts and answers, too.
LARGEST_BODY = 20_000_000
PROTOBUF = "application/x-protobuf"

router = APIRouter(dependencies=[requires(SCOPE)])


@router.post("/collect/litellm", status_code=HTTPStatus.ACCEPTED, responses=REFUSALS | {400: {"model": Problem}})
async def post_litellm(request: Request, caller: CallerDep, intake: IntakeDep) -> Accepted:
    """Store what LiteLLM's `generic_api` callback sends: an array, lines or one record."""
    with intake.backlog.share() as share:
        body = await read_body(request, share, LARGEST_BODY)
        batch = await run_in_threadpool(_litellm_batch, body, caller, intake)
        return Accepted.of(batch, await intake.commit(batch))


@router.post("/v1/traces", response_class=Response, responses=REFUSALS | {400: {"model": Problem}})
async def post_traces(request: Request, caller: CallerDep, intake: IntakeDep) -> Response:
    """Store the LLM calls among the spans of an OTLP/HTTP request; other spans are ignored."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    is_protobuf = media_type == PROTOBUF
    with intake.backlog.share() as share:
        body = await read_body(request, share, LARGEST_BODY)
        batch = await run_in_threadpool(_traces_batch, body, caller, intake, is_protobuf)
        if len(batch):
            await intake.commit(batch)
    reason = batch.rejections[0].reason if batch.rejections else ""
    told = otlp.response(len(batch.rejections), reason)
    content = told.SerializeToString() if is_protobuf else MessageToJson(told, indent=None).encode()
    return Response(content, media_type=PROTOBUF if is_protobuf else "application/json")


def _litellm_batch(body: bytes, caller: Caller, intake: Intake) -> Batch:
    organisations = Organisations(caller)
    return _batch((litellm.event_document(record, organisations) for record in _records(body)), caller, intake)


def _records(body: bytes) -> list[Any]:
    """The records of a body, which may be an array, lines or one record.

    Raises:
        BadBodyError: It is none of these.
    """
    found = documents.parse_line(body)
    if isinstance(found, Broken) and body.strip().count(b"\n"):
        return [documents.parse_line(line) for line in body.split(b"\n") if line.strip()]
    if isinstance(found, Broken):
        raise BadBodyError(f"The body is neither JSON nor NDJSON: {found.reason}")
    if isinstance(found, list):
        return found
    if isinstance(found, dict):
        return [found]
    raise BadBodyError(f"The body is {shown(found)}: configure log_format json_array or ndjson")


def _traces_batch(body: bytes, caller: Caller, intake: Intake, is_protobuf: bool) -> Batch:
    organisations = Organisations(caller)
    read: Callable[[bytes], Iterable[otlp.Span]] = otlp.spans_of_protobuf if is_protobuf else otlp.spans_of_json
    leaves = (span for span in read(body) if span.is_leaf)
    return _batch((otlp.event_document(span, organisations) for span in leaves), caller, intake)


def _batch(found: Iterable[object], caller: Caller, intake: Intake) -> Batch:
    now = intake.now()
    events, rejections = sift(found, parser_of(caller, now, intake.price_of), origin=f"http:{caller.name}:{now}")
    return Batch("http", caller.name, now, events, rejections)
