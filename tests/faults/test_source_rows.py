"""Faults 1 to 6: what writers do to the rows, with real updaters on a real server."""

import os
import threading
from contextlib import closing

import pytest

from read_model import publishing
from read_model.snapshot import SNAPSHOTS
from tests.faults.invariants import GROWING, Operator, add, erase, files_with, insertions, minutes_ago, transaction
from tests.faults.tcp_proxy import proxied
from tests.source_database import SourceDatabase

pytestmark = pytest.mark.database

BY_ID = [table for table in GROWING if table != "fpp_users"]


def users_of(database: SourceDatabase, table: str) -> list[str]:
    """Whose rows are stored."""
    return [row["user_id"] for row in database.stored(table)]


def test_fault_01_late_commit_with_an_older_timestamp(database: SourceDatabase, operator: Operator) -> None:
    """B commits, A inserts with a time 40 minutes older and waits, sync; A commits, sync: A's rows are there."""
    add(database, ["old"], 300)
    add(database, ["B"], 0)
    with transaction(database) as (late, cursor):
        for statement in insertions(["A"], minutes_ago(40)):
            cursor.execute(statement)
        operator.publishes()
        operator.publishes()
        assert users_of(database, "fpp_page_views") == ["old", "B"]
        late.commit()
    operator.publishes()
    assert users_of(database, "fpp_page_views") == ["old", "B", "A"]
    database.assert_in_step()


def test_fault_01_commit_while_the_run_reads_is_in_all_tables_or_in_none(
    database: SourceDatabase, operator: Operator
) -> None:
    """A's rows in five tables become visible in the middle of the read: none is published, the next run has all."""
    add(database, ["old"], 300)
    with transaction(database) as (late, cursor), proxied(database.server.port) as proxy:
        for statement in insertions(["A"], minutes_ago(1)):
            cursor.execute(statement)
        proxy.plan(5_000, lambda _: late.commit())
        operator.publishes(DB_PORT=str(proxy.port))
        assert proxy.happened == 1
    assert [len(database.stored(table)) for table in GROWING] == [1] * len(GROWING)
    operator.publishes()
    database.assert_in_step()


def test_fault_02_late_commit_with_a_lower_id(database: SourceDatabase, operator: Operator) -> None:
    """A takes the lower ids, B the higher ones and commits first; two syncs come between."""
    add(database, ["old"], 300)
    operator.publishes()
    with transaction(database) as (late, cursor):
        for statement in insertions(["A"], minutes_ago(30)):
            cursor.execute(statement)
        add(database, ["B", "C"], 0)
        operator.publishes()
        operator.publishes()
        late.commit()
    operator.publishes()
    assert users_of(database, "fpp_page_views") == ["old", "A", "B", "C"]
    database.assert_in_step()


def test_fault_02_gaps_left_by_rollbacks_stall_nothing(database: SourceDatabase, operator: Operator) -> None:
    """100 ids rolled back below, between and above the rows, and a jump by a million: rows settle, new ones come in."""
    for minutes in (300, 200, 100):
        with transaction(database) as (_, cursor):
            for statement in insertions([f"never{i}" for i in range(100)], minutes_ago(minutes)):
                cursor.execute(statement)
        add(database, [f"u{minutes}"], minutes)
    operator.publishes()
    for table in BY_ID:
        database.execute(f"ALTER TABLE {table} AUTO_INCREMENT = 1000000")
    add(database, ["new"], 0)
    assert "5 rows read" in operator.publishes().log
    assert database.stored("fpp_votes")[-1]["id"] == 1_000_000
    database.assert_in_step()


def test_fault_03_burst_in_one_second_with_syncs_in_its_middle(database: SourceDatabase, operator: Operator) -> None:
    """1,000 page views and users share a second; updaters run while they are committed one by one."""
    now = minutes_ago(0)
    add(database, ["old"], 300)
    operator.publishes()

    def burst() -> None:
        with closing(database.server.connect(database.name)) as connection, connection.cursor() as cursor:
            cursor.execute("SET time_zone = '+00:00'")
            for i in range(1000):
                for statement in insertions([f"u{i * 7919 % 1000}"], now, ["fpp_page_views", "fpp_users"]):
                    cursor.execute(statement)

    writer = threading.Thread(target=burst)
    writer.start()
    while writer.is_alive():
        operator.publishes()
    writer.join()
    operator.publishes()
    assert len(database.stored("fpp_users")) == len(database.stored("fpp_page_views")) == 1001
    database.assert_in_step()


def test_fault_04_rooms_change_in_place(database: SourceDatabase, operator: Operator) -> None:
    """Two rooms swap their names, one is deleted, one used again: right after the next run, with all times old."""
    rows = ", ".join(f"({i}, 'room {i}', '2025-01-01', '2025-01-01')" for i in range(10))
    database.execute(f"INSERT INTO fpp_rooms (number, name, first_used_at, last_used_at) VALUES {rows}")
    operator.publishes()
    for name, number in (("swapping", 1), ("room 1", 2), ("room 2", 1)):
        database.execute(f"UPDATE fpp_rooms SET name = '{name}' WHERE number = {number}")
    database.execute("DELETE FROM fpp_rooms WHERE number = 3")
    database.execute("UPDATE fpp_rooms SET last_used_at = '2025-06-01' WHERE number = 4")
    operator.publishes()
    database.assert_in_step()


EDITS = (
    "UPDATE fpp_estimations SET estimation = NULL WHERE user_id = 'u3'",
    "UPDATE fpp_events SET event = 'COPIED_ROOM_LINK' WHERE user_id = 'u3'",
    "UPDATE fpp_page_views SET source = 'späť' WHERE user_id = 'u3'",
    "UPDATE fpp_votes SET avg_estimation = -1.25 WHERE id = 3",
    "UPDATE fpp_users SET city = 'Łódź' WHERE id = 'u3'",
    "DELETE FROM fpp_events WHERE user_id = 'u0'",
    "DELETE FROM fpp_page_views WHERE user_id = 'u5'",
    "DELETE FROM fpp_users WHERE id = 'u5'",
)


def test_fault_05_edits_inside_the_overlap_are_right_after_the_next_run(
    database: SourceDatabase, operator: Operator
) -> None:
    """Edited, deleted first, middle and last; an old row stands before them."""
    add(database, ["old"], 300)
    add(database, [f"u{i}" for i in range(9)], 50)
    operator.publishes()
    for edit in (*EDITS, "DELETE FROM fpp_votes ORDER BY id DESC LIMIT 1"):
        database.execute(edit)
    log = operator.publishes().log
    assert "Everything was read" not in log
    database.assert_in_step()


def test_fault_05_edits_of_long_ago_are_right_after_the_next_full_run(
    database: SourceDatabase, operator: Operator
) -> None:
    """The next incremental run does not see them; the daily full one, here due at once, does."""
    add(database, [f"u{i}" for i in range(9)], 300)
    operator.publishes()
    for edit in EDITS:
        database.execute(edit)
    operator.publishes()
    assert "u5" in users_of(database, "fpp_page_views")
    assert "the last full sync was at" in operator.publishes(FULL_SYNC_INTERVAL_HOURS="0.000001").log
    database.assert_in_step()


def test_fault_05_deleted_last_settled_row_makes_the_next_run_full(
    database: SourceDatabase, operator: Operator
) -> None:
    """It is the row by which a source is recognised."""
    add(database, [f"u{i}" for i in range(9)], 300)
    operator.publishes()
    database.execute("DELETE FROM fpp_votes ORDER BY id DESC LIMIT 1")
    assert "row 9 of fpp_votes is no longer as stored" in operator.publishes().log
    database.assert_in_step()


def test_fault_06_erased_user_goes_with_a_full_run_and_the_clean_up(
    database: SourceDatabase, operator: Operator
) -> None:
    """The older snapshots keep the user for half an hour and until three newer ones are there; then no file does."""
    add(database, [*(f"u{i}" for i in range(9)), "Erika-Mustermann-0001"], 300)
    operator.publishes(SEGMENT_ROWS="3")
    operator.publishes(SEGMENT_ROWS="3")
    erase(database, "Erika-Mustermann-0001")
    operator.publishes("--full", SEGMENT_ROWS="3")
    assert {path.parent.name for path in files_with(database.data_dir, "Erika")} == set(snapshots(database)[:2])
    for _ in range(publishing.KEPT_SNAPSHOTS - 1):
        for name in snapshots(database):
            os.utime(database.data_dir / SNAPSHOTS / name, times=(0, 0))
        operator.publishes(SEGMENT_ROWS="3")
    assert len(snapshots(database)) == publishing.KEPT_SNAPSHOTS
    assert files_with(database.data_dir, "Erika") == []
    assert files_with(database.data_dir, "u8")
    database.assert_in_step()


def snapshots(database: SourceDatabase) -> list[str]:
    """The snapshots that are there, the oldest first."""
    return sorted(path.name for path in (database.data_dir / SNAPSHOTS).iterdir())
