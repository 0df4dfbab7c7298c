"""Measure the intake: events per second over HTTP into SQLite, each batch durable before it is acknowledged.

The collector runs on one core; its table already holds millions of events. See `--help`.
"""

import argparse
import http.client
import json
import os
import random
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from sqlalchemy import URL

from intake.database import database_url, open_engine
from intake.inserting import insert_new
from intake.migrating import migrate
from intake.tables import USAGE_EVENTS
from tests.intake.collecting import WRITER, Collector, collecting

EVENTS_PER_BATCH = 1_000
TARGET = 20_000
ORGANISATIONS = [uuid.UUID(int=number + 1) for number in range(50)]
MODELS = [f"model-{number}" for number in range(20)]


def fill(url: URL, rows: int) -> None:
    """Put events with random keys into the table, with the collector's own statement."""
    engine = open_engine(url)
    chance = random.Random(1)  # noqa: S311 - made-up data
    for start in range(0, rows, 50_000):
        part = [row(chance) for _ in range(min(50_000, rows - start))]
        with engine.begin() as connection:
            insert_new(connection, USAGE_EVENTS, sorted(part))
    engine.dispose()


def row(chance: random.Random) -> tuple[object, ...]:
    """One row of the table, without its id."""
    key = (chance.choice(ORGANISATIONS).bytes, os.urandom(16))
    facts = (1_772_442_000_000_000, chance.choice(MODELS), "ann", 120, 30, 850, "success", None, 125_000, "{}")
    return (*key, *facts, 1_772_442_000_000_000, 0)


def bodies(count: int) -> Iterator[bytes]:
    """Requests with new events, random ids and random organisations."""
    chance = random.Random()  # noqa: S311 - made-up data
    for _ in range(count):
        events = [
            {
                "event_id": str(uuid.uuid4()),
                "org_id": str(chance.choice(ORGANISATIONS)),
                "occurred_at": "2026-03-02T09:00:00.123456Z",
                "model_id": chance.choice(MODELS),
                "actor_id": "ann",
                "input_tokens": 120,
                "output_tokens": 30,
                "latency_ms": 850,
                "status": "success",
                "cost_estimate": 12.5,
                "metadata": {"region": "eu"},
            }
            for _ in range(EVENTS_PER_BATCH)
        ]
        yield json.dumps({"events": events}).encode()


def send(collector: Collector, batches: list[bytes], clients: int) -> list[float]:
    """Send all batches; returns how long each took, in seconds, sorted."""
    waiting, lock = iter(batches), threading.Lock()

    def sender(_: int) -> list[float]:
        connection = http.client.HTTPConnection("127.0.0.1", collector.port, timeout=120)
        took: list[float] = []
        while True:
            with lock:
                body = next(waiting, None)
            if body is None:
                return took
            began = time.perf_counter()
            connection.request("POST", "/analytics/v1/events", body, {"Authorization": f"Bearer {WRITER}"})
            answer = connection.getresponse()
            accepted = json.loads(answer.read()).get("accepted")
            if accepted != EVENTS_PER_BATCH:
                raise RuntimeError(f"{answer.status}: {accepted} of {EVENTS_PER_BATCH} accepted")
            took.append(time.perf_counter() - began)

    with ThreadPoolExecutor(clients) as threads:
        return sorted(second for took in threads.map(sender, range(clients)) for second in took)


def used(process: int) -> tuple[float, float]:
    """Processor time in seconds and peak memory in megabytes of a process so far."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    (peak,) = [line for line in Path(f"/proc/{process}/status").read_text().splitlines() if line.startswith("VmHWM")]
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK"), int(peak.split()[1]) / 1000


def main() -> None:
    """Fill, serve, send, and print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=2_000_000, help="events already in the table (2,000,000)")
    parser.add_argument("--batches", type=int, default=400, help="requests of 1,000 events (400)")
    parser.add_argument("--clients", type=int, default=4, help="concurrent requests (4)")
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        url = database_url(f"sqlite:///{directory}/collector.db")
        migrate(url)
        fill(url, wanted.rows)
        with collecting(url, Path(directory)) as collector:
            process = collector.program.process.pid
            os.sched_setaffinity(process, {0})
            half = wanted.batches // 2
            for name, count in (("first half", half), ("second half", wanted.batches - half)):
                report(name, collector, process, list(bodies(count)), wanted.clients)


def report(name: str, collector: Collector, process: int, batches: list[bytes], clients: int) -> None:
    """Send batches and print throughput, latency and resources."""
    cpu_before, _ = used(process)
    began = time.perf_counter()
    took = send(collector, batches, clients)
    seconds = time.perf_counter() - began
    cpu, peak = used(process)
    events = len(batches) * EVENTS_PER_BATCH
    rate, rate_of_cpu = events / seconds, events / (cpu - cpu_before)
    print(
        f"{name}: {rate:,.0f} events/s (target {TARGET:,}), {rate_of_cpu:,.0f} per CPU second,"
        f" p50 {took[len(took) // 2] * 1000:.0f} ms, slowest {took[-1] * 1000:.0f} ms, {peak:.0f} MB peak;"
        f" load {os.getloadavg()[0]:.1f}"
    )


if __name__ == "__main__":
    main()
