"""A contender in a process of its own: `python -m benchmarks.worker CONTENDER SCALE`.

It reads the name of a job per line and writes a line of JSON for each: the milliseconds it took, or for the job
`figures` the figures themselves.
"""

import json
import sys
import time
from collections.abc import Callable, Mapping

from benchmarks import straightforward
from benchmarks.data import DataSet, data_set
from benchmarks.sections import SECTIONS, all_sections
from calculations.fpp.bundle import Figures
from calculations.frames.collecting import collecting_with
from routers.bundle_json import bundle_json

type Jobs = Mapping[str, Callable[[], object]]

BUNDLE = "bundle"
FIGURES = "figures"
MS_PER_S = 1000


def main(contender: str, scale: str) -> None:
    """Run the jobs that arrive on standard input."""
    jobs = CONTENDERS[contender](data_set(float(scale)))
    for line in sys.stdin:
        print(json.dumps(answer(line.strip(), jobs)), flush=True)


def answer(job: str, jobs: Jobs) -> object:
    """How long a job took (ms), or the figures."""
    if job == FIGURES:
        figures = jobs[BUNDLE]()
        return json.loads(bundle_json(figures)) if isinstance(figures, Figures) else figures
    start = time.perf_counter()
    jobs[job]()
    return (time.perf_counter() - start) * MS_PER_S


def our_jobs(data: DataSet) -> Jobs:
    """The bundle and each of its sections; every job opens the snapshot anew, as a request does."""

    def job(section: Callable[..., object]) -> Callable[[], object]:
        def run() -> object:
            snapshot = data.open()
            with collecting_with(snapshot.engine):
                return section(snapshot, data.period)

        return run

    return {BUNDLE: job(all_sections)} | {name: job(section) for name, section in SECTIONS.items()}


def duckdb_jobs(data: DataSet) -> Jobs:
    """The bundle as SQL, on a database opened beforehand."""
    from benchmarks.duckdb_sql import DuckDb  # only this contender needs DuckDB

    return {BUNDLE: DuckDb.over(data.open(), data.period).figures}


def straightforward_jobs(data: DataSet) -> Jobs:
    """The bundle in plain Polars."""
    return {BUNDLE: lambda: straightforward.figures(data.open(), data.period)}


CONTENDERS: Mapping[str, Callable[[DataSet], Jobs]] = {
    "ours": our_jobs,
    "duckdb": duckdb_jobs,
    "straightforward": straightforward_jobs,
}

if __name__ == "__main__":
    main(*sys.argv[1:])
