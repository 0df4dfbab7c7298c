"""Malicious clients against a real server: the resources they can use are limited, and others are served meanwhile."""

import json
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from tests.faults.readers import ask
from tests.processes import (
    HOST,
    PATIENCE_S,
    ROOT,
    TOKEN,
    Server,
    answering,
    free_port,
    recording_service,
    running,
    serving,
    until,
)
from tests.served import Sample

pytestmark = pytest.mark.server

HEAD = b"GET /health HTTP/1.1\r\nHost: test\r\n"
QUICK: dict[str, Any] = {"REQUEST_TIMEOUT_SECONDS": 1, "WRITE_TIMEOUT_SECONDS": 1, "GRACEFUL_SHUTDOWN_SECONDS": 1}
MB = 1_000_000
# Some 6 MB, in one body.
LARGE = "/v1/historical?granularity=hour&date_range=2025-01-01,2025-12-31&timezone={}"
HEADERS_TOO_LARGE = 431


@pytest.fixture(scope="module")
def server(sampled: Sample) -> Iterator[Server]:
    """A server with short timeouts that allows 20 connections and 1 MB of answers."""
    with serving(sampled.data_dir, **QUICK, MAX_CONNECTIONS=20, ANSWER_BUDGET_MB=1) as started:
        yield started


@contextmanager
def connected(server: Server, sent: bytes = b"", receives: int | None = None) -> Iterator[socket.socket]:
    """A connection on which something was sent; `receives` is the size of its buffer, which the system rounds up."""
    with socket.socket() as client:
        if receives is not None:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receives)
        client.settimeout(PATIENCE_S)
        client.connect((HOST, server.port))
        with suppress(ConnectionError):  # The server may have refused it half-way.
            client.sendall(sent)
        yield client


def everything(client: socket.socket) -> bytes:
    """Everything received until the server closes the connection."""
    found = b""
    with suppress(ConnectionError):
        while data := client.recv(65_536):
            found += data
    return found


def status(answer: bytes) -> int:
    """The status of an answer that was read from a socket."""
    return int(answer.split(b" ", 2)[1])


def resident_mb(server: Server) -> float:
    """Memory of the server's process, in 10⁶ bytes."""
    lines = Path(f"/proc/{server.program.process.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:")) * 1024 / MB


def get(path: str) -> bytes:
    """A request with the token."""
    return f"GET {path} HTTP/1.1\r\nHost: test\r\nAuthorization: {TOKEN}\r\n\r\n".encode()


# --- Heads ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (HEAD + b"A: " + b"x" * 8_180 + b"\r\n\r\n", 200),
        (HEAD + b"A: " + b"x" * 8_190 + b"\r\n\r\n", 431),
        (HEAD + b"A" * 8_191 + b": x\r\n\r\n", 431),
        (HEAD + (b"A: " + b"x" * 7_000 + b"\r\n") * 4 + b"\r\n", 200),
        (HEAD + (b"A: " + b"x" * 7_000 + b"\r\n") * 5 + b"\r\n", 431),
        (HEAD + b"A: x\r\n" * 190 + b"\r\n", 200),
        (HEAD + b"A: x\r\n" * 1_000 + b"\r\n", 431),
        (b"GET /" + b"x" * 40_000 + b" HTTP/1.1\r\nHost: test\r\n\r\n", 414),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\nA: " + b"x" * 9_000 + b"\r\n\r\n", 431),
        (HEAD.replace(b"/health", b"/ health"), 400),
        (b"\r\n" * 5_000, 431),
    ],
    ids=[
        "a long line",
        "a longer line",
        "a longer name",
        "28 kB",
        "35 kB",
        "190 lines",
        "1,000 lines",
        "URL",
        "trailer",
        "garbage",
        "blank lines",
    ],
)
def test_attack_01_a_head_that_is_too_large_is_refused(server: Server, head: bytes, expected: int) -> None:
    """As problem details, after which the server closes the connection; within the limits it is served."""
    with connected(server, head) as client:
        answer = client.recv(65_536) if expected == 200 else everything(client)
        assert status(answer) == expected
        if expected != 200:
            fields, body = answer.split(b"\r\n\r\n", 1)
            problem = json.loads(body)
            assert problem["status"] == expected
            assert f"X-Request-ID: {problem['request_id']}".encode() in fields


def test_attack_01_a_line_without_end_is_refused_before_its_end(server: Server) -> None:
    """64 MB of one header: the answer comes long before its end, and nothing of it stays in memory."""
    before = resident_mb(server)
    with connected(server, HEAD + b"A: ") as client:
        with suppress(ConnectionError):
            for _ in range(64):
                client.sendall(b"x" * MB)
        assert status(client.recv(65_536)) == HEADERS_TOO_LARGE
    assert resident_mb(server) < before + 20


def test_attack_01_what_clients_accept_is_not_kept(server: Server) -> None:
    """60 lists of encodings, as long as a line may be, and 60 that are longer."""
    before = resident_mb(server)
    for size in (7_000, 4 * MB):
        for number in range(60):
            accepted = str(number % 10).encode() * size
            with connected(server, HEAD + b"Accept-Encoding: " + accepted + b"\r\n\r\n") as client:
                assert status(client.recv(65_536)) == (200 if size == 7_000 else HEADERS_TOO_LARGE)
    assert resident_mb(server) < before + 20


# --- Clients that stop ------------------------------------------------------------------------------------------------

UNFINISHED_BODY = HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nab"
STALLS = {
    "nothing": b"",
    "half a head": HEAD,
    "half a body": UNFINISHED_BODY,
    "half a body nobody waits for": HEAD + b"Content-Length: 100\r\n\r\nab",
    "pipelined and unread": b"GET /docs/parts/swagger-ui-bundle.js HTTP/1.1\r\nHost: test\r\n\r\n" * 500,
    "a large answer unread": get(LARGE.format("UTC")),
}


COMMANDS: dict[str, list[object]] = {
    "uvicorn": ["-m", "uvicorn", "main:app", "--app-dir", ROOT, "--port"],
    "python": [ROOT / "main.py"],
}


@pytest.mark.parametrize("command", COMMANDS)
def test_attack_02_no_client_keeps_the_server_from_ending(sampled: Sample, command: str) -> None:
    """Two of each kind, still connected at SIGTERM; only the grace period counts."""
    port = free_port()
    variables = {"DATA_DIR": sampled.data_dir, "ANALYTICS_SECRET_TOKEN": TOKEN, "PORT": port}
    patient = QUICK | {"REQUEST_TIMEOUT_SECONDS": 1000, "WRITE_TIMEOUT_SECONDS": 1000}
    with ExitStack() as stack:
        program = stack.enter_context(running([*COMMANDS[command], port], **variables, **patient))
        server = stack.enter_context(answering(program, port))
        for sent in 2 * list(STALLS.values()):
            stack.enter_context(connected(server, sent, receives=4_096))
        until(lambda: '"GET /v1/historical HTTP/1.1" 200' in server.log, "the large answer to begin")
        assert program.end() in (-signal.SIGTERM, 128 + signal.SIGTERM)
        assert "Cancel" in server.log
        assert "the process was terminated" not in server.log


def test_attack_02_no_computation_keeps_the_server_from_ending(sampled: Sample) -> None:
    """Nothing cancels a thread: the process ends all the same."""
    with (
        serving(sampled.data_dir, app="tests.faults.sleeping_app:make_app", factory=True, **QUICK) as server,
        connected(server, get("/sleep")),
    ):
        until(lambda: "asleep" in server.log, "the request to begin")
        assert server.program.end() == -signal.SIGTERM


def test_attack_02_no_report_keeps_the_server_from_ending(sampled: Sample) -> None:
    """Sentry takes the connection and never answers: the process does not wait for it, and says so."""
    with recording_service() as sentry:
        sentry.hangs()
        environment = {"SENTRY_ENVIRONMENT": "production", "FPP_ANALYTICS_SENTRY_DSN": sentry.sentry_dsn}
        app = "tests.web.crashing_app:make_app"
        with serving(sampled.data_dir, app=app, factory=True, **QUICK, **environment) as server:
            assert server.get("/crash").status_code == 500
            assert server.program.end() == 128 + signal.SIGTERM
            assert "the process was terminated" in server.log


@pytest.mark.parametrize(
    ("sent", "answer"),
    [
        (STALLS["nothing"], None),
        (STALLS["half a head"], 408),
        (STALLS["half a body"], 408),
        (STALLS["half a body nobody waits for"], 200),
        (STALLS["pipelined and unread"], 200),
        (STALLS["a large answer unread"], 200),
        (HEAD + b"\r\n", 200),
    ],
    ids=[*STALLS, "an idle connection"],
)
def test_attack_03_a_connection_that_stalls_is_ended(server: Server, sent: bytes, answer: int | None) -> None:
    """Within the time limits; a client that sent no complete request is told so."""
    with connected(server, sent, receives=4_096) as client:
        if sent in (STALLS["pipelined and unread"], STALLS["a large answer unread"]):
            until(lambda: connections_of(server) == 0, "the server to drop the client")
        found = everything(client)
    assert (status(found) if found else None) == answer


def connections_of(server: Server) -> int:
    """Connections that are open at the server's side, those of its own client apart."""
    own = f":{server.port:04X} "
    rows = Path("/proc/net/tcp").read_text().splitlines()[1:]
    states = [row.split()[3] for row in rows if own in row.split()[1] + " "]
    return states.count("01") - 1


def test_attack_03_health_is_answered_beyond_the_limit_of_connections(server: Server) -> None:
    """A hundred connections that send nothing, half a head or half a body, where twenty are allowed."""
    with ExitStack() as stack:
        for number in range(100):
            sent = list(STALLS.values())[number % 3]
            stack.enter_context(connected(server, sent))
            if number % 10 == 0:
                assert ask(server, "/health").status == 200
    until(lambda: "More than 20 connections" in server.log, "the warning")


def test_attack_03_only_health_is_answered_while_all_connections_are_busy(sampled: Sample) -> None:
    """Three clients do not read, and no connection can be closed for others: these get 503, but /health is answered."""
    unread = STALLS["pipelined and unread"]
    with serving(sampled.data_dir, MAX_CONNECTIONS=3) as server, ExitStack() as stack:
        for _ in range(4):
            stack.enter_context(connected(server, unread, receives=4_096))
        until(lambda: server.log.count("swagger-ui-bundle") >= 3, "the answers to begin")
        time.sleep(0.5)
        assert ask(server, "/health").status == 200
        assert ask(server, "/room/1/stats").is_clean_503


# --- Answers ----------------------------------------------------------------------------------------------------------


def test_attack_04_an_answer_that_does_not_fit_is_refused_until_it_fits(server: Server) -> None:
    """One large answer is not read: another one is 503 meanwhile, a small one is not; then the client is cut off."""
    with connected(server, get(LARGE.format("UTC")), receives=4_096) as client:
        assert status(client.recv(1_000)) == 200
        refused = ask(server, LARGE.format("Europe/Berlin"))
        assert refused.is_clean_503
        assert b"on their way to slow clients" in refused.body
        assert ask(server, "/room/1/stats").status == 200
        until(lambda: ask(server, LARGE.format("Europe/Berlin")).status == 200, "room")
        assert len(everything(client)) < 5 * MB


def test_attack_04_streams_count_too(server: Server) -> None:
    """The same as a table, sent piece by piece."""
    stream = f"{LARGE.format('UTC')}&format=ndjson"
    with connected(server, get(stream), receives=4_096) as client:
        assert status(client.recv(1_000)) == 200
        assert ask(server, f"{LARGE.format('Europe/Berlin')}&format=csv").is_clean_503
        until(lambda: ask(server, f"{LARGE.format('Europe/Berlin')}&format=csv").status == 200, "room")
