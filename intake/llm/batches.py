"""Sort documents into events and rejections, and build the batch to store."""

import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal

from intake import values
from intake.documents import Broken, Repeated
from intake.llm.events import Event
from intake.values import InvalidValueError

LARGEST_PAYLOAD = 64_000
LONGEST_ECHO = 128
LONGEST_SENDER = 255

type Source = Literal["http", "file", "amqp"]


@dataclass(frozen=True)
class Rejection:
    """A document that is not a valid event: its position, its text, and what is wrong with it.

    `origin` tells it from an equal one elsewhere: a repeat from the same origin is kept once.
    """

    index: int
    event_id: str | None
    org_id: bytes | None
    reason: str
    payload: str
    origin: str

    @property
    def digest(self) -> bytes:
        """Identifies it among all others."""
        told = json.dumps([self.origin, self.reason, self.payload])
        return hashlib.blake2b(told.encode(), digest_size=16).digest()


@dataclass(frozen=True)
class Batch:
    """The events and rejections of a request, message or piece of a file; `received_at` in microseconds since 1970."""

    source: Source
    sender: str
    received_at: int
    events: list[Event]
    rejections: list[Rejection]

    def __len__(self) -> int:
        return len(self.events) + len(self.rejections)


@dataclass(frozen=True)
class Receipt:
    """What was committed from a batch."""

    batch_id: int
    accepted: int
    duplicates: int


def sift(
    documents: Iterable[object], parse: Callable[[object], Event], origin: str, first: int = 0
) -> tuple[list[Event], list[Rejection]]:
    """The events among documents, and rejections of the others with their index, counted from `first`."""
    events: list[Event] = []
    rejections: list[Rejection] = []
    for index, document in enumerate(documents, first):
        try:
            events.append(parse(document))
        except InvalidValueError as error:
            rejections.append(rejection(document, index, str(error), f"{origin}:{index}"))
    return events, rejections


def rejection(document: object, index: int, reason: str, origin: str) -> Rejection:
    """The rejection of a document, with the ids it claims to have."""
    fields = document if isinstance(document, dict) else {}
    return Rejection(
        index=index,
        event_id=_echo(fields.get("event_id")),
        org_id=_organisation(fields.get("org_id")),
        reason=reason,
        payload=payload(document),
        origin=origin,
    )


def payload(document: object) -> str:
    """A document as JSON in ASCII, which every database can store; text that is not JSON is kept as it came."""
    if isinstance(document, Broken):
        return document.text.replace("\0", "\\x00")[:LARGEST_PAYLOAD]
    try:
        return json.dumps(document, default=_told)[:LARGEST_PAYLOAD]
    except RecursionError:
        return "nested too deeply"


def _told(value: Any) -> str:
    return f"{value.key} is given twice" if isinstance(value, Repeated) else str(value)


def _echo(event_id: object) -> str | None:
    if event_id is None:
        return None
    text = event_id if isinstance(event_id, str) else values.shown(event_id)
    return text[:LONGEST_ECHO].encode(errors="backslashreplace").decode().replace("\0", "\\x00")[:LONGEST_ECHO]


def _organisation(org_id: object) -> bytes | None:
    try:
        return values.uuid_bytes("org_id", org_id)
    except InvalidValueError:
        return None
