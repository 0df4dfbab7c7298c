"""Measure usage and reliability of LLM calls beside DuckDB, and print how they compare: `python -m benchmarks.llm`."""

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal

from benchmarks.llm.data import usage_events
from benchmarks.llm.duckdb_sql import DuckDb, Rows
from benchmarks.llm.questions import QUESTIONS, Question, answer, figures
from benchmarks.measuring import DisagreementError
from benchmarks.tables import machine
from read_model.snapshot import Snapshot
from util.clock import utc_now
from util.errors import EXIT_DATA, EXIT_OK

TARGET = 1.5
ROUNDS = 15
MS = 1000
# Both round ties, we with decimals, DuckDB with binary fractions.
LAST_DECIMAL = 0.1 + 1e-6
HEAD = "| question | ours, ms | DuckDB, ms | times as fast | target |\n|---|---|---|---|---|"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.llm", description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"rounds per question ({ROUNDS})")
    rounds = parser.parse_args(arguments).rounds
    snapshot = usage_events()
    duckdb = DuckDb(snapshot)
    print(machine(utc_now()), HEAD, sep="\n\n", flush=True)
    try:
        for question in QUESTIONS:
            check(snapshot, duckdb, question)
            print(line(question, *measured(snapshot, duckdb, question, rounds)), flush=True)
    except DisagreementError as error:
        sys.stderr.write(f"{error}\nThe figures differ, so no times are compared.\n")
        return EXIT_DATA
    return EXIT_OK


def measured(snapshot: Snapshot, duckdb: DuckDb, question: Question, rounds: int) -> tuple[float, float]:
    """The median times of both, run in turn, in milliseconds."""
    ours, theirs = list[float](), list[float]()
    for _ in range(rounds):
        ours.append(timed(lambda: answer(snapshot, question)))
        theirs.append(timed(lambda: duckdb.answer(question)))
    return statistics.median(ours), statistics.median(theirs)


def timed(ask: Callable[[], object]) -> float:
    """How long an answer takes, in milliseconds."""
    begun = time.perf_counter()
    ask()
    return (time.perf_counter() - begun) * MS


def line(question: Question, ours: float, theirs: float) -> str:
    """A row of the table."""
    is_met = "met" if theirs / ours >= TARGET else "missed"
    return f"| {question} | {ours:.1f} | {theirs:.1f} | {theirs / ours:.2f} | {TARGET} {is_met} |"


def check(snapshot: Snapshot, duckdb: DuckDb, question: Question) -> None:
    """Compare both answers; this also warms them up.

    Raises:
        DisagreementError: They differ.
    """
    ours = figures(answer(snapshot, question))
    if question.kind == "reliability":
        ours = ours.drop("error_rate", "error_only_rate")
    differences = list(differing(sorted_rows(ours.rows()), sorted_rows(flat(duckdb.rows(question)))))
    if differences:
        raise DisagreementError("DuckDB", differences)


def flat(rows: Rows) -> Rows:
    """Rows without their keys, and with a column for each percentile."""
    return [(*row[2:-1], *(row[-1] if isinstance(row[-1], list) else row[-1:])) for row in rows]


def sorted_rows(rows: Sequence[tuple[object, ...]]) -> list[list[Decimal]]:
    """Rows of numbers, sorted."""
    return sorted([Decimal(str(value or 0)) for value in row] for row in rows)


def differing(ours: list[list[Decimal]], theirs: list[list[Decimal]]) -> Iterator[str]:
    """Rows that differ by more than rounding."""
    if len(ours) != len(theirs):
        yield f"{len(ours)} rows are {len(theirs)}"
    for one, other in zip(ours, theirs, strict=False):
        if any(abs(mine - yours) > Decimal(LAST_DECIMAL) for mine, yours in zip(one, other, strict=True)):
            yield f"{one} is {other}"


if __name__ == "__main__":
    sys.exit(main())
