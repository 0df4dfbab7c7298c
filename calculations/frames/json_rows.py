"""Tables as JSON, without an object per row in between."""

import re
from io import BytesIO

import polars as pl
from polars.datatypes import DataType, DataTypeClass

INSTANTS = "%Y-%m-%dT%H:%M:%S%.f%:z"


def json_rows(rows: pl.DataFrame) -> bytes:
    """The rows as JSON objects with commas between them.

    Dates and instants are ISO 8601, UTC as `Z`; decimals are numbers with all their decimal places.
    """
    text = BytesIO()
    rows.with_columns(written_instants(rows)).write_json(text)
    return _with_plain_decimals(text.getvalue()[1:-1], rows)


def json_lines(rows: pl.DataFrame) -> bytes:
    """The same rows, one per line."""
    text = BytesIO()
    rows.with_columns(written_instants(rows)).write_ndjson(text)
    return _with_plain_decimals(text.getvalue(), rows)


def written_instants(rows: pl.DataFrame) -> list[pl.Expr]:
    """Expressions that write a table's instants, nested ones too, as text with their UTC offset, `Z` for UTC itself."""
    return [_written(pl.col(name), dtype) for name, dtype in rows.schema.items() if _has_instants(dtype)]


def _has_instants(dtype: DataType | DataTypeClass) -> bool:
    if isinstance(dtype, pl.List):
        return _has_instants(dtype.inner)
    if isinstance(dtype, pl.Struct):
        return any(_has_instants(field.dtype) for field in dtype.fields)
    return isinstance(dtype, pl.Datetime)


def _written(value: pl.Expr, dtype: DataType | DataTypeClass) -> pl.Expr:
    if isinstance(dtype, pl.List):
        return value.list.eval(_written(pl.element(), dtype.inner))
    if isinstance(dtype, pl.Struct):
        fields = [field for field in dtype.fields if _has_instants(field.dtype)]
        return value.struct.with_fields(*(_written(pl.field(field.name), field.dtype) for field in fields))
    return value.dt.strftime(INSTANTS).str.replace(r"\+00:00$", "Z")


def _with_plain_decimals(text: bytes, rows: pl.DataFrame) -> bytes:
    """Remove the quotes that Polars puts around decimals.

    Quotes inside a string are escaped, so nothing else looks like a key with its value.
    """
    names = [re.escape(name).encode() for name, dtype in rows.schema.items() if dtype.is_decimal()]
    if not names:
        return text
    return re.sub(rb'("(?:%s)":)"([-0-9.]+)"' % b"|".join(names), rb"\1\2", text)
