"""The app's database: the only module that talks to it.

Everything is read on one connection in one consistent read-only transaction, with the session's clock set to UTC.
"""

import logging
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any, cast

import mysql.connector
import polars as pl
from mysql.connector.abstracts import MySQLConnectionAbstract, MySQLCursorAbstract

from config import MysqlSettings
from read_model.source import SchemaRefusedError, SourceTable, described
from read_model.table import Table
from sources.mysql.errors import explained
from sources.mysql.parsing import RawRow, parse
from sources.mysql.types import source_dtype

logger = logging.getLogger(__name__)

BATCH_ROWS = 50_000
BATCH_BYTES = 32_000_000
# If this many rows fit into a batch even with every value at its maximum length, batches need not be measured.
UNMEASURED_ROWS = 2_000
NUMBER_BYTES = 80
CONNECT_TIMEOUT_S = 10
READ_TIMEOUT_S = 60

type Parameter = int | str | datetime


class MysqlSource:
    """A consistent view of the database in one open transaction (a `Source`)."""

    def __init__(self, connection: MySQLConnectionAbstract, settings: MysqlSettings) -> None:
        self._connection = connection
        self._settings = settings
        self._reading: Generator[list[Any]] | None = None
        self._rows_at_once: dict[str, int] = {}
        self.now: datetime = self._begin()
        self.identity: str = self._identity()

    def _begin(self) -> datetime:
        """Start the transaction; `now` is read just before it, so the view has everything committed by then."""
        self._query("SET SESSION time_zone = '+00:00'")
        self._query("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        ((now,),) = self._query("SELECT UTC_TIMESTAMP(6)")
        self._query("START TRANSACTION READ ONLY, WITH CONSISTENT SNAPSHOT")
        return datetime.fromisoformat(str(now)).replace(tzinfo=UTC)

    def _identity(self) -> str:
        """Identifies the server and database: the server's own id (MySQL and MariaDB name it
        differently), its host and port, and the database."""
        variables = dict(self._query("SHOW VARIABLES WHERE Variable_name IN ('server_uuid', 'server_uid')"))
        ((host, port),) = self._query("SELECT @@hostname, @@port")
        server = next(iter(variables.values()), "")
        return f"{server}@{host}:{port}/{self._settings.db_name}"

    def describe(self, table: Table) -> SourceTable:
        """A table's columns and types, from `information_schema`.

        Raises:
            SchemaRefusedError: The table or a required column is missing, unreadable or of another kind.
        """
        columns = self._query(
            "SELECT column_name, column_type, column_key, character_octet_length FROM information_schema.columns"
            " WHERE table_schema = %s AND table_name = %s ORDER BY ordinal_position",
            (self._settings.db_name, table.name),
        )
        if not columns:
            raise SchemaRefusedError(
                f"Table {table.name} is not in database {self._settings.db_name}, or user {self._settings.db_username}"
                f" may not read it: check DB_NAME, or grant SELECT on it"
            )
        schema = pl.Schema({name: _stored_dtype(table, name, column_type) for name, column_type, _, _ in columns})
        self._rows_at_once[table.name] = _rows_at_once((column_type, longest) for _, column_type, _, longest in columns)
        return described(table, schema, tuple(name for name, _, column_key, _ in columns if column_key == "PRI"))

    def time_of(self, source_table: SourceTable, by: int) -> datetime | None:
        """The time of the row with an id; None when there is no such row."""
        if source_table.by is None or source_table.time is None:
            return None
        time, name, column = (_quoted(each) for each in (source_table.time, source_table.table.name, source_table.by))
        rows = self._query(f"SELECT {time} FROM {name} WHERE {column} = %s", (by,))  # noqa: S608 - quoted names
        return rows[0][0].replace(tzinfo=UTC) if rows and rows[0][0] else None

    def rows(self, source_table: SourceTable, since: int | datetime | None = None) -> Iterator[pl.DataFrame]:
        """A table's rows in batches, in the order of `source_table.order`: all, or those with `by` at or after `since`.

        Values that can't be represented (such as `0000-00-00`) come as null; the log says how many.
        """
        sql = f"SELECT {_listed(source_table.schema.names())} FROM {_quoted(source_table.table.name)}"  # noqa: S608 - names come from information_schema and are quoted
        parameters: tuple[Parameter, ...] = ()
        if source_table.by and since is not None:
            sql += f" WHERE {_quoted(source_table.by)} >= %s"
            parameters = (_parameter(since),)
        if source_table.order:
            sql += f" ORDER BY {_listed(source_table.order)}"
        lost: dict[str, int] = {}
        self._reading = self._batches(sql, parameters, self._rows_at_once[source_table.table.name])
        for raw in self._reading:
            batch = parse(raw, source_table.schema)
            for column, count in batch.lost.items():
                lost[column] = lost.get(column, 0) + count
            yield batch.rows
        for column, count in lost.items():
            logger.warning("%s.%s: %d values could not be read and are null", source_table.table.name, column, count)

    def give_up(self) -> None:
        """Stop an unfinished read before the connection is closed: its thread may still be running."""
        if self._reading:
            self._reading.close()

    def _batches(self, sql: str, parameters: tuple[Parameter, ...], rows_at_once: int) -> Generator[list[Any]]:
        """The rows of a query as text; the next batch is fetched while the current one is parsed."""
        cursor = self._connection.cursor(raw=True)
        try:
            with ThreadPoolExecutor(1) as reader:
                cursor.execute(sql, parameters)
                fetched = _fetched(cursor, rows_at_once)
                coming = reader.submit(_batch, fetched, rows_at_once)
                while batch := coming.result():
                    coming = reader.submit(_batch, fetched, rows_at_once)
                    yield batch
        finally:
            # The driver raises when unread rows are left, as after a full disk.
            with suppress(mysql.connector.Error):
                cursor.close()

    def _query(self, sql: str, parameters: tuple[Parameter, ...] = ()) -> list[Any]:
        with self._connection.cursor() as cursor:
            cursor.execute(sql, parameters)
            return cursor.fetchall() if cursor.description else []


@contextmanager
def consistent_source(settings: MysqlSettings) -> Iterator[MysqlSource]:
    """Connect and open one consistent view.

    Raises:
        SourceError: The database can't be reached, refuses the user, or fails during the read.
    """
    logger.info(
        "Reading %s on %s:%d with the driver's %s", settings.db_name, settings.db_host, settings.db_port, driver_mode()
    )
    try:
        connection = mysql.connector.connect(
            host=settings.db_host,
            port=settings.db_port,
            user=settings.db_username,
            password=settings.db_password.get_secret_value(),
            database=settings.db_name,
            charset="utf8mb4",
            # MariaDB before 11.4 does not know the connector's default.
            collation="utf8mb4_general_ci",
            autocommit=True,
            connection_timeout=CONNECT_TIMEOUT_S,
            read_timeout=READ_TIMEOUT_S,
            write_timeout=READ_TIMEOUT_S,
            **_tls(settings),
        )
        try:
            source = MysqlSource(cast(MySQLConnectionAbstract, connection), settings)
            try:
                yield source
            finally:
                source.give_up()
        finally:
            with suppress(mysql.connector.Error):
                connection.close()
    except mysql.connector.Error as error:
        raise explained(error, settings) from error


def driver_mode() -> str:
    """The driver's implementation in use: pure Python is five times slower than the C extension."""
    return "C extension" if mysql.connector.HAVE_CEXT else "pure Python (slow)"


def _tls(settings: MysqlSettings) -> dict[str, Any]:
    """Verified TLS if a certificate authority is configured."""
    if settings.db_ssl_ca is None:
        return {}
    return {"ssl_ca": str(settings.db_ssl_ca), "ssl_verify_cert": True, "ssl_verify_identity": True}


def _rows_at_once(columns: Iterable[tuple[str, int | None]]) -> int:
    """How many rows fit into a batch when every value has its maximum length; at least one.

    `columns` gives each column's type and, for text and binary, its maximum number of bytes.
    """
    width = sum(longest or (BATCH_BYTES if source_dtype(kind) is None else NUMBER_BYTES) for kind, longest in columns)
    return max(1, min(BATCH_ROWS, BATCH_BYTES // max(width, 1)))


def _fetched(cursor: MySQLCursorAbstract, rows_at_once: int) -> Iterator[list[Any]]:
    while rows := cursor.fetchmany(rows_at_once):
        yield rows


def _batch(fetched: Iterator[list[Any]], rows_at_once: int) -> list[Any]:
    """The next rows: at most `BATCH_ROWS`; when values may be long, at most `BATCH_BYTES` plus one fetch."""
    batch = next(fetched, [])
    if rows_at_once >= UNMEASURED_ROWS:
        return batch
    size = _bytes(batch)
    while len(batch) < BATCH_ROWS and size < BATCH_BYTES and (rows := next(fetched, None)):
        batch += rows
        size += _bytes(rows)
    return batch


def _bytes(rows: Iterable[RawRow]) -> int:
    return sum(len(value) for row in rows for value in row if value is not None)


def _stored_dtype(table: Table, column: str, column_type: str) -> pl.DataType:
    """The type to store a column with: the source's own, except TINYINT(1) where the table says Boolean."""
    dtype = source_dtype(column_type)
    if dtype is None:
        logger.warning("%s.%s is of type %s, which is stored as the bytes it comes in", table.name, column, column_type)
        return pl.Binary()
    return pl.Boolean() if table.columns.get(column) == pl.Boolean and dtype.is_integer() else dtype


def _listed(names: Iterable[str]) -> str:
    return ", ".join(_quoted(name) for name in names)


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def _parameter(since: int | datetime) -> Parameter:
    """A bound as a query parameter: instants without a zone, in the session's UTC."""
    return since.astimezone(UTC).replace(tzinfo=None) if isinstance(since, datetime) else since
