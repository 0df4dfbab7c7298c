"""The test database itself: private, unprivileged, in a time zone that is not UTC, and empty for each test."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import mysql.connector
import polars as pl
import pytest
from mysql.connector.abstracts import MySQLConnectionAbstract

from tests import mariadb
from tests.mariadb import Server, data_directory, fresh_database, insert, private_server, running
from tests.private_programs import PrivateServerError


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    with private_server() as started:
        yield started


@pytest.fixture
def own_pid(server: Server) -> int:
    if server.pid is None:
        pytest.skip("the server of TEST_DB_HOST is not ours")
    return server.pid


@pytest.fixture
def database(server: Server) -> Iterator[str]:
    with fresh_database(server) as name:
        yield name


@pytest.fixture
def connection(server: Server, database: str) -> Iterator[MySQLConnectionAbstract]:
    with server.connect(database) as opened:
        yield opened


def rows(connection: MySQLConnectionAbstract, query: str) -> list[tuple[object, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query)
        return [tuple(row) for row in cursor.fetchall()]


def answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def wait_until_gone(*paths: Path) -> None:
    deadline = time.monotonic() + 10
    while any(path.exists() for path in paths) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert [path for path in paths if path.exists()] == []


@pytest.mark.database
@pytest.mark.usefixtures("own_pid")
def test_server_is_not_in_utc(connection: MySQLConnectionAbstract) -> None:
    """Noon UTC is half past five in the afternoon to a session that sets nothing."""
    assert rows(connection, "SELECT @@time_zone, FROM_UNIXTIME(1772452800)") == [
        ("+05:30", datetime(2026, 3, 2, 17, 30))  # noqa: DTZ001 - the session's local time
    ]


@pytest.mark.database
def test_server_runs_without_roots_rights(own_pid: int) -> None:
    status = Path(f"/proc/{own_pid}/status").read_text()
    uids = next(line for line in status.splitlines() if line.startswith("Uid:")).split()[1:]
    assert "0" not in uids


@pytest.mark.database
def test_database_has_the_six_tables(connection: MySQLConnectionAbstract) -> None:
    assert rows(connection, "SHOW TABLES") == [
        (f"fpp_{name}",) for name in ("estimations", "events", "page_views", "rooms", "users", "votes")
    ]


@pytest.mark.database
def test_only_the_documented_columns_are_nullable(connection: MySQLConnectionAbstract) -> None:
    nullable = (
        "SELECT table_name, column_name FROM information_schema.columns"
        " WHERE table_schema = DATABASE() AND is_nullable = 'YES' ORDER BY table_name, ordinal_position"
    )
    assert rows(connection, nullable) == [
        ("fpp_estimations", "estimation"),
        ("fpp_page_views", "room_id"),
        ("fpp_page_views", "source"),
        *(("fpp_users", name) for name in ("device", "os", "browser", "country", "region", "city")),
    ]


@pytest.mark.database
def test_no_timestamp_moves_when_its_row_is_updated(connection: MySQLConnectionAbstract) -> None:
    timestamps = (
        "SELECT column_default, extra FROM information_schema.columns"
        " WHERE table_schema = DATABASE() AND data_type = 'timestamp'"
    )
    assert rows(connection, timestamps) == [("current_timestamp()", "")] * 7


@pytest.mark.database
def test_rows_come_back_as_they_were_inserted(connection: MySQLConnectionAbstract) -> None:
    """A session in UTC and one in the server's zone read the same instants, null stays null and no text is changed."""
    instant = datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
    users = pl.DataFrame(
        {
            "id": ["ann", "bob"],
            "device": ['it\'s \\ "50%"\n', None],
            "city": ["Köln 🎉", ""],
            "created_at": [instant, instant.astimezone(ZoneInfo("America/New_York"))],
        },
        schema_overrides={"created_at": pl.Datetime("us", "Europe/Berlin")},
    )
    insert(connection, "fpp_users", users)
    seconds = int(instant.timestamp())
    assert rows(connection, "SELECT id, device, city, UNIX_TIMESTAMP(created_at) FROM fpp_users ORDER BY id") == [
        ("ann", 'it\'s \\ "50%"\n', "Köln 🎉", seconds),
        ("bob", None, "", seconds),
    ]
    assert rows(connection, "SELECT @@session.time_zone = @@global.time_zone") == [(1,)]
    with connection.cursor() as cursor:
        cursor.execute("SET time_zone = '+00:00'")
    assert rows(connection, "SELECT created_at FROM fpp_users") == [(instant.replace(tzinfo=None),)] * 2


@pytest.mark.database
def test_decimals_and_booleans_come_back_as_they_were_inserted(connection: MySQLConnectionAbstract) -> None:
    votes = pl.DataFrame(
        {
            "room_id": [1, 2],
            "avg_estimation": [Decimal("3.10"), Decimal("-0.05")],
            "max_estimation": [5, 1],
            "min_estimation": [1, -1],
            "amount_of_estimations": [2, 2],
            "amount_of_spectators": [0, 0],
            "duration": [32767, 0],
            "was_auto_flip": [True, False],
        },
        schema_overrides={"avg_estimation": pl.Decimal(4, 2)},
    )
    insert(connection, "fpp_votes", votes)
    assert rows(connection, "SELECT avg_estimation, duration, was_auto_flip FROM fpp_votes ORDER BY room_id") == [
        (Decimal("3.10"), 32767, 1),
        (Decimal("-0.05"), 0, 0),
    ]


@pytest.mark.database
def test_many_rows_are_inserted_once_each(connection: MySQLConnectionAbstract) -> None:
    """More rows than one statement takes, with a remainder; none at all is fine too."""
    count = 2 * mariadb.ROWS_PER_STATEMENT + 1
    views = pl.select(id=pl.int_range(1, count + 1), user_id=pl.lit("ann"), route=pl.lit("HOME"))
    insert(connection, "fpp_page_views", views)
    insert(connection, "fpp_page_views", views.clear())
    assert rows(connection, "SELECT COUNT(*), MIN(id), MAX(id) FROM fpp_page_views") == [(count, 1, count)]


@pytest.mark.database
def test_inserted_rows_wait_for_the_commit_of_their_transaction(
    server: Server, database: str, connection: MySQLConnectionAbstract
) -> None:
    with server.connect(database, autocommit=False) as writer:
        insert(writer, "fpp_users", pl.DataFrame({"id": ["ann"]}))
        assert rows(connection, "SELECT id FROM fpp_users") == []
        writer.commit()
    assert rows(connection, "SELECT id FROM fpp_users") == [("ann",)]


@pytest.mark.database
def test_two_databases_are_independent_and_dropped(server: Server, connection: MySQLConnectionAbstract) -> None:
    with fresh_database(server) as other:
        with server.connect(other) as elsewhere:
            insert(elsewhere, "fpp_users", pl.DataFrame({"id": ["ann"]}))
            assert rows(elsewhere, "SELECT id FROM fpp_users") == [("ann",)]
        assert rows(connection, "SELECT id FROM fpp_users") == []
    assert (other,) not in rows(connection, "SHOW DATABASES")


@pytest.mark.database
@pytest.mark.usefixtures("own_pid")
def test_wrong_password_is_refused(server: Server) -> None:
    with pytest.raises(mysql.connector.Error, match="Access denied"):
        server.connect(password="wrong")  # noqa: S106 - the point of the test


@pytest.mark.database
@pytest.mark.usefixtures("own_pid")
def test_rows_survive_a_restart_and_nothing_survives_the_session() -> None:
    with data_directory() as directory:
        with running(directory) as first, first.connect() as connection, connection.cursor() as cursor:
            cursor.execute("CREATE DATABASE kept")
        assert not answers(first.port)
        with running(directory, first.port) as second, second.connect("kept"):
            assert second.port == first.port
    assert not directory.exists()


@pytest.mark.database
@pytest.mark.usefixtures("own_pid")
def test_server_that_cannot_start_shows_its_log(server: Server) -> None:
    with (
        data_directory() as directory,
        pytest.raises(PrivateServerError, match="Can't start server: Bind on TCP/IP port"),
        running(directory, server.port),
    ):
        pass


@pytest.mark.database
@pytest.mark.usefixtures("own_pid")
def test_nothing_is_left_when_the_session_is_killed() -> None:
    script = (
        "import time\n"
        "from tests.mariadb import private_server\n"
        "with private_server({}) as server:\n"
        "    print(server.pid, server.socket, flush=True)\n"
        "    time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as session:  # noqa: S603 - our script
        assert session.stdout is not None
        pid, socket_file = session.stdout.readline().split()
        os.kill(session.pid, signal.SIGKILL)
    wait_until_gone(Path(f"/proc/{pid}"), Path(socket_file).parent)


def test_test_db_host_is_used_instead_of_a_private_server() -> None:
    with private_server({"TEST_DB_HOST": "db.example", "TEST_DB_USERNAME": "ci"}) as server:
        assert server == Server("db.example", 3306, "ci", "")


def test_test_db_host_without_a_user_is_refused() -> None:
    with (
        pytest.raises(PrivateServerError, match="TEST_DB_USERNAME is not"),
        private_server({"TEST_DB_HOST": "db.example"}),
    ):
        pass


def test_missing_server_says_what_to_do_to_an_ordinary_user(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(mariadb, "SEARCH_PATH", str(tmp_path))
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(PrivateServerError, match=r"apt-get install mariadb-server.*TEST_DB_HOST"):
        mariadb.install()
