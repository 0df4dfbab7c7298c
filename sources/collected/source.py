"""The collector's database, read as one consistent view in one read-only transaction."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
from sqlalchemy import URL, Connection, Select, Table, inspect, select
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

from config import CollectorDatabaseSettings
from intake.database import MIGRATE, VARIABLE, configured_url, open_engine, reading, shown
from intake.tables import COLLECTOR_STATE, metadata
from read_model.source import CredentialsError, PassingSourceError, SchemaRefusedError, SourceError, SourceTable
from read_model.table import Append
from read_model.table import Table as ReadTable
from sources.collected.typing_rows import conversions, stored_schema
from sources.mysql.parsing import parse
from util.clock import utc_now

logger = logging.getLogger(__name__)

# A row has at most 6 kB, 4 kB of which are metadata.
BATCH_ROWS = 20_000
ISOLATION = "REPEATABLE READ"
# Error numbers of MySQL and MariaDB: the user or the database is refused.
CREDENTIAL_NUMBERS = frozenset({1044, 1045, 1049, 1698})
CREDENTIAL_TEXTS = ("authentication failed", "no password supplied", "does not exist")


class CollectedSource:
    """An open, consistent view of the collector's database (a `Source`)."""

    def __init__(self, connection: Connection, now: datetime) -> None:
        self._connection = connection
        self.now = now
        # The first read fixes the view.
        self.identity = f"collector {connection.execute(select(COLLECTOR_STATE.c.identity)).scalar_one()}"

    def describe(self, table: ReadTable) -> SourceTable:
        """A table's columns and types: those the read model declares.

        Raises:
            SchemaRefusedError: The database lacks the table or a column of it.
        """
        stored = _stored(table)
        conversions(stored, table)
        inspector = inspect(self._connection)
        if not inspector.has_table(table.name):
            raise SchemaRefusedError(f"Table {table.name} is not in the collector's database: run `{MIGRATE}`")
        present = {column["name"] for column in inspector.get_columns(table.name)}
        if missing := table.columns.keys() - present:
            raise SchemaRefusedError(f"Column {table.name}.{min(missing)} is missing: run `{MIGRATE}`")
        key = tuple(column.name for column in stored.primary_key)
        by, time = (table.grows.by, table.grows.time) if isinstance(table.grows, Append) else (None, None)
        return SourceTable(table, pl.Schema(table.columns), key, by, time)

    def rows(self, source_table: SourceTable, since: int | datetime | None = None) -> Iterator[pl.DataFrame]:
        """A table's rows in batches, in the order of `source_table.order`: all, or those with `by` at or after `since`.

        Raises:
            SourceError: The database failed.
        """
        stored = _stored(source_table.table)
        columns = [stored.columns[name] for name in source_table.schema.names()]
        query = select(*columns).order_by(*(stored.columns[name] for name in source_table.order))
        if source_table.by and since is not None:
            query = query.where(stored.columns[source_table.by] >= since)
        schema = stored_schema(columns)
        converted = list(conversions(stored, source_table.table).values())
        batches = self._raw_batches if self._connection.dialect.name == "mysql" else self._batches
        for frame in batches(query, schema):
            yield frame.select(converted)

    def time_of(self, source_table: SourceTable, by: int) -> datetime | None:
        """The time of the row with an id; None when there is no such row."""
        if source_table.by is None or source_table.time is None:
            return None
        stored = _stored(source_table.table)
        wanted = select(stored.columns[source_table.time]).where(stored.columns[source_table.by] == by)
        microseconds = self._connection.execute(wanted).scalar_one_or_none()
        if microseconds is None:
            return None
        instant: datetime = pl.Series([microseconds]).cast(source_table.schema[source_table.time]).item()
        return instant

    def _batches(self, query: Select[Any], schema: pl.Schema) -> Iterator[pl.DataFrame]:
        streaming = self._connection.execution_options(stream_results=True, max_row_buffer=BATCH_ROWS)
        with streaming.execute(query) as result:
            for rows in result.partitions(BATCH_ROWS):
                yield _frame(rows, schema)

    def _raw_batches(self, query: Select[Any], schema: pl.Schema) -> Iterator[pl.DataFrame]:
        """The rows as text, which Polars parses in half the time that MySQL's driver takes."""
        sql = str(query.compile(self._connection.engine, compile_kwargs={"literal_binds": True}))
        cursor = self._connection.connection.cursor(raw=True)
        try:
            cursor.execute(sql)
            while rows := cursor.fetchmany(BATCH_ROWS):
                yield parse(rows, schema).rows
        finally:
            cursor.close()


def _frame(rows: Sequence[Sequence[Any]], schema: pl.Schema) -> pl.DataFrame:
    columns = zip(*rows, strict=True)
    return pl.DataFrame(
        [pl.Series(name, values, dtype=dtype) for (name, dtype), values in zip(schema.items(), columns, strict=True)]
    )


def _stored(table: ReadTable) -> Table:
    if table.name not in metadata.tables:
        raise SchemaRefusedError(f"Table {table.name} is not one of the collector's")
    return metadata.tables[table.name]


@contextmanager
def consistent_source(settings: CollectorDatabaseSettings) -> Iterator[CollectedSource]:
    """Connect and open one consistent view.

    Raises:
        SourceError: The database can't be reached, refuses, or fails while it is read.
    """
    url = configured_url(settings)
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").is_file():
        raise SourceError(f"There is no file {url.database}: check {VARIABLE}, or run `{MIGRATE}`")
    logger.info("Reading the collector's database %s", shown(url))
    engine = open_engine(url)
    try:
        # Read the clock before the view is fixed, so that no row in the view is younger.
        with reading(engine) as connection:
            now = _now(connection)
        with reading(engine) as connection:
            if engine.dialect.name != "sqlite":
                connection = connection.execution_options(isolation_level=ISOLATION)
            yield CollectedSource(connection, now)
    except DBAPIError as error:
        raise _explained(error, url) from error
    finally:
        engine.dispose()


def _now(connection: Connection) -> datetime:
    """The database's time in UTC; this machine's for SQLite."""
    match connection.dialect.name:
        case "sqlite":
            return utc_now()
        case "postgresql":
            text = connection.exec_driver_sql(
                "SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')"
            )
        case _:
            text = connection.exec_driver_sql("SELECT CAST(UTC_TIMESTAMP(6) AS CHAR)")
    return datetime.fromisoformat(text.scalar_one()).replace(tzinfo=UTC)


def _explained(error: DBAPIError, url: URL) -> SourceError:
    """The error as one line, in the class that says whether to try again."""
    reason = " ".join(str(error.orig).split())
    if getattr(error.orig, "errno", None) in CREDENTIAL_NUMBERS or any(text in reason for text in CREDENTIAL_TEXTS):
        return CredentialsError(f"Database {shown(url)} refuses: check {VARIABLE}, and run `{MIGRATE}` ({reason})")
    kind = PassingSourceError if isinstance(error, OperationalError | InterfaceError) else SourceError
    return kind(f"Database {shown(url)} failed: check {VARIABLE}, and that it is running ({reason})")
