"""Bodies in JSON, read strictly: a name that is there twice, or what is no JSON, is refused in words."""

import json
from collections.abc import Iterable
from json import JSONDecodeError
from typing import Any

from fastapi import Request

# Where JSON is wrong as a whole.
NOWHERE = -1


class JsonRequest(Request):
    """A request whose body is read strictly."""

    async def json(self) -> Any:
        """What the body says.

        Raises:
            JSONDecodeError: It is no JSON that can be meant.
        """
        body = await self.body()
        try:
            return json.loads(body.decode(), object_pairs_hook=_once, parse_constant=_refused)
        except JSONDecodeError:
            raise
        except UnicodeDecodeError as error:
            raise JSONDecodeError("it is not UTF-8", "", error.start) from None
        except RecursionError:
            raise JSONDecodeError("it is nested too deep", "", NOWHERE) from None
        except ValueError:
            raise JSONDecodeError("it has a number of thousands of digits", "", NOWHERE) from None


def _once(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise JSONDecodeError(f"{name[:60]!a} is there twice", "", NOWHERE)
        found[name] = value
    return found


def _refused(constant: str) -> Any:
    raise JSONDecodeError(f"{constant} is no number", "", NOWHERE)
