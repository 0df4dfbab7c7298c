"""Figures as one wide row, so that they can be compared and written like any table."""

from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl
from pydantic import BaseModel

from web.questions.answers import Table


def wide(figures: BaseModel) -> pl.DataFrame:
    """One row: a column per figure, and a column `map.key` per figure of a map."""
    return pl.DataFrame([dict(_flat(figures.model_dump()))])


def _flat(figures: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in figures.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def deep(table: Table, figures: type[BaseModel]) -> dict[str, Any]:
    """The one row of a table that `wide` made of such figures, its maps being maps again, empty ones too."""
    (row,) = table.nested().to_dicts()
    return {name: row[name] if name in row else _map(row, f"{name}.") for name in figures.model_fields}


def _map(row: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    """The figures of a map, numbers in their order."""
    found = {name.removeprefix(prefix): value for name, value in row.items() if name.startswith(prefix)}
    return dict(sorted(found.items(), key=lambda item: int(item[0]) if item[0].lstrip("-").isdigit() else 0))
