"""Convert the collector's storage types to the types of the read model.

The collector stores an instant as microseconds since 1970, money as 1/10,000 cents and a UUID as its 16 bytes.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal

import polars as pl
from sqlalchemy import BigInteger, Column, Integer, LargeBinary, Table

from read_model.source import SchemaRefusedError
from read_model.table import INSTANT
from read_model.table import Table as ReadTable

UNIT_OF_MONEY = Decimal("0.0001")
UUID_PARTS = ((0, 8), (8, 4), (12, 4), (16, 4), (20, 12))


def stored_schema(columns: Sequence[Column[object]]) -> pl.Schema:
    """The types of the values before conversion."""
    return pl.Schema({column.name: _stored_dtype(column) for column in columns})


def _stored_dtype(column: Column[object]) -> pl.DataType:
    if isinstance(column.type, BigInteger | Integer):
        return pl.Int64()
    return pl.Binary() if isinstance(column.type, LargeBinary) else pl.String()


def conversions(stored: Table, table: ReadTable) -> Mapping[str, pl.Expr]:
    """For each column of the read model's table, an expression over the stored column of the same name.

    Raises:
        SchemaRefusedError: The collector has no such column.
    """
    missing = [name for name in table.columns if name not in stored.columns]
    if missing:
        raise SchemaRefusedError(f"Column {table.name}.{missing[0]} is not in the collector's tables")
    return {name: _converted(pl.col(name), dtype, stored.columns[name]) for name, dtype in table.columns.items()}


def _converted(value: pl.Expr, dtype: pl.DataType, column: Column[object]) -> pl.Expr:
    if isinstance(column.type, LargeBinary) and dtype == pl.String:
        digits = value.bin.encode("hex")
        return pl.concat_str([digits.str.slice(start, length) for start, length in UUID_PARTS], separator="-")
    if dtype == INSTANT:
        return value.cast(INSTANT)
    if isinstance(dtype, pl.Decimal):
        return (value.cast(pl.Decimal(38, 0)) * pl.lit(UNIT_OF_MONEY)).cast(dtype)
    return value
