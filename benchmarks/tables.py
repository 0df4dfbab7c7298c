"""The measurements as Markdown."""

import os
import platform
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from benchmarks.contenders import THREADS
from benchmarks.measuring import DAILY, DUCKDB, GET, IN_PROCESS, ROOM, STRAIGHTFORWARD, Measured
from benchmarks.sections import SECTIONS

WHOLE = (GET, IN_PROCESS, DUCKDB, STRAIGHTFORWARD)
PAGES = (ROOM, DAILY)


class Target(NamedTuple):
    """A target at a scale: `measured` must be at most, or at least, the limit."""

    scale: float
    text: str
    measured: Callable[[Measured], float]
    limit: float
    unit: str
    at_least: bool = False


TARGETS = (
    Target(1, "DuckDB's time / `GET /`", lambda run: run.ratio(DUCKDB), 1.2, "", at_least=True),
    Target(1, "`GET /`", lambda run: run[GET].median_ms, 35, " ms"),
    Target(1, "peak memory", lambda run: run[GET].peak_mb, 300, " MB"),
    Target(100, "DuckDB's time / `GET /`", lambda run: run.ratio(DUCKDB), 1.5, "", at_least=True),
    Target(100, "`GET /`", lambda run: run[GET].median_ms, 2500, " ms"),
    Target(100, "peak memory", lambda run: run[GET].peak_mb, 2000, " MB"),
    Target(100, ROOM, lambda run: run[ROOM].median_ms, 20, " ms"),
    Target(100, f"{DAILY} without the mail", lambda run: run[DAILY].median_ms, 20, " ms"),
)


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table, its first column left-aligned and the others right-aligned."""
    lines = [header, ["---", *["---:"] * (len(header) - 1)], *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def machine(now: datetime) -> str:
    """The date, machine and versions of a measurement."""
    cpu = next(
        (line.partition(": ")[2] for line in _lines("/proc/cpuinfo") if line.startswith("model name")), "unknown"
    )
    memory_gb = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 10**9
    return (
        f"{now:%Y-%m-%d %H:%M} UTC on {os.cpu_count()} cores ({cpu}, {memory_gb:.0f} GB), {THREADS} threads each:"
        f" Python {platform.python_version()}, Polars {version('polars')}, DuckDB {version('duckdb')}."
        f" Other work kept {os.getloadavg()[0]:.1f} processes busy when it began."
    )


def _lines(path: str) -> list[str]:
    return Path(path).read_text(encoding="utf-8").splitlines()


def of_scale(run: Measured) -> str:
    """All measurements at one scale."""
    return "\n\n".join(
        [
            f"### Scale {run.data.scale:g}",
            f"{run.data}.",
            table(
                ["", "median", "95th percentile", "processor time", "peak memory", "/ `GET /`"],
                ([name, *_times(run, name), megabytes(run[name].peak_mb), ratio(run.ratio(name))] for name in WHOLE),
            ),
            table(
                ["", "median", "95th percentile", "processor time"],
                ([name, *_times(run, name)] for name in (*SECTIONS, *PAGES)),
            ),
        ]
    )


def _times(run: Measured, name: str) -> list[str]:
    contender = run[name]
    return [milliseconds(contender.median_ms), milliseconds(contender.p95_ms), milliseconds(contender.processor_ms)]


def side_by_side(runs: Sequence[Measured]) -> str:
    """The medians at all scales, and their growth from one scale to the next."""
    pairs = list(pairwise(runs))
    header = [
        "",
        *(f"scale {run.data.scale:g}" for run in runs),
        *(f"{small.data.scale:g} → {large.data.scale:g}" for small, large in pairs),
    ]
    rows = [
        [
            name,
            *(milliseconds(run[name].median_ms) for run in runs),
            *(growth(small[name].median_ms, large[name].median_ms) for small, large in pairs),
        ]
        for name in (*WHOLE, *SECTIONS, *PAGES)
    ]
    memory = [
        [
            f"peak memory, {name}",
            *(megabytes(run[name].peak_mb) for run in runs),
            *(growth(small[name].peak_mb, large[name].peak_mb) for small, large in pairs),
        ]
        for name in WHOLE
    ]
    return "### Side by side\n\n" + table(header, [*rows, *memory])


def targets(runs: Sequence[Measured]) -> str:
    """The targets, and whether they are met."""
    at = {run.data.scale: run for run in runs}
    rows = []
    for target in TARGETS:
        if run := at.get(target.scale):
            measured = target.measured(run)
            met = measured >= target.limit if target.at_least else measured < target.limit
            asked = f"{'at least' if target.at_least else 'under'} {target.limit:g}{target.unit}"
            rows.append(
                [target.text, f"{target.scale:g}", asked, number(measured) + target.unit, "yes" if met else "**no**"]
            )
    return "### Targets\n\n" + table(["", "scale", "target", "measured", "met"], rows)


def number(value: float) -> str:
    """A number with three significant digits."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def milliseconds(value: float) -> str:
    """A time in milliseconds, as text."""
    return f"{number(value)} ms"


def megabytes(value: float) -> str:
    """A size in megabytes, as text."""
    return f"{value:,.0f} MB"


def growth(before: float, after: float) -> str:
    """The factor of a growth, as text."""
    return f"{after / before:.1f} times"


def ratio(value: float) -> str:
    """A factor, as text."""
    return f"{value:.2f}"
