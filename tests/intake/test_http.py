"""The collector as senders meet it: a real process, real sockets."""

import gzip
import hashlib
import json
import signal
import socket
import sqlite3
import threading
import tomllib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from intake.database import database_url
from intake.migrating import migrate
from intake.server import configured_app
from intake.tables import DEAD_LETTERS, INTAKE_TOTALS, USAGE_EVENTS
from tests.intake.collecting import ORG_WRITER, READER, WRITER, Collector, collecting, environment, rows, tokens_file
from tests.intake.events import ORG, OTHER_ORG, event, event_id, ndjson
from tests.processes import HOST, PATIENCE_S, ROOT, finished, until

pytestmark = pytest.mark.server
NDJSON = "application/x-ndjson"


@pytest.fixture(scope="module")
def collector(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Collector]:
    """A collector over SQLite; each test uses events of its own."""
    directory = tmp_path_factory.mktemp("collector")
    url = database_url(f"sqlite:///{directory}/collector.db")
    migrate(url)
    with collecting(url, directory) as started:
        yield started


def ids(collector: Collector) -> list[str]:
    """The hex digits of all stored event ids."""
    return [row.event_id.hex() for row in collector.rows(USAGE_EVENTS)]


def test_good_events_are_kept_and_bad_ones_named(collector: Collector) -> None:
    """Two good ones, a repeat, one without its status, and a number."""
    bad = event(102)
    del bad["status"]
    answer = collector.post({"events": [event(100), event(101), event(100), bad, 7]})
    assert answer.status_code == 202
    told = answer.json()
    assert (told["accepted"], told["duplicates"]) == (2, 1)
    assert told["rejected"] == [
        {"index": 3, "event_id": event_id(102), "reason": "status is missing"},
        {"index": 4, "event_id": None, "reason": "an event is an object, this is 7"},
    ]
    stored = [row for row in collector.rows(USAGE_EVENTS) if row.batch_id == told["batch_id"]]
    assert len(stored) == 2
    letters = [row for row in collector.rows(DEAD_LETTERS) if row.batch_id == told["batch_id"]]
    assert [(row.position, row.reason, row.sender) for row in letters] == [
        (3, "status is missing", "gateway"),
        (4, "an event is an object, this is 7", "gateway"),
    ]


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(("number", "form"), [(200, "events"), (220, "array"), (240, "ndjson")])
def test_every_form_is_understood(collector: Collector, number: int, form: str, packed: bool) -> None:
    """An object, an array, lines; plain and gzipped."""
    sent = event(number + packed)
    body = {
        "events": json.dumps({"events": [sent]}).encode(),
        "array": json.dumps([sent]).encode(),
        "ndjson": ndjson(sent),
    }
    headers = {"content_type": NDJSON if form == "ndjson" else "application/json"}
    if packed:
        headers["content_encoding"] = "gzip"
    content = gzip.compress(body[form]) if packed else body[form]
    assert collector.post(content, **headers).json()["accepted"] == 1


def test_broken_line_is_rejected_by_its_index(collector: Collector) -> None:
    """Blank lines do not count; a line that is not UTF-8 is kept as well as possible."""
    body = ndjson(event(300)) + b'\n{"a":\n\xff\x00\n' + ndjson(event(301))
    told = collector.post(body, content_type=NDJSON).json()
    assert told["accepted"] == 2
    assert [rejected["index"] for rejected in told["rejected"]] == [1, 2]
    letters = [row for row in collector.rows(DEAD_LETTERS) if row.batch_id == told["batch_id"]]
    assert [letter.payload for letter in letters] == ['{"a":', "\\xff\\x00"]


def test_only_bad_events_are_202(collector: Collector) -> None:
    """Nothing accepted, everything named."""
    answer = collector.post([{}, {}])
    assert answer.status_code == 202
    assert answer.json()["accepted"] == 0
    assert len(answer.json()["rejected"]) == 2


def test_no_events_are_202(collector: Collector) -> None:
    """An empty batch is none."""
    assert collector.post([]).json()["rejected"] == []


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"{", {}, 400),
        (b"", {}, 400),
        (b"7", {}, 400),
        (b'{"event": []}', {}, 400),
        (b'{"events": [], "events": []}', {}, 400),
        (b"[" * 200_000, {}, 400),
        (b"no gzip", {"content_encoding": "gzip"}, 400),
        (gzip.compress(b"[]" * 1000, mtime=0)[:-9], {"content_encoding": "gzip"}, 400),
        (b"[]", {"content_encoding": "br"}, 415),
        (b"[" + b"{}," * 1000 + b"{}]", {}, 413),
        (b"{}\n" * 1001, {"content_type": NDJSON}, 413),
        (b" " * 5_000_001, {}, 413),
        (gzip.compress(b" " * 5_000_001, mtime=0), {"content_encoding": "gzip"}, 413),
    ],
)
def test_unusable_body_is_refused_whole(
    collector: Collector, body: bytes, headers: dict[str, str], status: int
) -> None:
    """As a problem that says what is wrong."""
    answer = collector.post(body, **headers)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"]


def test_body_of_5_million_bytes_and_1000_events_fits(collector: Collector) -> None:
    """The limits themselves are allowed."""
    body = json.dumps([event(number) for number in range(1000, 2000)]).encode()
    answer = collector.post(body + b" " * (5_000_000 - len(body)))
    assert answer.json()["accepted"] == 1000


def test_chunked_body_is_bounded(collector: Collector) -> None:
    """No length is announced, and the sender never ends."""
    head = (
        f"POST /analytics/v1/events HTTP/1.1\r\nHost: {HOST}\r\nAuthorization: Bearer {WRITER}\r\n"
        "Transfer-Encoding: chunked\r\n\r\n"
    )
    with socket.create_connection((HOST, collector.port), 20) as connection:
        connection.sendall(head.encode())
        chunk = b"100000\r\n" + b" " * 0x100000 + b"\r\n"
        for _ in range(5):
            connection.sendall(chunk)
        assert connection.recv(100).startswith(b"HTTP/1.1 413")


@pytest.mark.parametrize(("token", "status"), [(None, 401), ("wrong", 401), (READER, 403)])
@pytest.mark.parametrize("path", ["/analytics/v1/events", "/analytics/v1/events/validate"])
def test_token_needs_the_scope(collector: Collector, path: str, token: str | None, status: int) -> None:
    """Nothing they send is read."""
    assert collector.post([event(400)], path, token).status_code == status
    assert event_id(400).replace("-", "") not in ids(collector)


def test_refusals_are_logged_with_the_name(collector: Collector) -> None:
    """Of the token that lacks the scope, and of the one that brings a foreign organisation's events."""
    collector.post([event(401)], token=READER)
    collector.post([event(401, org_id=OTHER_ORG)], token=ORG_WRITER)
    assert "Refused the token grafana" in collector.program.log
    assert "Rejected 1 of 1 events of the token small" in collector.program.log
    assert READER not in collector.program.log


def test_event_of_another_organisation_is_rejected(collector: Collector) -> None:
    """Its own are kept, whatever their case."""
    told = collector.post([event(500, org_id=OTHER_ORG), event(500, org_id=ORG.upper())], token=ORG_WRITER).json()
    assert told["accepted"] == 1
    assert [rejected["index"] for rejected in told["rejected"]] == [0]
    assert OTHER_ORG in told["rejected"][0]["reason"]


def test_validation_stores_nothing(collector: Collector) -> None:
    """204 for good events, 400 with every fault for others; neither events nor dead letters nor counts."""
    before = [len(collector.rows(table)) for table in (USAGE_EVENTS, DEAD_LETTERS)]
    path = "/analytics/v1/events/validate"
    assert collector.post([event(600)], path).status_code == 204
    answer = collector.post([event(600), event(601, status="ok")], path)
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert [rejected["index"] for rejected in answer.json()["rejected"]] == [1]
    assert collector.post([event(600, org_id=OTHER_ORG)], path, ORG_WRITER).status_code == 400
    assert [len(collector.rows(table)) for table in (USAGE_EVENTS, DEAD_LETTERS)] == before


def test_metrics_are_the_counts_of_the_database(collector: Collector) -> None:
    """One line per source and result, conflicts and times."""
    collector.post([event(700), event(700), {}])
    told = collector.http.get("/metrics").text
    for row in collector.rows(INTAKE_TOTALS):
        assert f'analytics_ingestion_events_total{{result="{row.result}",source="{row.source}"}} {row.events}' in told
    duplicates = sum(row.events for row in collector.rows(INTAKE_TOTALS) if row.result == "duplicate")
    assert f"analytics_ingestion_dedupe_conflicts_total {float(duplicates)}" in told
    assert "analytics_ingestion_batch_seconds_bucket" in told


def test_health_needs_no_token(collector: Collector) -> None:
    """It says that all is well, and no more."""
    answer = collector.http.get("/health")
    assert answer.status_code == 200
    assert answer.json()["status"] == "ok"


def test_concurrent_senders_lose_and_double_nothing(collector: Collector) -> None:
    """Eight senders bring the same 300 events in small requests: each is accepted once."""
    counts: list[int] = []

    def send(offset: int) -> None:
        for start in range(0, 300, 20):
            part = [event(10_000 + (start + offset * 37 + each) % 300) for each in range(20)]
            counts.append(collector.post(part).json()["accepted"])

    senders = [threading.Thread(target=send, args=(offset,)) for offset in range(8)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    assert sum(counts) == 300


def test_acknowledged_events_survive_a_kill(tmp_path: Path) -> None:
    """SIGKILL while four senders are at work: what was acknowledged is there, and what is sent again is there once."""
    url = database_url(f"sqlite:///{tmp_path}/collector.db")
    migrate(url)
    acknowledged: list[int] = []
    for life in range(3):
        with collecting(url, tmp_path) as collector:
            threads = [
                threading.Thread(target=_send_until_dead, args=(collector, life, each, acknowledged))
                for each in range(4)
            ]
            for thread in threads:
                thread.start()
            enough = len(acknowledged) + 50
            until(partial(_is_longer, acknowledged, enough), "some events to be acknowledged")
            collector.program.process.send_signal(signal.SIGKILL)
            for thread in threads:
                thread.join()
    stored = [row.event_id.hex() for row in rows(url, USAGE_EVENTS)]
    assert len(stored) == len(set(stored))
    assert {event_id(number).replace("-", "") for number in acknowledged} <= set(stored)


def _is_longer(found: list[int], length: int) -> bool:
    return len(found) > length


def _send_until_dead(collector: Collector, life: int, sender: int, acknowledged: list[int]) -> None:
    for number in range(100_000):
        key = (life * 4 + sender) * 100_000 + number
        try:
            answer = collector.post([event(key)])
        except httpx.TransportError:
            return
        assert answer.json()["accepted"] == 1
        acknowledged.append(key)


def test_locked_database_is_503_and_recovers(tmp_path: Path) -> None:
    """Something holds the write lock for longer than a request waits: 503 with Retry-After, then all is well."""
    url = database_url(f"sqlite:///{tmp_path}/collector.db")
    migrate(url)
    with collecting(url, tmp_path, INTAKE_SECONDS="0.5") as collector:
        holder = sqlite3.connect(tmp_path / "collector.db", isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")
        answer = collector.post([event(1)])
        assert answer.status_code == 503
        assert int(answer.headers["retry-after"]) > 0
        assert collector.http.get("/health").status_code == 200
        holder.execute("ROLLBACK")
        holder.close()
        again = until(lambda: _json_of_202(collector, event(1)), "the collector to recover")
        # The first one was committed as soon as the lock was gone.
        assert (again["accepted"], again["duplicates"]) in {(0, 1), (1, 0)}
        assert len(collector.rows(USAGE_EVENTS)) == 1


def _json_of_202(collector: Collector, sent: dict[str, Any]) -> Any:
    answer = collector.post([sent])
    return answer.json() if answer.status_code == 202 else None


def test_request_beyond_the_capacity_of_the_backlog_is_503(tmp_path: Path) -> None:
    """Requests wait for a locked database until the backlog is full: a further one is told when to retry."""
    url = database_url(f"sqlite:///{tmp_path}/collector.db")
    migrate(url)
    with collecting(url, tmp_path, INTAKE_BYTES=10_000_000) as collector, ThreadPoolExecutor() as senders:
        holder = sqlite3.connect(tmp_path / "collector.db", isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")
        padding = b" " * 4_000_000
        # Two of them fit.
        sent = [senders.submit(collector.post, json.dumps([event(n)]).encode() + padding) for n in range(3)]
        refused = next(as_completed(sent, timeout=PATIENCE_S)).result()
        assert refused.status_code == 503
        assert int(refused.headers["retry-after"]) > 0
        assert "nothing of this request was kept" in refused.json()["detail"]
        holder.execute("ROLLBACK")
        holder.close()
        assert collector.post([event(9)]).status_code == 202
        accepted = [answer for answer in (future.result() for future in sent) if answer.status_code == 202]
        assert len(collector.rows(USAGE_EVENTS)) == len(accepted) + 1


def test_metrics_may_require_a_token(tmp_path: Path) -> None:
    """METRICS_TOKEN closes /metrics, and nothing else opens it."""
    url = database_url(f"sqlite:///{tmp_path}/collector.db")
    migrate(url)
    with collecting(url, tmp_path, METRICS_TOKEN="scrape-me") as collector:  # noqa: S106 - a test's own
        assert collector.http.get("/metrics").status_code == 401
        assert collector.http.get("/metrics", headers={"Authorization": f"Bearer {WRITER}"}).status_code == 401
        assert collector.http.get("/metrics", headers={"Authorization": "Bearer scrape-me"}).status_code == 200


@pytest.mark.parametrize(
    ("prepared", "variables", "exit_code", "says"),
    [
        (False, {}, 78, "uv run python collector.py migrate"),
        (True, {"TOKENS_FILE": ""}, 78, "TOKENS_FILE is missing"),
        (True, {"TOKENS_FILE": "nowhere.toml"}, 78, "TOKENS_FILE is wrong"),
        (True, {"COLLECTOR_DATABASE_URL": "oracle://x"}, 78, "oracle is not supported"),
        (True, {"COLLECTOR_DATABASE_URL": "rubbish"}, 78, "COLLECTOR_DATABASE_URL is not a database URL"),
        (True, {"COLLECTOR_DATABASE_URL": "sqlite://"}, 78, "COLLECTOR_DATABASE_URL needs a file"),
        (True, {"COLLECTOR_DATABASE_URL": "postgresql://x:secret@127.0.0.1:1/y"}, 69, "COLLECTOR_DATABASE_URL"),
        (True, {"LLM_PRICES": str(ROOT / "pyproject.toml")}, 78, "LLM_PRICES is wrong"),
        (True, {"JWT_ISSUER": "someone"}, 78, "JWT_JWKS, JWT_ISSUER and JWT_AUDIENCE"),
    ],
)
def test_collector_refuses_to_start_with_one_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    prepared: bool,
    variables: dict[str, str],
    exit_code: int,
    says: str,
) -> None:
    """It says what is wrong and what to do, and no secret."""
    url = database_url(f"sqlite:///{tmp_path}/collector.db")
    if prepared:
        migrate(url)
    for name, value in (environment(url, tmp_path) | variables).items():
        monkeypatch.setenv(name, str(value))
    with pytest.raises(SystemExit) as ended:
        configured_app()
    told = capsys.readouterr().err
    assert ended.value.code == exit_code
    assert says in told
    assert "secret" not in told
    assert told.count("\n") == 1


def test_uvicorn_shows_the_line(tmp_path: Path) -> None:
    """And its process ends with the exit code."""
    url = database_url(f"sqlite:///{tmp_path}/collector.db")
    run = finished(["-m", "uvicorn", "collector:app", "--app-dir", ROOT], tmp_path, **environment(url, tmp_path))
    assert run.returncode == 78
    assert "uv run python collector.py migrate" in run.stderr
    assert "Traceback" not in run.stderr


def test_new_token_is_printed_once_with_its_lines(tmp_path: Path) -> None:
    """The lines are TOML that TOKENS_FILE takes, with the hash of what was printed."""
    run = finished(
        [ROOT / "collector.py", "token", "new", "--name", "gateway", "--scope", "llm:write", "--org", "*"], tmp_path
    )
    assert run.returncode == 0, run.stderr
    first, _, lines = run.stdout.partition("\n")
    secret = first.removeprefix("token: ")
    (token,) = tomllib.loads(lines)["token"]
    assert token == {
        "name": "gateway",
        "sha256": hashlib.sha256(secret.encode()).hexdigest(),
        "scopes": ["llm:write"],
        "orgs": ["*"],
    }
    assert len(secret) >= 40
    assert tokens_file(tmp_path).exists()
