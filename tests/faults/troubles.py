"""Failures of the connection to the source, and a database server that a test may break."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

import polars as pl

from tests import mariadb as servers
from tests.faults.invariants import GROWING
from tests.faults.tcp_proxy import Link
from tests.mariadb import insert, quoted
from tests.source_database import SourceDatabase

READER = {"DB_USERNAME": "reader", "DB_PASSWORD": "same-after-a-restart"}
ROWS = 20_000  # More than fits into the buffers between server and updater, so that the server is still sending.
MIDDLE = 300_000  # A byte in the middle of them.


@contextmanager
def own_database(directory: Path, data_dir: Path, port: int | None = None) -> Iterator[SourceDatabase]:
    """The test's own server over `directory`, with the database `own`, which is created if it is missing."""
    with servers.running(directory, port) as server:
        with server.connect() as connection, connection.cursor() as cursor:
            cursor.execute("SET GLOBAL innodb_flush_log_at_trx_commit = 1")  # It may be killed.
            cursor.execute("CREATE DATABASE IF NOT EXISTS own CHARACTER SET utf8mb4")
            cursor.execute(f"CREATE USER IF NOT EXISTS reader@'%' IDENTIFIED BY '{READER['DB_PASSWORD']}'")
            cursor.execute("GRANT SELECT ON own.* TO reader@'%'")
            cursor.execute("USE own")
            for statement in servers.SCHEMA.read_text().split(";\n"):
                if statement.strip():
                    cursor.execute(statement.replace("CREATE TABLE", "CREATE TABLE IF NOT EXISTS"))
        with SourceDatabase.opened(server, "own", data_dir) as database:
            yield database


def empty(database: SourceDatabase) -> None:
    """Remove all rows."""
    for table in (*GROWING, "fpp_rooms"):
        database.execute(f"TRUNCATE {table}")


def fill_up(database: SourceDatabase) -> None:
    """Add page views of a few hundred bytes each."""
    now = datetime.now(UTC)
    rows = pl.select(
        user_id=pl.format("u{}", pl.int_range(ROWS)),
        route=pl.lit("HOME"),
        source=pl.lit("x" * 250),
        viewed_at=pl.lit(now),
    )
    insert(database.connection, "fpp_page_views", rows)


def kill(database: SourceDatabase, what: str) -> Callable[[Link], None]:
    """A failure: another session kills the one that reads the page views."""

    def happens(_: Link) -> None:
        with database.server.connect() as connection, connection.cursor() as cursor:
            cursor.execute(
                "SELECT id FROM information_schema.processlist WHERE db = %s AND id NOT IN (CONNECTION_ID(), %s)",
                (database.name, database.connection.connection_id),
            )
            for (session,) in cast(list[tuple[int]], cursor.fetchall()):
                cursor.execute(f"KILL {what} {session}")

    return happens


@contextmanager
def reader_with_its_own_clock(database: SourceDatabase) -> Iterator[dict[str, str]]:
    """An account that sees the server's clock as `set_clock` sets it; yields its settings."""
    database.execute("CREATE OR REPLACE USER clocked@'%' IDENTIFIED BY 'clocked'")
    database.execute(f"GRANT SELECT ON {quoted(database.name)}.* TO clocked@'%'")
    try:
        yield {"DB_USERNAME": "clocked", "DB_PASSWORD": "clocked"}
    finally:
        database.execute("SET GLOBAL init_connect = ''")
        database.execute("DROP USER clocked@'%'")


def set_clock(database: SourceDatabase, ahead: timedelta) -> None:
    """Move the server's clock for accounts without special privileges."""
    stands = (datetime.now(UTC) + ahead).timestamp()
    database.execute(f"SET GLOBAL init_connect = 'SET @@session.timestamp = {stands}'")
