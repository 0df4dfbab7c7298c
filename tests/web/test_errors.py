"""Refusals are problem details; crashes are too, and are reported once."""

import json
import signal
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import httpx
import pytest

from tests.processes import PATIENCE_S, RecordingService, Server, free_port, serving, until
from tests.web.problems import problem

pytestmark = pytest.mark.server

type Reported = Callable[[], list[dict[str, Any]]]

CRASHES = {
    "/crash": ("RuntimeError", "a bug in a worker thread"),
    "/crash-in-the-loop": ("RuntimeError", "a bug in the event loop"),
    "/panic": ("PanicException", "a bug in the query engine"),
}


@pytest.mark.parametrize(
    "path", ["/nothing", "/room", "/room/1", "/room//stats", "/%00", "/a%3Fb", "/a%0Ab", "/..%2f..%2fetc/passwd"]
)
def test_an_unknown_path_is_404(server: Server, path: str) -> None:
    """It is told again, in the form of a URI."""
    found = problem(server.get(path), 404)
    assert found["instance"] == quote(unquote(path))
    assert found["instance"] in found["detail"]
    assert "/docs" in found["detail"]


@pytest.mark.parametrize("path", ["/", "/room/1/stats", "/daily-analytics", "/health"])
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_another_method_is_405(server: Server, method: str, path: str) -> None:
    answer = server.http.request(method, path, headers={"Authorization": server.token})
    assert problem(answer, 405)["detail"] == f"{path} answers GET, not {method}"
    assert answer.headers["Allow"] == "GET, HEAD"


def test_bytes_that_are_no_request_are_400(server: Server) -> None:
    """The parser refuses them; the server goes on."""
    assert server.get_raw("/ HTTP/9.9\r\nnonsense", b"").status == 400
    assert server.http.get("/health").status_code == 200


@pytest.mark.parametrize("path", CRASHES)
def test_a_crash_is_500_without_its_details(production: Server, path: str) -> None:
    """They are for the log, not for whoever asks."""
    answer = production.get(path)
    problem(answer, 500)
    assert "bug" not in answer.text


@pytest.mark.parametrize("path", CRASHES)
def test_a_crash_is_one_fatal_event(production: Server, reported: Reported, path: str) -> None:
    """It says what and on which request."""
    answer = production.get(path)
    (event,) = reported()
    kind, text = CRASHES[path]
    assert event["level"] == "fatal"
    assert event["environment"] == "production"
    assert {"type": kind, "value": text}.items() <= event["exception"]["values"][-1].items()
    assert f"GET {path}" in json.dumps(event["contexts"])
    assert answer.headers["X-Request-ID"] in json.dumps(event["contexts"])


@pytest.mark.parametrize("path", CRASHES)
def test_a_crash_is_logged_once(production: Server, path: str) -> None:
    """With its traceback and the request."""
    before = len(production.log)
    production.get(path)
    log = production.log[before:]
    assert log.count(f"{CRASHES[path][0]}: {CRASHES[path][1]}\n") == 1
    assert f"[request: GET {path}]" in log


def test_the_connection_goes_on_after_a_crash(production: Server) -> None:
    """A client that keeps it open is not cut off on its next request."""
    for path in CRASHES:
        assert production.get(path).status_code == 500
        assert production.get("/room/1/stats").status_code == 200


def test_a_crash_within_an_answer_is_one_fatal_event(production: Server, reported: Reported) -> None:
    """It is too late for another answer: the client sees that this one is not whole."""
    with pytest.raises(httpx.RemoteProtocolError, match="incomplete"):
        production.get("/crash-in-the-answer")
    (event,) = reported()
    assert event["level"] == "fatal"
    assert production.get("/room/1/stats").status_code == 200


def test_expected_errors_are_not_reported(production: Server, reported: Reported) -> None:
    """400, 401, 404, 405 and 422."""
    assert production.get("/room/0/stats").status_code == 400
    assert production.http.get("/").status_code == 401
    assert production.get("/nothing").status_code == 404
    assert production.http.post("/").status_code == 405
    assert production.get("/room/abc/stats").status_code == 422
    assert reported() == []


def test_events_keep_the_secrets(production: Server, sentry: RecordingService) -> None:
    """Neither the token nor the keys leave the server with them."""
    production.get("/crash")
    until(sentry.sentry_events, "an event")
    for request in sentry.received:
        assert production.token.encode() not in request.content
        assert b"mail-key" not in request.content


def crashing_server(data_dir: Path, dsn: str, **environment: str) -> AbstractContextManager[Server]:
    """A server of the test's own, with the routes of `crashing_app` and a Sentry."""
    app = "tests.web.crashing_app:make_app"
    return serving(data_dir, app=app, factory=True, FPP_ANALYTICS_SENTRY_DSN=dsn, **environment)


def test_missing_data_are_not_reported(data_dir: Path, sentry: RecordingService) -> None:
    """503 without a snapshot is expected; the crash is the first event."""
    with crashing_server(data_dir, sentry.sentry_dsn, SENTRY_ENVIRONMENT="production") as server:
        assert server.get("/").status_code == 503
        assert server.http.get("/health").status_code == 503
        server.get("/crash")
        server.program.end()
    assert [event["level"] for event in sentry.sentry_events()] == ["fatal"]


def test_the_last_events_are_sent_before_the_server_ends(data_dir: Path, sentry: RecordingService) -> None:
    """Sentry is slow to take the first, so the second still waits when the server is stopped."""
    with crashing_server(data_dir, sentry.sentry_dsn, SENTRY_ENVIRONMENT="production") as server:
        sentry.hangs()
        server.get("/crash/first")
        server.get("/crash/second")
        until(lambda: sentry.received, "the first event")
        server.program.process.send_signal(signal.SIGTERM)
        until(lambda: "Waiting for application shutdown" in server.log, "the server to heed the signal")
        sentry.goes_on()
        server.program.process.wait(PATIENCE_S)
    assert ["/crash/second" in json.dumps(event["contexts"]) for event in sentry.sentry_events()] == [False, True]


@pytest.mark.parametrize("environment", [{}, {"SENTRY_ENVIRONMENT": "staging"}], ids=["by default", "staging"])
def test_outside_production_nothing_is_sent(
    data_dir: Path, sentry: RecordingService, environment: dict[str, str]
) -> None:
    """The crash is in the log alone."""
    with crashing_server(data_dir, sentry.sentry_dsn, **environment) as server:
        assert server.get("/crash").status_code == 500
        server.program.end()
        assert "a bug in a worker thread" in server.log
    assert sentry.received == []


def test_a_sentry_that_is_away_changes_nothing(data_dir: Path) -> None:
    """The answer comes at once, and the server ends all the same."""
    dsn = f"http://key@127.0.0.1:{free_port()}/1"
    with crashing_server(data_dir, dsn, SENTRY_ENVIRONMENT="production") as server:
        assert server.get("/crash").status_code == 500
        server.program.end()
