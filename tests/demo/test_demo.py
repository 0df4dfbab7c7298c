"""`make demo`: a sample that is made when needed, and a server over it."""

import signal
import socket
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from pydantic import SecretStr

from config import ServerSettings
from demo.__main__ import DATA_DIR, TOKEN, main
from demo.publishing import OUTDATED_AFTER, publish_sample, recent_sample
from demo.sample import sample
from read_model.locking import locked
from read_model.snapshot import open_snapshot
from read_model.table import Append, Table
from read_model.tables.fpp import FPP
from tests.processes import Program, Server, answering, free_port, running, until
from util.errors import EXIT_BUSY, EXIT_CANNOT_WRITE, EXIT_CONFIG, EXIT_OK, EXIT_UNAVAILABLE

NOW = datetime(2026, 11, 20, 9, 40, tzinfo=UTC)


@pytest.fixture(scope="module")
def tables() -> dict[str, pl.DataFrame]:
    return sample(NOW, scale=0.01)


@pytest.fixture
def taken_port() -> Iterator[int]:
    """A port somebody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def test_the_sample_is_published_like_real_tables(tmp_path: Path, tables: dict[str, pl.DataFrame]) -> None:
    """Every row and type comes back out of the snapshot, at the instant it was made for."""
    publish_sample(tables, tmp_path, NOW)
    snapshot = open_snapshot(tmp_path, FPP)
    assert snapshot.data_updated_at == NOW
    stored = {table.name: snapshot.scan(table).collect() for table in FPP.tables}
    for name, rows in tables.items():
        assert_frame_equal(stored[name], rows)


def test_a_table_that_is_not_made_up_is_published_empty(tmp_path: Path, tables: dict[str, pl.DataFrame]) -> None:
    """A table newly declared leaves the demo healthy."""
    feedback = Table("fpp_feedback", key="id", grows=Append(by="id", time="given_at"), columns={"text": pl.String()})
    model = replace(FPP, tables=(*FPP.tables, feedback))
    publish_sample(tables, tmp_path, NOW, model)
    rows = open_snapshot(tmp_path, model).scan(feedback).collect()
    assert rows.is_empty()
    assert rows.columns == ["id", "given_at", "text"]


def test_a_sample_is_published_over_an_earlier_one(tmp_path: Path, tables: dict[str, pl.DataFrame]) -> None:
    """The later one is current."""
    publish_sample(tables, tmp_path, NOW)
    later = publish_sample(tables, tmp_path, NOW + timedelta(hours=1))
    assert open_snapshot(tmp_path, FPP).manifest == later


def test_samples_do_not_pile_up(tmp_path: Path, tables: dict[str, pl.DataFrame]) -> None:
    """Those out of use are swept, as after a run of the updater: a year later four are left."""
    for days in range(10):
        publish_sample(tables, tmp_path, NOW + timedelta(days=365 + days))
    assert len(list((tmp_path / "snapshots").iterdir())) <= 4


def test_without_a_sample_one_is_made(tmp_path: Path) -> None:
    """The whole of it, up to now."""
    made = recent_sample(tmp_path, NOW)
    assert made.data_updated_at == NOW
    assert made.tables["fpp_users"].rows == 10_000


@pytest.mark.parametrize("age", [timedelta(0), OUTDATED_AFTER - timedelta(seconds=1)])
def test_a_fresh_sample_is_used_again(tmp_path: Path, tables: dict[str, pl.DataFrame], age: timedelta) -> None:
    """A second start is instant."""
    made = publish_sample(tables, tmp_path, NOW)
    assert recent_sample(tmp_path, NOW + age) == made


@pytest.mark.parametrize("age", [OUTDATED_AFTER, timedelta(days=30)])
def test_an_outdated_sample_is_made_anew(tmp_path: Path, tables: dict[str, pl.DataFrame], age: timedelta) -> None:
    """It reaches up to the minute of the start."""
    publish_sample(tables, tmp_path, NOW)
    made = recent_sample(tmp_path, NOW + age)
    assert made.data_updated_at == NOW + age
    assert open_snapshot(tmp_path, FPP).manifest == made


def test_a_sample_is_outdated_before_health_calls_it_stale() -> None:
    """So that the demo's health begins as `ok`."""
    settings = ServerSettings(analytics_secret_token=SecretStr(TOKEN))
    assert OUTDATED_AFTER.total_seconds() < settings.health_stale_seconds


def test_a_broken_sample_is_made_anew(tmp_path: Path, tables: dict[str, pl.DataFrame]) -> None:
    publish_sample(tables, tmp_path, NOW)
    (tmp_path / "current" / "snapshot.json").write_text("")
    assert recent_sample(tmp_path, NOW).data_updated_at == NOW
    assert open_snapshot(tmp_path, FPP).data_updated_at == NOW


def test_a_taken_port_is_one_clear_line(
    taken_port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Said before any work: there is no sample afterwards."""
    monkeypatch.chdir(tmp_path)
    assert main({"PORT": str(taken_port)}) == EXIT_UNAVAILABLE
    said = capsys.readouterr()
    assert f"Port {taken_port} is taken" in said.err
    assert "make demo PORT=" in said.err
    assert said.err.count("\n") == 1
    assert said.out == ""
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("port", ["abc", "0", "65536", "-1", "5100.5", "1e3", " ", "٣", "9" * 5_000])
def test_an_invalid_port_is_one_clear_line(
    port: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main({"PORT": port}) == EXIT_CONFIG
    said = capsys.readouterr()
    assert "PORT is wrong" in said.err
    assert said.err.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_a_directory_that_can_not_be_written_is_one_clear_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Here a file stands where it should be."""
    monkeypatch.chdir(tmp_path)
    Path("data").write_text("")
    assert main({"PORT": str(free_port())}) == EXIT_CANNOT_WRITE
    said = capsys.readouterr()
    assert "Cannot write" in said.err
    assert said.err.count("\n") == 1


def test_a_second_start_while_the_sample_is_made_is_one_clear_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    with locked(DATA_DIR):
        assert main({"PORT": str(free_port())}) == EXIT_BUSY
    assert capsys.readouterr().err.count("\n") == 1


@pytest.fixture(scope="module")
def demo() -> Iterator[tuple[Program, Server]]:
    """`python -m demo` in an empty directory, once it answers."""
    port = free_port()
    with running(["-m", "demo"], PORT=port) as program, answering(program, port) as server:
        yield program, Server(program, port, server.http, token=TOKEN)


@pytest.mark.server
def test_the_demo_says_how_to_try_it(demo: tuple[Program, Server]) -> None:
    """Address, dashboard, token and lines of curl, each with the address."""
    program, server = demo
    address = f"http://127.0.0.1:{server.port}"
    until(lambda: "Ctrl-C" in program.log, "the text of the demo")
    lines = [line.strip() for line in program.log.splitlines()]
    assert f"address    {address}" in lines
    assert f"dashboard  {address}/dashboard" in lines
    assert f"token      {TOKEN}" in lines
    tries = [line for line in lines if line.startswith("curl ")]
    assert len(tries) == 5
    assert all(address in line for line in tries)


@pytest.mark.server
def test_what_the_demo_says_to_try_works(demo: tuple[Program, Server]) -> None:
    """The paths of its curl lines, with its token: one or more of each subject."""
    program, server = demo
    until(lambda: "Ctrl-C" in program.log, "the text of the demo")
    address = f"http://127.0.0.1:{server.port}"
    paths = [line.split(address)[1].strip('"') for line in program.log.splitlines() if "curl " in line]
    of_the_app = ["/health", "/", "/v1/traffic?date_range=30d&compare=previous_period"]
    assert paths == [*of_the_app, "/analytics/v1/orgs", "/analytics/codebases"]
    for path in paths:
        assert server.get(path).status_code == 200


@pytest.mark.server
def test_the_demo_is_fresh_and_believable(demo: tuple[Program, Server]) -> None:
    """Health is `ok`, and there are ten thousand users."""
    server = demo[1]
    assert server.http.get("/health").json()["status"] == "ok"
    assert server.get("/").json()["data"]["traffic"]["unique_users"] == 10_000


@pytest.mark.server
def test_ctrl_c_ends_the_demo_cleanly() -> None:
    """Exit code 0 and no traceback."""
    port = free_port()
    with running(["-m", "demo"], PORT=port) as program, answering(program, port):
        assert program.end(signal.SIGINT) == EXIT_OK
        assert program.log.endswith("Stopped.\n")
        assert "Traceback" not in program.log


@pytest.mark.server
def test_the_demo_takes_nothing_from_a_real_deployment() -> None:
    """Neither its mail service nor its Sentry nor its first day."""
    port = free_port()
    environment = {
        "PORT": port,
        "BEA_BASE_URL": f"http://127.0.0.1:{free_port()}",
        "BEA_SECRET_KEY": "key",
        "SENTRY_ENVIRONMENT": "production",
        "FPP_ANALYTICS_SENTRY_DSN": "no-dsn",
        "START_DATE": "someday",
        "ANALYTICS_SECRET_TOKEN": "real",
        "DATA_DIR": "/nowhere",
    }
    with running(["-m", "demo"], **environment) as program, answering(program, port) as server:
        demo = Server(program, port, server.http, token=TOKEN)
        assert demo.get("/daily-analytics").status_code == 200
        assert demo.get("/").json()["data"]["historical"][0]["date"] == "2024-06-03"
