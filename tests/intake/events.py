"""Events of the tests, as a sender writes them."""

import json
from typing import Any
from uuid import UUID

ORG = "0196a000-0000-7000-8000-00000000000a"
OTHER_ORG = "0196a000-0000-7000-8000-00000000000b"


def event_id(number: int) -> str:
    """The id of the event with a number."""
    return str(UUID(int=0x0196A000_0000_7000_8000_000000000000 + number))


def event(number: int = 1, **changes: Any) -> dict[str, Any]:
    """A good event, with changes."""
    return {
        "event_id": event_id(number),
        "org_id": ORG,
        "occurred_at": "2026-03-02T09:00:00.123456Z",
        "model_id": "gpt-4o",
        "actor_id": "ann",
        "input_tokens": 120,
        "output_tokens": 30,
        "latency_ms": 850,
        "status": "success",
        "error_code": None,
        "cost_estimate": "12.5",
        "metadata": {"region": "eu"},
    } | changes


def ndjson(*documents: Any) -> bytes:
    """Documents as lines."""
    return b"".join(json.dumps(document).encode() + b"\n" for document in documents)
