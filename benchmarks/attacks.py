"""What attacks cost the service: `python -m benchmarks.attacks`.

Each attack runs against a fresh `uvicorn main:app` over the sample at scale 1, while another process polls `/health`.
A minute later memory is read again; then the attack is repeated and the server is told to stop.
"""

import argparse
import asyncio
import logging
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from fastapi import FastAPI

from demo.publishing import publish_sample
from demo.sample import sample
from server import configured_app
from tests.processes import HOST, ROOT, TOKEN, Server, serving, until
from util.clock import utc_now

MB = 1_000_000
TICK_S = 0.002
LASTS_S = 15
MS = 1000
LARGE = "/v1/historical?granularity=hour&compare=previous_period&date_range=2015-01-{:02},2025-12-31"

type Attack = Callable[[Server, ExitStack], None]


# --- The attacks ------------------------------------------------------------------------------------------------------


def connect(server: Server, stack: ExitStack, sent: bytes) -> None:
    """Open a connection that sends some bytes, stays open and never reads."""
    client = stack.enter_context(socket.socket())
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    with suppress(OSError):
        client.settimeout(5)
        client.connect((HOST, server.port))
        client.sendall(sent)


def huge_headers(server: Server, stack: ExitStack) -> None:
    """One header of 128 MB, then 60 different ones of 8 MB."""
    connect(server, stack, b"GET /health HTTP/1.1\r\nHost: x\r\nA: " + b"x" * 128 * MB)
    for number in range(60):
        encodings = f"{number:08}".encode() * MB
        connect(server, stack, b"GET /health HTTP/1.1\r\nHost: x\r\nAccept-Encoding: " + encodings + b"\r\n\r\n")


def half_open(server: Server, stack: ExitStack) -> None:
    """1,500 connections that send nothing, half a head or half a body."""
    head = b"GET /health HTTP/1.1\r\nHost: x\r\n"
    for number in range(1_500):
        connect(server, stack, (b"", head, head + b"Transfer-Encoding: chunked\r\n\r\n5\r\nab")[number % 3])


def unread_answers(server: Server, stack: ExitStack) -> None:
    """20 clients that request 120 MB each and read nothing."""
    for number in range(20):
        head = f"GET {LARGE.format(number + 1)} HTTP/1.1\r\nHost: x\r\nAuthorization: {TOKEN}\r\n\r\n"
        connect(server, stack, head.encode())


def unread_pipelines(server: Server, stack: ExitStack) -> None:
    """20 clients that pipeline 1,500 requests and read nothing."""
    for _ in range(20):
        connect(server, stack, b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * 1_500)


def large_streams(server: Server, stack: ExitStack) -> None:
    """10 clients that download 120 MB each, compressed."""
    url, token = f"http://{HOST}:{server.port}", f"Authorization: {TOKEN}"
    for number in range(10):
        path = LARGE.format(number + 1)
        curl = ["curl", "-s", "--compressed", "-o", "/dev/null", "-H", token, f"{url}{path}"]
        stack.callback(subprocess.Popen(curl).wait)  # noqa: S603 - our own arguments


ATTACKS: tuple[Attack, ...] = (huge_headers, half_open, unread_answers, unread_pipelines, large_streams)


# --- The server, observed from outside --------------------------------------------------------------------------------


def watched_app() -> FastAPI:
    """The app of `main`, which logs on shutdown how long its event loop was blocked at most."""
    app = configured_app()
    inner = app.router.lifespan_context

    @asynccontextmanager
    async def lifespan(served: FastAPI) -> AsyncIterator[None]:
        async with inner(served):
            blocks: list[float] = []
            watch = asyncio.create_task(_watch(blocks))
            yield
            watch.cancel()
            logging.getLogger(__name__).info("longest block: %.1f ms", max(blocks) * MS)

    app.router.lifespan_context = lifespan
    return app


async def _watch(blocks: list[float]) -> None:
    """Sample the processor time of the loop's thread, which other processes do not affect."""
    while True:
        begun = time.thread_time()
        await asyncio.sleep(TICK_S)
        blocks.append(time.thread_time() - begun)


@contextmanager
def probing(server: Server) -> Iterator[list[float]]:
    """The latencies of `/health` during the block (ms), filled in when it ends."""
    found: list[float] = []
    arguments = [sys.executable, "-m", "benchmarks.health_probe", str(server.port)]
    with tempfile.TemporaryFile("w+") as lines:
        with subprocess.Popen(arguments, cwd=ROOT, stdout=lines) as process:  # noqa: S603 - our own arguments
            until(lambda: os.fstat(lines.fileno()).st_size, "the probe to begin")
            try:
                yield found
            finally:
                process.kill()
        lines.seek(0)
        found += [float(line) for line in lines.read().splitlines()]


def megabytes(server: Server, field: str = "VmRSS") -> float:
    """Memory of the server's process in megabytes; `VmHWM` is its peak."""
    lines = Path(f"/proc/{server.program.process.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{field}:")) * 1024 / MB


@dataclass(frozen=True)
class Measured:
    """The effects of one attack."""

    name: str
    health_p50_ms: float
    health_p99_ms: float
    block_ms: str
    start_mb: float
    peak_mb: float
    calm_mb: float
    exit_s: float

    def row(self) -> str:
        """A row of the table."""
        return (
            f"| {self.name} | {self.health_p50_ms:.0f} ms | {self.health_p99_ms:.0f} ms | {self.block_ms} "
            f"| {self.start_mb:.0f} MB | {self.peak_mb:.0f} MB | {self.calm_mb:.0f} MB | {self.exit_s:.1f} s |"
        )


def measure(attack: Attack, data_dir: Path, calm_s: float) -> Measured:
    """Run an attack twice on a new server."""
    with serving(data_dir, app="benchmarks.attacks:watched_app", factory=True) as server:
        for _ in range(3):
            server.get("/").raise_for_status()
        start = megabytes(server)
        with probing(server) as times, ExitStack() as first:
            attack(server, first)
            time.sleep(LASTS_S)
        time.sleep(calm_s)
        peak, calm = megabytes(server, "VmHWM"), megabytes(server)
        with ExitStack() as second:
            attack(server, second)
            time.sleep(1)
            stopped = time.monotonic()
            server.program.end(signal.SIGTERM)
            ended = time.monotonic() - stopped
        block = server.log.rpartition("longest block: ")[2].split("\n")[0] if "longest block" in server.log else "-"
    p99 = statistics.quantiles(times, n=100)[98]
    name = attack.__name__.replace("_", " ")
    return Measured(name, statistics.median(times), p99, block, start, peak, calm, ended)


def main() -> None:
    """Print a table of all attacks."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--calm", type=float, default=60, metavar="SECONDS", help="wait before reading memory again")
    options = parser.parse_args()
    print(
        "| attack | `/health` median | 99th percentile | longest block | memory before | peak | a minute later | exit |"
    )
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    with tempfile.TemporaryDirectory() as directory:
        publish_sample(sample(utc_now(), scale=1), Path(directory), utc_now())
        for attack in ATTACKS:
            print(measure(attack, Path(directory), options.calm).row(), flush=True)


if __name__ == "__main__":
    main()
