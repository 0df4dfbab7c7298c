"""Many updaters: a process that has imported everything forks one real updater per run.

Starting a new interpreter takes five times as long as a run. Each child is still a separate process, with its own
connection and its own lock, and can be killed.
"""

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import update_readmodel
from read_model import publishing
from tests.processes import ROOT, clean_environment
from util.crash_points import VARIABLE

LONGEST_RUN_S = 60.0
KILLED = -signal.SIGKILL


@dataclass(frozen=True)
class Run:
    """How an updater ended; the exit code is negative if a signal ended it."""

    exit_code: int
    log: str
    seconds: float


@dataclass(frozen=True)
class Updaters:
    """The parent process of the updaters."""

    process: subprocess.Popen[str]
    log_file: Path
    environment: Mapping[str, str]

    def run(
        self,
        *arguments: str,
        kill_after: float | None = None,
        crash_at: str | None = None,
        interrupt_at: str | None = None,
        **variables: str,
    ) -> Run:
        """Run one updater to its end.

        Args:
            arguments: Its command line.
            kill_after: Kill it after this many seconds, unless it has ended.
            crash_at: Have it kill itself at that step.
            interrupt_at: Have it send itself SIGTERM at that step.
            variables: Its environment, besides that of all runs.
        """
        crash = {VARIABLE: crash_at} if crash_at else {}
        order = {
            "arguments": arguments,
            "kill_after": kill_after,
            "interrupt_at": interrupt_at,
            "environment": dict(self.environment) | variables | crash,
            "log": str(self.log_file),
        }
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        assert answer, f"The parent of the updaters ended: {self.process.poll()}"
        ended: dict[str, Any] = json.loads(answer)
        return Run(ended["exit_code"], self.log_file.read_text(errors="replace"), ended["seconds"])


@contextmanager
def updaters(directory: Path, environment: Mapping[str, str]) -> Iterator[Updaters]:
    """Start the parent in an empty directory below `directory`, where no `.env` is found."""
    empty = directory / "updaters"
    empty.mkdir(parents=True)
    process = subprocess.Popen(  # noqa: S603 - the tests' own arguments
        # The driver and Polars have threads, which a forked child lacks.
        [sys.executable, "-W", "ignore::DeprecationWarning", "-m", __name__],
        cwd=empty,
        env=clean_environment(PYTHONPATH=ROOT),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        yield Updaters(process, directory / "updater.log", environment)


def serve_orders() -> None:
    """Fork an updater per line of standard input, and report on standard output how it ended."""
    for line in sys.stdin:
        order: dict[str, Any] = json.loads(line)
        begun = time.monotonic()
        child = os.fork()
        if child == 0:
            os._exit(updated(order))
        exit_code = ended(child, order["kill_after"] or LONGEST_RUN_S)
        print(json.dumps({"exit_code": exit_code, "seconds": time.monotonic() - begun}), flush=True)  # noqa: T201 - a protocol


def ended(child: int, kill_after: float) -> int:
    """Wait for a child, and kill it if it takes longer; returns its exit code."""
    watch = os.pidfd_open(child)
    try:
        if not select.select([watch], [], [], kill_after)[0]:
            os.kill(child, signal.SIGKILL)
    finally:
        os.close(watch)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def updated(order: Mapping[str, Any]) -> int:
    """Run the updater once with the order's environment and log; returns the exit code."""
    log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    for stream in (sys.stdout.fileno(), sys.stderr.fileno()):
        os.dup2(log, stream)
    os.environ.update(order["environment"])
    if order["interrupt_at"]:
        interrupt_at(order["interrupt_at"])
    arguments: Sequence[str] = order["arguments"]
    return update_readmodel.main(arguments)


def interrupt_at(step: str) -> None:
    """Make this process send itself SIGTERM at a step of publishing."""

    def crash_point(name: str) -> None:
        if name == step:
            os.kill(os.getpid(), signal.SIGTERM)

    vars(publishing)["crash_point"] = crash_point


if __name__ == "__main__":
    serve_orders()
