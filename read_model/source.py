"""Where the rows of a read model come from, whatever kind of database or store that is."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import polars as pl

from read_model.schema import same_kind
from read_model.table import INSTANT, Append, Table
from util.errors import EXIT_CONFIG, EXIT_DATA, EXIT_UNAVAILABLE, AnalyticsError, Severity

logger = logging.getLogger(__name__)


class SourceError(AnalyticsError):
    """The source failed; the message says which setting to check."""

    exit_code = EXIT_UNAVAILABLE
    severity = Severity.HIGH


class PassingSourceError(SourceError):
    """The source failed in a way that may pass: the run is worth retrying from its start."""


class CredentialsError(SourceError):
    """The source refuses the user, or has no such database."""

    exit_code = EXIT_CONFIG


class SchemaRefusedError(SourceError):
    """A table or column that the figures need is missing or of another kind."""

    exit_code = EXIT_DATA


@dataclass(frozen=True)
class SourceTable:
    """A declared table as it is at this source.

    `by` and `time` are the columns an append table grows by; if None, it has to be read whole.
    """

    table: Table
    schema: pl.Schema
    key: tuple[str, ...]
    by: str | None
    time: str | None

    @property
    def order(self) -> tuple[str, ...]:
        """The columns by which rows are sorted when read and stored."""
        leading = (self.by,) if self.by else ()
        return leading + tuple(column for column in self.key if column not in leading)


class Source(Protocol):
    """An open, consistent view of a source, which does not change while it is read."""

    @property
    def now(self) -> datetime:
        """The source's own time when the view was opened (UTC)."""

    @property
    def identity(self) -> str:
        """Tells this source from another one behind the same address."""

    def describe(self, table: Table) -> SourceTable:
        """A table's columns and types.

        Raises:
            SchemaRefusedError: The table or a required column is missing, unreadable or of another kind.
        """

    def rows(self, source_table: SourceTable, since: int | datetime | None = None) -> Iterator[pl.DataFrame]:
        """A table's rows in batches, in the order of `source_table.order`: all, or those with `by` at or after `since`.

        Raises:
            SourceError: The source failed.
        """

    def time_of(self, source_table: SourceTable, by: int) -> datetime | None:
        """The time of the row with an id; None when there is no such row."""


def described(table: Table, schema: pl.Schema, primary_key: tuple[str, ...]) -> SourceTable:
    """A declared table with the columns and the primary key of the source; `primary_key` may be empty.

    Raises:
        SchemaRefusedError: A required column is missing or of another kind.
    """
    for column, declared in table.columns.items():
        if column not in schema:
            raise SchemaRefusedError(f"Column {table.name}.{column} is missing at the source: check its migrations")
        if not same_kind(schema[column], declared):
            raise SchemaRefusedError(
                f"Column {table.name}.{column} is {schema[column]} at the source, the figures need {declared}"
            )
    declared_key = (table.key,) if table.key in schema else ()
    key = primary_key or declared_key
    return SourceTable(table, schema, key, *_growth(table, schema, key))


def _growth(table: Table, schema: pl.Schema, key: tuple[str, ...]) -> tuple[str | None, str | None]:
    """The columns a table grows by at this source, which may name its key or its time differently."""
    if not isinstance(table.grows, Append):
        return None, None
    instants = [name for name, dtype in schema.items() if dtype == INSTANT]
    time = table.grows.time if table.grows.time in instants else instants[0] if len(instants) == 1 else None
    if time is None:
        logger.warning("%s has no time column %s: it is read whole by every run", table.name, table.grows.time)
        return None, None
    by = table.grows.by if table.grows.by in schema else key[0] if len(key) == 1 else time
    return (by if schema[by].is_integer() else time), time
