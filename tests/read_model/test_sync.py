"""The sync against a real MariaDB: after every run the read model equals the source."""

import logging
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import polars as pl
import pytest
from mysql.connector.abstracts import MySQLCursorAbstract

from demo.sample import sample
from read_model import locking
from read_model.snapshot import SnapshotMissingError
from read_model.source import SchemaRefusedError
from read_model.sync import ShrunkError
from read_model.table import Append, Reload, Table
from read_model.tables.fpp import FPP, PAGE_VIEWS, VOTES
from tests.source_database import SourceDatabase

pytestmark = pytest.mark.database

VIEW = "INSERT INTO fpp_page_views (user_id, route, viewed_at) VALUES "


@contextmanager
def transaction(database: SourceDatabase) -> Iterator[MySQLCursorAbstract]:
    """A separate session whose rows nobody sees until the block ends."""
    with closing(database.other_connection()) as connection:
        with connection.cursor() as cursor:
            yield cursor
        connection.commit()


def hours_ago(hours: float) -> str:
    """An instant as SQL text."""
    return f"'{datetime.now(UTC) - timedelta(hours=hours):%Y-%m-%d %H:%M:%S}'"


def test_first_run_stores_every_row_as_it_is(database: SourceDatabase) -> None:
    """The sample's thousands of rows, with nulls, enums, decimals and Booleans, come out as they went in."""
    database.fill(sample(datetime.now(UTC), scale=0.02))
    database.sync()
    database.assert_in_step()


def test_empty_source_gives_empty_tables_with_all_columns(database: SourceDatabase) -> None:
    """Six tables without a row can be read and counted."""
    database.sync()
    for table in FPP.tables:
        assert database.stored(table.name) == []
        assert table.columns.keys() <= database.snapshot().scan(table).collect_schema().keys()


def test_types_follow_the_source(database: SourceDatabase) -> None:
    """ENUM is text, DECIMAL(4,2) exact, TINYINT(1) a truth value, TIMESTAMP an instant in UTC."""
    database.sync()
    votes = database.snapshot().scan(VOTES).collect_schema()
    views = database.snapshot().scan(PAGE_VIEWS).collect_schema()
    assert votes["avg_estimation"] == pl.Decimal(4, 2)
    assert votes["was_auto_flip"] == pl.Boolean
    assert votes["voted_at"] == pl.Datetime("us", "UTC")
    assert views["route"] == views["source"] == pl.String
    assert views["id"] == pl.Int32


def test_instants_are_those_of_the_source_whatever_its_time_zone(database: SourceDatabase) -> None:
    """09:30 written by a session five and a half hours ahead of UTC is 04:00 UTC."""
    database.execute("SET time_zone = '+05:30'")
    database.execute(VIEW + "('ann', 'HOME', '2026-03-02 09:30:00')")
    database.sync()
    (row,) = database.stored("fpp_page_views")
    assert row["viewed_at"] == datetime(2026, 3, 2, 4, 0, tzinfo=UTC)


def test_second_run_reads_only_what_may_have_changed(database: SourceDatabase) -> None:
    """Of 5 old and 2 young page views the second run reads the young ones alone, and stores all 7 again."""
    database.execute(VIEW + ", ".join(f"('ann', 'HOME', {hours_ago(5 - i / 10)})" for i in range(5)))
    database.execute(VIEW + f"('ann', 'HOME', {hours_ago(0.5)}), ('bob', 'HOME', {hours_ago(0)})")
    first, second = database.sync(), database.sync()
    assert (first.rows_read, first.why_full) == (7, "nothing is stored yet")
    assert (second.rows_read, second.why_full) == (2, None)
    database.assert_in_step()


def test_run_with_nothing_new_keeps_the_files(database: SourceDatabase) -> None:
    """An unchanged table is the same file, hard-linked; the snapshot is a new one with the new time."""
    database.execute(VIEW + f"('ann', 'HOME', {hours_ago(5)}), ('bob', 'HOME', {hours_ago(0)})")
    before = database.sync().manifest
    files_before = [path.stat().st_ino for path in database.snapshot().files(PAGE_VIEWS)]
    after = database.sync().manifest
    assert [path.stat().st_ino for path in database.snapshot().files(PAGE_VIEWS)] == files_before
    assert after.id != before.id
    assert after.data_updated_at > before.data_updated_at
    assert after.full_sync_at == before.full_sync_at


def test_late_commit_with_a_lower_id_and_an_older_time_is_not_lost(database: SourceDatabase) -> None:
    """A inserts and waits, B inserts and commits, sync; A commits, sync: A's row is there."""
    database.execute(VIEW + f"('old', 'HOME', {hours_ago(3)})")
    database.sync()
    with transaction(database) as late:
        late.execute(VIEW + f"('late', 'HOME', {hours_ago(0.2)})")
        late.execute("INSERT INTO fpp_users (id, created_at) VALUES ('late', " + hours_ago(0.2) + ")")
        database.execute(VIEW + f"('soon', 'HOME', {hours_ago(0)})")
        database.execute("INSERT INTO fpp_users (id, created_at) VALUES ('soon', " + hours_ago(0) + ")")
        database.sync()
        assert [row["user_id"] for row in database.stored("fpp_page_views")] == ["old", "soon"]
    database.sync()
    assert [row["user_id"] for row in database.stored("fpp_page_views")] == ["old", "late", "soon"]
    database.assert_in_step()


def test_late_commit_below_every_stored_young_row_is_not_lost(database: SourceDatabase) -> None:
    """The late row's id lies between the last settled id and the first young one."""
    database.execute(VIEW + f"('old', 'HOME', {hours_ago(3)})")
    with transaction(database) as late:
        late.execute(VIEW + f"('late', 'HOME', {hours_ago(0)})")
        database.execute(VIEW + f"('soon', 'HOME', {hours_ago(0)})")
        database.sync()
    database.sync()
    database.assert_in_step()


def test_old_time_on_a_new_row_settles_nothing_below_it(database: SourceDatabase) -> None:
    """A row imported with last year's time comes after young rows: those are still read again."""
    database.execute(VIEW + f"('old', 'HOME', {hours_ago(3)}), ('young', 'HOME', {hours_ago(0)})")
    database.execute(VIEW + "('imported', 'HOME', '2025-01-01 00:00:00')")
    database.sync()
    database.execute("DELETE FROM fpp_page_views WHERE user_id = 'young'")
    database.sync(allow_shrink=True)
    database.assert_in_step()


def test_gaps_in_the_ids_stall_nothing(database: SourceDatabase) -> None:
    """A rollback leaves a gap; rows after it are read."""
    database.sync()
    with closing(database.other_connection()) as connection, connection.cursor() as cursor:
        cursor.execute(VIEW + "('never', 'HOME', NOW())")
        connection.rollback()
    database.execute(VIEW + "('ann', 'HOME', NOW())")
    database.sync()
    assert [row["id"] for row in database.stored("fpp_page_views")] == [2]


def test_burst_in_one_second_is_stored_once(database: SourceDatabase) -> None:
    """1,000 rows share a second; the sync comes when 600 of them are there."""
    now = hours_ago(0)
    for first, last in ((0, 600), (600, 1000)):
        database.execute(VIEW + ", ".join(f"('u{i}', 'HOME', {now})" for i in range(first, last)))
        database.execute(
            "INSERT INTO fpp_users (id, created_at) VALUES "
            + ", ".join(f"('u{i * 7919 % 1000}', {now})" for i in range(first, last))
        )
        database.sync()
    assert len(database.stored("fpp_users")) == 1000
    database.assert_in_step()


def test_room_is_renamed_used_and_deleted_in_place(database: SourceDatabase) -> None:
    """Rooms are read whole: the next run has their present state."""
    database.execute(
        "INSERT INTO fpp_rooms (number, name, first_used_at, last_used_at) VALUES"
        " (1, 'one', '2025-01-01', '2025-01-01'), (2, 'two', '2025-01-01', '2025-01-01'),"
        " (3, 'three', '2025-01-01', '2025-01-01'), (4, 'four', '2025-01-01', '2025-01-01'),"
        " (5, 'five', '2025-01-01', '2025-01-01')"
    )
    database.sync()
    database.execute("UPDATE fpp_rooms SET name = 'größe', last_used_at = NOW() WHERE number = 1")
    database.execute("DELETE FROM fpp_rooms WHERE number = 2")
    database.sync()
    assert [row["name"] for row in database.stored("fpp_rooms")] == ["größe", "three", "four", "five"]
    database.assert_in_step()


def test_young_rows_edited_or_deleted_are_right_after_the_next_run(database: SourceDatabase) -> None:
    """Inside the overlap the source's present rows replace the stored ones."""
    database.execute(VIEW + ", ".join(f"('u{i}', 'HOME', {hours_ago(0.5)})" for i in range(10)))
    database.sync()
    database.execute("UPDATE fpp_page_views SET route = 'GUIDE' WHERE user_id = 'u3'")
    database.execute("DELETE FROM fpp_page_views WHERE user_id = 'u4'")
    database.sync()
    database.assert_in_step()


def test_old_rows_edited_or_deleted_are_right_after_a_full_run(database: SourceDatabase) -> None:
    """Settled rows are trusted until everything is read again."""
    database.execute(VIEW + ", ".join(f"('u{i}', 'HOME', {hours_ago(9)})" for i in range(10)))
    database.sync()
    database.execute("UPDATE fpp_page_views SET route = 'GUIDE' WHERE user_id = 'u3'")
    database.execute("DELETE FROM fpp_page_views WHERE user_id = 'u4'")
    database.sync()
    assert len(database.stored("fpp_page_views")) == 10
    assert database.sync(full=True).why_full == "--full was given"
    database.assert_in_step()


def test_full_sync_is_due_after_its_interval(database: SourceDatabase) -> None:
    """With an interval of a thousandth of a second the second run is full, with 0 never."""
    database.sync()
    assert "last full sync" in (database.sync(full_sync_interval_hours=1e-6).why_full or "")
    assert database.sync(full_sync_interval_hours=0).why_full is None


def test_tables_larger_than_a_segment_go_on_in_further_files(database: SourceDatabase) -> None:
    """Segments of 10 rows: 25 rows make files of 10, 10 and 5; full ones are linked, the last grows and overflows."""
    database.execute(VIEW + ", ".join(f"('u{i}', 'HOME', {hours_ago(9)})" for i in range(25)))
    database.sync(segment_rows=10)
    first = {path.name: path.stat().st_ino for path in database.snapshot().files(PAGE_VIEWS)}
    database.execute(VIEW + ", ".join(f"('v{i}', 'HOME', {hours_ago(0)})" for i in range(8)))
    database.sync(segment_rows=10)
    manifest = database.snapshot().manifest
    assert manifest is not None
    assert [(file.name, file.rows) for file in manifest.tables["fpp_page_views"].files] == [
        ("fpp_page_views.parquet", 10),
        ("fpp_page_views.1.parquet", 10),
        ("fpp_page_views.2.parquet", 10),
        ("fpp_page_views.3.parquet", 3),
    ]
    second = {path.name: path.stat().st_ino for path in database.snapshot().files(PAGE_VIEWS)}
    assert [second[name] == inode for name, inode in first.items()] == [True, True, False]
    database.assert_in_step()


def test_deletion_in_a_full_segment_shortens_it(database: SourceDatabase) -> None:
    """All 25 rows are young: a deleted one in the first file moves the others up."""
    database.execute(VIEW + ", ".join(f"('u{i}', 'HOME', {hours_ago(0.1)})" for i in range(25)))
    database.sync(segment_rows=10)
    database.execute("DELETE FROM fpp_page_views WHERE user_id IN ('u2', 'u24')")
    database.sync(segment_rows=10)
    database.assert_in_step()


def test_table_that_shrinks_by_more_than_a_fifth_is_not_published(database: SourceDatabase) -> None:
    """10 rows become 7: refused, and the old snapshot stays; --allow-shrink publishes."""
    database.execute(VIEW + ", ".join(f"('u{i}', 'HOME', {hours_ago(0.1)})" for i in range(10)))
    before = database.sync().manifest
    database.execute("DELETE FROM fpp_page_views LIMIT 3")
    with pytest.raises(ShrunkError, match=r"fpp_page_views shrank from 10 to 7.*--allow-shrink"):
        database.sync()
    assert database.snapshot().manifest == before
    assert [path.name for path in (database.data_dir / "snapshots").iterdir()] == [before.id]
    database.sync(allow_shrink=True)
    database.assert_in_step()


def test_added_column_is_read_for_old_and_new_rows(database: SourceDatabase) -> None:
    """A column that a migration adds is there after the next run, a full one, for all rows."""
    database.execute(VIEW + f"('ann', 'HOME', {hours_ago(9)})")
    database.sync()
    database.execute("ALTER TABLE fpp_page_views ADD COLUMN price DECIMAL(10,3) DEFAULT 12.345")
    assert database.sync().why_full == "the columns of fpp_page_views changed"
    assert database.stored("fpp_page_views")[0]["price"] == Decimal("12.345")
    database.assert_in_step()


def test_new_enum_value_needs_no_full_sync(database: SourceDatabase) -> None:
    """ENUM is stored as text: a value added by a migration is one more text."""
    database.execute(VIEW + f"('ann', 'HOME', {hours_ago(9)})")
    database.sync()
    database.execute("ALTER TABLE fpp_page_views MODIFY route ENUM('HOME', 'ROOM', 'PRICING') NOT NULL")
    database.execute(VIEW + f"('ann', 'PRICING', {hours_ago(0)})")
    assert database.sync().why_full is None
    database.assert_in_step()


@pytest.mark.parametrize("column", ["user_id", "source", "viewed_at"])
def test_missing_required_column_is_named_and_refused(database: SourceDatabase, column: str) -> None:
    """Nothing is published, the old snapshot stays."""
    before = database.sync().manifest
    database.execute(f"ALTER TABLE fpp_page_views DROP COLUMN {column}")
    with pytest.raises(SchemaRefusedError, match=f"fpp_page_views.{column} is missing"):
        database.sync()
    assert database.snapshot().manifest == before


def test_required_column_of_another_kind_is_named_and_refused(database: SourceDatabase) -> None:
    """A duration that became text can't be averaged."""
    database.execute("ALTER TABLE fpp_votes MODIFY duration VARCHAR(10)")
    with pytest.raises(SchemaRefusedError, match=r"fpp_votes\.duration is String .* need Int16"):
        database.sync()
    with pytest.raises(SnapshotMissingError):
        database.snapshot()


def test_missing_table_is_named_and_refused(database: SourceDatabase) -> None:
    """The message says where to look."""
    database.execute("DROP TABLE fpp_events")
    with pytest.raises(SchemaRefusedError, match=r"fpp_events is not in database .* check DB_NAME"):
        database.sync()


def test_other_names_of_key_and_time_are_understood(database: SourceDatabase) -> None:
    """Users keyed by `user_id` and events timed by `created_at`: both still sync incrementally."""
    database.execute("ALTER TABLE fpp_users CHANGE id user_id VARCHAR(21) NOT NULL")
    database.execute("ALTER TABLE fpp_events CHANGE event_at created_at TIMESTAMP NOT NULL DEFAULT NOW()")
    for hours in (9, 0.1):
        database.execute(f"INSERT INTO fpp_users (user_id, created_at) VALUES ('u{hours}', {hours_ago(hours)})")
        database.execute(
            f"INSERT INTO fpp_events (user_id, event, created_at) VALUES ('u{hours}', 'LEFT_ROOM', {hours_ago(hours)})"
        )
    database.sync()
    assert database.sync().rows_read == 2
    database.assert_in_step()


def test_table_is_added_and_removed_by_one_declaration(database: SourceDatabase) -> None:
    """A seventh table that is declared is synced; no longer declared, it is gone from the next snapshot."""
    database.execute("CREATE TABLE fpp_notes (id INT AUTO_INCREMENT PRIMARY KEY, text VARCHAR(9), at TIMESTAMP)")
    database.execute("INSERT INTO fpp_notes (text, at) VALUES ('hello', NOW())")
    notes = Table("fpp_notes", key="id", grows=Append(by="id", time="at"))
    database.sync()
    added = database.declaring(*FPP.tables, notes)
    assert added.sync().why_full == "table fpp_notes is new"
    assert added.snapshot().scan(notes).collect()["text"].to_list() == ["hello"]
    database.sync()
    assert database.snapshot().files(notes) == []


def test_values_without_a_counterpart_become_null_and_are_counted(
    database: SourceDatabase, caplog: pytest.LogCaptureFixture
) -> None:
    """Zero and partial dates have no instant: null, with a warning that names the column and how many."""
    database.execute("SET sql_mode = ''")
    database.execute(
        "CREATE TABLE odd (id INT PRIMARY KEY, at DATETIME, big DECIMAL(65,30), bits BIT(3), small TINYINT(1))"
    )
    database.execute("INSERT INTO odd VALUES (1, '0000-00-00', 1.5, b'101', 7), (2, '2026-00-00', 2, NULL, 0)")
    odd = Table("odd", key="id", grows=Reload(), columns={"small": pl.Boolean()})
    declared = database.declaring(odd)
    with caplog.at_level(logging.WARNING):
        declared.sync()
    assert declared.snapshot().scan(odd).sort("id").collect().to_dicts() == [
        {"id": 1, "at": None, "big": "1." + "5".ljust(30, "0"), "bits": b"\x05", "small": True},
        {"id": 2, "at": None, "big": "2." + "0" * 30, "bits": None, "small": False},
    ]
    assert "odd.at: 2 values could not be read" in caplog.text


def test_names_with_emoji_and_other_scripts_survive(database: SourceDatabase) -> None:
    """Text is UTF-8 from end to end."""
    database.execute("INSERT INTO fpp_users (id, city) VALUES ('ann', '東京 🗼'), ('bob', 'Łódź'), ('cem', '')")
    database.sync()
    assert [row["city"] for row in database.stored("fpp_users")] == ["東京 🗼", "Łódź", ""]


def test_only_one_updater_works_at_a_time(database: SourceDatabase) -> None:
    """A second one says so and leaves."""
    with locking.locked(database.data_dir), pytest.raises(locking.BusyError, match="Another updater"):
        database.sync()


def test_damaged_stored_file_is_read_again(database: SourceDatabase) -> None:
    """A file that lost its tail makes the next run read that table again."""
    database.execute(VIEW + f"('ann', 'HOME', {hours_ago(9)})")
    database.sync()
    (path,) = database.snapshot().files(PAGE_VIEWS)
    path.write_bytes(path.read_bytes()[:-10])
    database.execute("INSERT INTO fpp_users (id) VALUES ('new')")
    assert (database.sync().rows_read, database.sync().why_full) == (2, None)
    database.assert_in_step()


def test_unreadable_manifest_is_rebuilt(database: SourceDatabase) -> None:
    """Garbage in the current manifest does not stop the updater."""
    database.sync()
    (database.data_dir / "current" / "snapshot.json").write_text("{")
    assert database.sync().why_full == "nothing is stored yet"
    database.assert_in_step()
