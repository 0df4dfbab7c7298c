"""Small tables drawn as text, typed as the read model types them."""

from datetime import UTC, datetime
from decimal import Decimal

import polars as pl
from pydantic import BaseModel

from read_model.table import Table

NULLS = ("null", "-")


def rows(table: Table, drawn: str = "") -> pl.LazyFrame:
    """The rows of a drawing: a line of column names, then a line per row, cells divided by `|`.

    Instants such as `2026-03-02 09:00` are UTC and may have seconds, `null` and `-` are null, `""` is the empty text.

    Returns:
        All of `Table.columns` in their types; those not drawn are null. No drawing is an empty table.

    Raises:
        ValueError: A column is not one of the table's, or a line has too few or too many cells.
    """
    header, *lines = [[cell.strip() for cell in line.split("|")] for line in drawn.strip().splitlines()] or [[]]
    if unknown := set(header) - table.columns.keys():
        raise ValueError(f"{table.name} has no column {min(unknown)}")
    drawn_rows = [
        {name: value(cell, table.columns[name]) for name, cell in zip(header, line, strict=True)} for line in lines
    ]
    return pl.LazyFrame(
        {name: [row.get(name) for row in drawn_rows] for name in table.columns}, schema=dict(table.columns)
    )


def value(cell: str, dtype: pl.DataType) -> object:
    """Parse a cell of a column of this type."""
    if cell in NULLS:
        return None
    if dtype.is_integer():
        return int(cell)
    if dtype.is_decimal():
        return Decimal(cell)
    if dtype == pl.Boolean:
        return {"true": True, "false": False}[cell]
    if isinstance(dtype, pl.Datetime):
        return datetime.fromisoformat(cell).replace(tzinfo=UTC)
    return cell.strip('"')


def repeated(table: pl.LazyFrame, times: int) -> pl.LazyFrame:
    """Every row `times` times, with a further column `copy` that numbers the copies."""
    return table.join(pl.LazyFrame({"copy": range(times)}), how="cross")


def as_models[Model: BaseModel](frame: pl.DataFrame, model: type[Model]) -> list[Model]:
    """The rows of a frame whose columns are the fields of a model, checked by it."""
    assert set(frame.columns) == model.model_fields.keys()
    return [model.model_validate(row) for row in frame.to_dicts()]
