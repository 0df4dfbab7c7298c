"""Single figures of a period, kept as a table of one row so that they are compared and written like any table."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl
from fastapi import Response
from pydantic import BaseModel
from pydantic_core import to_json

from web.questions.answers import object_answer
from web.questions.parameters import Parameters
from web.questions.question import Part, Question
from web.questions.tables import Table, beside, of_both_periods

# A figure's column, or those of a map of figures by key.
type Columns = str | Mapping[str, str]


@dataclass(frozen=True)
class Figures:
    """A table of one row, and the column of each field; columns of maps are named `field.key`."""

    table: Table
    fields: Mapping[str, Columns]

    def as_object(self) -> dict[str, Any]:
        """The fields as a JSON object; a compared figure has all its parts."""
        # A table without columns has no row either.
        (row,) = self.table.nested().to_dicts() or [{}]
        return {
            name: row[columns] if isinstance(columns, str) else {key: row[column] for key, column in columns.items()}
            for name, columns in self.fields.items()
        }


def figures[P: Parameters](
    question: Question[P], calculate: Callable[[Part], BaseModel], only: Collection[str] | None = None
) -> Figures:
    """The figures of the question's period, with those of its comparison if there is one; all figures, or `only`
    some."""
    include = None if only is None else set(only)
    now, then = of_both_periods(question, lambda part: calculate(part).model_dump(include=include))
    fields = _columns(now, then or {})
    return Figures(beside(_row(now), None if then is None else _row(then), keys=()), fields)


def figures_answer[P: Parameters](
    question: Question[P], calculate: Callable[[Part], BaseModel], name: str, only: Collection[str] | None = None
) -> Response:
    """An answer with these figures, in any format."""
    found = figures(question, calculate, only)
    return object_answer(question, [to_json(found.as_object())], found.table.frame, name)


def _row(values: Mapping[str, Any]) -> pl.DataFrame:
    """The figures as one row."""
    row: dict[str, Any] = {}
    for name, value in values.items():
        row |= {f"{name}.{key}": each for key, each in value.items()} if isinstance(value, Mapping) else {name: value}
    return pl.DataFrame([row])


def _columns(now: Mapping[str, Any], then: Mapping[str, Any]) -> dict[str, Columns]:
    """The columns of the fields of two periods; numeric keys are sorted."""
    return {
        name: {str(key): f"{name}.{key}" for key in _keys([*value, *then.get(name, ())])}
        if isinstance(value, Mapping)
        else name
        for name, value in now.items()
    }


def _keys(keys: Iterable[Any]) -> list[Any]:
    distinct = list(dict.fromkeys(keys))
    return sorted(distinct) if all(isinstance(key, int) for key in distinct) else distinct
