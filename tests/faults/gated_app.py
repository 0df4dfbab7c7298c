"""The server, whose dashboard waits at a gate: a test decides what happens while a request is under way."""

import itertools
import os
import time
from dataclasses import dataclass
from pathlib import Path

import polars as pl
from fastapi import FastAPI

from calculations import bundle, location
from main import create_app, load_settings
from tests.processes import PATIENCE_S, POLL_S, until

GATE = "GATE"


@dataclass(frozen=True)
class Gate:
    """Computations come to the gate one by one, numbered from 1, and each waits until it is let through."""

    directory: Path

    def wait_for(self, number: int) -> None:
        """Wait until that computation is at the gate."""
        until(lambda: (self.directory / f"came-{number}").exists(), f"computation {number} to come to the gate")

    def let(self, number: int) -> None:
        """Let that computation through, now or when it comes."""
        (self.directory / f"let-{number}").touch()

    def pass_by(self, number: int) -> None:
        """Come to the gate and wait."""
        (self.directory / f"came-{number}").touch()
        give_up = time.monotonic() + PATIENCE_S
        while not (self.directory / f"let-{number}").exists() and time.monotonic() < give_up:
            time.sleep(POLL_S)


def make_app() -> FastAPI:
    """The app of `main`, whose dashboard has computed all sections but the last when it comes to the gate."""
    gate, numbers, compute = Gate(Path(os.environ[GATE])), itertools.count(1), location.location

    def gated(users: pl.LazyFrame) -> location.Location:
        gate.pass_by(next(numbers))
        return compute(users)

    vars(bundle)["location"] = gated
    return create_app(load_settings())
