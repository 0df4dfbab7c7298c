"""One event of LLM usage: which documents are valid events, and what is stored of them."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from intake import values
from intake.documents import Broken, Repeated
from intake.values import InvalidValueError

STATUSES = frozenset({"success", "error", "timeout", "throttled"})
FIELDS = frozenset(
    {
        "event_id",
        "org_id",
        "occurred_at",
        "model_id",
        "actor_id",
        "input_tokens",
        "output_tokens",
        "latency_ms",
        "status",
        "error_code",
        "cost_estimate",
        "metadata",
    }
)
REQUIRED = ("event_id", "org_id", "occurred_at", "input_tokens", "output_tokens", "latency_ms", "status")
LONGEST_NAME = 128
LONGEST_ERROR_CODE = 64
LARGEST_METADATA = 4096
FIRST_INSTANT = values.microseconds(datetime(2015, 1, 1, tzinfo=UTC))
FUTURE = timedelta(minutes=5) // values.MICROSECOND


class Event(NamedTuple):
    """An event as it is stored, in the order of the table's columns and in their storage types."""

    org_id: bytes
    event_id: bytes
    occurred_at: int
    model_id: str | None
    actor_id: str | None
    input_tokens: int
    output_tokens: int
    latency_ms: int
    status: str
    error_code: str | None
    cost_estimate: int | None
    metadata: str | None


# Cost in 1/10,000 cents by model, instant and tokens; None when there is no price.
type PriceOf = Callable[[str | None, int, int, int], int | None]


def unpriced(_model: str | None, _occurred_at: int, _input: int, _output: int) -> None:
    """The price of every event if no prices are configured."""


def parse_event(document: object, now: int, price_of: PriceOf = unpriced) -> Event:
    """Parse an event from a document; `now` is in microseconds since 1970.

    Raises:
        InvalidValueError: It is not a valid event; the message says what is wrong.
    """
    fields = _fields(document)
    occurred_at = values.instant("occurred_at", fields["occurred_at"])
    _check_time(fields["occurred_at"], occurred_at, now)
    model_id = values.text("model_id", fields.get("model_id"), LONGEST_NAME)
    input_tokens = values.integer("input_tokens", fields["input_tokens"])
    output_tokens = values.integer("output_tokens", fields["output_tokens"])
    cost = values.money("cost_estimate", fields.get("cost_estimate"))
    return Event(
        org_id=values.uuid_bytes("org_id", fields["org_id"]),
        event_id=values.uuid_bytes("event_id", fields["event_id"]),
        occurred_at=occurred_at,
        model_id=model_id,
        actor_id=values.text("actor_id", fields.get("actor_id"), LONGEST_NAME),
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        latency_ms=values.integer("latency_ms", fields["latency_ms"]),
        status=values.choice("status", fields["status"], STATUSES),
        error_code=values.text("error_code", fields.get("error_code"), LONGEST_ERROR_CODE),
        cost_estimate=price_of(model_id, occurred_at, input_tokens, output_tokens) if cost is None else cost,
        metadata=values.json_object("metadata", fields.get("metadata"), LARGEST_METADATA),
    )


def _fields(document: object) -> Mapping[str, Any]:
    """The fields of a document, which must have all required ones and no unknown ones."""
    match document:
        case dict():
            values.only_known(document, FIELDS)
            for name in REQUIRED:
                if name not in document:
                    raise InvalidValueError(f"{name} is missing")
            return document
        case Repeated():
            raise InvalidValueError(f"{values.shown(document.key)} is given twice")
        case Broken():
            raise InvalidValueError(document.reason)
    raise refused_kind(document)


def refused_kind(document: object) -> InvalidValueError:
    """The error for a document that is not an object."""
    return InvalidValueError(f"an event is an object, this is {values.shown(document)}")


def _check_time(written: object, occurred_at: int, now: int) -> None:
    if occurred_at > now + FUTURE:
        raise InvalidValueError(f"occurred_at is {written}, more than 5 minutes in the future")
    if occurred_at < FIRST_INSTANT:
        raise InvalidValueError(f"occurred_at is {written}, before 2015")
