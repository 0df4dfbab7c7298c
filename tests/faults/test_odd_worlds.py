"""Faults 40 and 42 to 49: unusual clocks, rows, values, disks and neighbours."""

import errno
import fcntl
import os
import shutil
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from fastapi.testclient import TestClient

from read_model import locking, publishing
from read_model.freshness import TOLERATED_SKEW, told_time
from read_model.locking import LOCK, BusyError, locked
from read_model.publishing import CannotWriteError, SnapshotWriter
from read_model.snapshot import open_snapshot
from read_model.tables.fpp import PAGE_VIEWS
from sources.mysql import parsing, source
from tests.faults.invariants import Operator, add, erase, files_with, insertions, minutes_ago, transaction
from tests.faults.readers import DASHBOARD, HEALTH
from tests.faults.troubles import reader_with_its_own_clock, set_clock
from tests.source_database import SourceDatabase

NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)
MONTH = timedelta(days=30)

type MakeClient = Callable[..., TestClient]


# --- Clocks -----------------------------------------------------------------------------------------------------------


@pytest.mark.database
def test_fault_40_a_clock_that_was_ahead_hides_no_staleness(
    database: SourceDatabase, operator: Operator, in_process: MakeClient
) -> None:
    """A month ahead for one run: reported while the data are young, then called dead; the next run corrects it."""

    def health(hours_later: float) -> dict[str, Any]:
        later = datetime.now(UTC) + timedelta(hours=hours_later)
        found: dict[str, Any] = in_process(data_dir=database.data_dir, clock=lambda: later).get(HEALTH).json()
        return found

    with reader_with_its_own_clock(database) as account:
        set_clock(database, MONTH)
        operator.publishes(**account)
        young, old = health(0), health(2)
        set_clock(database, timedelta(0))
        operator.publishes(**account)
    assert young["components"]["freshness"]["status"] == "future"
    assert "seconds ahead" in young["detail"]
    assert young["status"] == old["status"] == "degraded"
    assert old["components"]["freshness"]["status"] == "dead"
    assert 7200 <= old["components"]["freshness"]["age_seconds"] < 7500
    healed = health(0)
    assert (healed["status"], healed["detail"]) == ("ok", None)
    assert abs(datetime.fromisoformat(healed["components"]["freshness"]["data_updated_at"]) - datetime.now(UTC)) < MONTH


@pytest.mark.parametrize(
    ("read_at", "not_before", "told"),
    [
        (timedelta(0), None, timedelta(0)),
        (TOLERATED_SKEW, None, TOLERATED_SKEW),
        (MONTH, None, timedelta(0)),
        (-MONTH, None, -MONTH),
        (timedelta(0), timedelta(minutes=1), timedelta(minutes=1)),
        (timedelta(0), -timedelta(minutes=1), timedelta(0)),
        (-MONTH, -timedelta(minutes=1), -timedelta(minutes=1)),
        (timedelta(0), MONTH, timedelta(0)),
    ],
)
def test_fault_40_readers_are_told_no_time_of_the_future_and_none_before_the_last(
    read_at: timedelta, not_before: timedelta | None, told: timedelta
) -> None:
    """Given as distances from the updater's own time; only a wrong time is taken back."""
    before = None if not_before is None else NINE + not_before
    assert told_time(NINE + read_at, NINE, before) == NINE + told


@pytest.mark.database
def test_fault_45_a_row_of_the_future_moves_no_window(database: SourceDatabase, operator: Operator) -> None:
    """The first of many rows is dated in the year 2035: the next runs read what is young, and say how many such are."""
    for statement in insertions(["future"], "2035-01-01 00:00:00", ["fpp_page_views"]):
        database.execute(statement)
    add(database, [f"u{i}" for i in range(50)], 300, ["fpp_page_views"])
    add(database, ["young", "younger"], 1, ["fpp_page_views"])
    assert "53 rows read" in operator.publishes().log
    log = operator.publishes().log
    assert "2 rows read" in log
    assert "fpp_page_views: 1 rows have a viewed_at later than the source's clock" in log
    database.assert_in_step()


@pytest.mark.database
def test_fault_45_a_row_of_the_future_settles_none_before_it(database: SourceDatabase, operator: Operator) -> None:
    """A transaction with a lower id commits after the row of the future was read."""
    add(database, ["old"], 300, ["fpp_page_views"])
    with transaction(database) as (late, cursor):
        for statement in insertions(["late"], minutes_ago(0), ["fpp_page_views"]):
            cursor.execute(statement)
        for statement in insertions(["future"], "2035-01-01 00:00:00", ["fpp_page_views"]):
            database.execute(statement)
        operator.publishes()
        late.commit()
    operator.publishes()
    assert [row["user_id"] for row in database.stored("fpp_page_views")] == ["old", "late", "future"]


# --- Values -----------------------------------------------------------------------------------------------------------


@pytest.mark.database
def test_fault_43_columns_of_unknown_types_fail_no_run(database: SourceDatabase, operator: Operator) -> None:
    """Points and shapes are stored as their bytes, with a warning; `--verify` compares them."""
    for name, kind in (("place", "POINT"), ("shape", "GEOMETRY"), ("token", "UUID"), ("address", "INET6")):
        database.execute(f"ALTER TABLE fpp_users ADD COLUMN {name} {kind}")
    database.execute(
        "INSERT INTO fpp_users (id, created_at, place, shape, token, address) VALUES ('ann', NOW(), POINT(13.4, 52.5),"
        " ST_GeomFromText('LINESTRING(0 0, 1 1)'), '123e4567-e89b-12d3-a456-426655440000', '::1')"
    )
    log = operator.publishes("--full").log
    assert "fpp_users.place is of type point, which is stored as the bytes it comes in" in log
    (row,) = database.stored("fpp_users")
    assert (row["token"], row["address"]) == ("123e4567-e89b-12d3-a456-426655440000", "::1")
    assert isinstance(row["place"], bytes)
    operator.publishes()
    assert operator.run("--verify").exit_code == 0


@pytest.fixture
def batches(monkeypatch: pytest.MonkeyPatch) -> list[list[int]]:
    """The lengths of the long values of each batch that is read from now on; a batch has 100 kB."""
    seen: list[list[int]] = []
    parse = parsing.parse

    def measured(rows: Any, schema: pl.Schema) -> Any:
        if "story" in schema:
            seen.append([len(row[-1]) for row in rows])
        return parse(rows, schema)

    monkeypatch.setattr("sources.mysql.source.parse", measured)
    monkeypatch.setattr(source, "BATCH_BYTES", 100_000)
    monkeypatch.setattr(publishing, "SEGMENT_BYTES", 300_000)
    return seen


@pytest.mark.database
def test_fault_47_long_values_come_in_few_rows_at_once(database: SourceDatabase, batches: list[list[int]]) -> None:
    """A thousand empty rows, then 40 of 50 kB each: at most two are in a batch, and about seven in a file."""
    add(database, [f"u{i}" for i in range(1_040)], 300, ["fpp_events"])
    database.execute("ALTER TABLE fpp_events ADD COLUMN story LONGTEXT NOT NULL DEFAULT ''")
    database.execute("UPDATE fpp_events SET story = REPEAT('x', 50000) WHERE id > 1000")
    database.sync()
    database.assert_in_step()
    assert sum(len(batch) for batch in batches) == 1_040
    assert max(sum(batch) for batch in batches) <= 100_000
    assert len(batches) <= 22
    manifest = database.snapshot().manifest
    assert manifest
    files = manifest.tables["fpp_events"].files
    assert 5 <= len(files) <= 10
    database.sync()
    database.assert_in_step()


def test_fault_47_tables_of_short_values_are_read_in_large_batches() -> None:
    """As many rows as fit a batch if all were as long as they may be; at least one."""
    assert source._rows_at_once([("int(11)", None), ("varchar(21)", 84)]) == source.BATCH_ROWS
    assert source._rows_at_once([("varchar(8000)", 32_000)]) == 1_000
    assert source._rows_at_once([("longtext", 2**32 - 1)]) == 1
    assert source._rows_at_once([("point", None)]) == 1


# --- Disks and neighbours ---------------------------------------------------------------------------------------------


@pytest.mark.database
@pytest.mark.parametrize("number", [errno.EPERM, errno.EXDEV, errno.EMLINK, errno.ENOTSUP])
def test_fault_44_without_hard_links_files_are_copied(
    database: SourceDatabase, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, number: int
) -> None:
    """And one line says so."""
    add(database, [f"u{i}" for i in range(9)], 300)
    database.sync(segment_rows=4)

    def refused(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("read_model.publishing.os.link", refused)
    add(database, ["new"], 0)
    assert database.sync(segment_rows=4).why_full is None
    database.assert_in_step()
    assert caplog.text.count("they are copied") == 1


@pytest.mark.database
def test_fault_44_a_full_disk_is_no_reason_to_copy(database: SourceDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    """If a link can't be created because the disk is full, the run ends."""
    database.sync()

    def refused(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("read_model.publishing.os.link", refused)
    with pytest.raises(CannotWriteError, match="No space left"):
        database.sync()


@pytest.fixture
def erased(database: SourceDatabase, operator: Operator) -> Path:
    """A data directory of which flat files were made before Erika was erased at the source."""
    add(database, ["Erika-Mustermann-0001", *(f"u{i}" for i in range(9))], 300)
    operator.publishes()
    for name in ("fpp_users.parquet", "fpp_events.parquet", "fpp_events.12.parquet"):
        shutil.copy(database.data_dir / "current" / f"{name.partition('.')[0]}.parquet", database.data_dir / name)
    erase(database, "Erika-Mustermann-0001")
    return database.data_dir


@pytest.mark.database
def test_fault_42_plain_files_are_erased_too(erased: Path, operator: Operator) -> None:
    """They are those of the tables, which a server would read if there were no snapshot; another read model's stay."""
    (erased / ".gitkeep").touch()
    with locked(erased / "other"):
        (erased / "other" / "rows.parquet").write_text("theirs")
    operator.publishes("--erase-now")
    assert (erased / "other" / "rows.parquet").exists()
    (erased / "other" / "rows.parquet").unlink()
    assert files_with(erased, "Erika") == []
    assert not list(erased.glob("*.parquet"))


@pytest.mark.database
def test_fault_42_files_of_unknown_origin_are_named_and_left(erased: Path, operator: Operator) -> None:
    """The updater removes nothing that may be somebody's only copy: it says what to do, with 73."""
    (erased / "backup").mkdir()
    (erased / "fpp_users.parquet").rename(erased / "backup" / "users.parquet")
    run = operator.run("--erase-now")
    assert run.exit_code == 73
    assert "backup/users.parquet" in run.log
    assert operator.heartbeat()["status"] == "down"
    assert files_with(erased, "Erika") == [erased / "backup" / "users.parquet"]
    shutil.rmtree(erased / "backup")
    operator.publishes("--erase-now")


def modes(directory: Path) -> dict[str, set[int]]:
    """The permissions of directories and files below."""
    found: dict[str, set[int]] = {"directories": set(), "files": set(), "lock": set()}
    for path in directory.rglob("*"):
        kind = "lock" if path.name == LOCK else "directories" if path.is_dir() else "files"
        if not path.is_symlink():
            found[kind].add(path.stat().st_mode & 0o777)
    return found


@pytest.mark.database
@pytest.mark.parametrize(("umask", "directory", "file"), [(0o022, 0o750, 0o640), (0o077, 0o700, 0o600)])
def test_fault_49_files_are_for_owner_and_group(
    database: SourceDatabase, umask: int, directory: int, file: int
) -> None:
    """Even with a permissive umask; a strict one is respected. Only its owner may use the lock."""
    before = os.umask(umask)
    try:
        database.sync()
        assert os.umask(umask) == umask
    finally:
        os.umask(before)
    assert modes(database.data_dir) == {"directories": {directory}, "files": {file}, "lock": {0o600}}


def test_fault_49_a_skipped_run_says_who_holds_the_lock(tmp_path: Path) -> None:
    """Another updater, by its note; for an unknown process, since when that was noticed."""
    with locked(tmp_path), pytest.raises(BusyError, match=rf"the updater with pid {os.getpid()} since \d{{4}}-"):
        locked(tmp_path).__enter__()
    with (tmp_path / LOCK).open("a") as stranger:
        fcntl.flock(stranger, fcntl.LOCK_EX)
        with pytest.raises(BusyError, match="held by a process that is not an updater"):
            locked(tmp_path).__enter__()
        with pytest.raises(BusyError, match=r"held by a process that is not an updater, at least since \d{4}-"):
            locked(tmp_path).__enter__()
    with locked(tmp_path):
        pass


def test_fault_49_the_kernel_knows_who_may_hold_the_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its list of locks names processes by the number of the file."""
    with (tmp_path / LOCK).open("a") as stranger:
        fcntl.flock(stranger, fcntl.LOCK_EX)
        inode = (tmp_path / LOCK).stat().st_ino
        listed = tmp_path / "locks"
        listed.write_text(
            f"1: FLOCK  ADVISORY  WRITE 4711 fe:01:{inode} 0 EOF\n"
            f"1: -> FLOCK  ADVISORY  WRITE 4712 fe:01:{inode} 0 EOF\n"
            f"2: POSIX  ADVISORY  WRITE 4713 fe:01:{inode} 0 EOF\n"
            f"3: FLOCK  ADVISORY  WRITE 4714 fe:01:{inode + 1} 0 EOF\n"
        )
        monkeypatch.setattr(locking, "PROC_LOCKS", listed)
        with pytest.raises(BusyError, match=r"maybe pid 4711\b(?! or)"):
            locked(tmp_path).__enter__()


def test_fault_48_a_hung_file_system_blocks_nobody(in_process: MakeClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """`/health` and the dashboard say that files don't answer, and go on once they do."""
    client, answers = in_process(), threading.Event()

    def hung(*given: Any) -> Any:
        answers.wait()
        return open_snapshot(*given)

    monkeypatch.setattr("web.file_access.DEADLINE_S", 0.3)
    for module in ("routers.health", "web.dependencies"):
        monkeypatch.setattr(f"{module}.open_snapshot", hung)
    with client:
        try:
            for path in (HEALTH, DASHBOARD):
                answer = client.get(path)
                assert answer.status_code == 503
                assert "did not answer" in answer.json()["detail"]
        finally:
            answers.set()
        monkeypatch.setattr("web.file_access.DEADLINE_S", 30)
        assert client.get(HEALTH).status_code == 200
        assert client.get(DASHBOARD).status_code == 200


def test_health_names_no_place_of_this_machine(tmp_path: Path, in_process: MakeClient) -> None:
    """Neither without a snapshot nor with one that can't be read."""
    client = in_process(data_dir=tmp_path)
    assert str(tmp_path) not in client.get(HEALTH).text
    with SnapshotWriter(tmp_path) as writer:
        writer.write(PAGE_VIEWS, pl.Schema(PAGE_VIEWS.columns), [])
        writer.publish(read_at=NINE, full_sync_at=NINE, source="drawn")
    (tmp_path / "current" / "snapshot.json").write_text("{")
    assert "is unreadable" in client.get(HEALTH).json()["detail"]
    assert str(tmp_path) not in client.get(HEALTH).text
