"""OpenTelemetry traces over OTLP/HTTP: the spans that are LLM calls, from JSON and from protobuf.

Spans of agents, chains and tools carry the sums of the calls within them, so only leaves count.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from intake.bodies import BadBodyError
from intake.documents import NotJsonError, parse
from intake.llm.foreign import Organisations, cents, cut, derived_id, facts, failure, instant, number, whole

LEAVES = frozenset({"chat", "text_completion", "generate_content", "embeddings"})
ORGANISATIONS = ("org_id", "organization.id")
ACTORS = ("user.id", "enduser.id")
INPUT_TOKENS = ("gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens")
OUTPUT_TOKENS = ("gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens")
MODELS = ("gen_ai.request.model", "gen_ai.response.model")
# Costs in US dollars, as written by OpenLIT and OpenRouter, LiteLLM, and Pydantic's Logfire.
COSTS = ("gen_ai.usage.cost", "gen_ai.usage.total_cost", "gen_ai.cost.total_cost", "operation.cost")
FACTS = (
    "gen_ai.operation.name",
    "gen_ai.provider.name",
    "gen_ai.system",
    "gen_ai.response.model",
    "gen_ai.response.id",
    "gen_ai.conversation.id",
    "gen_ai.agent.name",
    "service.name",
)
ERROR = 2


@dataclass(frozen=True)
class Span:
    """The fields of a span that are read; `attributes` include those of its resource."""

    trace_id: str
    span_id: str
    start_ns: int
    end_ns: int
    is_error: bool
    attributes: Mapping[str, Any]

    def first(self, names: tuple[str, ...]) -> Any:
        """The first of several attributes that is present."""
        return next((self.attributes[name] for name in names if self.attributes.get(name) is not None), None)

    @property
    def is_leaf(self) -> bool:
        """Whether it is a single LLM call."""
        operation = self.attributes.get("gen_ai.operation.name")
        if operation is not None:
            return operation in LEAVES
        # Older instrumentations don't name the operation.
        return self.first(MODELS) is not None and self.first(INPUT_TOKENS + OUTPUT_TOKENS) is not None


def event_document(span: Span, organisations: Organisations) -> object:
    """The event document of a span, unchecked: parsing it as an event finds what is wrong with it."""
    error = span.attributes.get("error.type")
    failed = span.is_error or error is not None
    known = bool(span.trace_id.strip("0") and span.span_id.strip("0"))
    return {
        "event_id": derived_id("otlp", span.trace_id, span.span_id) if known else None,
        "org_id": organisations.of(span.first(ORGANISATIONS)),
        "occurred_at": instant(span.start_ns // 1000),
        "model_id": cut(span.first(MODELS)),
        "actor_id": cut(span.first(ACTORS)),
        "input_tokens": whole(span.first(INPUT_TOKENS)),
        "output_tokens": whole(span.first(OUTPUT_TOKENS)),
        "latency_ms": max((span.end_ns - span.start_ns + 500_000) // 1_000_000, 0),
        "status": failure([error]) if failed else "success",
        "error_code": str(error)[:64] if error is not None else None,
        "cost_estimate": cents(span.first(COSTS)),
        "metadata": facts(
            {name: span.attributes.get(name) for name in FACTS} | {"trace_id": span.trace_id, "span_id": span.span_id}
        ),
    }


def spans_of_protobuf(body: bytes) -> Iterator[Span]:
    """The spans of a request in protobuf.

    Raises:
        BadBodyError: It is not such a request.
    """
    try:
        request = ExportTraceServiceRequest.FromString(body)
    except DecodeError:
        raise BadBodyError("The body is not an ExportTraceServiceRequest in protobuf") from None
    for resource_spans in request.resource_spans:
        resource = _attributes(resource_spans.resource.attributes)
        for scope_spans in resource_spans.scope_spans:
            for span in scope_spans.spans:
                yield Span(
                    span.trace_id.hex(),
                    span.span_id.hex(),
                    span.start_time_unix_nano,
                    span.end_time_unix_nano,
                    span.status.code == ERROR,
                    resource | _attributes(span.attributes),
                )


def _attributes(found: Any) -> dict[str, Any]:
    pairs: list[KeyValue] = list(found)
    return {pair.key: _value(pair.value) for pair in pairs}


def _value(value: AnyValue) -> Any:
    """A scalar; null for lists and objects, which are not needed."""
    kind = value.WhichOneof("value")
    return getattr(value, kind) if kind in {"string_value", "int_value", "double_value", "bool_value"} else None


def spans_of_json(body: bytes) -> Iterator[Span]:
    """The spans of a request in JSON, where ids are hexadecimal and 64-bit integers are strings.

    Raises:
        BadBodyError: It is not such a request.
    """
    try:
        request = parse(body)
    except NotJsonError as error:
        raise BadBodyError(f"The body is not JSON: {error}") from None
    if not isinstance(request, dict):
        raise BadBodyError("The body is not an ExportTraceServiceRequest in JSON")
    for resource_spans in _objects(request.get("resourceSpans")):
        resource = _json_attributes((resource_spans.get("resource") or {}).get("attributes"))
        for scope_spans in _objects(resource_spans.get("scopeSpans")):
            for span in _objects(scope_spans.get("spans")):
                yield _json_span(span, resource)


def _json_span(span: Mapping[str, Any], resource: dict[str, Any]) -> Span:
    status = span.get("status")
    code = status.get("code") if isinstance(status, dict) else None
    return Span(
        str(span.get("traceId") or "").lower(),
        str(span.get("spanId") or "").lower(),
        _nanoseconds(span.get("startTimeUnixNano")),
        _nanoseconds(span.get("endTimeUnixNano")),
        code in {ERROR, "STATUS_CODE_ERROR"},
        resource | _json_attributes(span.get("attributes")),
    )


def _objects(value: object) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _nanoseconds(value: object) -> int:
    found = whole(value)
    return found if isinstance(found, int) else 0


def _json_attributes(found: object) -> dict[str, Any]:
    return {pair["key"]: _json_value(pair.get("value")) for pair in _objects(found) if isinstance(pair.get("key"), str)}


def _json_value(value: object) -> Any:
    if not isinstance(value, dict):
        return None
    if "intValue" in value:
        return whole(value["intValue"])
    if "doubleValue" in value:
        return number(value["doubleValue"])
    return value.get("stringValue", value.get("boolValue"))


def response(rejected: int, reason: str) -> ExportTraceServiceResponse:
    """The response to the exporter, which is empty if nothing was rejected."""
    told = ExportTraceServiceResponse()
    if rejected:
        told.partial_success.rejected_spans = rejected
        told.partial_success.error_message = reason
    return told
