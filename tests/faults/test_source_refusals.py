"""Faults 13 to 15: another server answers, rows or tables are gone, the database refuses the user."""

from pathlib import Path

import pytest

from tests import mariadb as servers
from tests.faults.invariants import GROWING, Operator, add
from tests.faults.tcp_proxy import Link, Proxy
from tests.faults.troubles import MIDDLE, READER, empty, fill_up, own_database
from tests.faults.updaters import Updaters
from tests.mariadb import quoted
from tests.processes import RecordingService
from tests.source_database import SourceDatabase

pytestmark = pytest.mark.database


def back_up(database: SourceDatabase) -> None:
    """Keep a copy of the growing tables."""
    for table in GROWING:
        database.execute(f"CREATE TABLE saved_{table} AS SELECT * FROM {table}")


def restore(database: SourceDatabase) -> None:
    """Put the copy back: also the next ids are those of then."""
    for table in GROWING:
        database.execute(f"TRUNCATE {table}")
        database.execute(f"INSERT INTO {table} SELECT * FROM saved_{table}")


def test_fault_13_restored_backup_is_noticed(database: SourceDatabase, operator: Operator) -> None:
    """The server and its name are the same, two settled rows are gone: everything is read again."""
    add(database, [f"u{i}" for i in range(20)], 300)
    back_up(database)
    add(database, ["u20", "u21"], 200)
    operator.publishes()
    assert "Everything was read" not in operator.publishes().log
    restore(database)
    assert "is no longer as stored: restored" in operator.publishes().log
    database.assert_in_step()


def test_fault_13_restored_backup_that_gave_its_ids_again_is_noticed(
    database: SourceDatabase, operator: Operator
) -> None:
    """After the restore the app wrote as many rows as were lost: the same ids, other rows."""
    add(database, [f"u{i}" for i in range(20)], 300)
    back_up(database)
    add(database, ["u20", "u21"], 200)
    operator.publishes()
    restore(database)
    add(database, ["new20", "new21", "new22"], 0)
    assert "is no longer as stored: restored" in operator.publishes().log
    database.assert_in_step()


def test_fault_13_restored_backup_of_long_ago_is_refused_until_allowed(
    database: SourceDatabase, operator: Operator
) -> None:
    """Half of the rows are gone, which may be an accident."""
    add(database, ["u0", "u1"], 300)
    back_up(database)
    add(database, ["u2", "u3"], 200)
    operator.publishes()
    restore(database)
    operator.fails(65, "shrank from 4 to 2 rows", "--allow-shrink")
    operator.publishes("--allow-shrink")
    database.assert_in_step()


def test_fault_13_restored_backup_of_a_moment_ago_needs_nothing(database: SourceDatabase, operator: Operator) -> None:
    """What is lost is younger than the overlap and read again anyway."""
    add(database, [f"u{i}" for i in range(20)], 300)
    back_up(database)
    add(database, ["u20", "u21"], 20)
    operator.publishes()
    restore(database)
    assert "Everything was read" not in operator.publishes().log
    database.assert_in_step()


def test_fault_13_failover_to_another_server(
    database: SourceDatabase, operator: Operator, proxy: Proxy, directory: Path
) -> None:
    """The same address leads to other rows with the same ids: the run is full, `data_updated_at` does not go back."""
    add(database, [f"here{i}" for i in range(5)], 300)
    operator.publishes(DB_PORT=str(proxy.port), DB_USERNAME=database.server.username)
    with own_database(directory, database.data_dir) as other:
        empty(other)
        add(other, [f"there{i}" for i in range(5)], 300)
        add(other, ["there5"], 0)
        proxy.target = other.server.port
        log = operator.publishes(DB_PORT=str(proxy.port), DB_NAME="own", **READER).log
        assert "the source is another one" in log
        other.assert_in_step()


def test_fault_13_another_server_on_the_same_port(
    directory: Path, forked: Updaters, monitor: RecordingService, tmp_path: Path
) -> None:
    """MariaDB makes its id from the network card and the port, so it is the same: the rows tell the servers apart."""
    with own_database(directory, tmp_path / "data") as database:
        empty(database)
        add(database, [f"here{i}" for i in range(5)], 300)
        operator = Operator(database, forked, monitor)
        operator.publishes(**READER)
        port, before = database.server.port, database.snapshot().manifest
    with servers.data_directory() as elsewhere, own_database(elsewhere, tmp_path / "data", port) as database:
        operator.fails(65, "shrank from 5 to 0 rows", **READER)
        add(database, [f"there{i}" for i in range(5)], 290)
        operator.publishes(**READER)
        database.assert_in_step()
        after = database.snapshot().manifest
    assert before
    assert after
    assert after.source == before.source
    assert after.full_sync_at == after.read_at


# --- 14: rows or tables that are gone ---------------------------------------------------------------------------------


def test_fault_14_emptied_source_is_not_published(database: SourceDatabase, operator: Operator) -> None:
    """All tables empty, all old rows or all young ones: refused until it is allowed."""
    for minutes in (300, 0):
        add(database, ["u0", "u1"], minutes)
        operator.publishes("--allow-shrink")
        empty(database)
        operator.fails(65, "shrank from 2 to 0 rows", "--allow-shrink")
        operator.fails(65, "shrank from 2 to 0 rows", "--allow-shrink", arguments=["--full"])
    operator.publishes("--allow-shrink")
    database.assert_in_step()


def test_fault_14_shrinks_by_a_fifth_and_by_more(database: SourceDatabase, operator: Operator) -> None:
    """100 rows become 80: published. 80 become 63: not."""
    add(database, [f"u{i}" for i in range(100)], 0, ["fpp_events"])
    operator.publishes()
    database.execute("DELETE FROM fpp_events LIMIT 20")
    operator.publishes()
    database.execute("DELETE FROM fpp_events LIMIT 17")
    operator.fails(65, "fpp_events shrank from 80 to 63 rows")


def test_fault_14_missing_table_or_database(database: SourceDatabase, operator: Operator) -> None:
    """Each is named, with what to look at; when it is back, the next run publishes."""
    add(database, ["u0"], 300)
    operator.publishes()
    database.execute("RENAME TABLE fpp_rooms TO away")
    operator.fails(65, "Table fpp_rooms is not in database", "check DB_NAME")
    database.execute("RENAME TABLE away TO fpp_rooms")
    operator.fails(78, "has no database elsewhere: check DB_NAME", DB_NAME="elsewhere")
    operator.publishes()
    database.assert_in_step()


def test_fault_14_table_that_goes_while_the_run_reads(
    database: SourceDatabase, operator: Operator, proxy: Proxy
) -> None:
    """The second try names it."""
    operator.publishes()
    fill_up(database)

    def drop(_: Link) -> None:
        with database.server.connect(database.name) as connection, connection.cursor() as cursor:
            cursor.execute("DROP TABLE fpp_votes")

    proxy.plan(MIDDLE, drop)
    operator.fails(65, "Table fpp_votes is not in database", DB_PORT=str(proxy.port))


def test_fault_14_revoked_privileges(database: SourceDatabase, operator: Operator, proxy: Proxy) -> None:
    """One table's, before and during the read, one column's, then all: refused and named."""
    account = {"DB_USERNAME": "revoked", "DB_PASSWORD": "revoked"}
    database.execute("CREATE OR REPLACE USER revoked@'%' IDENTIFIED BY 'revoked'")
    fill_up(database)
    tables = [f"{quoted(database.name)}.{table}" for table in (*GROWING, "fpp_rooms")]
    try:
        for table in tables:
            database.execute(f"GRANT SELECT ON {table} TO revoked@'%'")
        operator.publishes(**account)
        votes = f"{quoted(database.name)}.fpp_votes"
        proxy.plan(MIDDLE, lambda _: database.execute(f"REVOKE SELECT ON {votes} FROM revoked@'%'"))
        operator.fails(65, "fpp_votes", "grant SELECT on that table", DB_PORT=str(proxy.port), **account)
        operator.fails(65, "fpp_votes", "grant SELECT on it", **account)
        database.execute(f"GRANT SELECT (id, voted_at) ON {votes} TO revoked@'%'")
        operator.fails(65, "fpp_votes.room_id is missing", **account)
        database.execute("REVOKE ALL PRIVILEGES, GRANT OPTION FROM revoked@'%'")
        operator.fails(78, "may not use database", "grant SELECT", **account)
    finally:
        database.execute("DROP USER revoked@'%'")


# --- 15: refused ------------------------------------------------------------------------------------------------------

ACCOUNTS = {
    "wrong password": "CREATE USER odd@'%' IDENTIFIED BY 'another'",
    "unknown user": "CREATE USER another@'%'",
    "locked": "CREATE USER odd@'%' IDENTIFIED BY 'secret' ACCOUNT LOCK",
    "by its socket only": "CREATE USER odd@'%' IDENTIFIED VIA unix_socket",
    "TLS only": "CREATE USER odd@'%' IDENTIFIED BY 'secret' REQUIRE ISSUER '/CN=somebody'",
}


@pytest.mark.parametrize("account", ACCOUNTS.values(), ids=ACCOUNTS.keys())
def test_fault_15_refused_user_is_one_line_and_one_connection(
    database: SourceDatabase, operator: Operator, proxy: Proxy, account: str
) -> None:
    """The line leads to the variables, the secret is not in it, and the server is not asked again."""
    database.execute(account)
    try:
        run = operator.fails(
            78,
            "refuses user odd: check DB_USERNAME and DB_PASSWORD",
            DB_PORT=str(proxy.port),
            DB_USERNAME="odd",
            DB_PASSWORD="secret",  # noqa: S106 - a test's own
        )
    finally:
        database.execute("DROP USER IF EXISTS odd@'%', another@'%'")
    assert proxy.connections == 1
    assert "secret" not in run.log


def test_fault_15_unknown_database_is_one_line_and_one_connection(operator: Operator, proxy: Proxy) -> None:
    """It leads to DB_NAME."""
    operator.fails(78, "has no database elsewhere: check DB_NAME", DB_PORT=str(proxy.port), DB_NAME="elsewhere")
    assert proxy.connections == 1


def test_fault_15_unknown_host_is_one_line_without_a_retry(operator: Operator) -> None:
    """It leads to DB_HOST."""
    run = operator.fails(69, "no-such-host.invalid is unknown: check DB_HOST", DB_HOST="no-such-host.invalid")
    assert "trying again" not in run.log
