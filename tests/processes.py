"""Real processes and real sockets for the tests of the edges.

`serving` starts the server as an operator would, `finished` runs a command to its end, and `recording_service` stands
in for third parties: the e-mail service, the receiver of heartbeats and Sentry's ingestion.
"""

import gzip
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPResponse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import brotli  # type: ignore[import-untyped]  # it has none
import httpx
import zstandard

ROOT = Path(__file__).parent.parent
HOST = "127.0.0.1"
TOKEN = "a-token-for-tests"  # noqa: S105 - it guards made-up data
KEPT_VARIABLES = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR")
PATIENCE_S = 60.0
POLL_S = 0.02


def unzstd(packed: bytes) -> bytes:
    """Decompress Zstandard, streamed or not."""
    return zstandard.ZstdDecompressor().decompressobj().decompress(packed)


UNPACK: dict[str, Callable[[bytes], bytes]] = {"gzip": gzip.decompress, "br": brotli.decompress, "zstd": unzstd}


def free_port() -> int:
    """A free port."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def until[Found](
    look: Callable[[], Found], what: str = "what the test waits for", patience_s: float = PATIENCE_S
) -> Found:
    """The first true result of `look`; fails after `patience_s` seconds."""
    give_up = time.monotonic() + patience_s
    while not (found := look()):
        if time.monotonic() > give_up:
            raise AssertionError(f"Waited {patience_s:g} s in vain for {what}")
        time.sleep(POLL_S)
    return found


def clean_environment(**given: object) -> dict[str, str]:
    """The given variables and those a program needs to run, without the developer's settings."""
    kept = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
    return kept | {"PYTHONUNBUFFERED": "1"} | {name: str(value) for name, value in given.items()}


@dataclass(frozen=True)
class Program:
    """A running Python program."""

    process: subprocess.Popen[bytes]
    log_file: Path

    @property
    def log(self) -> str:
        """Its output so far, standard output and error together."""
        return self.log_file.read_text(encoding="utf-8", errors="replace")

    def end(self, with_signal: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal and wait; returns the exit code, negative if a signal ended it."""
        self.process.send_signal(with_signal)
        return self.process.wait(PATIENCE_S)


@contextmanager
def running(arguments: Sequence[object], **environment: object) -> Iterator[Program]:
    """Start `python ARGUMENTS` in an empty directory, where no `.env` is found; it is gone afterwards."""
    with tempfile.TemporaryDirectory() as directory:
        log_file = Path(directory) / "log"
        empty = Path(directory) / "empty"
        empty.mkdir()
        with log_file.open("wb") as log:
            process = subprocess.Popen(  # noqa: S603 - the tests' own arguments
                [sys.executable, *map(str, arguments)],
                cwd=empty,
                env=clean_environment(PYTHONPATH=ROOT, **environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        with process:
            try:
                yield Program(process, log_file)
            finally:
                stop(process)


def stop(process: subprocess.Popen[bytes]) -> None:
    """Terminate a process; kill it if it does not end."""
    process.terminate()
    try:
        process.wait(PATIENCE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        raise


def finished(arguments: Sequence[object], cwd: Path, **environment: object) -> subprocess.CompletedProcess[str]:
    """Run `python ARGUMENTS` to its end."""
    return subprocess.run(  # noqa: S603 - the tests' own arguments
        [sys.executable, *map(str, arguments)],
        cwd=cwd,
        env=clean_environment(PYTHONPATH=ROOT, **environment),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )


@dataclass(frozen=True)
class RawResponse:
    """An answer read from a bare socket."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Server:
    """A running server, and a client for it."""

    program: Program
    port: int
    http: httpx.Client
    token: str = TOKEN

    @property
    def log(self) -> str:
        """Its output so far."""
        return self.program.log

    def get(self, path: str) -> httpx.Response:
        """Send a GET with the token."""
        return self.http.get(path, headers={"Authorization": f"Bearer {self.token}"})

    def get_raw(self, path: str, header_lines: bytes) -> RawResponse:
        """Send a GET with header lines that no HTTP client would send; each ends with CR LF.

        Raises:
            ConnectionError: The server closed the connection without an answer.
        """
        head = f"GET {path} HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n".encode()
        with socket.create_connection((HOST, self.port), PATIENCE_S) as connection:
            with suppress(ConnectionError):  # The server may answer and close before it has read everything.
                connection.sendall(head + header_lines + b"\r\n")
            with closing(HTTPResponse(connection)) as response:
                response.begin()
                headers = {name.lower(): value for name, value in response.getheaders()}
                body = b""
                with suppress(ConnectionError):  # Closing without reading everything may truncate the answer.
                    body = response.read()
                return RawResponse(response.status, headers, body)


@contextmanager
def serving(data_dir: Path, *, app: str = "main:app", factory: bool = False, **environment: object) -> Iterator[Server]:
    """A real `uvicorn main:app` over a data directory, with only the given variables."""
    port = free_port()
    arguments = ["-m", "uvicorn", app, "--app-dir", ROOT, "--port", port, *(["--factory"] if factory else [])]
    variables = {"DATA_DIR": data_dir, "ANALYTICS_SECRET_TOKEN": TOKEN} | environment
    with running(arguments, **variables) as program, answering(program, port) as server:
        yield server


@contextmanager
def answering(program: Program, port: int, patience_s: float = PATIENCE_S) -> Iterator[Server]:
    """The server of a program, as soon as it answers."""
    with httpx.Client(base_url=f"http://{HOST}:{port}", timeout=PATIENCE_S, trust_env=False) as client:

        def answers() -> bool:
            if program.process.poll() is not None:
                raise AssertionError(f"The server ended with {program.process.returncode}:\n{program.log}")
            try:
                client.get("/health")
            except httpx.TransportError:
                return False
            return True

        until(answers, "the server to answer", patience_s)
        yield Server(program, port, client)


@dataclass(frozen=True)
class Received:
    """A request that the recording service received; header names are in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def content(self) -> bytes:
        """The body, decompressed."""
        encoding = self.headers.get("content-encoding")
        return UNPACK[encoding](self.body) if encoding else self.body


@dataclass
class RecordingService:
    """A local HTTP server that records requests and answers as configured: 200 by default."""

    port: int = field(default_factory=free_port)
    received: list[Received] = field(default_factory=list)
    _status: int = 200
    _headers: Mapping[str, str] = field(default_factory=dict)
    _garbage: bytes | None = None
    _may_answer: threading.Event = field(default_factory=threading.Event)
    _listening: ExitStack = field(default_factory=ExitStack)

    def __post_init__(self) -> None:
        self._may_answer.set()

    @property
    def url(self) -> str:
        """Its address, without a slash at the end."""
        return f"http://{HOST}:{self.port}"

    @property
    def sentry_dsn(self) -> str:
        """Its address as a Sentry project."""
        return f"http://key@{HOST}:{self.port}/1"

    def sentry_events(self) -> list[dict[str, Any]]:
        """The received Sentry events, in order."""
        envelopes = [request.content for request in self.received if request.path == "/api/1/envelope/"]
        return [json.loads(payload) for body in envelopes for kind, payload in envelope_items(body) if kind == "event"]

    def reset(self) -> None:
        """Forget all requests, answer 200 again, and release hanging requests."""
        self.received.clear()
        self._status, self._headers, self._garbage = 200, {}, None
        self._may_answer.set()

    def answers(self, status: int, **headers: str) -> None:
        """Answer with a status from now on."""
        self._status, self._headers = status, headers

    def talks_garbage(self, garbage: bytes) -> None:
        """Answer with these bytes instead of HTTP from now on."""
        self._garbage = garbage

    def hangs(self) -> None:
        """Accept requests without answering until `goes_on` or `reset`."""
        self._may_answer.clear()

    def goes_on(self) -> None:
        """Answer the waiting requests, and no longer hang."""
        self._may_answer.set()

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        """Answer one request as configured."""
        self._may_answer.wait()
        if self._garbage is not None:
            handler.wfile.write(self._garbage)
            return
        handler.send_response(self._status)
        for name, value in ({"Content-Length": "2"} | dict(self._headers)).items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(b"{}")

    def listen(self) -> None:
        """Accept connections from now on."""
        server = ThreadingHTTPServer((HOST, self.port), handler_of(self))
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": POLL_S})
        thread.start()
        self._listening.callback(thread.join)
        self._listening.callback(server.server_close)
        self._listening.callback(server.shutdown)

    def refuses(self) -> None:
        """Refuse connections from now on, until `listen`."""
        self._may_answer.set()
        self._listening.close()


def handler_of(service: RecordingService) -> type[BaseHTTPRequestHandler]:
    """The request handler that records for `service`."""

    class Handler(BaseHTTPRequestHandler):
        timeout = PATIENCE_S

        def record(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            body = self.rfile.read(int(headers.get("content-length", 0)))
            service.received.append(Received(self.command, self.path, headers, body))
            with suppress(ConnectionError):  # The client may have disconnected.
                service.answer(self)

        do_GET = do_POST = record  # noqa: N815 - the names http.server looks for

        def log_message(self, *_: object) -> None:
            """Write nothing."""

    return Handler


@contextmanager
def recording_service() -> Iterator[RecordingService]:
    """A service that listens and records."""
    service = RecordingService()
    service.listen()
    try:
        yield service
    finally:
        service.refuses()


def envelope_items(envelope: bytes) -> Iterator[tuple[str, bytes]]:
    """Type and payload of each item of a Sentry envelope; each has a JSON header line with its length."""
    rest = envelope.partition(b"\n")[2]
    while rest.strip():
        line, _, rest = rest.partition(b"\n")
        facts = json.loads(line)
        length = facts.get("length", len(rest.partition(b"\n")[0]))
        yield facts["type"], rest[:length]
        rest = rest[length:].removeprefix(b"\n")
