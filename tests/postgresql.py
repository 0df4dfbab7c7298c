"""A private, real PostgreSQL for the test session; `private_server` starts one that is gone afterwards."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psycopg

from tests.private_programs import (
    PrivateServerError,
    dies_with_us,
    found_program,
    free_port,
    install_packages,
    may_install,
    own_directory,
    run_as,
    run_quietly,
    stop,
    tail,
)

PROGRAMS = ("initdb", "postgres")
# Debian has a separate folder for each version's programs.
SEARCH_PATH = os.pathsep.join(
    [os.environ.get("PATH", os.defpath), *map(str, sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True))]
)
UNPRIVILEGED = "postgres"
START_S, INITIALISE_S = 30, 60


@dataclass(frozen=True)
class Server:
    """A server that answers on 127.0.0.1 without a password."""

    port: int
    pid: int

    def connect(self, database: str = "postgres") -> psycopg.Connection:
        """A connection in autocommit."""
        return psycopg.connect(
            host="127.0.0.1", port=self.port, user="tester", dbname=database, autocommit=True, connect_timeout=2
        )

    def url(self, database: str) -> str:
        """The SQLAlchemy URL of a database."""
        return f"postgresql+psycopg://tester@127.0.0.1:{self.port}/{database}"


@contextmanager
def private_server() -> Iterator[Server]:
    """A server with an empty data directory, in a time zone other than UTC.

    Enter it from the main thread: the kernel kills the server when the thread that started it ends.
    """
    install()
    with data_directory() as directory, running(directory) as server:
        yield server


@contextmanager
def data_directory() -> Iterator[Path]:
    """The directory of a server that has not run yet; it is removed however this process ends."""
    with own_directory("fpp-postgresql-") as directory:
        if run_as(UNPRIVILEGED):
            shutil.chown(directory, UNPRIVILEGED, UNPRIVILEGED)
        initdb = [found_program("initdb", SEARCH_PATH), "-D", str(directory / "data"), "-U", "tester"]
        options = ["--auth=trust", "--encoding=UTF8", "--no-locale", "--no-sync"]
        run_quietly([*initdb, *options], timeout_s=INITIALISE_S, cwd=directory, **run_as(UNPRIVILEGED))
        yield directory


def install() -> None:
    """Install Debian's `postgresql` if it is missing, without starting the system's own service.

    Raises:
        PrivateServerError: not root, no apt-get, or apt-get failed.
    """
    if all(shutil.which(name, path=SEARCH_PATH) for name in PROGRAMS):
        return
    if not may_install():
        raise PrivateServerError(f"{' and '.join(PROGRAMS)} not found: install PostgreSQL (Debian: postgresql)")
    install_packages("postgresql")


@contextmanager
def running(directory: Path, port: int | None = None) -> Iterator[Server]:
    """Run a server over a data directory until the block ends.

    Raises:
        PrivateServerError: it did not answer within `START_S`; the message ends with the tail of its log.
    """
    port = port or free_port()
    log = directory / "server.log"
    settings = [
        "listen_addresses=127.0.0.1",
        f"unix_socket_directories={directory}",
        "timezone=Asia/Kolkata",  # Not UTC, nor a whole hour, so that a forgotten conversion shows.
        # The data lives for one session: speed instead of durability.
        "fsync=off",
        "full_page_writes=off",
    ]
    options = [part for setting in settings for part in ("-c", setting)]
    with log.open("ab") as output:
        process = subprocess.Popen(  # noqa: S603 - fixed programs, no shell
            [
                *dies_with_us(),
                found_program("postgres", SEARCH_PATH),
                "-D",
                str(directory / "data"),
                "-p",
                str(port),
                *options,
            ],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=directory,
            start_new_session=True,  # Ctrl-C is for pytest, which then stops the server.
            **run_as(UNPRIVILEGED),
        )
    try:
        server = Server(port, process.pid)
        _wait_until_it_answers(server, process, log)
        yield server
    finally:
        # A "fast" shutdown: SIGTERM would wait for every client to disconnect.
        process.send_signal(signal.SIGINT)
        stop(process)


def _wait_until_it_answers(server: Server, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_S
    while process.poll() is None and time.monotonic() < deadline:
        with suppress(psycopg.Error), server.connect():
            return
        time.sleep(0.05)
    raise PrivateServerError(f"PostgreSQL does not answer; its log says:\n{tail(log.read_text(errors='replace'))}")
