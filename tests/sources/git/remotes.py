"""Remotes over HTTP, served by `git http-backend`: with a password, redirecting, hanging or missing."""

import base64
import os
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

HOST = "127.0.0.1"


@dataclass
class Remote:
    """A server of the repositories in a directory, and the requests it got."""

    directory: Path
    token: str | None = None
    # Where requests are redirected to; and whether requests hang.
    elsewhere: str | None = None
    hangs: bool = False
    # What is answered instead of git, with status 200.
    page: bytes | None = None
    # The status of an answer to a request for commits; other requests are answered.
    refuses_fetches: int | None = None
    fetches: int = 0
    port: int = 0
    paths: list[str] = field(default_factory=list)
    authorizations: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://{HOST}:{self.port}"

    def is_allowed(self, authorization: str | None) -> bool:
        """Whether a request carries the token as its password."""
        if self.token is None:
            return True
        scheme, _, value = (authorization or "").partition(" ")
        return scheme == "Basic" and base64.b64decode(value).decode().partition(":")[2] == self.token


def answer_by_git(request: BaseHTTPRequestHandler, directory: Path, body: bytes) -> None:
    """Answer a request with `git http-backend` over the repositories in a directory."""
    path, _, query = request.path.partition("?")
    environment = {
        "PATH": os.environ["PATH"],
        "GIT_PROJECT_ROOT": str(directory),
        "GIT_HTTP_EXPORT_ALL": "1",
        "GIT_PROTOCOL": request.headers.get("Git-Protocol", ""),
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "REQUEST_METHOD": request.command,
        "CONTENT_TYPE": request.headers.get("Content-Type", ""),
        "HTTP_CONTENT_ENCODING": request.headers.get("Content-Encoding", ""),
    }
    done = subprocess.run(["git", "http-backend"], input=body, capture_output=True, check=False, env=environment)  # noqa: S607 - the git of the machine
    head, _, content = done.stdout.partition(b"\r\n\r\n")
    lines = dict(line.split(": ", 1) for line in head.decode().split("\r\n") if line)
    request.send_response(int(lines.pop("Status", "200").split()[0]))
    for name, value in lines.items():
        request.send_header(name, value)
    request.end_headers()
    request.wfile.write(content)


@contextmanager
def serving(directory: Path, **settings: object) -> Iterator[Remote]:
    """Serve the repositories in a directory until the block is left."""
    remote = Remote(directory, **settings)  # type: ignore[arg-type]
    ended = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.answer()

        def do_POST(self) -> None:
            self.answer()

        def answer(self) -> None:
            remote.paths.append(self.path)
            authorization = self.headers.get("Authorization")
            if authorization:
                remote.authorizations.append(authorization)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            is_fetch = b"command=fetch" in body
            remote.fetches += is_fetch
            if remote.hangs:
                ended.wait()
            elif remote.page is not None:
                self.send_response(200)
                self.end_headers()
                self.wfile.write(remote.page)
            elif remote.elsewhere:
                self.send_response(302)
                self.send_header("Location", remote.elsewhere + self.path)
                self.end_headers()
            elif not remote.is_allowed(authorization):
                self.send_response(401)
                self.send_header("WWW-Authenticate", 'Basic realm="git"')
                self.end_headers()
            elif is_fetch and remote.refuses_fetches:
                self.send_response(remote.refuses_fetches)
                self.end_headers()
            else:
                answer_by_git(self, remote.directory, body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer((HOST, 0), Handler)
    server.daemon_threads = True
    remote.port = server.server_address[1]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield remote
    finally:
        ended.set()
        server.shutdown()
        server.server_close()


@contextmanager
def silent_port() -> Iterator[int]:
    """A port that accepts connections and never answers."""
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        listener.listen()
        yield listener.getsockname()[1]
