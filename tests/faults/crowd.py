"""A crowd of concurrent clients, and a watch over the server's `/health` meanwhile."""

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

import httpx

from tests.faults.readers import HEALTH, Answer, Client
from tests.processes import HOST, PATIENCE_S, Server

HEALTH_EVERY_S = 0.02
SERIES = "/v1/historical?granularity=day"
FIRST_DAY, LAST_DAY = date(2024, 6, 3), date(2026, 10, 1)


@dataclass
class Answers:
    """The answers of a crowd, and the latencies of `/health` meanwhile, in seconds."""

    statuses: Counter[int] = field(default_factory=Counter)
    clean_503: int = 0
    health_s: list[float] = field(default_factory=list)


def crowd(server: Server, clients: int) -> Answers:
    """Let all clients send a request at once, each on its own connection and for a different answer."""
    found = Answers()
    with watching(server, found.health_s):
        for answer in asyncio.run(_ask_at_once(server, clients)):
            found.statuses[answer.status] += 1
            found.clean_503 += answer.is_clean_503
    return found


async def _ask_at_once(server: Server, clients: int) -> list[Answer]:
    limits = httpx.Limits(max_connections=None)
    headers = {"Authorization": f"Bearer {server.token}"}
    url = f"http://{HOST}:{server.port}"
    async with httpx.AsyncClient(base_url=url, limits=limits, timeout=PATIENCE_S, trust_env=False) as client:
        responses = await asyncio.gather(
            *(client.get(f"{SERIES}&date_range={day},{LAST_DAY}", headers=headers) for day in _days(clients))
        )
    return [Answer(each.status_code, dict(each.headers), each.content) for each in responses]


def _days(clients: int) -> Iterator[date]:
    """A different first day for each client."""
    return (FIRST_DAY + timedelta(days=number) for number in range(clients))


@contextmanager
def watching(server: Server, seconds: list[float]) -> Iterator[None]:
    """Poll `/health` until the block ends, and record each latency in `seconds`."""
    ended = threading.Event()

    def watch() -> None:
        with closing(Client(server)) as client:
            while not ended.wait(HEALTH_EVERY_S):
                asked = time.monotonic()
                answer = client.get(HEALTH)
                seconds.append(time.monotonic() - asked if answer.status == 200 else PATIENCE_S)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


@dataclass(frozen=True)
class Usage:
    """A server's own threads, all threads including those of Polars, and its peak memory in 10⁶ bytes.

    Polars' I/O threads come and go: they end after ten idle seconds.
    """

    own_threads: int
    threads: int
    megabytes: float


def usage(server: Server) -> Usage:
    """The current usage of the server's process."""
    process = Path(f"/proc/{server.program.process.pid}")
    names = [_name(task) for task in (process / "task").iterdir()]
    status = dict(line.split(":", 1) for line in (process / "status").read_text().splitlines())
    return Usage(names.count(_name(process)), int(status["Threads"]), int(status["VmHWM"].split()[0]) * 1024 / 1e6)


def _name(task: Path) -> str:
    try:
        return (task / "comm").read_text()
    except OSError:  # It has just ended.
        return ""
