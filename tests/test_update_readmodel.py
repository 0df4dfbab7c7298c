"""The updater as an operator runs it: a process with variables, an exit code, and one line that says what is wrong."""

import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from demo.sample import sample
from read_model import locking
from tests.mariadb import quoted
from tests.processes import ROOT, RecordingService, clean_environment, finished, free_port, recording_service
from tests.source_database import SourceDatabase
from update_readmodel import KNOWN

pytestmark = pytest.mark.database

UPDATER = ROOT / "update_readmodel.py"


@pytest.fixture
def monitor() -> Iterator[RecordingService]:
    """Stands in for the heartbeat's receiver and for Sentry."""
    with recording_service() as service:
        yield service


def update(database: SourceDatabase, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the updater to its end."""
    database.data_dir.parent.mkdir(exist_ok=True)
    return finished([UPDATER, *arguments], database.data_dir.parent, **database.environment(**variables))


def heartbeats(service: RecordingService) -> list[dict[str, str]]:
    """The facts of each heartbeat."""
    queries = [parse_qs(urlsplit(request.path).query) for request in service.received if "/push/" in request.path]
    return [{name: values[0] for name, values in query.items()} for query in queries]


def test_run_publishes_and_ends_with_0(database: SourceDatabase) -> None:
    """The six tables stand in data/current, and the log says how many rows were read and by which driver."""
    database.fill(sample(datetime.now(UTC), scale=0.01))
    run = update(database)
    assert run.returncode == 0, run.stderr
    assert {path.name for path in (database.data_dir / "current").glob("*.parquet")} == {
        f"fpp_{name}.parquet" for name in ("estimations", "events", "page_views", "rooms", "votes", "users")
    }
    assert "C extension" in run.stderr
    assert "2,055 rows read" in run.stderr
    database.assert_in_step()


def test_settings_are_read_from_a_dotenv_file(database: SourceDatabase, tmp_path: Path) -> None:
    """A line per variable in the working directory's .env."""
    lines = [f"{name}={value}" for name, value in database.environment(DATA_DIR="./here").items()]
    (tmp_path / ".env").write_text("\n".join(lines))
    assert finished([UPDATER], tmp_path).returncode == 0
    assert (tmp_path / "here" / "current" / "fpp_votes.parquet").exists()


@pytest.mark.parametrize(
    ("variables", "exit_code", "says"),
    [
        ({"DB_PASSWORD": "wrong"}, 78, "check DB_USERNAME and DB_PASSWORD"),
        ({"DB_USERNAME": "nobody"}, 78, "check DB_USERNAME and DB_PASSWORD"),
        ({"DB_NAME": "no-such-database"}, 78, "DB_NAME"),
        ({"DB_HOST": "no-such-host.invalid"}, 69, "check DB_HOST"),
        ({"DB_PORT": str(free_port())}, 69, "check DB_HOST and DB_PORT"),
        ({"DB_PORT": "many"}, 78, "DB_PORT is wrong"),
        ({"DB_HOST": ""}, 78, "DB_HOST is missing"),
        ({"DATA_DIR": "/proc/nowhere"}, 73, "DATA_DIR /proc/nowhere"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else None,
)
def test_wrong_setting_is_one_line_that_names_it(
    database: SourceDatabase, variables: dict[str, str], exit_code: int, says: str
) -> None:
    """No traceback, no secret, the exit code of its kind."""
    run = update(database, **variables)
    assert run.returncode == exit_code, run.stderr
    problems = [line for line in run.stderr.splitlines() if " INFO " not in line]
    assert len(problems) == 1
    assert says in problems[0]
    assert "Traceback" not in run.stderr
    assert database.server.password not in run.stderr


def test_unwritable_directory_is_said_before_anything_is_read(database: SourceDatabase) -> None:
    """The database is not even contacted."""
    database.data_dir.parent.joinpath("data").write_text("a file in the way")
    run = update(database, DB_HOST="no-such-host.invalid")
    assert run.returncode == 73
    assert "DATA_DIR" in run.stderr


def test_unknown_argument_ends_with_64() -> None:
    """One line that leads to --help."""
    run = finished([UPDATER, "--fall"], ROOT)
    assert run.returncode == 64
    assert run.stderr.splitlines() == ["update_readmodel.py: unrecognized arguments: --fall. See --help"]


def test_help_explains_options_settings_and_exit_codes() -> None:
    """Every setting of the updater and every exit code it can end with."""
    run = finished([UPDATER, "--help"], ROOT)
    assert run.returncode == 0
    for told in ("--full", "--allow-shrink", "DB_HOST", "DB_PORT", "3306", "DATA_DIR", "UPTIMEKUMA_PUSH_URL"):
        assert told in run.stdout
    for code in (0, 64, 65, 69, 70, 73, 75, 78):
        assert f"{code:>4}  " in run.stdout


def test_missing_privilege_names_the_table(database: SourceDatabase) -> None:
    """A user who may read five of six tables; the snapshot of before stays."""
    database.sync()
    before = database.snapshot().manifest
    database.execute("CREATE OR REPLACE USER 'half'@'%' IDENTIFIED BY 'half-secret'")
    try:
        for table in ("fpp_estimations", "fpp_page_views", "fpp_rooms", "fpp_votes", "fpp_users"):
            database.execute(f"GRANT SELECT ON {quoted(database.name)}.{table} TO 'half'@'%'")
        run = update(database, DB_USERNAME="half", DB_PASSWORD="half-secret")  # noqa: S106 - a test's own
    finally:
        database.execute("DROP USER 'half'@'%'")
    assert run.returncode == 65
    assert "fpp_events" in run.stderr
    assert "grant SELECT" in run.stderr
    assert database.snapshot().manifest == before


def test_second_updater_ends_with_75(database: SourceDatabase) -> None:
    """While the lock is held by another."""
    with locking.locked(database.data_dir):
        run = update(database)
    assert run.returncode == 75
    assert "Another updater is at work" in run.stderr


def test_heartbeat_reports_success(database: SourceDatabase, monitor: RecordingService) -> None:
    """Up, what was done, and the run's milliseconds; these parameters of the URL are replaced."""
    run = update(database, UPTIMEKUMA_PUSH_URL=f"{monitor.url}/api/push/token?status=up&msg=OK&ping=")
    assert run.returncode == 0
    (beat,) = heartbeats(monitor)
    assert beat["status"] == "up"
    assert beat["msg"].startswith("published ")
    assert int(beat["ping"]) > 0


def test_heartbeat_reports_failure(database: SourceDatabase, monitor: RecordingService) -> None:
    """Down, with the line the operator sees."""
    database.execute("DROP TABLE fpp_events")
    run = update(database, UPTIMEKUMA_PUSH_URL=f"{monitor.url}/api/push/token")
    assert run.returncode == 65
    (beat,) = heartbeats(monitor)
    assert beat["status"] == "down"
    assert "fpp_events" in beat["msg"]


def test_failing_heartbeat_fails_no_run(database: SourceDatabase, monitor: RecordingService) -> None:
    """Refused with 500, then not there at all: the run succeeds, the log says so without the URL's secret."""
    monitor.answers(500)
    refused = update(database, UPTIMEKUMA_PUSH_URL=f"{monitor.url}/api/push/secret")
    monitor.refuses()
    absent = update(database, UPTIMEKUMA_PUSH_URL=f"{monitor.url}/api/push/secret")
    for run in (refused, absent):
        assert run.returncode == 0
        assert "UPTIMEKUMA_PUSH_URL" in run.stderr
        assert "secret" not in run.stderr


def test_failure_reaches_sentry_before_the_process_ends(database: SourceDatabase, monitor: RecordingService) -> None:
    """Once, at level error, from production only."""
    production = {"FPP_ANALYTICS_SENTRY_DSN": monitor.sentry_dsn, "SENTRY_ENVIRONMENT": "production"}
    database.execute("DROP TABLE fpp_events")
    update(database, **(production | {"SENTRY_ENVIRONMENT": "development"}))
    assert monitor.sentry_events() == []
    update(database, **production)
    (event,) = monitor.sentry_events()
    assert event["level"] == "error"
    assert event["environment"] == "production"
    assert "fpp_events" in event["exception"]["values"][0]["value"]


def test_success_and_a_busy_lock_are_not_reported(database: SourceDatabase, monitor: RecordingService) -> None:
    """Sentry hears of failures only."""
    production = {"FPP_ANALYTICS_SENTRY_DSN": monitor.sentry_dsn, "SENTRY_ENVIRONMENT": "production"}
    update(database, **production)
    with locking.locked(database.data_dir):
        update(database, **production)
    assert monitor.sentry_events() == []


def test_terminal_shows_rows_and_rate_per_table(database: SourceDatabase) -> None:
    """On a terminal there are bars instead of log lines."""
    database.fill(sample(datetime.now(UTC), scale=0.01))
    leader, follower = pty.openpty()
    with subprocess.Popen(  # noqa: S603 - the tests' own arguments
        [sys.executable, str(UPDATER)],
        cwd=database.data_dir.parent,
        env=clean_environment(PYTHONPATH=ROOT, TERM="xterm", COLUMNS="100", **database.environment()),
        stdin=subprocess.DEVNULL,
        stdout=follower,
        stderr=follower,
    ) as process:
        os.close(follower)
        shown = b""
        try:
            while chunk := os.read(leader, 65536):
                shown += chunk
        except OSError:
            pass  # The terminal is closed when the program has ended.
        finally:
            os.close(leader)
    assert process.returncode == 0
    assert b"fpp_estimations" in shown
    assert b"750 rows" in shown
    assert b"rows/s" in shown


# --- Several read models ----------------------------------------------------------------------------------------------


def collected(directory: Path, *, migrated: bool = True) -> dict[str, str]:
    """The variables of a collector's database in a directory, empty or missing."""
    variables = {"COLLECTOR_DATABASE_URL": f"sqlite:///{directory / 'collector.db'}"}
    if migrated:
        assert finished([ROOT / "collector.py", "migrate"], directory, **variables).returncode == 0
    return variables


def test_every_read_model_with_a_source_is_updated(database: SourceDatabase, tmp_path: Path) -> None:
    """Without names, both; the last lines tell the result of each."""
    run = update(database, **collected(tmp_path))
    assert run.returncode == 0, run.stderr
    assert [line.split(": ")[1] for line in run.stderr.splitlines()[-2:]] == ["fpp", "llm"]
    assert (database.data_dir / "current").exists()
    assert (database.data_dir / "llm" / "current").exists()


def test_a_read_model_that_fails_does_not_stop_the_others(
    database: SourceDatabase, monitor: RecordingService, tmp_path: Path
) -> None:
    """There is no collector database: 69, reported by one heartbeat, and the app's read model is published."""
    variables = collected(tmp_path, migrated=False)
    run = update(database, UPTIMEKUMA_PUSH_URL=f"{monitor.url}/push/x", **variables)
    assert run.returncode == 69
    assert run.stderr.splitlines()[-1].endswith("run `uv run python collector.py migrate`")
    (beat,) = heartbeats(monitor)
    assert beat["status"] == "down"
    assert "fpp: published" in beat["msg"]
    assert "llm: There is no file" in beat["msg"]
    database.assert_in_step()


def test_only_the_named_read_model_is_updated(database: SourceDatabase, tmp_path: Path) -> None:
    """The others are left as they are, and their settings are not looked at."""
    run = update(database, "llm", DB_HOST="", **collected(tmp_path))
    assert run.returncode == 0, run.stderr
    assert not (database.data_dir / "current").exists()


def test_an_unknown_read_model_is_a_wrong_argument() -> None:
    """64, and the line lists those there are."""
    run = finished([UPDATER, "llms"], ROOT)
    assert run.returncode == 64
    assert f"there is no read model llms; there are {', '.join(KNOWN)}" in run.stderr
