"""A read model that is missing, broken or made of flat files: the server says what is wrong and what to run."""

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from httpx import Response

from demo.publishing import publish_sample
from read_model.manifest import seal
from read_model.table import INSTANT
from read_model.tables.fpp import FPP, USERS
from tests import oracle
from tests.processes import Server
from tests.served import START, Sample, on_one_day
from tests.web.problems import problem

pytestmark = pytest.mark.server

DATA_PATHS = ["/", "/daily-analytics", "/room/1/stats"]
NOTHING = {f"{table.name}.parquet": False for table in FPP.tables}
UPDATE = "update_readmodel.py"


@pytest.fixture
def manifest(data_dir: Path, sampled: Sample) -> Path:
    """The manifest of a good snapshot in `data_dir`, for a test to spoil."""
    publish_sample(sampled.tables, data_dir, sampled.now)
    return data_dir / "current" / "snapshot.json"


def refused(server: Server, path: str) -> str:
    """The detail of a 503."""
    detail: str = problem(server.get(path), 503)["detail"]
    return detail


def unhealthy(server: Server) -> dict[str, bool]:
    """The files of a `/health` that is 503."""
    health = server.http.get("/health")
    assert health.status_code == 503
    assert health.json()["status"] == "degraded"
    assert UPDATE in health.json()["detail"]
    files: dict[str, bool] = health.json()["components"]["parquet_files"]["files"]
    return files


@pytest.mark.parametrize("path", DATA_PATHS)
def test_without_a_snapshot_the_answer_names_the_command(bare_server: Server, data_dir: Path, path: str) -> None:
    detail = refused(bare_server, path)
    assert "No snapshot" in detail
    assert str(data_dir) in detail
    assert UPDATE in detail


def test_without_a_snapshot_health_has_its_usual_body(bare_server: Server) -> None:
    """Every component is there, and none is well."""
    health = bare_server.http.get("/health")
    assert health.status_code == 503
    detail = health.json()["detail"]
    assert health.json() == {
        "status": "degraded",
        "components": {
            "parquet_files": {"status": "missing", "files": NOTHING},
            "storage": {"status": "missing", "data_size_mb": 0},
            "freshness": {"status": "dead", "data_updated_at": None, "age_seconds": None},
            "integrity": {"status": "checking", "checked_files": 0, "pending_files": 0, "damaged": {}},
        },
        "detail": detail,
    }
    assert UPDATE in detail


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "snapshot.json"),
        (b"\xff\xfe garbage \0", "snapshot.json"),
        (b"not JSON", "snapshot.json"),
        (b"null", "snapshot.json"),
        (b"[]", "snapshot.json"),
        (b"[" * 100_000, "snapshot.json"),
        (b"{}", "format_version"),
        (b'{"format_version": "new"}', "format_version"),
        (b'{"format_version": 1}', "snapshot.json"),
        (b'{"format_version": 2}', "version 2"),
        (b'{"format_version": 99, "tables": "in a new way"}', "version 99"),
    ],
    ids=lambda value: repr(value[:20]) if isinstance(value, bytes) else None,
)
def test_a_broken_manifest_is_503_with_the_reason(
    bare_server: Server, manifest: Path, content: bytes, reason: str
) -> None:
    manifest.write_bytes(content)
    detail = refused(bare_server, "/")
    assert reason in detail
    assert UPDATE in detail
    assert unhealthy(bare_server) == NOTHING


def test_a_manifest_cut_short_is_503(bare_server: Server, manifest: Path) -> None:
    """A crash of another program, or a full disk, left half of it."""
    whole = manifest.read_bytes()
    manifest.write_bytes(whole[: len(whole) // 2])
    assert "snapshot.json" in refused(bare_server, "/")
    assert unhealthy(bare_server) == NOTHING


def test_a_manifest_with_an_unknown_type_is_503(bare_server: Server, manifest: Path) -> None:
    """It names the column."""
    facts = json.loads(manifest.read_text())
    facts["tables"]["fpp_votes"]["columns"]["duration"] = "Int4096"
    del facts["checksum"]
    manifest.write_text(seal(json.dumps(facts, indent=1)))
    assert "duration" in refused(bare_server, "/")


def test_a_missing_manifest_is_503(bare_server: Server, manifest: Path) -> None:
    manifest.unlink()
    assert "snapshot.json" in refused(bare_server, "/")
    assert unhealthy(bare_server) == NOTHING


def test_a_dangling_link_is_503(bare_server: Server, data_dir: Path) -> None:
    """`current` names a snapshot that is gone."""
    (data_dir / "current").symlink_to("snapshots/gone")
    assert "gone" in refused(bare_server, "/")
    assert unhealthy(bare_server) == NOTHING


def test_a_link_to_itself_is_503(bare_server: Server, data_dir: Path) -> None:
    (data_dir / "current").symlink_to("current")
    assert UPDATE in refused(bare_server, "/")
    assert unhealthy(bare_server) == NOTHING


def test_a_snapshot_without_a_table_is_503_where_it_is_needed(
    bare_server: Server, data_dir: Path, sampled: Sample
) -> None:
    """A table was added to the program, and the updater has not run since; the rest goes on."""
    before = replace(FPP, tables=tuple(table for table in FPP.tables if table != USERS))
    publish_sample(sampled.tables, data_dir, sampled.now, before)
    assert "fpp_users" in refused(bare_server, "/")
    assert bare_server.get("/room/1/stats").status_code == 200
    assert_degraded_by_users(bare_server)


def assert_degraded_by_users(server: Server) -> None:
    """The others are served, so `/health` is 200, but it says which table is not there and what to run."""
    health = server.http.get("/health")
    assert (health.status_code, health.json()["status"]) == (200, "degraded")
    files = health.json()["components"]["parquet_files"]
    assert files == {"status": "missing", "files": dict.fromkeys(NOTHING, True) | {"fpp_users.parquet": False}}
    assert "fpp_users.parquet" in health.json()["detail"]
    assert UPDATE in health.json()["detail"]


def test_a_snapshot_without_a_column_is_503_and_names_it(bare_server: Server, data_dir: Path, sampled: Sample) -> None:
    tables = sampled.tables | {"fpp_votes": sampled.tables["fpp_votes"].drop("duration")}
    publish_sample(tables, data_dir, sampled.now)
    assert "fpp_votes.duration" in refused(bare_server, "/room/1/stats")


def remove(path: Path) -> None:
    path.unlink()


def empty(path: Path) -> None:
    path.write_bytes(b"")


def cut_in_half(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def cut_the_tail(path: Path) -> None:
    os.truncate(path, path.stat().st_size - 1)


@pytest.mark.parametrize("spoil", [remove, empty, cut_in_half, cut_the_tail])
def test_a_damaged_file_is_named_by_health(bare_server: Server, manifest: Path, spoil: Callable[[Path], None]) -> None:
    """And only that one."""
    spoil(manifest.with_name("fpp_users.parquet"))
    assert unhealthy(bare_server) == dict.fromkeys(NOTHING, True) | {"fpp_users.parquet": False}
    assert "fpp_users.parquet" in bare_server.http.get("/health").json()["detail"]


@pytest.mark.parametrize("spoil", [remove, empty, cut_in_half, cut_the_tail])
def test_a_damaged_file_gives_an_answer_with_detail(
    bare_server: Server, manifest: Path, spoil: Callable[[Path], None]
) -> None:
    """Neither a hang nor an empty answer, and what needs only the other files goes on."""
    spoil(manifest.with_name("fpp_users.parquet"))
    assert_refused_with_detail(bare_server.get("/"))
    assert bare_server.get("/room/1/stats").status_code == 200


def test_a_file_of_zeros_gives_an_answer_with_detail(bare_server: Server, manifest: Path) -> None:
    """The right size and nothing in it, as some crashes leave a file: only reading it tells."""
    users = manifest.with_name("fpp_users.parquet")
    users.write_bytes(bytes(users.stat().st_size))
    assert_refused_with_detail(bare_server.get("/"))


def test_a_file_with_other_types_than_the_manifest_gives_an_answer_with_detail(
    bare_server: Server, manifest: Path
) -> None:
    """Rows are never read as what they are not."""
    votes = manifest.with_name("fpp_votes.parquet")
    pl.read_parquet(votes).with_columns(pl.col("duration").cast(pl.String)).write_parquet(votes)
    assert_refused_with_detail(bare_server.get("/room/1/stats"))


def assert_refused_with_detail(answer: Response) -> None:
    assert answer.status_code in (500, 503)
    problem(answer, answer.status_code)
    assert "Traceback" not in answer.text


def test_a_repaired_snapshot_is_served_at_once(bare_server: Server, manifest: Path) -> None:
    """The server keeps nothing of what was wrong."""
    good = manifest.read_bytes()
    manifest.write_bytes(b"")
    assert bare_server.get("/").status_code == 503
    manifest.write_bytes(good)
    assert bare_server.get("/").status_code == 200
    assert bare_server.http.get("/health").status_code == 200


def test_flat_files_are_one_snapshot(bare_server: Server, data_dir: Path, sampled: Sample) -> None:
    """A directory of `fpp_*.parquet` without `current` gives the same figures."""
    for name, table in sampled.tables.items():
        table.write_parquet(data_dir / f"{name}.parquet")
    assert_same_figures(bare_server, sampled)
    health = bare_server.http.get("/health")
    assert (health.status_code, health.json()["status"]) == (200, "ok")


def test_flat_files_may_hold_wider_types(bare_server: Server, data_dir: Path, sampled: Sample) -> None:
    """As other tools write them: 64-bit integers, floats for decimals, flags as integers, nanoseconds."""
    for name, table in sampled.tables.items():
        widened = table.with_columns(
            pl.col(pl.Int16, pl.Int32).cast(pl.Int64),
            pl.col(pl.Decimal).cast(pl.Float64),
            pl.col(pl.Boolean).cast(pl.Int8),
            pl.col(INSTANT).dt.cast_time_unit("ns"),
        )
        widened.write_parquet(data_dir / f"{name}.parquet")
    assert_same_figures(bare_server, sampled)


@pytest.mark.parametrize(
    "instant",
    [
        pl.col(INSTANT).dt.replace_time_zone(None),
        pl.col(INSTANT).dt.replace_time_zone(None).dt.cast_time_unit("ns"),
        pl.col(INSTANT).dt.convert_time_zone("Europe/Berlin"),
    ],
    ids=["no zone", "no zone, nanoseconds", "Berlin"],
)
def test_flat_files_may_hold_instants_without_utc(
    bare_server: Server, data_dir: Path, sampled: Sample, instant: pl.Expr
) -> None:
    """Without a zone they are UTC, with another zone they are the same instants."""
    for name, table in sampled.tables.items():
        table.with_columns(instant).write_parquet(data_dir / f"{name}.parquet")
    assert_same_figures(bare_server, sampled)


def assert_same_figures(server: Server, sampled: Sample) -> None:
    """Rooms and dashboard equal the slow twin's."""
    assert server.get("/room/1/stats").json() == oracle.room_stats(sampled.rows, 1)
    asked, answer = on_one_day(lambda: server.get("/"))
    assert answer.status_code == 200, answer.text
    assert answer.json()["data"] == oracle.bundle(sampled.rows, START, asked)


def test_flat_files_in_segments_are_one_table(bare_server: Server, data_dir: Path, sampled: Sample) -> None:
    """`fpp_votes.parquet`, `fpp_votes.1.parquet` and so on."""
    for name, table in sampled.tables.items():
        table.head(100).write_parquet(data_dir / f"{name}.parquet")
        table.tail(-100).write_parquet(data_dir / f"{name}.1.parquet")
    for room_id in (1, 60, 125):
        assert bare_server.get(f"/room/{room_id}/stats").json() == oracle.room_stats(sampled.rows, room_id)


def test_a_missing_flat_file_is_503_and_named(bare_server: Server, data_dir: Path, sampled: Sample) -> None:
    for name, table in sampled.tables.items():
        if name != "fpp_users":
            table.write_parquet(data_dir / f"{name}.parquet")
    assert "fpp_users" in refused(bare_server, "/")
    assert_degraded_by_users(bare_server)


def test_a_broken_flat_file_gives_an_answer_with_detail(bare_server: Server, data_dir: Path, sampled: Sample) -> None:
    for name, table in sampled.tables.items():
        table.write_parquet(data_dir / f"{name}.parquet")
    empty(data_dir / "fpp_users.parquet")
    assert_refused_with_detail(bare_server.get("/"))
    assert bare_server.get("/room/1/stats").status_code == 200


def test_a_broken_flat_file_is_named_by_health(bare_server: Server, data_dir: Path, sampled: Sample) -> None:
    for name, table in sampled.tables.items():
        table.write_parquet(data_dir / f"{name}.parquet")
    empty(data_dir / "fpp_users.parquet")
    assert unhealthy(bare_server)["fpp_users.parquet"] is False


def test_a_data_directory_that_does_not_exist_is_no_snapshot(bare_server: Server, data_dir: Path) -> None:
    """It may be mounted later."""
    away = data_dir.with_name("away")
    data_dir.rename(away)
    try:
        assert "No snapshot" in refused(bare_server, "/")
        assert unhealthy(bare_server) == NOTHING
    finally:
        away.rename(data_dir)
