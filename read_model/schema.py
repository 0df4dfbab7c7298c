"""Column types: from the database's words to Polars, and to and from the words of a manifest."""

import re
from collections.abc import Callable, Mapping

import polars as pl

from read_model.tables import INSTANT

LARGEST_DECIMAL = 38

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


def source_dtype(column_type: str) -> pl.DataType:
    """The type a database column is stored with.

    `column_type` is `information_schema`'s, such as `int(10) unsigned`. Integers keep their width and sign, ENUM, SET,
    JSON and TIME become String, DATETIME and TIMESTAMP an instant in UTC; a DECIMAL wider than Polars' 38 digits stays
    exact as String, and so does every type not named here.
    """
    base = column_type.lower().partition("(")[0].split()[0]
    if base in _INTEGERS:
        signed, unsigned = _INTEGERS[base]
        return unsigned if "unsigned" in column_type.lower() else signed
    if base == "decimal":
        return _decimal(column_type)
    return _OTHERS.get(base, pl.String())


def _decimal(column_type: str) -> pl.DataType:
    precision, scale = (int(digits) for digits in re.findall(r"\d+", column_type)[:2])
    return pl.Decimal(precision, scale) if precision <= LARGEST_DECIMAL else pl.String()


def same_kind(actual: pl.DataType, declared: pl.DataType) -> bool:
    """Whether calculations that were written for `declared` are right on `actual`: width may differ, kind may not."""
    kinds: tuple[Callable[[pl.DataType], bool], ...] = (
        lambda dtype: dtype.is_numeric(),
        lambda dtype: dtype == pl.String,
        lambda dtype: isinstance(dtype, pl.Datetime),
    )
    return actual == declared or any(kind(actual) and kind(declared) for kind in kinds)


_NAMED: Mapping[str, pl.DataType] = {
    str(dtype): dtype
    for dtype in (
        *(dtype for pair in _INTEGERS.values() for dtype in pair),
        *_OTHERS.values(),
        pl.Boolean(),
        pl.String(),
    )
}


def dtype_name(dtype: pl.DataType) -> str:
    """How a manifest writes a type, such as `Int32` or `Decimal(4, 2)`."""
    if isinstance(dtype, pl.Decimal):
        return f"Decimal({dtype.precision}, {dtype.scale})"
    return str(dtype)


def named_dtype(name: str) -> pl.DataType:
    """The type a manifest names.

    Raises:
        ValueError: The name is not one that `dtype_name` writes.
    """
    if name in _NAMED:
        return _NAMED[name]
    if match := re.fullmatch(r"Decimal\((\d+), (\d+)\)", name):
        return pl.Decimal(int(match[1]), int(match[2]))
    raise ValueError(f"unknown column type {name!r}")
