"""Faults 41 and 46: decaying disks and false manifests. No wrong figure is served, and the next run repairs them."""

import json
import os
import random
import shutil
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr

from config import ServerSettings
from read_model import integrity
from read_model.integrity import FileChecks
from read_model.manifest import MANIFEST, seal
from read_model.snapshot import open_snapshot
from read_model.tables.fpp import FPP
from server import create_app
from tests.faults.invariants import Operator, add
from tests.faults.readers import DASHBOARD, HEALTH, ROOM
from tests.processes import PATIENCE_S, TOKEN, serving, until
from tests.served import Sample
from tests.source_database import SourceDatabase
from tests.web.problems import FIELDS

FLIPS = 60
MUTATIONS = 300
DAY_S = 24 * 3600

type MakeClient = Callable[..., TestClient]


@pytest.fixture
def current(sampled: Sample, tmp_path: Path) -> Path:
    """The current snapshot of a copy of the sample, in a data directory of the test's own."""
    shutil.copytree(sampled.data_dir, tmp_path / "data", symlinks=True)
    return (tmp_path / "data" / "current").resolve()


def data_dir_of(snapshot: Path) -> Path:
    """The data directory a snapshot is in."""
    return snapshot.parent.parent


def flip(path: Path, bit: int, *, unseen: bool = False) -> None:
    """Change one bit where it is; `unseen`: and set the time of the change back."""
    facts = path.stat()
    with path.open("r+b") as file:
        file.seek(bit // 8)
        (byte,) = file.read(1)
        file.seek(bit // 8)
        file.write(bytes([byte ^ (1 << bit % 8)]))
    if unseen:
        os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))


def assert_refused(client: TestClient, path: Path) -> None:
    """503 that names the file, though not where it is."""
    answer = client.get(DASHBOARD)
    assert answer.status_code == 503
    assert path.name in answer.json()["detail"]
    assert str(path.parent) not in answer.text


def test_fault_41_no_flipped_bit_gives_figures(current: Path) -> None:
    """Anywhere in any file, before its first use: the dashboard needs all files, a room only that of the votes."""
    rng = random.Random(41)  # noqa: S311 - nothing secret
    files = sorted(current.glob("*.parquet"))
    app = create_app(ServerSettings(data_dir=data_dir_of(current), analytics_secret_token=SecretStr(TOKEN)))
    client = TestClient(app, headers={"Authorization": f"Bearer {TOKEN}"})
    for path in rng.choices(files, k=FLIPS):
        bit = rng.randrange(8 * path.stat().st_size)
        flip(path, bit, unseen=True)
        app.state.file_checks = FileChecks()
        assert_refused(client, path)
        assert client.get(ROOM).status_code == (503 if path.name.startswith("fpp_votes") else 200)
        flip(path, bit, unseen=True)
    app.state.file_checks = FileChecks()
    assert client.get(DASHBOARD).status_code == 200


@pytest.mark.parametrize("unseen", [False, True])
def test_fault_41_a_bit_that_flips_after_the_first_use_is_noticed(
    current: Path, in_process: MakeClient, unseen: bool
) -> None:
    """Also when the file's time and size are what they were; `/health` says so, and where the damage is undone."""
    path = current / "fpp_users.parquet"
    client = in_process(data_dir=data_dir_of(current))
    assert client.get(DASHBOARD).status_code == 200
    flip(path, 800, unseen=unseen)
    assert_refused(client, path)
    health = client.get(HEALTH)
    assert health.status_code == 503
    assert health.json()["components"]["integrity"]["status"] == "damaged"
    assert path.name in health.json()["components"]["integrity"]["damaged"]
    assert health.json()["components"]["parquet_files"]["files"][path.name] is False
    flip(path, 800, unseen=unseen)
    assert client.get(DASHBOARD).status_code == 200
    assert client.get(HEALTH).status_code == 200


@pytest.mark.server
def test_fault_41_damage_is_found_before_anybody_asks(current: Path) -> None:
    """The server looks over its files by itself."""
    path = current / "fpp_rooms.parquet"
    with serving(data_dir_of(current)) as server:
        until(lambda: server.http.get(HEALTH).json()["components"]["integrity"]["status"] == "ok", "the first look")
        flip(path, 800, unseen=True)
        until(lambda: server.http.get(HEALTH).status_code == 503, "the damage to be found")
        assert f"{path.name} is damaged" in server.log


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that are checked from now on, and no file is small."""
    names: list[str] = []
    check = integrity._fault_of_content

    def recorded(path: Path, *facts: Any) -> str | None:
        names.append(path.name)
        return check(path, *facts)

    monkeypatch.setattr(integrity, "_fault_of_content", recorded)
    monkeypatch.setattr(integrity, "SMALL_BYTES", 0)
    return names


def test_fault_41_a_large_file_is_checked_once_whatever_snapshots_link_it(current: Path, hashed: list[str]) -> None:
    """Before its use once; in the background when it was linked, and daily."""
    now = [0.0]
    checks = FileChecks(clock=lambda: now[0])
    files = open_snapshot(data_dir_of(current), FPP).published()
    assert [checks.faults(files), checks.faults(files)] == [{}, {}]
    assert sorted(hashed) == sorted(path.name for path, _, _ in files)
    linked = current.with_name("linked")
    shutil.copytree(current, linked, copy_function=os.link)
    assert checks.faults([(linked / path.name, stored, file) for path, stored, file in files]) == {}
    assert len(hashed) == len(files)
    for passes, seconds in ((2, 0.0), (2, DAY_S - 1), (3, DAY_S), (3, 2 * DAY_S - 1)):
        now[0] = seconds
        assert checks.look_over(files) == {}
        assert len(hashed) == passes * len(files)


def test_fault_41_a_file_that_was_gone_is_looked_at_again(current: Path) -> None:
    """Such as one whose snapshot is removed while it is checked: it may be part of the next one."""
    checks = FileChecks()
    files = open_snapshot(data_dir_of(current), FPP).published()
    away = files[0][0].rename(current / "away")
    assert checks.faults(files) == {files[0][0].name: "is missing"}
    away.rename(files[0][0])
    assert checks.faults(files) == {}


def test_fault_41_a_check_that_began_in_a_removed_snapshot_is_done_again(
    current: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next snapshot links the same file, and asks while it is being checked under its old name."""
    both_wait = threading.Barrier(2)
    removed = threading.Event()
    check, fault = integrity._fault_of_content, integrity._fault

    def held(path: Path, *facts: Any) -> str | None:
        assert removed.wait(PATIENCE_S)
        return check(path, *facts)

    def together(*arguments: Any) -> str | None:
        both_wait.wait(PATIENCE_S)
        removed.set()
        return fault(*arguments)

    monkeypatch.setattr(integrity, "_fault_of_content", held)
    monkeypatch.setattr(integrity, "_fault", together)
    checks = FileChecks()
    (path, stored, file), *_ = open_snapshot(data_dir_of(current), FPP).published()
    linked = current / "linked"
    linked.hardlink_to(path)
    with ThreadPoolExecutor(2) as pool:
        before = pool.submit(checks.faults, [(path, stored, file)])
        until(lambda: checks._checks, "the check to begin")
        path.unlink()
        after = pool.submit(checks.faults, [(linked, stored, file)])
        assert before.result(PATIENCE_S) == {path.name: "is missing"}
        assert after.result(PATIENCE_S) == {}


@pytest.mark.database
def test_fault_41_the_next_run_repairs_a_rotten_file(database: SourceDatabase, operator: Operator) -> None:
    """By itself: it says so, reads that table again, and no other. Two snapshots share the damage by a hard link."""
    add(database, [f"u{i}" for i in range(12)], 300)
    operator.publishes(SEGMENT_ROWS="5")
    operator.publishes(SEGMENT_ROWS="5")
    flip(database.data_dir / "current" / "fpp_votes.1.parquet", 4_000, unseen=True)
    run = operator.publishes(SEGMENT_ROWS="5")
    assert "fpp_votes.1.parquet is damaged" in run.log
    assert "all of fpp_votes is read again" in run.log
    assert "12 rows read" in run.log
    database.assert_in_step()
    assert "damaged" not in operator.publishes(SEGMENT_ROWS="5").log


# --- Manifests --------------------------------------------------------------------------------------------------------


def leaves(value: Any, *place: str | int) -> Iterator[tuple[str | int, ...]]:
    """Where the numbers and texts of a JSON document are."""
    if isinstance(value, dict):
        for name, part in value.items():
            yield from leaves(part, *place, name)
    elif isinstance(value, list):
        for number, part in enumerate(value):
            yield from leaves(part, *place, number)
    else:
        yield place


STRANGE: tuple[Any, ...] = (
    *(None, "", "x", "../x.parquet", "/etc/passwd", "\0", "0", "Int8", "String", "Decimal(99, 1)", "NaN"),
    *("0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "2026-01-01", "2200-01-01T00:00:00Z"),
    *(-1, 0, 1, 1.5, 2**31, 2**63, 2**200, True, [], {}, [[]]),
)


def mutated(text: str, rng: random.Random) -> str:
    """A manifest with one value, or one character, replaced; of version 1, or sealed anew, or neither."""
    if rng.random() < 0.2:
        position = rng.randrange(len(text))
        return text[:position] + chr(rng.randrange(32, 300)) + text[position + 1 :]
    facts = json.loads(text)
    *place, last = rng.choice(list(leaves(facts)))
    parent = facts
    for step in place:
        parent = parent[step]
    if rng.random() < 0.2:
        del parent[last]
    else:
        others = list(parent.values()) if isinstance(parent, dict) else parent
        parent[last] = rng.choice([*STRANGE, *others])
    if rng.random() < 0.3:
        return json.dumps(facts)
    facts.pop("checksum", None)
    if rng.random() < 0.5:
        facts["format_version"] = 1
        facts.pop("synced_at", None)
        return json.dumps(facts)
    return seal(json.dumps(facts, indent=1))


def test_fault_46_no_manifest_makes_the_server_fail(current: Path, in_process: MakeClient) -> None:
    """Whatever it says, with or without the right checksum: figures, or 503 that says what to do."""
    rng = random.Random(46)  # noqa: S311 - nothing secret
    client = in_process(data_dir=data_dir_of(current))
    text, refused = (current / MANIFEST).read_text(), 0
    for _ in range(MUTATIONS):
        (current / MANIFEST).write_text(mutated(text, rng))
        answer = client.get(rng.choice([DASHBOARD, ROOM, ROOM, HEALTH, "/v1/snapshot", "/v1/rooms"]))
        assert answer.status_code in (200, 503), (answer.text, (current / MANIFEST).read_text())
        refused += answer.status_code == 503
        if answer.status_code == 503 and answer.url.path != HEALTH:
            assert answer.json().keys() == FIELDS
    assert refused > MUTATIONS // 2


@pytest.mark.database
def test_fault_46_a_manifest_that_lies_is_rebuilt(database: SourceDatabase, operator: Operator) -> None:
    """One that was read in year 1, from before there were checksums."""
    add(database, ["ann"], 300)
    operator.publishes()
    path = database.data_dir / "current" / MANIFEST
    facts = json.loads(path.read_text())
    del facts["checksum"], facts["synced_at"]
    path.write_text(json.dumps(facts | {"format_version": 1, "read_at": "0001-01-01T00:00:00Z"}))
    run = operator.start()
    assert run.exit_code == 0, run.log
    assert "it is rebuilt now" in run.log
    database.assert_in_step()
