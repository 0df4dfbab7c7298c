"""Turns the text a database sends into typed columns. Polars parses it several times faster than the driver would."""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

INSTANT_FORMAT = "%Y-%m-%d %H:%M:%S%.f"

type RawRow = Sequence[bytes | None]


@dataclass(frozen=True)
class Batch:
    """Typed rows, and per column how many values could not be represented and became null (such as `0000-00-00`)."""

    rows: pl.DataFrame
    lost: dict[str, int]


def parse(rows: Sequence[RawRow], schema: pl.Schema) -> Batch:
    """Type the values of one batch; `rows` hold the text of each column of `schema`, None for NULL."""
    columns = zip(*rows, strict=True)
    raw = pl.DataFrame(
        [pl.Series(name, values, dtype=pl.Binary) for name, values in zip(schema.names(), columns, strict=True)]
    )
    try:
        typed = raw.select(_typed(name, dtype) for name, dtype in schema.items())
    except pl.exceptions.ComputeError:
        # Polars refuses a whole column for a single value that is not UTF-8.
        texts = [name for name, dtype in schema.items() if dtype != pl.Binary]
        decoded = raw.with_columns(pl.Series(name, map(_text, raw[name]), dtype=pl.String) for name in texts)
        typed = decoded.select(_typed(name, dtype) for name, dtype in schema.items())
    before, after = raw.null_count().row(0), typed.null_count().row(0)
    lost = {name: now - was for name, was, now in zip(schema.names(), before, after, strict=True) if now > was}
    return Batch(typed, lost)


def _text(value: bytes | None) -> str | None:
    try:
        return value.decode() if value is not None else None
    except UnicodeDecodeError:
        return None


def _typed(name: str, dtype: pl.DataType) -> pl.Expr:
    """The expression that types one column; a value that can't be parsed becomes null."""
    column = pl.col(name)
    if dtype == pl.Binary:
        return column
    text = column.cast(pl.String, strict=False)
    if dtype == pl.String:
        return text
    if dtype == pl.Boolean:
        return text.cast(pl.Int64, strict=False) != 0
    if isinstance(dtype, pl.Datetime):
        return text.str.to_datetime(INSTANT_FORMAT, time_unit="us", time_zone="UTC", strict=False)
    if dtype == pl.Date:
        return text.str.to_date("%Y-%m-%d", strict=False)
    return text.cast(dtype, strict=False)
