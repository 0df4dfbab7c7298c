"""A crowd of clients that ask at once, while somebody watches over the server's health."""

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from tests.faults.readers import DASHBOARD, HEALTH, Answer, Client
from tests.processes import HOST, PATIENCE_S, Server

HEALTH_EVERY_S = 0.02


@dataclass
class Answers:
    """How the crowd was answered, and how long `/health` took meanwhile, in seconds."""

    statuses: Counter[int] = field(default_factory=Counter)
    clean_503: int = 0
    health_s: list[float] = field(default_factory=list)


def crowd(server: Server, clients: int, path: str = DASHBOARD) -> Answers:
    """Let all clients ask at once, each on a connection of its own."""
    found = Answers()
    with watching(server, found.health_s):
        for answer in asyncio.run(_ask_at_once(server, clients, path)):
            found.statuses[answer.status] += 1
            found.clean_503 += answer.is_clean_503
    return found


async def _ask_at_once(server: Server, clients: int, path: str) -> list[Answer]:
    limits = httpx.Limits(max_connections=None)
    headers = {"Authorization": f"Bearer {server.token}"}
    url = f"http://{HOST}:{server.port}"
    async with httpx.AsyncClient(base_url=url, limits=limits, timeout=PATIENCE_S, trust_env=False) as client:
        responses = await asyncio.gather(*(client.get(path, headers=headers) for _ in range(clients)))
    return [Answer(each.status_code, dict(each.headers), each.content) for each in responses]


@contextmanager
def watching(server: Server, seconds: list[float]) -> Iterator[None]:
    """Ask for `/health` again and again until the block ends, and note how long each answer takes."""
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


def usage(server: Server) -> tuple[int, float]:
    """Threads of the server, and the most memory it had, in megabytes (10⁶ bytes)."""
    facts = dict(line.split(":", 1) for line in _status(server).splitlines())
    return int(facts["Threads"]), int(facts["VmHWM"].split()[0]) * 1024 / 1e6


def _status(server: Server) -> str:
    return Path(f"/proc/{server.program.process.pid}/status").read_text()
