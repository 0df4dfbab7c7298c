"""The contenders: long-running processes that do the same job again and again."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from http.client import HTTPConnection
from pathlib import Path
from select import select
from statistics import fmean, median, quantiles
from typing import Any

from benchmarks import server
from benchmarks.data import DataSet
from benchmarks.worker import BUNDLE, FIGURES, MS_PER_S
from tests.processes import HOST, ROOT, Server, serving
from util import allocator

THREADS = 2
# The server configures its allocator itself; the other contenders get the same setting.
ENVIRONMENT = {"POLARS_MAX_THREADS": str(THREADS), allocator.VARIABLE: allocator.SETTING}
TICKS_PER_S = os.sysconf("SC_CLK_TCK")


@dataclass
class Contender:
    """Something that is measured.

    `ask` does the work once and returns how long it took, in milliseconds. `times` and `processor` (milliseconds on all
    cores) have one entry per call.
    """

    name: str
    process: int
    ask: Callable[[], float]
    times: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)
    peak_mb: float = 0

    def measure(self) -> None:
        """Do the work once more."""
        before = processor_ms(self.process)
        self.times.append(self.ask())
        self.processor.append(processor_ms(self.process) - before)
        self.peak_mb = peak_mb(self.process)

    @property
    def median_ms(self) -> float:
        """The median time."""
        return median(self.times)

    @property
    def p95_ms(self) -> float:
        """The 95th percentile of the times."""
        return quantiles(self.times, n=20, method="inclusive")[-1] if len(self.times) > 1 else self.times[0]

    @property
    def processor_ms(self) -> float:
        """The mean processor time; a mean because the system counts in steps of 10 ms."""
        return fmean(self.processor)


@dataclass(frozen=True)
class Worker:
    """A running `benchmarks.worker`."""

    process: subprocess.Popen[str]

    def do(self, job: str) -> Any:
        """Run a job and return its result.

        Raises:
            RuntimeError: The worker ended.
        """
        assert self.process.stdin  # noqa: S101 - for the type
        assert self.process.stdout  # noqa: S101 - for the type
        self.process.stdin.write(f"{job}\n")
        self.process.stdin.flush()
        if not (line := self.process.stdout.readline()):
            raise RuntimeError(f"The worker ended with {self.process.wait()}: see above")
        return json.loads(line)

    def figures(self) -> Any:
        """The figures it computes."""
        return self.do(FIGURES)

    def contender(self, name: str, job: str = BUNDLE) -> Contender:
        """A contender that runs this job in this worker."""
        return Contender(name, self.process.pid, lambda: float(self.do(job)))


@contextmanager
def worker(kind: str, data: DataSet) -> Iterator[Worker]:
    """Run a worker for the length of the block."""
    with subprocess.Popen(  # noqa: S603 - our own module
        [sys.executable, "-m", "benchmarks.worker", kind, f"{data.scale:g}"],
        cwd=ROOT,
        env=os.environ | ENVIRONMENT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield Worker(process)
        assert process.stdin  # noqa: S101 - for the type
        process.stdin.close()


@contextmanager
def http_server(data: DataSet) -> Iterator[Server]:
    """The real server over a data set, with its clock at the data set's instant."""
    variables = {server.NOW: data.now.isoformat(), "START_DATE": data.period.first.isoformat()}
    with serving(data.directory, app="benchmarks.server:app", factory=True, **ENVIRONMENT, **variables) as running:
        yield running


def page(running: Server, name: str, path: str) -> Contender:
    """Requests a page over a kept-alive connection and reads all of it, compressed as for browsers."""
    headers = {"Authorization": f"Bearer {running.token}", "Accept-Encoding": "zstd"}
    connection = HTTPConnection(HOST, running.port)

    def ask() -> float:
        # A socket that is readable between requests means that the server closed the idle connection.
        if connection.sock is None or select([connection.sock], [], [], 0)[0]:
            connection.close()
            connection.connect()
        start = time.perf_counter()
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        body = answer.read()
        took = time.perf_counter() - start
        if answer.status != HTTPStatus.OK:
            raise RuntimeError(f"GET {path}: {answer.status} {body[:200]!r}")
        return took * MS_PER_S

    return Contender(name, running.program.process.pid, ask)


def processor_ms(process: int) -> float:
    """The time a process has spent on all cores, in milliseconds."""
    fields = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_S * MS_PER_S


def peak_mb(process: int) -> float:
    """The largest resident memory a process ever had, in megabytes (10⁶ bytes)."""
    status = Path(f"/proc/{process}/status").read_text(encoding="utf-8")
    (line,) = [line for line in status.splitlines() if line.startswith("VmHWM:")]
    return int(line.split()[1]) * 1024 / 1_000_000
