"""The server with a gate in its dashboard, so that a test decides what happens during a request."""

import itertools
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import polars as pl
from fastapi import FastAPI

from calculations.fpp import bundle, location
from read_model.snapshot import Snapshot
from read_model.table import Table
from server import configured_app
from tests.processes import PATIENCE_S, POLL_S, until

GATE, SIZE = "GATE", "SIZE"
SMALL, LARGE = "small", "large"


@dataclass(frozen=True)
class Gate:
    """Computations arrive one by one, numbered from 1, and each waits until it is released."""

    directory: Path

    def wait_for(self, number: int) -> None:
        """Wait until a computation is at the gate."""
        until(lambda: (self.directory / f"came-{number}").exists(), f"computation {number} to come to the gate")

    def let(self, number: int) -> None:
        """Release a computation, now or when it arrives."""
        (self.directory / f"let-{number}").touch()

    def crash(self, number: int) -> None:
        """Release a computation and make it fail with a bug."""
        (self.directory / f"crash-{number}").touch()
        self.let(number)

    def pass_by(self, number: int) -> None:
        """Arrive at the gate and wait."""
        (self.directory / f"came-{number}").touch()
        give_up = time.monotonic() + PATIENCE_S
        while not (self.directory / f"let-{number}").exists() and time.monotonic() < give_up:
            time.sleep(POLL_S)
        if (self.directory / f"crash-{number}").exists():
            raise RuntimeError(f"a bug in computation {number}")


def make_app() -> FastAPI:
    """The app of `main` with a gate at which a request has opened its snapshot, but not read all of it."""
    gate, numbers = Gate(Path(os.environ[GATE])), itertools.count(1)
    if os.environ[SIZE] == LARGE:
        _gate_the_last_section(gate, numbers)
    else:
        _gate_the_tables(gate, numbers)
    return configured_app()


def _gate_the_last_section(gate: Gate, numbers: Iterator[int]) -> None:
    """Each section reads large tables itself: all but one are computed before the gate."""

    def gated(users: pl.LazyFrame) -> location.Location:
        gate.pass_by(next(numbers))
        return location.location(users)

    mock.patch.object(Snapshot, "is_large", property(lambda _: True)).start()
    mock.patch.object(bundle, "location", gated).start()


def _gate_the_tables(gate: Gate, numbers: Iterator[int]) -> None:
    """Small tables are read together: none is before the gate."""
    read = Snapshot.tables

    def gated(snapshot: Snapshot, *tables: Table) -> list[pl.LazyFrame]:
        gate.pass_by(next(numbers))
        return read(snapshot, *tables)

    mock.patch.object(Snapshot, "tables", gated).start()
