"""Insert many rows, skipping those whose unique key exists already, in each driver's fastest way."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import BigInteger, Connection, LargeBinary, Table

ROWS_PER_STATEMENT = 1_000

type Row = tuple[Any, ...]


def insert_new(connection: Connection, table: Table, rows: Sequence[Row]) -> None:
    """Insert rows in order; each has a value for every column of the table except `id`.

    Of rows with equal unique keys, the first one is kept. The statements are written by hand, as SQLAlchemy's own need
    a dictionary per row, which doubles the time.
    """
    for start in range(0, len(rows), ROWS_PER_STATEMENT):
        part = rows[start : start + ROWS_PER_STATEMENT]
        match connection.dialect.name:
            case "sqlite":
                connection.exec_driver_sql(_values(table, "?", "ON CONFLICT DO NOTHING"), list(part))
            case "postgresql":
                arrays = tuple(list(column) for column in zip(*part, strict=True))
                connection.exec_driver_sql(_arrays(table), arrays)
            case _:
                # Not INSERT IGNORE, which would also truncate texts and accept nulls.
                connection.exec_driver_sql(_values(table, "%s", "ON DUPLICATE KEY UPDATE id = id"), list(part))


def _columns(table: Table) -> list[str]:
    return [column.name for column in table.columns if column.name != "id"]


def _values(table: Table, mark: str, conflict: str) -> str:
    """A statement for one row, which the driver repeats."""
    columns = _columns(table)
    marks = ", ".join([mark] * len(columns))
    return f"INSERT INTO {table.name} ({', '.join(columns)}) VALUES ({marks}) {conflict}"  # noqa: S608 - our own names


def _arrays(table: Table) -> str:
    """A statement for all rows, with one parameter per column."""
    columns = _columns(table)
    arrays = ", ".join(f"%s::{_array_type(table, column)}[]" for column in columns)
    return f"INSERT INTO {table.name} ({', '.join(columns)}) SELECT * FROM unnest({arrays}) ON CONFLICT DO NOTHING"  # noqa: S608 - our own names


def _array_type(table: Table, column: str) -> str:
    stored = table.columns[column].type
    return "bigint" if isinstance(stored, BigInteger) else "bytea" if isinstance(stored, LargeBinary) else "text"
