"""Checks of a document's values: each function returns what is stored, or raises an error that says what is wrong.

Every `InvalidValueError` names the field, shows what was sent, and says what would be right.
"""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Context, Decimal, Inexact, InvalidOperation
from typing import Any

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
LARGEST_INTEGER = 2**53
# Money has 18 digits, 4 of them after the decimal point.
MONEY_SCALE = 4
MONEY_LIMIT = 10**18
LARGEST_AMOUNT = Decimal(10) ** (18 - MONEY_SCALE)
LONGEST_NUMBER = 60
SHOWN = 60

_UUID = re.compile(r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}")
_INSTANT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?([Zz]|[+-][0-9]{2}:[0-9]{2})"
)
_MONEY = re.compile(r"[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]{1,3})?")
# An amount with more digits is rejected, never rounded.
_EXACT = Context(prec=LONGEST_NUMBER, traps=[Inexact, InvalidOperation])


class InvalidValueError(ValueError):
    """A value that can't be stored; the message is a sentence for its sender."""


def shown(value: object) -> str:
    """A value as it was sent, shortened for an error message."""
    try:
        text = str(value) if isinstance(value, Decimal) else json.dumps(value, default=str)
    except (ValueError, RecursionError):
        text = type(value).__name__
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"


def refusal(name: str, value: object, wanted: str) -> InvalidValueError:
    """The error for a field with a wrong value."""
    return InvalidValueError(f"{name} is {shown(value)}, not {wanted}")


def uuid_bytes(name: str, value: object) -> bytes:
    """The 16 bytes of a UUID in its usual text form, in upper or lower case."""
    if type(value) is not str or not _UUID.fullmatch(value):
        raise refusal(name, value, "a UUID such as 018f2d6e-0000-7000-8000-000000000001")
    return bytes.fromhex(value.replace("-", ""))


def uuid_text(value: bytes) -> str:
    """The usual text form of a UUID, in lower case."""
    digits = value.hex()
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def instant(name: str, value: object) -> int:
    """Microseconds since 1970 of an RFC 3339 instant; finer fractions are truncated."""
    if type(value) is str and len(value) <= SHOWN and _INSTANT.fullmatch(value):
        try:
            return microseconds(datetime.fromisoformat(value.upper()))
        except (ValueError, OverflowError):
            pass
    raise refusal(name, value, "an instant with its offset such as 2026-03-02T09:00:00.123456Z")


def microseconds(moment: datetime) -> int:
    """Microseconds since 1970."""
    return (moment - EPOCH) // MICROSECOND


def integer(name: str, value: object) -> int:
    """A whole number from 0 to 2⁵³, without a fraction and not as text."""
    if type(value) is not int or not 0 <= value <= LARGEST_INTEGER:
        raise refusal(name, value, "a whole number from 0 to 2^53")
    return value


def text(name: str, value: object, longest: int) -> str | None:
    """A text or null. NUL and lone surrogates are rejected: not every database can store them."""
    if value is None:
        return None
    if type(value) is not str or len(value) > longest:
        raise refusal(name, value, f"a text of at most {longest} characters")
    if "\0" in value:
        raise InvalidValueError(f"{name} has a NUL character, which can't be stored")
    if not value.isascii():
        _refuse_surrogates(name, value)
    return value


def choice(name: str, value: object, allowed: frozenset[str]) -> str:
    """One of a few texts."""
    if type(value) is not str or value not in allowed:
        raise refusal(name, value, f"one of {', '.join(sorted(allowed))}")
    return value


def money(name: str, value: object) -> int | None:
    """An exact amount, given as a number or decimal text, in 1/10,000 of its unit; null stays null."""
    if value is None:
        return None
    try:
        amount = _amount(value)
        # Don't convert an amount beyond the limit to an integer: it may have a billion digits.
        if amount is not None and 0 <= amount < LARGEST_AMOUNT:
            scaled = amount.scaleb(MONEY_SCALE, _EXACT)
            if scaled == (whole := int(scaled)):
                return whole
    except ArithmeticError:
        pass
    raise refusal(name, value, "an amount from 0 to below 10^14 with at most 4 decimal places")


def _amount(value: object) -> Decimal | None:
    """The exact value of a number or a decimal text; None for anything else."""
    if type(value) is str:
        return Decimal(value) if len(value) <= LONGEST_NUMBER and _MONEY.fullmatch(value) else None
    return Decimal(value) if type(value) is int else value if isinstance(value, Decimal) else None


def json_object(name: str, value: object, largest: int) -> str | None:
    """An object as compact JSON of at most `largest` bytes in UTF-8; null stays null."""
    if value is None:
        return None
    if type(value) is not dict:
        raise refusal(name, value, "an object that names each key once")
    if not value:
        return "{}"
    try:
        compact = _COMPACT.encode(value)
    except InvalidValueError:
        raise
    except ValueError:
        raise InvalidValueError(f"{name} has a number beyond what a double can hold") from None
    except RecursionError:
        raise InvalidValueError(f"{name} is nested too deeply") from None
    size = len(compact) if compact.isascii() else len(_refuse_surrogates(name, compact))
    if size > largest:
        raise InvalidValueError(f"{name} has {size:,} bytes, more than {largest:,}")
    return compact


def _double(value: object) -> float:
    """A number in metadata as the double that other programs read it as."""
    if isinstance(value, Decimal):
        return float(value)
    raise InvalidValueError("metadata has an object with a duplicate key")


_COMPACT = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_double)


def _refuse_surrogates(name: str, value: str) -> bytes:
    try:
        return value.encode()
    except UnicodeEncodeError:
        raise InvalidValueError(f"{name} has half a surrogate pair or a byte that is not UTF-8") from None


def only_known(document: Mapping[str, Any], known: frozenset[str]) -> None:
    """Reject unknown fields: a misspelt name would silently lose its value."""
    if not document.keys() <= known:
        unknown = min(document.keys() - known)
        raise InvalidValueError(f"{shown(unknown)} is not a field of an event; there are {', '.join(sorted(known))}")
