"""JSON as it was sent: numbers keep their digits, and faults that a plain parser would gloss over are kept.

A number with a fraction or an exponent becomes a `Decimal` with all its digits, an object with a duplicate key a
`Repeated`, and a line that is not JSON a `Broken`; neither of these is ever taken for a value.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

LONGEST_INTEGER = 40


@dataclass(frozen=True)
class Repeated:
    """An object that has `key` more than once."""

    key: str


@dataclass(frozen=True)
class Broken:
    """Text that can't be parsed as a document, as far as it could be read, and a sentence that says why."""

    text: str
    reason: str


class NotJsonError(ValueError):
    """Text that is not JSON; the message says where and why."""


def parse(text: bytes) -> Any:
    """Parse a JSON value in UTF-8.

    Raises:
        NotJsonError: It is not JSON.
    """
    try:
        return _parse(text.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise NotJsonError(f"byte {error.start} is not UTF-8") from None
    except json.JSONDecodeError as error:
        raise NotJsonError(f"{error.msg} at line {error.lineno}, column {error.colno}") from None
    except RecursionError:
        raise NotJsonError("it is nested too deeply") from None


def parse_line(line: bytes) -> Any:
    """Parse one line of NDJSON into its value, or a `Broken`."""
    try:
        return parse(line)
    except NotJsonError as error:
        return Broken(line.decode(errors="backslashreplace"), f"this is not JSON: {error}")


def _parse(text: str) -> Any:
    try:
        return _DECODER.decode(text)
    except json.JSONDecodeError:
        raise
    except (ValueError, InvalidOperation):
        # An integer of more than 4,300 digits, or an exponent of more than 18.
        return _WORDY_DECODER.decode(text)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any] | Repeated:
    found = dict(pairs)
    return found if len(found) == len(pairs) else Repeated(_twice(name for name, _ in pairs))


def _twice(names: Iterable[str]) -> str:
    seen: set[str] = set()
    return next(name for name in names if name in seen or seen.add(name))  # type: ignore[func-returns-value]


def _no_number(constant: str) -> Any:
    raise json.JSONDecodeError(f"{constant} is not a JSON number", constant, 0)


def _integer(text: str) -> int | Decimal:
    return int(text) if len(text) <= LONGEST_INTEGER else _number(text)


def _number(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        return Decimal("NaN")


_DECODER = json.JSONDecoder(object_pairs_hook=_unique, parse_float=Decimal, parse_constant=_no_number)
_WORDY_DECODER = json.JSONDecoder(
    object_pairs_hook=_unique, parse_float=_number, parse_int=_integer, parse_constant=_no_number
)
