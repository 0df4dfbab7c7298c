"""A source database for tests: fill it, sync it, and compare the stored rows with it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self, cast

import polars as pl
from mysql.connector.abstracts import MySQLConnectionAbstract
from pydantic import SecretStr

from config import MysqlUpdaterSettings
from read_model.model import ReadModel
from read_model.snapshot import Snapshot, open_snapshot
from read_model.sync import Synced
from read_model.table import Table
from read_model.tables.fpp import FPP
from tests.mariadb import Server, insert, quoted
from update_readmodel import fpp_updater

type Row = dict[str, Any]


@dataclass(frozen=True)
class SourceDatabase:
    """One database on the test server and the data directory it is synced into."""

    server: Server
    name: str
    data_dir: Path
    connection: MySQLConnectionAbstract
    model: ReadModel = FPP

    @classmethod
    @contextmanager
    def opened(cls, server: Server, name: str, data_dir: Path) -> Iterator[Self]:
        """Connect, with the session's clock in UTC."""
        connection = server.connect(name)
        try:
            source = cls(server, name, data_dir, connection)
            source.execute("SET time_zone = '+00:00'")
            yield source
        finally:
            connection.close()

    def declaring(self, *tables: Table) -> Self:
        """The same database and directory, for a read model of other tables."""
        return replace(self, model=replace(self.model, tables=tables))

    def other_connection(self) -> MySQLConnectionAbstract:
        """A second session, in UTC, without autocommit."""
        connection = self.server.connect(self.name, autocommit=False)
        with connection.cursor() as cursor:
            cursor.execute("SET time_zone = '+00:00'")
        return connection

    def execute(self, sql: str) -> None:
        """Run one statement and commit it."""
        with self.connection.cursor() as cursor:
            cursor.execute(sql)

    def fill(self, tables: dict[str, pl.DataFrame]) -> None:
        """Insert rows into several tables."""
        for name, rows in tables.items():
            insert(self.connection, name, rows)

    def rows(self, table: str) -> list[Row]:
        """All rows of a table in the source, ordered by its first column; instants in UTC."""
        with self.connection.cursor(dictionary=True) as cursor:
            cursor.execute(f"SELECT * FROM {quoted(table)}")
            found = cast(list[Row], cursor.fetchall())
        return sorted((_in_utc(row) for row in found), key=_first)

    def settings(self, **changes: Any) -> MysqlUpdaterSettings:
        """The updater's settings for this database."""
        given: dict[str, Any] = {
            "db_host": self.server.host,
            "db_port": self.server.port,
            "db_username": self.server.username,
            "db_password": SecretStr(self.server.password),
            "db_name": self.name,
            "data_dir": self.data_dir,
        }
        return MysqlUpdaterSettings(**(given | changes))

    def environment(self, **changes: str) -> dict[str, str]:
        """The same as environment variables, for a process."""
        return {
            "DB_HOST": self.server.host,
            "DB_PORT": str(self.server.port),
            "DB_USERNAME": self.server.username,
            "DB_PASSWORD": self.server.password,
            "DB_NAME": self.name,
            "DATA_DIR": str(self.data_dir),
        } | changes

    def sync(self, *, full: bool = False, allow_shrink: bool = False, **changes: Any) -> Synced:
        """Run the updater's work once, in this process; errors are raised."""
        return replace(fpp_updater(self.settings(**changes)), model=self.model).update(
            full=full, allow_shrink=allow_shrink
        )

    def snapshot(self) -> Snapshot:
        """The current snapshot."""
        return open_snapshot(self.data_dir, self.model)

    def stored(self, table: str) -> list[Row]:
        """All rows of a table in the read model, ordered by its first column."""
        snapshot = self.snapshot()
        declared = next(each for each in self.model.tables if each.name == table)
        return sorted(snapshot.scan(declared).collect().to_dicts(), key=_first)

    def assert_in_step(self) -> None:
        """The stored rows are exactly those of the source."""
        for table in self.model.tables:
            assert self.stored(table.name) == self.rows(table.name), table.name


def _first(row: Row) -> Any:
    return next(iter(row.values()))


def _in_utc(row: Row) -> Row:
    return {name: value.replace(tzinfo=UTC) if isinstance(value, datetime) else value for name, value in row.items()}
