"""Measures one crowd of clients at a time, each on a fresh server whose `/health` is polled meanwhile."""

import math
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import httpx

from benchmarks import server
from benchmarks.contenders import peak_mb
from benchmarks.data import DataSet
from benchmarks.load.hey import Answers
from benchmarks.worker import MS_PER_S
from tests.processes import HOST, PATIENCE_S, Server, serving

type Generator = Callable[[str, Mapping[str, str], int, float], Answers]

HEALTH_EVERY_S = 0.05
CONDITIONAL_CLIENTS = (1, 8)
CONDITIONAL_AT_MOST_S = 5.0
# The encodings that browsers accept.
ENCODINGS = {"Accept-Encoding": "gzip, deflate, br, zstd"}


@dataclass
class Watch:
    """Observations during a crowd: the latencies of `/health`, and the server's number of threads."""

    health_ms: list[float] = field(default_factory=list)
    threads: int = 0

    def health_percentile(self, percent: float) -> float:
        """A percentile of the latencies."""
        return sorted(self.health_ms)[max(math.ceil(len(self.health_ms) * percent / 100), 1) - 1]


@dataclass(frozen=True)
class Load:
    """One crowd: its answers, and the state of the server."""

    clients: int
    conditional: bool
    answers: Answers
    watch: Watch
    peak_mb: float


@dataclass(frozen=True)
class Loads:
    """All crowds over one data set, each of the same duration."""

    data: DataSet
    seconds: float
    loads: Sequence[Load]

    def of(self, clients: int, *, conditional: bool = False) -> Load | None:
        """The crowd of this size; None if it was not measured."""
        return next((load for load in self.loads if (load.clients, load.conditional) == (clients, conditional)), None)


def measure(data: DataSet, clients: Sequence[int], seconds: float, generator: Generator) -> Loads:
    """Measure crowds of these sizes on `/`, then some that send the ETag they already have."""
    whole = [load(data, size, seconds, generator) for size in clients]
    shortly = min(seconds, CONDITIONAL_AT_MOST_S)
    known = [load(data, size, shortly, generator, conditional=True) for size in CONDITIONAL_CLIENTS]
    return Loads(data, seconds, [*whole, *known])


def load(data: DataSet, clients: int, seconds: float, generator: Generator, *, conditional: bool = False) -> Load:
    """One crowd on a new server, which is warmed up with one request."""
    with crowded_server(data) as running:
        tag = running.get("/").raise_for_status().headers["ETag"]
        headers = {"Authorization": f"Bearer {running.token}"} | ENCODINGS
        with watched(running) as watch:
            answers = generator(
                f"http://{HOST}:{running.port}/",
                headers | ({"If-None-Match": tag} if conditional else {}),
                clients,
                seconds,
            )
        return Load(clients, conditional, answers, watch, peak_mb(running.program.process.pid))


@contextmanager
def crowded_server(data: DataSet) -> Iterator[Server]:
    """The real server with default settings, at the data set's instant; Polars chooses its number of threads."""
    variables = {server.NOW: data.now.isoformat(), "START_DATE": data.period.first.isoformat()}
    with serving(data.directory, app="benchmarks.server:app", factory=True, **variables) as running:
        yield running


@contextmanager
def watched(running: Server) -> Iterator[Watch]:
    """Poll `/health` for the length of the block."""
    watch, over = Watch(), threading.Event()
    thread = threading.Thread(target=_look_on, args=(running, watch, over))
    thread.start()
    try:
        yield watch
    finally:
        over.set()
        thread.join()


def _look_on(running: Server, watch: Watch, over: threading.Event) -> None:
    status = Path(f"/proc/{running.program.process.pid}/status")
    with httpx.Client(base_url=running.http.base_url, timeout=PATIENCE_S, trust_env=False) as client:
        start = time.perf_counter()
        for turn in count():
            due = start + turn * HEALTH_EVERY_S
            # Take at least one sample, however short the block is.
            if over.wait(max(due - time.perf_counter(), 0)) and turn:
                return
            watch.health_ms.append(_health_ms(client, due))
            threads = re.search(r"^Threads:\s+(\d+)$", status.read_text(encoding="utf-8"), re.MULTILINE)
            watch.threads = max(watch.threads, int(threads[1]) if threads else 0)


def _health_ms(client: httpx.Client, due: float) -> float:
    """The latency from when the request was due, so that a late previous answer counts; infinite without an answer."""
    try:
        client.get("/health").raise_for_status()
    except httpx.HTTPError:
        return math.inf
    return (time.perf_counter() - due) * MS_PER_S
