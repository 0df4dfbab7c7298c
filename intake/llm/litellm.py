"""LiteLLM's records: the payload of its `generic_api` callback, and the rows of its table LiteLLM_SpendLogs.

Only what an event needs is kept, even of a rejected record: the rest contains prompts and answers.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from intake import values
from intake.documents import Broken, NotJsonError, Repeated, parse
from intake.llm.foreign import (
    Organisations,
    cents,
    cut,
    derived_id,
    facts,
    failure,
    instant,
    number,
    whole,
)

TRUE = frozenset({"true", "t", "1", "yes"})
MOST_TAGS = 10
LONGEST_TAG = 60
LATEST_S = 10**11
_LONGEST_TIME = 40


def is_spend_log(document: object) -> bool:
    """Whether a document is a row of LiteLLM_SpendLogs."""
    return isinstance(document, dict) and "request_id" in document and "spend" in document


def event_document(record: object, organisations: Organisations) -> object:
    """The event document of a record, unchecked: parsing it as an event finds what is wrong with the record."""
    if isinstance(record, Broken | Repeated) or not isinstance(record, dict):
        return record
    metadata = _object(record.get("metadata"))
    start, end = _microseconds(record.get("startTime")), _microseconds(record.get("endTime"))
    identity = record.get("id") or record.get("request_id") or record.get("litellm_call_id")
    is_hit = str(record.get("cache_hit")).lower() in TRUE
    error = _object(record.get("error_information") or metadata.get("error_information"))
    failed = record.get("status") not in {None, "", "success"}
    return {
        # A call answered from the cache has the id of the original call, but another time.
        "event_id": derived_id("litellm", identity, start // 1000) if identity and start is not None else None,
        "org_id": organisations.of(
            metadata.get("user_api_key_org_id") or record.get("organization_id"),
            metadata.get("user_api_key_team_id") or record.get("team_id"),
        ),
        "occurred_at": record.get("startTime") if start is None else instant(start),
        "model_id": cut(record.get("model") or record.get("model_group") or None),
        "actor_id": cut(metadata.get("user_api_key_user_id") or record.get("user") or record.get("end_user") or None),
        "input_tokens": whole(record.get("prompt_tokens")),
        "output_tokens": whole(record.get("completion_tokens")),
        "latency_ms": 0 if start is None or end is None else max((end - start + 500) // 1000, 0),
        "status": failure([error.get("error_code"), error.get("error_class"), record.get("error_str")])
        if failed
        else "success",
        "error_code": _error_code(error) if failed else None,
        "cost_estimate": 0 if is_hit else cents(_cost(record)),
        "metadata": _facts(record, metadata, is_hit),
    }


def _cost(record: Mapping[str, Any]) -> object:
    return record.get("response_cost") if "response_cost" in record else record.get("spend")


def _error_code(error: Mapping[str, Any]) -> object:
    code = error.get("error_class") or error.get("error_code")
    return str(code)[:64] if code else None


def _facts(record: Mapping[str, Any], metadata: Mapping[str, Any], is_hit: bool) -> dict[str, Any]:
    tags = record.get("request_tags")
    return facts(
        {
            "call_type": record.get("call_type"),
            "provider": record.get("custom_llm_provider"),
            "model_group": record.get("model_group"),
            "request_id": record.get("id") or record.get("request_id"),
            "trace_id": record.get("trace_id") or record.get("session_id"),
            "key_alias": metadata.get("user_api_key_alias"),
            "team_alias": metadata.get("user_api_key_team_alias"),
            "end_user": record.get("end_user"),
            "cache_hit": is_hit,
            "tags": [str(tag)[:LONGEST_TAG] for tag in tags[:MOST_TAGS]] if isinstance(tags, list) else None,
        }
    )


def _object(value: object) -> Mapping[str, Any]:
    """An object, or its JSON text as in CSV; empty for anything else."""
    if isinstance(value, str):
        try:
            value = parse(value.encode(errors="replace"))
        except NotJsonError:
            return {}
    return value if isinstance(value, dict) else {}


def _microseconds(value: object) -> int | None:
    """Microseconds since 1970, from seconds since 1970 or ISO 8601, which is UTC if it has no offset."""
    if isinstance(value, str) and "-" in value[:_LONGEST_TIME]:
        return _written_time(value)
    seconds = number(value)
    if seconds is None or not 0 <= seconds < LATEST_S:
        return None
    return int((seconds * 1_000_000).to_integral_value())


def _written_time(text: str) -> int | None:
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    return values.microseconds(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
