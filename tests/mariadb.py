"""A private, real MariaDB for the test session.

`private_server` starts one (or hands out the server of `TEST_DB_HOST`), `fresh_database` makes an empty copy of the
source in it, `insert` fills a table from a DataFrame. A test that needs a restart or a second server on the same data
uses the parts: `data_directory` and `running`.
"""

import os
import pwd
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import mysql.connector
import polars as pl
from mysql.connector.abstracts import MySQLConnectionAbstract, MySQLCursorAbstract

SCHEMA = Path(__file__).with_name("schema.sql")
POLICY = Path("/usr/sbin/policy-rc.d")
PROGRAMS = ("mariadbd", "mariadb-install-db")
# Debian keeps the server in /usr/sbin, which the PATH of an ordinary user lacks.
SEARCH_PATH = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/local/sbin", "/usr/sbin", "/sbin"])
START_S, INITIALISE_S, STOP_S, INSTALL_S = 30, 60, 10, 900
UNPRIVILEGED = "mysql"  # The user made by Debian's package: MariaDB refuses to run as root.
LONGEST_SOCKET = 100  # AF_UNIX paths end at 107 bytes on Linux, 103 on macOS.
ROWS_PER_STATEMENT = 2_000  # Stays below the 16 MB of max_allowed_packet with every varchar full of emoji.


class MariadbError(RuntimeError):
    """The test database cannot be had; the message says why and what to do."""


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
            # The connector's own choice, utf8mb4_0900_ai_ci, is unknown to MariaDB before 11.4.
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
        raise MariadbError("TEST_DB_HOST is set, TEST_DB_USERNAME is not: set it, and TEST_DB_PASSWORD")
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
        MariadbError: not root, no apt-get, or apt-get failed.
    """
    if installed():
        return
    if os.geteuid() != 0 or not shutil.which("apt-get", path=SEARCH_PATH):
        raise MariadbError(
            f"{' and '.join(PROGRAMS)} not found: install MariaDB (Debian: apt-get install mariadb-server), "
            "or set TEST_DB_HOST, TEST_DB_PORT, TEST_DB_USERNAME and TEST_DB_PASSWORD to a server for tests"
        )
    with _services_stay_down():
        _apt_get("update")
        _apt_get("install", "-y", "--no-install-recommends", "mariadb-server")
    if not installed():
        raise MariadbError(f"apt-get installed mariadb-server, yet {' or '.join(PROGRAMS)} is not in {SEARCH_PATH}")


@contextmanager
def _services_stay_down() -> Iterator[None]:
    """Make package scripts start no service; a policy the machine already has stays as it is."""
    try:
        with POLICY.open("x") as policy:
            # Denies only while this process lives: harmless should it be killed before it removes the file.
            policy.write(f"#!/bin/sh\nkill -0 {os.getpid()} 2>/dev/null && exit 101\nexit 0\n")
    except FileExistsError:
        yield
        return
    try:
        POLICY.chmod(0o755)
        yield
    finally:
        POLICY.unlink(missing_ok=True)


def _apt_get(*arguments: str) -> None:
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive", "PATH": SEARCH_PATH}
    command = [_program("apt-get"), "-q", "-o", "DPkg::Lock::Timeout=120", *arguments]
    _run(command, timeout_s=INSTALL_S, env=environment)


def _program(name: str) -> str:
    found = shutil.which(name, path=SEARCH_PATH)
    if found is None:
        raise MariadbError(f"{name} not found in {SEARCH_PATH}")
    return found


def _run(command: Sequence[str], timeout_s: float, **options: Any) -> None:
    """Run a command to its end, silently.

    Raises:
        MariadbError: it failed or took too long; the message ends with the tail of its output.
    """
    with tempfile.TemporaryFile("w+") as output:
        try:
            subprocess.run(  # noqa: S603 - fixed programs, no shell
                command,
                check=True,
                timeout=timeout_s,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                **options,
            )
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
            output.seek(0)
            raise MariadbError(f"{error}\n{_tail(output.read())}") from error


def _tail(text: str, lines: int = 60) -> str:
    return "\n".join(text.splitlines()[-lines:])


# --- The server -------------------------------------------------------------------------------------------------------


@contextmanager
def data_directory() -> Iterator[Path]:
    """Yield the directory of a server that has not run yet; it is removed however this process ends."""
    directory = Path(tempfile.mkdtemp(prefix="fpp-mariadb-", dir=_short_temporary_directory()))
    with _removed_afterwards(directory):
        if _run_as():
            shutil.chown(directory, UNPRIVILEGED, UNPRIVILEGED)
        _run(
            [
                _program("mariadb-install-db"),
                "--no-defaults",
                f"--datadir={directory / 'data'}",
                f"--tmpdir={directory}",
                "--skip-test-db",
                "--skip-name-resolve",
                "--innodb-log-file-size=32M",
            ],
            timeout_s=INITIALISE_S,
            cwd=directory,
            **_run_as(),
        )
        yield directory


@contextmanager
def running(directory: Path, port: int | None = None) -> Iterator[Server]:
    """Run a server over a data directory, on `port` or a free one, until the block ends.

    Raises:
        MariadbError: it did not answer within `START_S`; the message ends with the tail of its log.
    """
    port = port or _free_port()
    password, log, socket_file = secrets.token_urlsafe(16), directory / "server.log", directory / "server.sock"
    accounts = directory / "accounts.sql"
    accounts.write_text(
        "CREATE OR REPLACE USER tester@'%' "
        f"IDENTIFIED BY '{password}';\nGRANT ALL ON *.* TO tester@'%' WITH GRANT OPTION;\n"
    )
    if _run_as():
        shutil.chown(accounts, UNPRIVILEGED, UNPRIVILEGED)
    with log.open("ab") as output:
        process = subprocess.Popen(  # noqa: S603 - fixed programs, no shell
            [*_dies_with_us(), *_command(directory, port, socket_file, accounts)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=directory,
            start_new_session=True,  # Ctrl-C is for pytest, which then stops the server.
            **_run_as(),
        )
    try:
        server = Server("127.0.0.1", port, "tester", password, process.pid, socket_file, log)
        _wait_until_it_answers(server, process, log)
        yield server
    finally:
        _stop(process)


def _command(directory: Path, port: int, socket_file: Path, accounts: Path) -> list[str]:
    return [
        _program("mariadbd"),
        "--no-defaults",  # Must come first.
        f"--datadir={directory / 'data'}",
        f"--tmpdir={directory}",  # That of TMPDIR may be closed to the unprivileged user.
        f"--socket={socket_file}",
        f"--pid-file={directory / 'server.pid'}",
        f"--init-file={accounts}",
        "--bind-address=127.0.0.1",
        f"--port={port}",
        "--skip-networking=OFF",
        "--skip-name-resolve",
        "--default-time-zone=+05:30",  # Not UTC, and no whole hour: a forgotten conversion shows.
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
    raise MariadbError(f"MariaDB {state}; its log says:\n{_tail(log.read_text(errors='replace'))}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _run_as() -> dict[str, Any]:
    """The options of `subprocess` that give up root's rights; none for an ordinary user."""
    if os.geteuid() != 0:
        return {}
    try:
        user = pwd.getpwnam(UNPRIVILEGED)
    except KeyError:
        raise MariadbError(f"As root, the server needs an unprivileged user: adduser --system {UNPRIVILEGED}") from None
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def _dies_with_us() -> list[str]:
    """A prefix with which the kernel kills the command when this process is gone, however it ended (Linux)."""
    setpriv = shutil.which("setpriv", path=SEARCH_PATH)
    return [setpriv, "--pdeathsig", "KILL"] if setpriv else []


@contextmanager
def _removed_afterwards(directory: Path) -> Iterator[None]:
    """Remove the directory at the end; a shell does it, when told to or when our death closes its pipe."""
    janitor = subprocess.Popen(  # noqa: S603 - fixed program and script
        ["/bin/sh", "-c", 'read -r _; rm -rf -- "$1" || { sleep 1; rm -rf -- "$1"; }', "sh", str(directory)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield
    finally:
        janitor.communicate(b"\n")


def _short_temporary_directory() -> str:
    usual = tempfile.gettempdir()
    return usual if len(f"{usual}/fpp-mariadb-12345678/server.sock") <= LONGEST_SOCKET else "/tmp"  # noqa: S108 - mkdtemp makes it ours


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


# --- Databases and rows -----------------------------------------------------------------------------------------------


@contextmanager
def fresh_database(server: Server) -> Iterator[str]:
    """Yield the name of a new database with the source's empty tables; it is dropped afterwards."""
    name = f"fpp-test-{secrets.token_hex(3)}"  # With dashes, like the real one: it must be quoted.
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
            without one is UTC. MariaDB cuts fractions of a second that the column does not keep.
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
    """Each row as the text of an SQL value list: far faster than a Python object per value."""
    literals = [_literal(pl.col(name), dtype).fill_null("NULL") for name, dtype in schema.items()]
    return pl.format("({})", pl.concat_str(literals, separator=","))


def _literal(value: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    # Text travels as hex digits: nothing to escape, whatever the sql_mode.
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
