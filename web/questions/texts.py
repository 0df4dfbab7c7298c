"""Parameters that are one string in a query but stand for a list: lists of names, and filters.

In a body they may be given as lists; answers always show them as lists.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

from calculations.frames.filters import Junction, parsed_filter
from web.errors import shortened
from web.validation import choice_error


@dataclass(frozen=True)
class Names:
    """Marks a string as a list of allowed names, separated by commas, each at most once."""

    choice: tuple[str, ...]
    most: int | None = None
    # Whether requests may also give a list.
    is_list: bool = False

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """A validated string."""
        return core_schema.no_info_before_validator_function(self._checked, handler(source))

    def __get_pydantic_json_schema__(self, _: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """A string in a request, a list or null in an answer."""
        if handler.mode == "serialization":
            return {"anyOf": [{"type": "array", "items": {"type": "string"}}, {"type": "null"}]}
        name, most = f"({'|'.join(self.choice)})", self.most or len(self.choice)
        text = {"type": "string", "pattern": f"^{name}(,{name}){{0,{most - 1}}}$"}
        if not self.is_list:
            return text
        names = {"type": "array", "items": {"enum": list(self.choice)}, "minItems": 1, "maxItems": most}
        return {"anyOf": [text, names | {"uniqueItems": True}, {"type": "null"}]}

    def _checked(self, value: object) -> object:
        if isinstance(value, list):
            value = ",".join(map(str, value))
        if not isinstance(value, str):
            return value
        names = names_of(value)
        if unknown := [name for name in names if name not in self.choice]:
            reason = f"there is no {shortened(unknown[0])}" if unknown[0] else "a name is missing"
            raise choice_error(reason, *self.choice)
        if len(set(names)) < len(names):
            raise ValueError("a name is repeated")
        if self.most is not None and len(names) > self.most:
            raise ValueError(f"at most {self.most} are allowed")
        return ",".join(names)


@dataclass(frozen=True)
class FilterOn:
    """Marks a string as a filter on attributes, in JSON."""

    attributes: tuple[str, ...]
    # Whether requests may also give a list.
    is_list: bool = False

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """A validated string."""
        return core_schema.no_info_before_validator_function(self._checked, handler(source))

    def __get_pydantic_json_schema__(self, _: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """A string in a request, a list or null in an answer."""
        if handler.mode == "serialization":
            return {"anyOf": [{"type": "array", "items": {}}, {"type": "null"}]}
        if self.is_list:
            return {"anyOf": [{"type": "array", "items": {"type": "array"}}, {"type": "null"}]}
        return {"type": "string", "format": "filters"}

    def _checked(self, value: object) -> object:
        if value is None:
            return None
        return _as_text(self.parsed(value) if isinstance(value, str) else parsed_filter(value, self.attributes))

    def parsed(self, text: str) -> Junction:
        """Parse a filter.

        Raises:
            ValueError: It is not a filter.
        """
        try:
            clauses = json.loads(text)
        except (ValueError, RecursionError):
            raise ValueError('it is not JSON; write for example [["is","country",["DE","AT"]]]') from None
        return parsed_filter(clauses, self.attributes)


def names_of(text: str | None) -> Sequence[str]:
    """The names in a text."""
    return () if text is None else tuple(name.strip() for name in text.split(","))


def _as_text(filter_: Junction) -> str:
    return json.dumps([part.written() for part in filter_.parts], ensure_ascii=False)
