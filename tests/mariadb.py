"""A private, real MariaDB for the test session.

`private_server` starts one (or hands out the server of `TEST_DB_HOST`), `fresh_database` makes an empty copy of the
source in it, `insert` fills a table from a DataFrame. A test that needs a restart or a second server on the same data
uses the parts: `data_directory` and `running`.
"""

import os
import secrets
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import mysql.connector
import polars as pl
from mysql.connector.abstracts import MySQLConnectionAbstract, MySQLCursorAbstract

from tests.private_programs import (
    SEARCH_PATH,
    PrivateServerError,
    dies_with_us,
    found_program,
    free_port,
    install_packages,
    may_install,
    own_directory,
    run_as,
    run_quietly,
    stop,
    tail,
)

SCHEMA = Path(__file__).with_name("schema.sql")
PROGRAMS = ("mariadbd", "mariadb-install-db")
START_S, INITIALISE_S = 30, 60
UNPRIVILEGED = "mysql"  # The user made by Debian's package: MariaDB refuses to run as root.
ROWS_PER_STATEMENT = 2_000  # Below the 16 MB of max_allowed_packet even if every varchar is full of emoji.


@dataclass(frozen=True)
class Server:
    """A server to test against. `pid`, `socket` and `log` are None when it is not ours (`TEST_DB_HOST`)."""

    host: str
    port: int
    username: str
    password: str = field(repr=False)
    pid: int | None = None
    socket: Path | None = None
    log: Path | None = None

    def connect(self, database: str | None = None, **options: Any) -> MySQLConnectionAbstract:
        """Open a connection, in autocommit and the server's own time zone; `options` go to mysql.connector."""
        defaults = {
            "host": self.host,
            "port": self.port,
            "user": self.username,
            "password": self.password,
            "database": database,
            "autocommit": True,
            "charset": "utf8mb4",
            # MariaDB before 11.4 does not know the connector's default, utf8mb4_0900_ai_ci.
            "collation": "utf8mb4_general_ci",
            "connection_timeout": 10,
        }
        connection = mysql.connector.connect(**(defaults | options))
        if not isinstance(connection, MySQLConnectionAbstract):
            raise TypeError("Pooled connections are not supported here")
        return connection


@contextmanager
def private_server(environment: Mapping[str, str] = os.environ) -> Iterator[Server]:
    """Yield the server of `TEST_DB_HOST` if that is set, else a new one that is gone afterwards.

    Enter it from the main thread: the kernel kills the server when the thread that started it ends.
    """
    if environment.get("TEST_DB_HOST"):
        yield external_server(environment)
        return
    install()
    with data_directory() as directory, running(directory) as server:
        yield server


def external_server(environment: Mapping[str, str]) -> Server:
    """The server that `TEST_DB_HOST`, `_PORT`, `_USERNAME` and `_PASSWORD` describe."""
    if not environment.get("TEST_DB_USERNAME"):
        raise PrivateServerError("TEST_DB_HOST is set, TEST_DB_USERNAME is not: set it, and TEST_DB_PASSWORD")
    return Server(
        host=environment["TEST_DB_HOST"],
        port=int(environment.get("TEST_DB_PORT") or 3306),
        username=environment["TEST_DB_USERNAME"],
        password=environment.get("TEST_DB_PASSWORD", ""),
    )


# --- The programs -----------------------------------------------------------------------------------------------------


def installed() -> bool:
    """Whether the server and the program that initialises its data directory are here."""
    return all(shutil.which(name, path=SEARCH_PATH) for name in PROGRAMS)


def install() -> None:
    """Install Debian's `mariadb-server` if it is missing, without starting the system's own service.

    Raises:
        PrivateServerError: not root, no apt-get, or apt-get failed.
    """
    if installed():
        return
    if not may_install():
        raise PrivateServerError(
            f"{' and '.join(PROGRAMS)} not found: install MariaDB (Debian: apt-get install mariadb-server), "
            "or set TEST_DB_HOST, TEST_DB_PORT, TEST_DB_USERNAME and TEST_DB_PASSWORD to a server for tests"
        )
    install_packages("mariadb-server")
    if not installed():
        raise PrivateServerError(
            f"apt-get installed mariadb-server, yet {' or '.join(PROGRAMS)} is not in {SEARCH_PATH}"
        )


# --- The server -------------------------------------------------------------------------------------------------------


@contextmanager
def data_directory() -> Iterator[Path]:
    """Yield the directory of a server that has not run yet; it is removed however this process ends."""
    with own_directory("fpp-mariadb-") as directory:
        if run_as(UNPRIVILEGED):
            shutil.chown(directory, UNPRIVILEGED, UNPRIVILEGED)
        run_quietly(
            [
                found_program("mariadb-install-db"),
                "--no-defaults",
                f"--datadir={directory / 'data'}",
                f"--tmpdir={directory}",
                "--skip-test-db",
                "--skip-name-resolve",
                "--innodb-log-file-size=32M",
            ],
            timeout_s=INITIALISE_S,
            cwd=directory,
            **run_as(UNPRIVILEGED),
        )
        yield directory


@contextmanager
def running(directory: Path, port: int | None = None) -> Iterator[Server]:
    """Run a server over a data directory, on `port` or a free one, until the block ends.

    Raises:
        PrivateServerError: it did not answer within `START_S`; the message ends with the tail of its log.
    """
    port = port or free_port()
    password, log, socket_file = secrets.token_urlsafe(16), directory / "server.log", directory / "server.sock"
    accounts = directory / "accounts.sql"
    accounts.write_text(
        "CREATE OR REPLACE USER tester@'%' "
        f"IDENTIFIED BY '{password}';\nGRANT ALL ON *.* TO tester@'%' WITH GRANT OPTION;\n"
    )
    if run_as(UNPRIVILEGED):
        shutil.chown(accounts, UNPRIVILEGED, UNPRIVILEGED)
    with log.open("ab") as output:
        process = subprocess.Popen(  # noqa: S603 - fixed programs, no shell
            [*dies_with_us(), *_command(directory, port, socket_file, accounts)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=directory,
            start_new_session=True,  # Ctrl-C is for pytest, which then stops the server.
            **run_as(UNPRIVILEGED),
        )
    try:
        server = Server("127.0.0.1", port, "tester", password, process.pid, socket_file, log)
        _wait_until_it_answers(server, process, log)
        yield server
    finally:
        stop(process)


def _command(directory: Path, port: int, socket_file: Path, accounts: Path) -> list[str]:
    return [
        found_program("mariadbd"),
        "--no-defaults",  # Must come first.
        f"--datadir={directory / 'data'}",
        f"--tmpdir={directory}",  # The unprivileged user may have no access to TMPDIR.
        f"--socket={socket_file}",
        f"--pid-file={directory / 'server.pid'}",
        f"--init-file={accounts}",
        "--bind-address=127.0.0.1",
        f"--port={port}",
        "--skip-networking=OFF",
        "--skip-name-resolve",
        "--default-time-zone=+05:30",  # Not UTC, nor a whole hour, so that a forgotten conversion shows.
        "--character-set-server=utf8mb4",
        "--explicit-defaults-for-timestamp=ON",
        "--max-allowed-packet=64M",
        # The data lives for one session: speed instead of durability.
        "--skip-log-bin",
        "--innodb-flush-log-at-trx-commit=0",
        "--innodb-doublewrite=OFF",
        "--innodb-buffer-pool-size=128M",
        "--innodb-log-file-size=32M",
    ]


def _wait_until_it_answers(server: Server, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_S
    while process.poll() is None and time.monotonic() < deadline:
        with suppress(mysql.connector.Error), server.connect(connection_timeout=2):
            return
        time.sleep(0.05)
    state = f"ended with {process.returncode}" if process.returncode is not None else f"gave no answer in {START_S} s"
    raise PrivateServerError(f"MariaDB {state}; its log says:\n{tail(log.read_text(errors='replace'))}")


# --- Databases and rows -----------------------------------------------------------------------------------------------


@contextmanager
def fresh_database(server: Server) -> Iterator[str]:
    """Yield the name of a new database with the source's empty tables; it is dropped afterwards."""
    name = f"fpp-test-{secrets.token_hex(3)}"  # With dashes, like the real one, so that it must be quoted.
    with server.connect() as connection, connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {quoted(name)} CHARACTER SET utf8mb4")
    try:
        with server.connect(name) as connection, connection.cursor() as cursor:
            for statement in SCHEMA.read_text().split(";\n"):
                if statement.strip():
                    cursor.execute(statement)
        yield name
    finally:
        with server.connect() as connection, connection.cursor() as cursor:
            # Fail instead of waiting for a day when a test has left a transaction open.
            cursor.execute("SET SESSION lock_wait_timeout = 10")
            cursor.execute(f"DROP DATABASE {quoted(name)}")


def insert(connection: MySQLConnectionAbstract, table: str, frame: pl.DataFrame) -> None:
    """Insert the rows of a frame, under session time zone UTC; it commits nothing itself.

    Args:
        connection: of the table's database; without autocommit the rows stay in its open transaction.
        table: name of the table.
        frame: columns by name; the table's further columns get their defaults. Instants may be in any zone, a datetime
            without one is UTC. MariaDB truncates fractions of a second that the column can't hold.
    """
    columns = ", ".join(quoted(name) for name in frame.columns)
    row = _row(frame.schema)
    with connection.cursor() as cursor, _in_utc(cursor):
        for part in frame.iter_slices(ROWS_PER_STATEMENT):
            values = ",".join(part.select(row).to_series())
            cursor.execute(f"INSERT INTO {quoted(table)} ({columns}) VALUES {values}")


def quoted(name: str) -> str:
    """The name as an SQL identifier."""
    return f"`{name.replace('`', '``')}`"


@contextmanager
def _in_utc(cursor: MySQLCursorAbstract) -> Iterator[None]:
    cursor.execute("SET @zone_before = @@session.time_zone, time_zone = '+00:00'")
    try:
        yield
    finally:
        cursor.execute("SET time_zone = @zone_before")


def _row(schema: pl.Schema) -> pl.Expr:
    """Each row as the text of an SQL value list, which is far faster than a Python object per value."""
    literals = [_literal(pl.col(name), dtype).fill_null("NULL") for name, dtype in schema.items()]
    return pl.format("({})", pl.concat_str(literals, separator=","))


def _literal(value: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    # Text is sent as hex digits, so nothing needs escaping in any sql_mode.
    match dtype:
        case pl.String() | pl.Enum() | pl.Categorical():
            return pl.format("_utf8mb4 X'{}'", value.cast(pl.String).cast(pl.Binary).bin.encode("hex"))
        case pl.Binary():
            return pl.format("X'{}'", value.bin.encode("hex"))
        case pl.Datetime(time_zone=zone):
            instant = value if zone is None else value.dt.convert_time_zone("UTC")
            return instant.dt.strftime("'%Y-%m-%d %H:%M:%S%.6f'")
        case pl.Date():
            return value.dt.strftime("'%Y-%m-%d'")
        case pl.Boolean():
            return value.cast(pl.Int8).cast(pl.String)
        case _ if dtype.is_numeric() or dtype == pl.Null:
            return value.cast(pl.String)
    raise TypeError(f"No SQL literal for {dtype}")
