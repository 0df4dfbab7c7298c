"""One run over one data set: checks that all contenders agree, then measures them in turn."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import polars as pl

from benchmarks.contenders import Contender, Worker, http_server, page, worker
from benchmarks.data import DataSet
from benchmarks.sections import SECTIONS
from read_model.tables.fpp import VOTES
from tests.processes import Server

GET, IN_PROCESS, DUCKDB, STRAIGHTFORWARD = "`GET /`", "the same in process", "DuckDB SQL", "straightforward Polars"
ROOM, DAILY = "`GET /room/{id}/stats`", "`GET /daily-analytics`"
CHEAP_PER_ROUND = 5
STRAIGHTFORWARD_EVERY = 3
ROUNDING_FROM_SCALE = 100
LAST_DECIMAL = 0.01 + 1e-9


class DisagreementError(Exception):
    """Two contenders do not compute the same figures, so their times mean nothing."""

    def __init__(self, name: str, differences: Sequence[str]) -> None:
        super().__init__("\n".join([f"{name} differs from ours in {len(differences)} figures:", *differences[:10]]))


@dataclass(frozen=True)
class Measured:
    """The measurements of a run over one data set, by contender."""

    data: DataSet
    contenders: Mapping[str, Contender]

    def __getitem__(self, name: str) -> Contender:
        """A contender."""
        return self.contenders[name]

    def ratio(self, name: str) -> float:
        """Its time as a multiple of that of `GET /`."""
        return self[name].median_ms / self[GET].median_ms


def measure(data: DataSet, rounds: int) -> Measured:
    """Measure every contender once per round, in turn.

    Raises:
        DisagreementError: DuckDB or the straightforward version computes other figures than `GET /`.
    """
    with ExitStack() as stack:
        running = stack.enter_context(http_server(data))
        ours, duckdb, straightforward = (
            stack.enter_context(worker(kind, data)) for kind in ("ours", "duckdb", "straightforward")
        )
        check(running, {IN_PROCESS: ours, DUCKDB: duckdb, STRAIGHTFORWARD: straightforward}, data)
        whole = page(running, GET, "/")
        in_turn = [
            whole,
            ours.contender(IN_PROCESS),
            duckdb.contender(DUCKDB),
            *(ours.contender(section, section) for section in SECTIONS),
        ]
        cheap = [page(running, ROOM, f"/room/{busiest_room(data)}/stats"), page(running, DAILY, "/daily-analytics")]
        slow = straightforward.contender(STRAIGHTFORWARD)
        for turn in range(rounds):
            for contender in [*in_turn, *cheap * CHEAP_PER_ROUND, *[slow] * (turn % STRAIGHTFORWARD_EVERY == 0)]:
                contender.measure()
    return Measured(data, {contender.name: contender for contender in [*in_turn, *cheap, slow]})


def check(running: Server, workers: Mapping[str, Worker], data: DataSet) -> None:
    """Compare the figures of all contenders; this also warms them up.

    Raises:
        DisagreementError: A contender computes other figures than `GET /`.
    """
    expected = running.get("/").raise_for_status().json()["data"]
    tolerance = LAST_DECIMAL if data.scale >= ROUNDING_FROM_SCALE else 0
    for name, at_work in workers.items():
        if found := list(differences(expected, at_work.figures(), tolerance)):
            raise DisagreementError(name, found)


def differences(expected: Any, got: Any, tolerance: float = 0, where: str = "data") -> Iterator[str]:
    """Where two JSON values differ, including the order of mappings; floats may differ by `tolerance`."""
    if isinstance(expected, dict) and isinstance(got, dict) and list(expected) == list(got):
        for key in expected:
            yield from differences(expected[key], got[key], tolerance, f"{where}.{key}")
    elif isinstance(expected, list) and isinstance(got, list) and len(expected) == len(got):
        for index, (one, other) in enumerate(zip(expected, got, strict=True)):
            yield from differences(one, other, tolerance, f"{where}[{index}]")
    elif isinstance(expected, float) and isinstance(got, int | float):
        if abs(expected - got) > tolerance:
            yield f"{where}: {expected} is {got}"
    elif expected != got or isinstance(expected, dict):
        yield f"{where}: {json.dumps(expected)[:200]} is {json.dumps(got)[:200]}"


def busiest_room(data: DataSet) -> int:
    """The id of the room with the most votes."""
    votes = data.open().scan(VOTES).group_by("room_id").agg(votes=pl.len())
    room: int = votes.sort("votes", "room_id", descending=True).head(1).collect()["room_id"].item()
    return room
