"""Starting and stopping the server as a process."""

import signal
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from tests import oracle
from tests.processes import ROOT, TOKEN, Server, answering, finished, free_port, running, serving
from tests.served import Sample, on_one_day
from util.errors import EXIT_CONFIG
from web.serving.server import is_loopback

pytestmark = pytest.mark.server

COMMANDS: dict[str, list[object]] = {
    "uvicorn": ["-m", "uvicorn", "main:app", "--app-dir", ROOT],
    "python": [ROOT / "main.py"],
}
START_DATE = date(2026, 1, 1)


@pytest.fixture(scope="module")
def by_command(sampled: Sample) -> Iterator[Server]:
    """`python main.py` with PORT, START_DATE and half of the settings of the e-mail service."""
    port = free_port()
    variables = {
        "DATA_DIR": sampled.data_dir,
        "ANALYTICS_SECRET_TOKEN": TOKEN,
        "PORT": port,
        "START_DATE": START_DATE,
        "BEA_BASE_URL": "mail",
    }
    with running(COMMANDS["python"], **variables) as program, answering(program, port) as server:
        yield server


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    ("environment", "fault"),
    [
        ({}, "ANALYTICS_SECRET_TOKEN is missing"),
        ({"ANALYTICS_SECRET_TOKEN": ""}, "ANALYTICS_SECRET_TOKEN is missing"),
        ({"ANALYTICS_SECRET_TOKEN": TOKEN, "START_DATE": "someday"}, "START_DATE is wrong"),
        ({"TOKENS_FILE": "nowhere.toml"}, "TOKENS_FILE is wrong"),
    ],
    ids=["no token", "empty token", "wrong start date", "no tokens file"],
)
def test_a_wrong_setting_prevents_the_start(
    tmp_path: Path, command: str, environment: dict[str, str], fault: str
) -> None:
    """One line that names the variable, and the exit code of a wrong configuration."""
    ended = finished(COMMANDS[command], tmp_path, **environment)
    assert ended.returncode == EXIT_CONFIG
    assert fault in ended.stderr
    assert ended.stderr.count("\n") == 1
    assert ended.stdout == ""


@pytest.mark.parametrize("port", ["abc", "0", "70000"])
def test_a_wrong_port_prevents_the_start(tmp_path: Path, port: str) -> None:
    ended = finished(COMMANDS["python"], tmp_path, ANALYTICS_SECRET_TOKEN=TOKEN, PORT=port)
    assert ended.returncode == EXIT_CONFIG
    assert "PORT is wrong" in ended.stderr
    assert ended.stderr.count("\n") == 1


def test_a_wrong_sentry_dsn_prevents_the_start(tmp_path: Path) -> None:
    environment = {"SENTRY_ENVIRONMENT": "production", "FPP_ANALYTICS_SENTRY_DSN": "no-dsn"}
    arguments = [*COMMANDS["uvicorn"], "--port", free_port()]
    ended = finished(arguments, tmp_path, ANALYTICS_SECRET_TOKEN=TOKEN, **environment)
    assert ended.returncode == EXIT_CONFIG
    assert "FPP_ANALYTICS_SENTRY_DSN is wrong" in ended.stderr
    assert ended.stderr.count("\n") == 1


def test_settings_are_read_from_the_file_in_the_directory_of_the_start(tmp_path: Path) -> None:
    """`.env`, as in a clone of the repository."""
    (tmp_path / ".env").write_text("START_DATE=someday\nANALYTICS_SECRET_TOKEN=from-the-file\n")
    ended = finished(COMMANDS["uvicorn"], tmp_path)
    assert ended.returncode == EXIT_CONFIG
    assert "START_DATE is wrong" in ended.stderr
    assert "ANALYTICS_SECRET_TOKEN" not in ended.stderr


def test_the_command_serves_on_its_port(by_command: Server) -> None:
    """`python main.py` with PORT."""
    assert by_command.get("/room/1/stats").status_code == 200


def test_the_command_does_not_name_the_server(by_command: Server) -> None:
    assert "Server" not in by_command.http.get("/health").headers


def test_uvicorn_can_be_told_not_to_name_itself(sampled: Sample) -> None:
    """By a variable, as the README says."""
    with serving(sampled.data_dir, UVICORN_SERVER_HEADER="false") as server:
        assert "Server" not in server.http.get("/health").headers


def test_the_start_date_is_honoured(by_command: Server, sampled: Sample) -> None:
    """Series, visits and bounce rate begin there."""
    asked, answer = on_one_day(lambda: by_command.get("/"))
    assert answer.json()["data"] == oracle.bundle(sampled.rows, START_DATE, asked)
    assert answer.json()["data"]["historical"][0]["date"] == "2026-01-01"


def test_half_of_a_mail_configuration_is_said_at_the_start(by_command: Server) -> None:
    """Otherwise nobody would notice that no mail is sent."""
    (line,) = [line for line in by_command.log.splitlines() if "WARNING" in line]
    assert "BEA_BASE_URL" in line
    assert "BEA_SECRET_KEY" in line


@pytest.mark.parametrize("with_signal", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_server_cleanly(sampled: Sample, with_signal: signal.Signals) -> None:
    """It finishes its shutdown first, and says nothing of it but that."""
    with serving(sampled.data_dir) as server:
        assert server.get("/room/1/stats").status_code == 200
        code = server.program.end(with_signal)
        assert code in (0, -with_signal, 128 + with_signal)
        assert "Application shutdown complete" in server.log
        assert "ERROR" not in server.log


def test_a_request_is_not_logged_with_its_token(server: Server) -> None:
    server.get("/room/1/stats")
    assert '"GET /room/1/stats HTTP/1.1" 200' in server.log
    assert TOKEN not in server.log


def test_a_taken_port_is_said_without_a_traceback(server: Server, tmp_path: Path) -> None:
    ended = finished(COMMANDS["python"], tmp_path, ANALYTICS_SECRET_TOKEN=TOKEN, PORT=server.port)
    assert ended.returncode not in (0, -signal.SIGTERM)
    assert "address already in use" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("command", COMMANDS)
def test_a_short_token_is_refused_where_others_can_reach_the_server(tmp_path: Path, command: str) -> None:
    """Also in development: one line, before anything listens."""
    host = ["--host", "0.0.0.0"] if command == "uvicorn" else []  # noqa: S104 - it never gets so far
    listens = {} if host else {"HOST": "0.0.0.0"}  # noqa: S104
    ended = finished([*COMMANDS[command], *host], tmp_path, ANALYTICS_SECRET_TOKEN="short", **listens)  # noqa: S106
    assert ended.returncode == EXIT_CONFIG
    assert "at least 16 characters where other machines can reach the server" in ended.stderr
    assert [line for line in ended.stderr.splitlines() if not line.startswith("INFO")] == [
        ended.stderr.splitlines()[-1]
    ]


def test_a_short_token_is_a_warning_on_a_server_of_this_machine_alone(sampled: Sample) -> None:
    with serving(sampled.data_dir, ANALYTICS_SECRET_TOKEN="short") as server:  # noqa: S106
        assert "WARNING" in server.log
        assert "can be guessed" in server.log


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
def test_these_addresses_are_of_this_machine_alone(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.7", "", "example.com"])  # noqa: S104 - only looked at
def test_these_addresses_are_reachable_from_outside(host: str) -> None:
    assert not is_loopback(host)
