"""The load generator: `hey`, from its Debian package.

At the end it waits for outstanding answers, so that slow ones count too; `wrk` would drop them, and needs a script to
count statuses.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass

from benchmarks.worker import MS_PER_S
from util.errors import EXIT_UNAVAILABLE, AnalyticsError

INSTALL_S, DRAIN_S = 900, 300
# Longer than any answer takes; the server's own limit is QUERY_QUEUE_SECONDS.
LONGEST_ANSWER_S = 120


class LoadGeneratorError(AnalyticsError):
    """`hey` can't be installed, or failed."""

    exit_code = EXIT_UNAVAILABLE


@dataclass(frozen=True)
class Answers:
    """The answers a crowd got in `seconds`; latencies include refusals.

    `errors` counts requests without an answer: no connection, a dropped one, or a timeout.
    """

    seconds: float
    statuses: Mapping[int, int]
    errors: int
    median_ms: float
    p95_ms: float
    p99_ms: float

    @property
    def requests(self) -> int:
        """The number of requests."""
        return sum(self.statuses.values()) + self.errors

    def per_second(self, status: int) -> float:
        """Answers with a status per second."""
        return self.statuses.get(status, 0) / self.seconds

    def share(self, status: int) -> float:
        """The share of all requests answered with a status; 0 without requests."""
        return self.statuses.get(status, 0) / self.requests if self.requests else 0


def hey(url: str, headers: Mapping[str, str], clients: int, seconds: float) -> Answers:
    """Run this many clients for this long over kept-alive connections; each requests again as soon as it is answered.

    Raises:
        LoadGeneratorError: `hey` is missing or failed.
    """
    header_options = [option for name, value in headers.items() for option in ("-H", f"{name}: {value}")]
    run_for = ["-z", f"{seconds:g}s", "-c", str(clients), "-t", str(LONGEST_ANSWER_S)]
    return parsed(_run("hey", *run_for, *header_options, url, timeout_s=seconds + DRAIN_S))


def install() -> None:
    """Install Debian's `hey` if it is missing.

    Raises:
        LoadGeneratorError: It can't be installed.
    """
    if shutil.which("hey"):
        return
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise LoadGeneratorError("The load generator `hey` is missing: install it (Debian: apt-get install hey)")
    for arguments in (["update"], ["install", "-y", "--no-install-recommends", "hey"]):
        _run("apt-get", "-q", "-o", "DPkg::Lock::Timeout=120", *arguments, timeout_s=INSTALL_S)


def parsed(summary: str) -> Answers:
    """Parse the summary that `hey` prints.

    Raises:
        LoadGeneratorError: This is not a summary.
    """
    total = re.search(r"^  Total:\s+([\d.]+) secs$", summary, re.MULTILINE)
    if total is None:
        raise LoadGeneratorError(f"hey printed no summary:\n{summary}")
    statuses, _, errors = summary.partition("Error distribution:")
    return Answers(
        seconds=float(total[1]),
        statuses={int(status): int(count) for status, count in re.findall(r"\[(\d+)\]\t(\d+) responses", statuses)},
        errors=sum(int(count) for count in re.findall(r"^  \[(\d+)\]\t", errors, re.MULTILINE)),
        median_ms=_percentile(50, summary),
        p95_ms=_percentile(95, summary),
        p99_ms=_percentile(99, summary),
    )


def _percentile(percent: int, summary: str) -> float:
    # `hey` prints no 99th percentile for fewer than 100 answers: it is the slowest one.
    line = re.search(rf"^  {percent}% in ([\d.]+) secs$", summary, re.MULTILINE)
    seconds = line or re.search(r"^  Slowest:\s+([\d.]+) secs$", summary, re.MULTILINE)
    return float(seconds[1]) * MS_PER_S if seconds else 0


def _run(*command: str, timeout_s: float) -> str:
    """Run a command to its end and return what it printed.

    Raises:
        LoadGeneratorError: It failed or took too long.
    """
    try:
        return subprocess.run(  # noqa: S603 - fixed programs, no shell
            command,
            check=True,
            timeout=timeout_s,
            env=os.environ | {"DEBIAN_FRONTEND": "noninteractive"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        ).stdout
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        raise LoadGeneratorError(f"{error}\n{error.stderr!r}") from error
