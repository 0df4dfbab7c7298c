"""Conversions to an event that the formats of other programs have in common."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import ROUND_HALF_UP, Context, Decimal, InvalidOperation
from typing import Any
from uuid import UUID, uuid5

from intake import values
from intake.llm.events import LONGEST_NAME
from intake.values import InvalidValueError
from web.callers import ALL, Caller

# Namespace of the UUIDs derived from ids that are not UUIDs.
NAMESPACE = UUID("5b0c9d5e-6f0c-5f0e-9b1e-2c7a1d8a4f10")
CENTS_PER_DOLLAR = 100
SMALLEST_AMOUNT = Decimal("0.0001")
LONGEST_FACT = 200
LARGEST_COUNT = 2**64
_EXACT = Context(prec=200)


@dataclass(frozen=True)
class Organisations:
    """Finds the organisation of an event whose sender states it in their own way."""

    caller: Caller

    def of(self, organisation: object, *others: object) -> object:
        """The organisation of an event: the one that is named; else the first of `others` the caller may write for;
        else the caller's only one. None if there is none of these.
        """
        if is_uuid(organisation):
            return organisation
        for other in others:
            if is_uuid(other) and self.caller.sees(str(other)):
                return other
        own = self.caller.organisations - ALL
        return next(iter(own)) if len(own) == 1 and own == self.caller.organisations else None


def is_uuid(value: object) -> bool:
    """Whether a value is a UUID in text form."""
    try:
        values.uuid_bytes("", value)
    except InvalidValueError:
        return False
    return True


def derived_id(*parts: object) -> str:
    """The UUID derived from an id in another form: always the same for the same parts."""
    return str(uuid5(NAMESPACE, "\n".join(map(str, parts))))


def cents(dollars: object) -> object:
    """An amount in US dollars as cents with four decimal places, rounded half up; other values stay as they are."""
    amount = number(dollars)
    if amount is None:
        return dollars
    try:
        return _EXACT.multiply(amount, CENTS_PER_DOLLAR).quantize(SMALLEST_AMOUNT, ROUND_HALF_UP, _EXACT)
    except InvalidOperation:
        return dollars


def number(value: object) -> Decimal | None:
    """The exact value of a number or of its text; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal | str | float):
        return None
    try:
        # The text of a double is the shortest decimal that identifies it.
        found = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    except InvalidOperation:
        return None
    return found if found.is_finite() else None


def whole(value: object) -> object:
    """A count, which may be text or have a fraction of zero; null is 0."""
    if value is None:
        return 0
    amount = number(value)
    return int(amount) if amount is not None and abs(amount) < LARGEST_COUNT and amount % 1 == 0 else value


def instant(microseconds: int) -> str | None:
    """An instant in the format of events; None if it is beyond the calendar."""
    try:
        return (values.EPOCH + timedelta(microseconds=microseconds)).isoformat()
    except OverflowError:
        return None


def cut(text: object) -> object:
    """A name, truncated to the length that can be stored."""
    return text[:LONGEST_NAME] if isinstance(text, str) else text


def failure(described: Sequence[object]) -> str:
    """The status of a failed call, from its sender's description of the error."""
    told = " ".join(str(each) for each in described if each is not None).lower()
    if any(sign in told for sign in ("timeout", "timed out", "408", "504", "deadline")):
        return "timeout"
    if any(sign in told for sign in ("429", "ratelimit", "rate_limit", "rate limit", "throttl", "too_many")):
        return "throttled"
    return "error"


def facts(found: Mapping[str, Any]) -> dict[str, Any]:
    """The metadata of an event: the facts that are present, each truncated so that all of them fit."""
    return {name: value[:LONGEST_FACT] if isinstance(value, str) else value for name, value in found.items() if value}
