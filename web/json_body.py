"""JSON bodies, parsed strictly: duplicate names and invalid JSON are refused with an explanation."""

import json
from collections.abc import Iterable
from typing import Any

from fastapi import Request


class Unreadable(str):
    """Stands for a body that is not JSON and says why; kept as a value, so that rights are checked before the body."""

    __slots__ = ()


class JsonRequest(Request):
    """A request whose body is parsed strictly."""

    async def json(self) -> Any:
        """The parsed body, or why it can't be parsed."""
        try:
            return json.loads((await self.body()).decode(), object_pairs_hook=_once, parse_constant=_refused)
        except json.JSONDecodeError as error:
            return Unreadable(f"{error.msg} at character {error.pos}")
        except UnicodeDecodeError as error:
            return Unreadable(f"it is not UTF-8 at byte {error.start}")
        except RecursionError:
            return Unreadable("it is nested too deeply")
        except _RefusedError as error:
            return Unreadable(error)
        except ValueError:
            return Unreadable("it has a number of thousands of digits")


class _RefusedError(ValueError):
    """Something that is valid JSON, but can't be meant."""


def _once(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise _RefusedError(f"{name[:60]!a} is repeated")
        found[name] = value
    return found


def _refused(constant: str) -> Any:
    raise _RefusedError(f"{constant} is not a number")
