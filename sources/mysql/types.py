"""Polars data types for the column types of MySQL and MariaDB."""

import re
from collections.abc import Mapping

import polars as pl

from read_model.schema import LARGEST_DECIMAL
from read_model.table import INSTANT

_INTEGERS: Mapping[str, tuple[pl.DataType, pl.DataType]] = {
    "tinyint": (pl.Int8(), pl.UInt8()),
    "smallint": (pl.Int16(), pl.UInt16()),
    "mediumint": (pl.Int32(), pl.UInt32()),
    "int": (pl.Int32(), pl.UInt32()),
    "bigint": (pl.Int64(), pl.UInt64()),
    "year": (pl.Int16(), pl.Int16()),
}
_OTHERS: Mapping[str, pl.DataType] = {
    "float": pl.Float64(),
    "double": pl.Float64(),
    "date": pl.Date(),
    "datetime": INSTANT,
    "timestamp": INSTANT,
    "binary": pl.Binary(),
    "varbinary": pl.Binary(),
    "tinyblob": pl.Binary(),
    "blob": pl.Binary(),
    "mediumblob": pl.Binary(),
    "longblob": pl.Binary(),
    "bit": pl.Binary(),
}
# TIME is not a time of day: it ranges from -838 to 838 hours.
_TEXTS = frozenset(
    {
        *("char", "varchar", "tinytext", "text", "mediumtext", "longtext"),
        *("enum", "set", "json", "time", "uuid", "inet4", "inet6"),
    }
)


def source_dtype(column_type: str) -> pl.DataType | None:
    """The data type to store a database column as; None for an unknown column type.

    `column_type` is `information_schema`'s, such as `int(10) unsigned`. Integers keep their width and sign, ENUM, SET,
    JSON and TIME become String, DATETIME and TIMESTAMP an instant in UTC; a DECIMAL wider than Polars' 38 digits stays
    exact as String.
    """
    base = column_type.lower().partition("(")[0].split()[0]
    if base in _INTEGERS:
        signed, unsigned = _INTEGERS[base]
        return unsigned if "unsigned" in column_type.lower() else signed
    if base == "decimal":
        return _decimal(column_type)
    return pl.String() if base in _TEXTS else _OTHERS.get(base)


def _decimal(column_type: str) -> pl.DataType:
    precision, scale = (int(digits) for digits in re.findall(r"\d+", column_type)[:2])
    return pl.Decimal(precision, scale) if precision <= LARGEST_DECIMAL else pl.String()
