"""What other programs send: LiteLLM's records and OpenTelemetry's spans become the events they are."""

import gzip
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from httpx import Response
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from pydantic import SecretStr

from config import CollectorSettings
from intake.database import database_url
from intake.llm.foreign import cents
from intake.migrating import migrate
from intake.server import create_app
from intake.tables import DEAD_LETTERS, USAGE_EVENTS
from intake.values import uuid_text
from tests.intake.collecting import ORG_WRITER, READER, WRITER, environment, rows, tokens_file
from tests.intake.events import ORG, OTHER_ORG, ndjson
from tests.processes import ROOT, finished

NOW = datetime(2026, 6, 1, tzinfo=UTC)
PROTOBUF = "application/x-protobuf"


class Gateway:
    """A collector in this process, and the rows of its database."""

    def __init__(self, directory: Path) -> None:
        self.url = database_url(f"sqlite:///{directory}/collector.db")
        migrate(self.url)
        given = SecretStr(self.url.render_as_string())
        settings = CollectorSettings(collector_database_url=given, tokens_file=tokens_file(directory))
        self.client = TestClient(create_app(settings, lambda: NOW))

    def post(self, path: str, content: bytes, token: str = WRITER, **headers: str) -> Response:
        """Send a body."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        answer: Any = self.client.post(path, content=content, headers={"Authorization": f"Bearer {token}"} | named)
        return answer  # type: ignore[no-any-return]

    def events(self) -> list[Any]:
        """The stored events."""
        return rows(self.url, USAGE_EVENTS)


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Gateway]:
    """A collector with an empty database."""
    made = Gateway(tmp_path)
    with made.client:
        yield made


def record(**changes: Any) -> dict[str, Any]:
    """A payload of LiteLLM's callback, with changes."""
    return {
        "id": "chatcmpl-abc",
        "trace_id": "trace-1",
        "call_type": "acompletion",
        "status": "success",
        "response_cost": 0.00012345,
        "prompt_tokens": 12,
        "completion_tokens": 3,
        "startTime": 1772442000.1234567,
        "endTime": 1772442001.0,
        "model": "gpt-4o",
        "model_group": "smart",
        "custom_llm_provider": "openai",
        "cache_hit": None,
        "metadata": {"user_api_key_org_id": ORG, "user_api_key_user_id": "ann", "huge": "x" * 5000},
        "messages": [{"role": "user", "content": "a secret"}],
        "request_tags": ["a", "b"],
    } | changes


def litellm(gateway: Gateway, *records: Any, token: str = WRITER) -> Any:
    """Send records as the callback does, and return the answer."""
    answer = gateway.post("/collect/litellm", json.dumps(records).encode(), token)
    assert answer.status_code == 202, answer.text
    return answer.json()


def test_litellm_record_is_an_event(gateway: Gateway) -> None:
    """0.00012345 dollars are 0.012345 cents, half up 0.0123; 876.5433 ms are 877; nothing of the prompt is kept."""
    assert litellm(gateway, record())["accepted"] == 1
    (row,) = gateway.events()
    assert uuid_text(row.org_id) == ORG
    assert (row.model_id, row.actor_id, row.status) == ("gpt-4o", "ann", "success")
    assert (row.input_tokens, row.output_tokens, row.latency_ms) == (12, 3, 877)
    assert row.cost_estimate == 123
    assert row.occurred_at == 1_772_442_000_123_457
    assert "secret" not in row.metadata
    assert "huge" not in row.metadata
    assert json.loads(row.metadata)["tags"] == ["a", "b"]


@pytest.mark.parametrize(
    ("dollars", "in_cents"),
    [("0.1", "10"), ("1e-7", "0"), ("0.0000005", "0.0001"), ("0.00000049", "0"), ("123456.78901234", "12345678.9012")],
)
def test_dollars_become_cents_exactly(dollars: str, in_cents: str) -> None:
    """The text of the number counts, not a double."""
    assert float(str(cents(dollars))) == float(in_cents)


def test_litellm_repeat_is_the_same_event(gateway: Gateway) -> None:
    """Sent again it is a duplicate; answered from the cache later, it is another event that costs nothing."""
    hit = record(startTime=1772442009.5, endTime=1772442009.6, cache_hit=True)
    assert litellm(gateway, record(), record())["duplicates"] == 1
    told = litellm(gateway, record(), hit, hit)
    assert (told["accepted"], told["duplicates"]) == (1, 2)
    assert [row.cost_estimate for row in gateway.events()] == [123, 0]


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        ({"error_code": "429", "error_class": "RateLimitError"}, "throttled", "RateLimitError"),
        ({"error_code": "408", "error_class": "Timeout"}, "timeout", "Timeout"),
        ({"error_code": "400", "error_class": "BadRequestError"}, "error", "BadRequestError"),
        ({}, "error", None),
    ],
)
def test_litellm_failure_has_its_kind(gateway: Gateway, error: dict[str, str], status: str, code: str | None) -> None:
    """By the class and the code of its error."""
    litellm(gateway, record(status="failure", error_information=error, response_cost=0, completion_tokens=None))
    (row,) = gateway.events()
    assert (row.status, row.error_code, row.output_tokens) == (status, code, 0)


@pytest.mark.parametrize(
    ("token", "metadata", "organisation"),
    [
        (WRITER, {"user_api_key_org_id": ORG, "user_api_key_team_id": OTHER_ORG}, ORG),
        (WRITER, {"user_api_key_team_id": OTHER_ORG}, OTHER_ORG),
        (ORG_WRITER, {"user_api_key_team_id": OTHER_ORG}, ORG),
        (ORG_WRITER, {"user_api_key_org_id": "acme"}, ORG),
        (ORG_WRITER, {}, ORG),
        (ORG_WRITER, {"user_api_key_org_id": OTHER_ORG}, None),
        (WRITER, {}, None),
    ],
)
def test_litellm_organisation(gateway: Gateway, token: str, metadata: dict[str, str], organisation: str | None) -> None:
    """The key's organisation, its team, or the token's only one; never one the token has no right to."""
    told = litellm(gateway, record(metadata=metadata), token=token)
    assert [uuid_text(row.org_id) for row in gateway.events()] == ([organisation] if organisation else [])
    assert len(told["rejected"]) == (0 if organisation else 1)


def test_litellm_forms_and_faults(gateway: Gateway) -> None:
    """Lines, one record, gzip; a record without an id or a time, and no record at all, are named."""
    path = "/collect/litellm"
    assert gateway.post(path, ndjson(record(id="a"), record(id="b"))).json()["accepted"] == 2
    assert gateway.post(path, json.dumps(record(id="c")).encode()).json()["accepted"] == 1
    packed = gzip.compress(json.dumps([record(id="d")]).encode())
    assert gateway.post(path, packed, content_encoding="gzip").json()["accepted"] == 1
    told = litellm(gateway, record(id=""), record(startTime=None), 7, record(id="e", startTime=float(10**15)))
    assert [each["index"] for each in told["rejected"]] == [0, 1, 2, 3]
    assert "secret" not in "".join(letter.payload for letter in rows(gateway.url, DEAD_LETTERS))
    assert gateway.post(path, b"rubbish").status_code == 400
    assert gateway.post(path, b"[]", READER).status_code == 403


def test_spend_logs_are_imported(gateway: Gateway, tmp_path: Path) -> None:
    """A CSV and an NDJSON of the same rows are the same events, and so are the callback's records of them."""
    litellm(gateway, record(id="one", startTime=1772442000.123, response_cost=0.002, model="gpt-4o"))
    row = {
        "request_id": "one",
        "call_type": "acompletion",
        "spend": 0.002,
        "prompt_tokens": 12,
        "completion_tokens": 3,
        "startTime": "2026-03-02 09:00:00.123",
        "endTime": "2026-03-02T09:00:01Z",
        "model": "gpt-4o",
        "user": "ann",
        "organization_id": ORG,
        "cache_hit": "False",
        "metadata": {"status": "success"},
        "request_tags": ["x"],
    }
    other = row | {"request_id": "two", "organization_id": None, "spend": 1.5e-05}
    (tmp_path / "logs.ndjson").write_bytes(ndjson(row, other))
    header = ",".join(row)
    cells = [
        '"' + (value if isinstance(value, str) else json.dumps(value)).replace('"', '""') + '"'
        for value in other.values()
    ]
    cells[list(row).index("organization_id")] = ""
    (tmp_path / "logs.csv").write_text(f"{header}\n{','.join(cells)}\n")
    files = ["--org", OTHER_ORG, tmp_path / "logs.ndjson", tmp_path / "logs.csv"]
    run = finished([ROOT / "collector.py", "import", *files], tmp_path, **environment(gateway.url, tmp_path))
    assert run.returncode == 0, run.stderr
    assert run.stdout.split()[-4:] == ["total", "1", "2", "0"]
    assert [row.cost_estimate for row in gateway.events()] == [2000, 15]


def span(**attributes: Any) -> dict[str, Any]:
    """A span of one call in OTLP's JSON."""
    kinds = {str: "stringValue", int: "intValue", float: "doubleValue", bool: "boolValue"}
    found = {
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": "gpt-4o",
        "gen_ai.usage.input_tokens": 12,
        "gen_ai.usage.output_tokens": 3,
        "gen_ai.usage.cost": 0.002,
        "gen_ai.input.messages": "a secret",
        "user.id": "ann",
    } | {name.replace("__", "."): value for name, value in attributes.items()}
    return {
        "traceId": "5B8EFFF798038103D269B633813FC60C",
        "spanId": "EEE19B7EC3C1B174",
        "startTimeUnixNano": "1772442000123456789",
        "endTimeUnixNano": "1772442001000000000",
        "status": {},
        "attributes": [
            {"key": key, "value": {kinds[type(value)]: str(value) if type(value) is int else value}}
            for key, value in found.items()
            if value is not None
        ],
    }


def request_of(*spans: dict[str, Any]) -> dict[str, Any]:
    """An OTLP request of spans, whose resource names the organisation."""
    resource = {"attributes": [{"key": "organization.id", "value": {"stringValue": ORG}}]}
    return {"resourceSpans": [{"resource": resource, "scopeSpans": [{"scope": {}, "spans": list(spans)}]}]}


def traces(gateway: Gateway, *spans: dict[str, Any], token: str = WRITER) -> Any:
    """Export spans as JSON, and return the answer."""
    body = json.dumps(request_of(*spans)).encode()
    answer = gateway.post("/v1/traces", body, token, content_type="application/json")
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_span_is_an_event(gateway: Gateway) -> None:
    """0.002 dollars are 0.2 cents; 876.543211 ms are 877."""
    assert traces(gateway, span()) == {}
    (row,) = gateway.events()
    assert uuid_text(row.org_id) == ORG
    assert (row.model_id, row.actor_id, row.status, row.latency_ms) == ("gpt-4o", "ann", "success", 877)
    assert (row.input_tokens, row.output_tokens, row.cost_estimate) == (12, 3, 2000)
    assert row.occurred_at == 1_772_442_000_123_456
    assert "secret" not in row.metadata


def test_protobuf_is_the_same_event(gateway: Gateway) -> None:
    """Compressed, too; the answer is protobuf."""
    traces(gateway, span())
    request = ExportTraceServiceRequest()
    resource_spans = request.resource_spans.add()
    resource_spans.resource.attributes.add(key="organization.id").value.string_value = ORG
    sent: Span = resource_spans.scope_spans.add().spans.add(
        trace_id=bytes.fromhex("5b8efff798038103d269b633813fc60c"),
        span_id=bytes.fromhex("eee19b7ec3c1b174"),
        start_time_unix_nano=1772442000123456789,
        end_time_unix_nano=1772442001000000000,
    )
    for key, value in {"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o"}.items():
        sent.attributes.add(key=key).value.string_value = value
    sent.attributes.add(key="gen_ai.usage.input_tokens").value.int_value = 12
    body = gzip.compress(request.SerializeToString())
    answer = gateway.post("/v1/traces", body, content_type=PROTOBUF, content_encoding="gzip")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == PROTOBUF
    assert ExportTraceServiceResponse.FromString(answer.content) == ExportTraceServiceResponse()
    assert len(gateway.events()) == 1
    sent.span_id = b"another1"
    answer = gateway.post("/v1/traces", request.SerializeToString(), content_type=PROTOBUF)
    assert [row.input_tokens for row in gateway.events()] == [12, 12]
    assert gateway.post("/v1/traces", b"\xff\xff", content_type=PROTOBUF).status_code == 400


def test_only_leaves_count(gateway: Gateway) -> None:
    """An agent's span sums up its calls; a tool's is none; an older span without an operation is one."""
    older = span(gen_ai__operation__name=None) | {"spanId": "01"}
    traces(gateway, span(gen_ai__operation__name="invoke_agent"), span(gen_ai__operation__name="execute_tool"), older)
    http = {"traceId": "1", "spanId": "2", "startTimeUnixNano": "1", "endTimeUnixNano": "2", "attributes": []}
    traces(gateway, http)
    assert len(gateway.events()) == 1


def test_failed_span_has_its_kind(gateway: Gateway) -> None:
    """By its error's type; by its status alone it is an error."""
    kinds = {"timeout": "timeout", "429": "throttled", "BadRequest": "error"}
    for number, kind in enumerate(kinds):
        traces(gateway, span(error__type=kind) | {"spanId": f"{number + 1:016x}"})
    traces(gateway, span() | {"status": {"code": 2}})
    found = [(row.status, row.error_code) for row in gateway.events()]
    assert found == [(status, kind) for kind, status in kinds.items()] + [("error", None)]


def test_rejected_spans_are_counted(gateway: Gateway) -> None:
    """A span without an id, and one of another organisation: a partial success that says why."""
    told = traces(gateway, span() | {"spanId": ""}, span(), token=WRITER)
    assert told["partialSuccess"]["rejectedSpans"] == "1"
    assert "event_id" in told["partialSuccess"]["errorMessage"]
    foreign = span(organization__id=OTHER_ORG)
    assert traces(gateway, foreign, token=ORG_WRITER)["partialSuccess"]["rejectedSpans"] == "1"
    assert len(gateway.events()) == 1


def test_span_without_an_organisation_is_the_tokens(gateway: Gateway) -> None:
    """Where the token has exactly one."""
    request = request_of(span())
    request["resourceSpans"][0]["resource"] = {}
    answer = gateway.post("/v1/traces", json.dumps(request).encode(), ORG_WRITER, content_type="application/json")
    assert answer.json() == {}
    assert [uuid_text(row.org_id) for row in gateway.events()] == [ORG]
