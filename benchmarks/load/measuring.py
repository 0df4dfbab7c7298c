"""One crowd of clients at a time, each before a server of its own, whose health somebody watches meanwhile."""

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
# What browsers accept.
ENCODINGS = {"Accept-Encoding": "gzip, deflate, br, zstd"}


@dataclass
class Watch:
    """What was seen from outside meanwhile: how long `/health` took, and how many threads the server had."""

    health_ms: list[float] = field(default_factory=list)
    threads: int = 0

    def health_percentile(self, percent: float) -> float:
        """What so many percent of the times stay at or below."""
        return sorted(self.health_ms)[max(math.ceil(len(self.health_ms) * percent / 100), 1) - 1]


@dataclass(frozen=True)
class Load:
    """One crowd, and how it and the server fared."""

    clients: int
    conditional: bool
    answers: Answers
    watch: Watch
    peak_mb: float


@dataclass(frozen=True)
class Loads:
    """All crowds over one data set, which asked for so long each."""

    data: DataSet
    seconds: float
    loads: Sequence[Load]

    def of(self, clients: int, *, conditional: bool = False) -> Load | None:
        """The crowd of this size; None when it was not asked for."""
        return next((load for load in self.loads if (load.clients, load.conditional) == (clients, conditional)), None)


def measure(data: DataSet, clients: Sequence[int], seconds: float, generator: Generator) -> Loads:
    """Let crowds of these sizes ask `/`, then some that know the answer already."""
    whole = [load(data, size, seconds, generator) for size in clients]
    shortly = min(seconds, CONDITIONAL_AT_MOST_S)
    known = [load(data, size, shortly, generator, conditional=True) for size in CONDITIONAL_CLIENTS]
    return Loads(data, seconds, [*whole, *known])


def load(data: DataSet, clients: int, seconds: float, generator: Generator, *, conditional: bool = False) -> Load:
    """One crowd before a new server, which has answered once before."""
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
    """The real server with its default settings, at the data set's instant; Polars takes the threads it likes."""
    variables = {server.NOW: data.now.isoformat(), "START_DATE": data.period.first.isoformat()}
    with serving(data.directory, app="benchmarks.server:app", factory=True, **variables) as running:
        yield running


@contextmanager
def watched(running: Server) -> Iterator[Watch]:
    """Ask `/health` all the time the block takes."""
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
            # However short the block is, there is a first look.
            if over.wait(max(due - time.perf_counter(), 0)) and turn:
                return
            watch.health_ms.append(_health_ms(client, due))
            threads = re.search(r"^Threads:\s+(\d+)$", status.read_text(encoding="utf-8"), re.MULTILINE)
            watch.threads = max(watch.threads, int(threads[1]) if threads else 0)


def _health_ms(client: httpx.Client, due: float) -> float:
    """The time from when the question was due, a late answer to the one before included; without one it is infinite."""
    try:
        client.get("/health").raise_for_status()
    except httpx.HTTPError:
        return math.inf
    return (time.perf_counter() - due) * MS_PER_S
