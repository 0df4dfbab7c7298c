"""Column types: which are of the same kind, and how a manifest writes them."""

import re
from collections.abc import Callable, Mapping

import polars as pl

from read_model.table import INSTANT

LARGEST_DECIMAL = 38


def same_kind(actual: pl.DataType, declared: pl.DataType) -> bool:
    """Whether calculations written for `declared` are correct on `actual`: the width may differ, the kind may not."""
    kinds: tuple[Callable[[pl.DataType], bool], ...] = (
        lambda dtype: dtype.is_numeric(),
        lambda dtype: dtype == pl.String,
        lambda dtype: isinstance(dtype, pl.Datetime),
    )
    return actual == declared or any(kind(actual) and kind(declared) for kind in kinds)


def is_usable(actual: pl.DataType, declared: pl.DataType) -> bool:
    """Whether a flat file's column can be used as it is: of the same kind, and no float for a decimal."""
    return same_kind(actual, declared) and (actual.is_decimal() or not declared.is_decimal())


_NAMED: Mapping[str, pl.DataType] = {
    str(dtype): dtype
    for dtype in (
        *(pl.Int8(), pl.Int16(), pl.Int32(), pl.Int64(), pl.UInt8(), pl.UInt16(), pl.UInt32(), pl.UInt64()),
        *(pl.Float64(), pl.Boolean(), pl.String(), pl.Binary(), pl.Date(), INSTANT),
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
    if match := re.fullmatch(r"Decimal\((\d{1,2}), (\d{1,2})\)", name):
        precision, scale = int(match[1]), int(match[2])
        if scale <= precision <= LARGEST_DECIMAL:
            return pl.Decimal(precision, scale)
    raise ValueError(f"unknown column type {name!r}")
