"""Faults 7 to 10: migrations, odd values and clocks, with real updaters on a real server."""

from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import count
from time import monotonic
from typing import Any

import polars as pl
import pytest

from read_model.tables.fpp import PAGE_VIEWS
from read_model.updating import Job
from tests.faults.invariants import Operator, add, insertions, minutes_ago, transaction
from tests.faults.tcp_proxy import Link, proxied
from tests.faults.troubles import reader_with_its_own_clock, set_clock
from tests.source_database import SourceDatabase
from update_readmodel import conclude, concluded, fpp_updater

pytestmark = pytest.mark.database

MIGRATIONS = {
    "added": "ADD COLUMN device_id INT UNSIGNED NOT NULL DEFAULT 7 AFTER user_id",
    "dropped": "DROP COLUMN room_id",
    "renamed": "RENAME COLUMN room_id TO room_number",
    "widened": "MODIFY id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT",
    "moved": "MODIFY user_id VARCHAR(21) NOT NULL FIRST",
    "given an ENUM value": "MODIFY route ENUM('HOME', 'ROOM', 'PRICING') NOT NULL",
}


@pytest.mark.parametrize("migration", MIGRATIONS.values(), ids=MIGRATIONS.keys())
def test_fault_07_migrated_column_answers_for_old_and_new_rows(
    database: SourceDatabase, operator: Operator, migration: str
) -> None:
    """Segments of two rows: files from before and after the migration are read as one table."""
    add(database, [f"u{i}" for i in range(5)], 300)
    operator.publishes(SEGMENT_ROWS="2")
    database.execute(f"ALTER TABLE fpp_page_views {migration}")
    add(database, ["new"], 0, ["fpp_page_views"])
    if "PRICING" in migration:
        database.execute("UPDATE fpp_page_views SET route = 'PRICING' WHERE user_id = 'new'")
    operator.publishes(SEGMENT_ROWS="2")
    database.assert_in_step()
    assert operator.run("--verify").exit_code == 0


def test_fault_07_column_of_nulls_gets_values(database: SourceDatabase, operator: Operator) -> None:
    """`source` and `estimation` were NULL in every row; then they are text and numbers, and the old ones stay null."""
    add(database, ["u0", "u1"], 300)
    database.execute("UPDATE fpp_estimations SET estimation = NULL")
    operator.publishes(SEGMENT_ROWS="1")
    add(database, ["u2"], 0, ["fpp_estimations", "fpp_page_views"])
    database.execute("UPDATE fpp_page_views SET source = 'ads' WHERE user_id = 'u2'")
    assert "Everything was read" not in operator.publishes(SEGMENT_ROWS="1").log
    assert [row["source"] for row in database.stored("fpp_page_views")] == [None, None, "ads"]
    database.assert_in_step()


REFUSALS = {
    "DROP COLUMN viewed_at": "fpp_page_views.viewed_at is missing",
    "RENAME COLUMN user_id TO visitor": "fpp_page_views.user_id is missing",
    "MODIFY user_id INT NOT NULL": "fpp_page_views.user_id is Int32",
    "MODIFY viewed_at DATE NOT NULL": "fpp_page_views.viewed_at is Date",
}


@pytest.mark.parametrize("migration", REFUSALS)
def test_fault_07_migration_that_breaks_the_figures_is_refused_and_named(
    database: SourceDatabase, operator: Operator, migration: str
) -> None:
    """The column is named, and the old snapshot is served meanwhile; mended, the next run publishes."""
    add(database, ["1", "2"], 300)
    operator.publishes()
    database.execute("CREATE TABLE before_it LIKE fpp_page_views")
    database.execute("INSERT INTO before_it SELECT * FROM fpp_page_views")
    database.execute(f"ALTER TABLE fpp_page_views {migration}")
    operator.fails(65, REFUSALS[migration])
    assert database.snapshot().scan(PAGE_VIEWS).collect().height == 2
    database.execute("DROP TABLE fpp_page_views")
    database.execute("ALTER TABLE before_it RENAME TO fpp_page_views")
    operator.publishes()
    database.assert_in_step()


def change_while_reading(database: SourceDatabase, operator: Operator, statement: str) -> tuple[str, int]:
    """Run an updater; while it reads the page views, add rows everywhere and change a table that comes later.

    Returns its log and how many connections it made.
    """
    with proxied(database.server.port) as proxy:

        def change(_: Link) -> None:
            with closing(database.server.connect(database.name)) as connection, connection.cursor() as cursor:
                cursor.execute("SET time_zone = '+00:00', lock_wait_timeout = 10")
                for insertion in insertions(["meanwhile"], minutes_ago(0)):
                    cursor.execute(insertion)
                cursor.execute(statement)

        proxy.plan(40_000, change)
        log = operator.publishes(DB_PORT=str(proxy.port)).log
        assert proxy.happened == 1
        return log, proxy.connections


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("ALTER TABLE fpp_votes MODIFY duration INT NOT NULL", "1412"),
        ("ALTER TABLE fpp_users DROP COLUMN plan, ALGORITHM = INSTANT", "1054"),
        ("ALTER TABLE fpp_rooms RENAME COLUMN last_used_at TO used_at", "1054"),
    ],
)
def test_fault_08_table_changed_while_it_is_read_starts_the_whole_run_again(
    database: SourceDatabase, operator: Operator, statement: str, reason: str
) -> None:
    """Rows that came meanwhile are in the tables read before the change as well: all comes from a second view."""
    database.execute("ALTER TABLE fpp_users ADD COLUMN plan INT NULL")
    add(database, [f"u{i}" for i in range(3000)], 1, ["fpp_page_views"])
    log, connections = change_while_reading(database, operator, statement)
    assert connections == 2
    assert reason in log
    assert "trying again" in log
    database.assert_in_step()


def test_fault_08_column_added_in_an_instant_while_reading_comes_with_the_next_run(
    database: SourceDatabase, operator: Operator
) -> None:
    """MariaDB lets the read go on: what is published is the state of before, and complete."""
    add(database, [f"u{i}" for i in range(3000)], 1, ["fpp_page_views"])
    _, connections = change_while_reading(database, operator, "ALTER TABLE fpp_votes ADD COLUMN price INT DEFAULT 5")
    assert connections == 1
    assert database.stored("fpp_votes") == []
    assert "the columns of fpp_votes changed" in operator.publishes().log
    database.assert_in_step()


# --- Values and clocks ------------------------------------------------------------------------------------------------

# A column's type, a value as SQL, and what is stored of it.
ODD: dict[str, tuple[str, str, Any]] = {
    "unsigned_max": ("BIGINT UNSIGNED", "18446744073709551615", 2**64 - 1),
    "signed_min": ("BIGINT", "-9223372036854775808", -(2**63)),
    "zero_filled": ("INT(8) ZEROFILL", "42", 42),
    "exact": ("DECIMAL(38, 10)", f"-{'8' * 28}.0123456789", Decimal(f"-{'8' * 28}.0123456789")),
    "too_exact": ("DECIMAL(65, 30)", f"{'9' * 35}.{'1' * 30}", f"{'9' * 35}.{'1' * 30}"),
    "tiny": ("TINYINT(1)", "7", 7),
    "large": ("DOUBLE", "1.7976931348623157e308", 1.7976931348623157e308),
    "nul": ("VARCHAR(9)", r"'a\0b'", "a\0b"),
    "emoji": ("VARCHAR(9) CHARACTER SET utf8mb4", "'👩\u200d👩\u200d👧 ok'", "👩\u200d👩\u200d👧 ok"),
    "latin": ("VARCHAR(9) CHARACTER SET latin1", "'größe'", "größe"),
    "no_text": ("VARBINARY(9)", "X'00FF80C0'", b"\x00\xff\x80\xc0"),
    "bits": ("BIT(9)", "b'100000001'", b"\x01\x01"),
    "zero_day": ("DATE", "'0000-00-00'", None),
    "partial": ("DATETIME", "'2026-00-00 10:00:00'", None),
    "first_day": ("DATE", "'0001-01-01'", date(1, 1, 1)),
    "last": ("DATETIME(6)", "'9999-12-31 23:59:59.999999'", datetime(9999, 12, 31, 23, 59, 59, 999999, UTC)),
    "while_long": ("TIME", "'-838:59:59'", "-838:59:59"),
    "in_year": ("YEAR", "2155", 2155),
    "document": ("JSON", """'{"a": [1, null]}'""", '{"a": [1, null]}'),
    "address": ("INET6", "'::ffff:10.0.0.1'", "::ffff:10.0.0.1"),
    "nothing": ("INT", "NULL", None),
}  # fmt: skip


def test_fault_09_odd_values_are_kept_or_counted(database: SourceDatabase, operator: Operator) -> None:
    """Each value as documented; those without a counterpart become null, are counted in the log, and fail no run."""
    add(database, ["plain"], 300, ["fpp_page_views"])
    for name, (kind, _, _) in ODD.items():
        database.execute(f"ALTER TABLE fpp_page_views ADD COLUMN {name} {kind}")
    database.execute("SET sql_mode = ''")
    values = ", ".join(value for _, value, _ in ODD.values())
    for user, at in (("odd old", minutes_ago(200)), ("odd", minutes_ago(0))):
        database.execute(
            f"INSERT INTO fpp_page_views (user_id, route, viewed_at, {', '.join(ODD)})"
            f" VALUES ('{user}', '', '{at}', {values})"
        )
    database.execute("INSERT INTO fpp_page_views (user_id, route, viewed_at) VALUES ('timeless', 'HOME', '0000-00-00')")
    database.execute("UPDATE fpp_page_views SET user_id = '' WHERE user_id = 'plain'")
    log = operator.publishes().log
    for column, values_lost in (("zero_day", 2), ("partial", 2), ("viewed_at", 1)):
        assert f"fpp_page_views.{column}: {values_lost} values could not be read and are null" in log
    for _ in range(2):
        plain, old, young, timeless = database.stored("fpp_page_views")
        assert plain["user_id"] == ""
        assert timeless["viewed_at"] is None
        for row in (old, young):
            assert {name: row[name] for name in ODD} == {name: stored for name, (_, _, stored) in ODD.items()}
            assert row["route"] == ""
        operator.publishes()
    assert operator.run("--verify").exit_code == 0


def test_fault_09_panic_is_a_failure_like_any_other(
    database: SourceDatabase, operator: Operator, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Polars' panics are no `Exception`: 70 all the same, in the log and on the heartbeat, and nothing is published."""
    operator.publishes()
    before = operator.current

    def panic(*_: object) -> None:
        raise pl.exceptions.PanicException("index out of bounds")

    monkeypatch.setattr("read_model.updating.sync", panic)
    operator.monitor.reset()
    settings = database.settings(uptimekuma_push_url=f"{operator.monitor.url}/push")
    outcome = concluded(fpp_updater(settings), Job())
    conclude(settings, outcome, monotonic())
    assert outcome.exit_code == 70
    assert "PanicException: index out of bounds" in caplog.text
    assert operator.heartbeat()["status"] == "down"
    assert operator.current == before


def test_fault_09_declared_truth_values_are_true_for_any_number_but_zero(
    database: SourceDatabase, operator: Operator
) -> None:
    """TINYINT(1) holds 7, -1 and 0: true, true, false."""
    add(database, ["a", "b", "c"], 0, ["fpp_estimations"])
    database.execute("UPDATE fpp_estimations SET spectator = ELT(id, 7, -1, 0)")
    operator.publishes()
    assert [row["spectator"] for row in database.stored("fpp_estimations")] == [True, True, False]


def test_fault_10_time_zone_of_the_server_changes_between_runs(database: SourceDatabase, operator: Operator) -> None:
    """The same instants, and nothing is read again or lost, whether the server is 12 hours behind or 14 ahead."""
    zones = ("+05:30", "-12:00", "+13:00", "SYSTEM")
    add(database, ["old"], 300)
    try:
        for zone, i in zip(zones, count()):
            database.execute(f"SET GLOBAL time_zone = '{zone}'")
            with closing(database.server.connect(database.name)) as connection, connection.cursor() as cursor:
                cursor.execute(f"INSERT INTO fpp_page_views (user_id, route) VALUES ('u{i}', 'HOME')")
            log = operator.publishes(TZ="America/St_Johns").log
            assert ("Everything was read" in log) == (i == 0)
            database.assert_in_step()
    finally:
        database.execute(f"SET GLOBAL time_zone = '{zones[0]}'")
    ages = [datetime.now(UTC) - row["viewed_at"] for row in database.stored("fpp_page_views")[1:]]
    assert max(ages) < timedelta(minutes=5)


def test_fault_10_clock_that_goes_ahead_and_back(database: SourceDatabase, operator: Operator) -> None:
    """Two days ahead, then right again: no row is lost, and readers are never told an earlier time."""
    with reader_with_its_own_clock(database) as account:
        for i, hours in enumerate((0, 48, 49, 0, 0.1)):
            add(database, [f"u{i}"], 0)
            set_clock(database, timedelta(hours=hours))
            with transaction(database) as (late, cursor):
                for statement in insertions([f"late{i}"], minutes_ago(0)):
                    cursor.execute(statement)
                log = operator.publishes(**account, FULL_SYNC_INTERVAL_HOURS="0").log
                late.commit()
            assert ("the source's clock went back" in log) == (i == 3)
        operator.publishes(**account)
    database.assert_in_step()
