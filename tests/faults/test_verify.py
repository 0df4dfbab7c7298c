"""`--verify`, `--repair` and `--erase-now`: for an operator who wants to be certain."""

import re
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from read_model import locking, publishing
from read_model.publishing import SnapshotWriter
from read_model.snapshot import CURRENT, SNAPSHOTS
from read_model.tables.fpp import FPP, PAGE_VIEWS
from tests.faults.invariants import Operator, add, erase, files_with, minutes_ago
from tests.faults.tcp_proxy import Proxy
from tests.faults.troubles import MIDDLE, fill_up
from tests.source_database import SourceDatabase
from update_readmodel import fpp_updater

pytestmark = pytest.mark.database

OLD = [f"u{i}" for i in range(12)]


@pytest.fixture
def synced(database: SourceDatabase, operator: Operator) -> SourceDatabase:
    """Twelve old rows in each table that grows and three rooms, synced."""
    add(database, OLD, 300)
    database.execute(
        "INSERT INTO fpp_rooms (number, name, first_used_at, last_used_at) VALUES"
        " (1, 'one', '2025-01-01', '2025-01-01'), (2, 'two', '2025-01-01', '2025-01-01'),"
        " (3, 'three', '2025-01-01', '2025-01-01')"
    )
    operator.publishes()
    return database


def found(operator: Operator, exit_code: int, *arguments: str, **variables: str) -> dict[str, tuple[str, ...]]:
    """Verify, which publishes nothing; per table what is printed: rows, missing, extra, different, and the notes."""
    before = contents(operator.database.data_dir)
    run = operator.run("--verify", *arguments, **variables)
    assert run.exit_code == exit_code, run.log
    assert operator.heartbeat()["status"] == ("down" if exit_code else "up")
    assert contents(operator.database.data_dir) == before
    lines = re.findall(r"^(fpp_\w+) +([\d,]+) +([\d,]+) +([\d,]+) +([\d,]+)  (.*)$", run.log, re.MULTILINE)
    assert [line[0] for line in lines] == [table.name for table in FPP.tables]
    return {name: tuple(facts) for name, *facts in lines}


def contents(data_dir: Path) -> dict[Path, int]:
    """Every file and directory below, with the time of its last change; the lock apart."""
    return {path: path.lstat().st_mtime_ns for path in data_dir.rglob("*") if path.name != locking.LOCK}


def file_of_votes(database: SourceDatabase) -> Path:
    """The file of a table in the current snapshot."""
    return database.data_dir / CURRENT / "fpp_votes.parquet"


# --- Comparing --------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("synced")
def test_verify_of_equal_rows_ends_with_0(operator: Operator) -> None:
    """All rows are counted, and nothing is said to be wrong."""
    rows = found(operator, 0)
    assert rows.pop("fpp_rooms") == ("3", "0", "0", "0", "")
    assert set(rows.values()) == {("12", "0", "0", "0", "")}
    assert operator.heartbeat()["msg"] == "verified 63 rows, all equal"


def test_verify_counts_missing_extra_and_different_rows(synced: SourceDatabase, operator: Operator) -> None:
    """One page view came with an old time, seven went, two users changed: each with its first keys, five at most."""
    add(synced, ["late"], 300, ["fpp_page_views"])
    synced.execute("DELETE FROM fpp_events WHERE id BETWEEN 3 AND 9")
    synced.execute("UPDATE fpp_users SET city = 'Łódź' WHERE id IN ('u3', 'u11')")
    rows = found(operator, 1)
    assert rows["fpp_page_views"] == ("13", "1", "0", "0", "13")
    assert rows["fpp_events"] == ("5", "0", "7", "0", "3, 4, 5, 6, 7")
    assert rows["fpp_users"] == ("12", "0", "0", "2", "u11, u3")
    assert rows["fpp_votes"] == ("12", "0", "0", "0", "")
    assert operator.heartbeat()["msg"] == "differences in fpp_events, fpp_page_views, fpp_users: run with --repair"


def test_verify_sees_the_smallest_differences(database: SourceDatabase, operator: Operator) -> None:
    """Null and nothing, null and zero, small and capital letter, a space at the end."""
    add(database, OLD[:5], 300)
    database.execute("UPDATE fpp_page_views SET source = 'a' WHERE id > 2")
    operator.publishes()
    for key, change in enumerate(("source = ''", "room_id = 0", "source = 'A'", "source = 'a '"), 1):
        database.execute(f"UPDATE fpp_page_views SET {change} WHERE id = {key}")
    assert found(operator, 1)["fpp_page_views"] == ("5", "0", "0", "4", "1, 2, 3, 4")


def test_verify_sees_a_doubled_row(synced: SourceDatabase, operator: Operator) -> None:
    """A snapshot that has two rows twice, as no run should ever publish it."""
    snapshot = synced.snapshot()
    assert snapshot.manifest
    with SnapshotWriter(synced.data_dir) as writer:
        for table in FPP.tables:
            rows = snapshot.scan(table).collect()
            writer.write(table, rows.schema, [rows, rows.head(2)] if table is PAGE_VIEWS else [rows])
        was = snapshot.manifest
        writer.publish(read_at=was.read_at, full_sync_at=was.full_sync_at, source=was.source)
    operator.tolerates_damage = True
    assert found(operator, 1)["fpp_page_views"] == ("12", "0", "2", "0", "1, 2")
    operator.tolerates_damage = False
    operator.publishes("--repair")
    synced.assert_in_step()


def test_verify_puts_rows_younger_than_the_snapshot_aside(synced: SourceDatabase, operator: Operator) -> None:
    """New rows, and a room that was used since, are no differences."""
    add(synced, ["new"], -0.1)
    synced.execute(f"UPDATE fpp_rooms SET last_used_at = '{minutes_ago(-0.1)}' WHERE number = 1")
    rows = found(operator, 0)
    assert rows["fpp_page_views"] == ("13", "0", "0", "0", "")
    assert rows["fpp_rooms"] == ("3", "0", "0", "0", "")


def test_verify_compares_with_one_consistent_state(database: SourceDatabase, operator: Operator, proxy: Proxy) -> None:
    """Rows that are deleted, and a row that is added, while it reads are not seen in the tables that come later."""
    add(database, OLD, 300)
    fill_up(database)
    operator.publishes()

    def change(_: object) -> None:
        database.execute("DELETE FROM fpp_votes")
        add(database, ["late"], 300)

    proxy.plan(MIDDLE, change)
    found(operator, 0, DB_PORT=str(proxy.port))
    assert proxy.happened == 1


def test_verify_needs_no_lock(synced: SourceDatabase, operator: Operator) -> None:
    """It can look while an updater is at work."""
    with locking.locked(synced.data_dir):
        assert operator.start("--verify").exit_code == 0


def test_verify_without_a_snapshot_says_so(operator: Operator) -> None:
    """There is nothing to compare: 66."""
    operator.fails(66, "No snapshot in", arguments=["--verify"])


# --- Damage -----------------------------------------------------------------------------------------------------------


def flip_a_byte(path: Path) -> None:
    """One bit of the middle is the other."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def cut_the_tail(path: Path) -> None:
    """The last ten bytes are gone."""
    path.write_bytes(path.read_bytes()[:-10])


def swap_for_another(path: Path) -> None:
    """A whole Parquet file with one row less."""
    pl.read_parquet(path).head(11).write_parquet(path)


DAMAGE: dict[str, tuple[Callable[[Path], None], str]] = {
    "flipped": (flip_a_byte, "is damaged"),
    "cut": (cut_the_tail, "is damaged"),
    "another": (swap_for_another, "is damaged"),
    "missing": (Path.unlink, "is missing"),
}


@pytest.mark.parametrize(("damage", "says"), DAMAGE.values(), ids=DAMAGE.keys())
def test_verify_names_a_damaged_file_and_repair_replaces_it(
    synced: SourceDatabase, operator: Operator, damage: Callable[[Path], None], says: str
) -> None:
    """The other tables are still compared."""
    path = file_of_votes(synced).resolve()
    damage(path)
    operator.tolerates_damage = True
    rows = found(operator, 1)
    assert rows.pop("fpp_votes")[-1].startswith(f"file {path} {says}")
    assert {notes for *_, notes in rows.values()} == {""}
    operator.tolerates_damage = False
    operator.publishes("--repair")
    assert file_of_votes(synced).resolve() != path
    found(operator, 0)
    synced.assert_in_step()


@pytest.mark.parametrize(
    ("migration", "names"),
    [
        ("ADD COLUMN price INT", "price"),
        ("RENAME COLUMN room_id TO room_number", "room_number, room_id"),
        ("MODIFY user_id VARCHAR(21) NOT NULL FIRST", "id, user_id"),
    ],
)
def test_verify_names_the_columns_that_differ(
    synced: SourceDatabase, operator: Operator, migration: str, names: str
) -> None:
    """A migration came since the last run."""
    synced.execute(f"ALTER TABLE fpp_page_views {migration}")
    assert found(operator, 1)["fpp_page_views"][-1] == f"has columns other than the source: {names}"
    operator.publishes("--repair")
    found(operator, 0)


# --- Repairing --------------------------------------------------------------------------------------------------------


def test_repair_publishes_what_is_right(synced: SourceDatabase, operator: Operator) -> None:
    """Rows settled long ago were edited, deleted and added behind the updater's back."""
    synced.execute("UPDATE fpp_users SET city = 'Łódź' WHERE id = 'u3'")
    synced.execute("DELETE FROM fpp_events WHERE id = 3")
    add(synced, ["late"], 300, ["fpp_page_views"])
    operator.publishes("--repair")
    synced.assert_in_step()


@pytest.mark.usefixtures("synced")
def test_repair_of_what_is_right_publishes_nothing(operator: Operator) -> None:
    """The snapshot stays."""
    before = operator.current
    assert operator.run("--repair").exit_code == 0
    assert operator.heartbeat()["msg"] == "verified 63 rows, all equal"
    assert operator.current == before


def test_repair_of_a_snapshot_that_cannot_be_opened_reads_everything(
    synced: SourceDatabase, operator: Operator
) -> None:
    """Its manifest is garbage; later there is no data directory at all."""
    (synced.data_dir / CURRENT / "snapshot.json").write_text("{")
    assert operator.start("--repair").exit_code == 0
    synced.assert_in_step()
    elsewhere = synced.data_dir.with_name("elsewhere")
    assert operator.start("--repair", DATA_DIR=str(elsewhere)).exit_code == 0
    assert (elsewhere / CURRENT / "fpp_votes.parquet").exists()


def test_repair_does_not_publish_an_accident(synced: SourceDatabase, operator: Operator) -> None:
    """Half of a table is gone at the source: that needs --allow-shrink here too."""
    synced.execute("DELETE FROM fpp_votes WHERE id > 6")
    before = operator.current
    run = operator.run("--repair")
    assert run.exit_code == 65
    assert "fpp_votes shrank from 12 to 6 rows" in run.log
    assert operator.current == before
    operator.publishes("--repair", "--allow-shrink")
    synced.assert_in_step()


# --- Erasing ----------------------------------------------------------------------------------------------------------


def test_erase_now_leaves_the_user_in_no_file(database: SourceDatabase, operator: Operator) -> None:
    """In three snapshots, in sealed segments that they share, and in the litter of a killed run: gone at once."""
    add(database, [*OLD, "Erika-Mustermann-0001"], 300)
    operator.publishes(SEGMENT_ROWS="3")
    add(database, ["Erika-Mustermann-0002"], 200)
    operator.publishes(SEGMENT_ROWS="3")
    add(database, ["young"], 0)
    operator.publishes(SEGMENT_ROWS="3")
    operator.start("--full", crash_at="before the manifest", SEGMENT_ROWS="3")
    assert len({path.parent for path in files_with(database.data_dir, "Erika-Mustermann-0001")}) == 4
    for user in ("Erika-Mustermann-0001", "Erika-Mustermann-0002"):
        erase(database, user)
    operator.publishes("--erase-now", SEGMENT_ROWS="3")
    assert files_with(database.data_dir, "Erika-Mustermann") == []
    assert files_with(database.data_dir, "u11")
    assert [path.name for path in (database.data_dir / SNAPSHOTS).iterdir()] == [operator.current]
    database.assert_in_step()


def test_erase_now_that_is_refused_says_so(synced: SourceDatabase, operator: Operator) -> None:
    """So many rows went that it may be an accident: 65, and with --allow-shrink they are gone everywhere."""
    for user in OLD[:6]:
        erase(synced, user)
    operator.fails(65, "shrank from 12 to 6 rows", arguments=["--erase-now"])
    assert files_with(synced.data_dir, "u4")
    operator.publishes("--erase-now", "--allow-shrink")
    assert files_with(synced.data_dir, "u4") == []


def test_erase_now_that_cannot_remove_a_snapshot_fails(synced: SourceDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    """The older snapshot is named: the rows are still in it."""
    before = synced.snapshot().id
    monkeypatch.setattr("read_model.publishing.shutil.rmtree", lambda *_, **__: None)
    with pytest.raises(publishing.CannotWriteError, match=f"could not be removed: {before}"):
        fpp_updater(synced.settings()).update(full=True, erase_older=True)
