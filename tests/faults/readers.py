"""Readers of a real server: every answer goes into the history or the list of wrong answers."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from http.client import HTTPConnection, HTTPException
from itertools import cycle
from typing import Any

from tests.faults.history import Figures, History, Read, dashboard_figures
from tests.processes import HOST, PATIENCE_S, Server
from tests.web.problems import FIELDS

DASHBOARD, ROOM, HEALTH = "/", "/room/1/stats", "/health"
PATHS = (DASHBOARD, ROOM, HEALTH, ROOM)


@dataclass(frozen=True)
class Answer:
    """A response; header names are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def is_clean_503(self) -> bool:
        """Whether it is a 503 with a reason and Retry-After."""
        return self.status == 503 and "retry-after" in self.headers and json.loads(self.body).keys() == FIELDS


@dataclass
class Client:
    """A kept-alive connection with the token."""

    server: Server
    _connection: HTTPConnection = field(init=False)

    def __post_init__(self) -> None:
        self._connection = HTTPConnection(HOST, self.server.port, timeout=PATIENCE_S)

    def get(self, path: str, **headers: str) -> Answer:
        """Send a request; header names have underscores."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self._connection.request("GET", path, headers=named | {"Authorization": f"Bearer {self.server.token}"})
        response = self._connection.getresponse()
        return Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, response.read())

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


def ask(server: Server, path: str, **headers: str) -> Answer:
    """Send a single request."""
    with closing(Client(server)) as client:
        return client.get(path, **headers)


@dataclass
class Reading:
    """Observations besides the history: clean 503s and wrong answers."""

    unavailable: int = 0
    wrong: list[str] = field(default_factory=list)


@contextmanager
def reading(server: Server, history: History, readers: int = 8, pause_s: float = 0) -> Iterator[Reading]:
    """Let readers request the paths in turn until the block ends."""
    met, ended = Reading(), threading.Event()

    def read(number: int) -> None:
        known: dict[str, Read] = {}
        turns = cycle(PATHS[number % len(PATHS) :] + PATHS[: number % len(PATHS)])
        with closing(Client(server)) as client:
            while not ended.wait(pause_s):
                try:
                    _ask(f"{number}", client, next(turns), known, history, met)
                except (HTTPException, OSError, ValueError, LookupError) as failure:
                    met.wrong.append(f"reader {number}: {failure!r}")
                    return

    threads = [threading.Thread(target=read, args=(number,)) for number in range(readers)]
    for thread in threads:
        thread.start()
    try:
        yield met
    finally:
        ended.set()
        for thread in threads:
            thread.join()


def _ask(reader: str, client: Client, path: str, known: dict[str, Read], history: History, met: Reading) -> None:
    """Send a request and log the answer; the dashboard with the known ETag, so that 304 confirms the known answer."""
    tags = {"If_None_Match": ", ".join(known)} if known and path == DASHBOARD else {}
    asked = time.monotonic()
    answer = client.get(path, **tags)
    answered = time.monotonic()
    tag = answer.headers.get("etag", "")
    if answer.status == 304:
        history.reads.append(replace(known[tag], asked=asked, answered=answered))
    elif answer.status == 200:
        figures, told = facts(path, json.loads(answer.body))
        read = Read(reader, asked, answered, figures, told)
        history.reads.append(read)
        if path == DASHBOARD:
            known.clear()
            known[tag] = read
    elif answer.is_clean_503:
        met.unavailable += 1
    else:
        met.wrong.append(f"{path}: {answer.status} {answer.body[:500]!r}")


def facts(path: str, content: dict[str, Any]) -> tuple[Figures, datetime | None]:
    """The figures of an answer, and its time."""
    if path == DASHBOARD:
        return dashboard_figures(content["data"]), datetime.fromisoformat(content["data_updated_at"])
    if path == HEALTH:
        return {}, datetime.fromisoformat(content["components"]["freshness"]["data_updated_at"])
    return {"votes": content["votes"]}, None
