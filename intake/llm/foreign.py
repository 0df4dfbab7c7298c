"""What the formats of other programs have in common on their way to an event."""

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

# Ids that are no UUIDs become one by their text, below this name.
NAMESPACE = UUID("5b0c9d5e-6f0c-5f0e-9b1e-2c7a1d8a4f10")
CENTS_PER_DOLLAR = 100
SMALLEST_AMOUNT = Decimal("0.0001")
LONGEST_FACT = 200
LARGEST_COUNT = 2**64
_EXACT = Context(prec=200)


@dataclass(frozen=True)
class Organisations:
    """Which organisation an event is of, when its sender says it in their own way."""

    caller: Caller

    def of(self, organisation: object, *others: object) -> object:
        """The organisation of an event: the one that is named; else, of what stands for it, the first the caller may
        write for; else the caller's only one. None when there is none of these.
        """
        if is_uuid(organisation):
            return organisation
        for other in others:
            if is_uuid(other) and self.caller.sees(str(other)):
                return other
        own = self.caller.organisations - ALL
        return next(iter(own)) if len(own) == 1 and own == self.caller.organisations else None


def is_uuid(value: object) -> bool:
    """Whether a value is the text of a UUID."""
    try:
        values.uuid_bytes("", value)
    except InvalidValueError:
        return False
    return True


def derived_id(*parts: object) -> str:
    """The UUID that stands for an id in another form: the same for the same parts, always."""
    return str(uuid5(NAMESPACE, "\n".join(map(str, parts))))


def cents(dollars: object) -> object:
    """An amount in US dollars as cents with four places, rounded half up; what is no amount stays as it is."""
    amount = number(dollars)
    if amount is None:
        return dollars
    try:
        return _EXACT.multiply(amount, CENTS_PER_DOLLAR).quantize(SMALLEST_AMOUNT, ROUND_HALF_UP, _EXACT)
    except InvalidOperation:
        return dollars


def number(value: object) -> Decimal | None:
    """The exact value of a number or of its text; None for what is none."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal | str | float):
        return None
    try:
        # The text of a double is the shortest one that means it.
        found = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    except InvalidOperation:
        return None
    return found if found.is_finite() else None


def whole(value: object) -> object:
    """A count, which may come as text or with a fraction of zero; null counts nothing."""
    if value is None:
        return 0
    amount = number(value)
    return int(amount) if amount is not None and abs(amount) < LARGEST_COUNT and amount % 1 == 0 else value


def instant(microseconds: int) -> str | None:
    """An instant as an event has it; None when it is beyond the calendar."""
    try:
        return (values.EPOCH + timedelta(microseconds=microseconds)).isoformat()
    except OverflowError:
        return None


def cut(text: object) -> object:
    """A name, short enough to be stored."""
    return text[:LONGEST_NAME] if isinstance(text, str) else text


def failure(described: Sequence[object]) -> str:
    """The status of a call that failed, from what its sender says of the error."""
    told = " ".join(str(each) for each in described if each is not None).lower()
    if any(sign in told for sign in ("timeout", "timed out", "408", "504", "deadline")):
        return "timeout"
    if any(sign in told for sign in ("429", "ratelimit", "rate_limit", "rate limit", "throttl", "too_many")):
        return "throttled"
    return "error"


def facts(found: Mapping[str, Any]) -> dict[str, Any]:
    """The metadata of an event: the facts that are there, each short enough for all of them to fit."""
    return {name: value[:LONGEST_FACT] if isinstance(value, str) else value for name, value in found.items() if value}
