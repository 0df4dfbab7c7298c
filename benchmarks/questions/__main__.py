"""Compare questions of `/v1` with DuckDB and print the results: `python -m benchmarks.questions`."""

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

from benchmarks.data import DataSet, data_set
from benchmarks.measuring import DisagreementError
from benchmarks.questions.duckdb_sql import DuckDb
from benchmarks.questions.questions import QUESTIONS, UNFILTERED, Question, Row, Rows
from benchmarks.report import README, write_between_markers
from benchmarks.tables import machine, table
from util.clock import utc_now
from util.errors import EXIT_DATA, EXIT_OK

SCALE = 100
ROUNDS = 7
MS = 1000
FASTER = 1.3
# Both sum binary fractions, in different orders, and round.
LAST_DECIMAL = 0.01 + 1e-6
HEAD = (
    "question",
    "ours",
    "processor",
    "/ traffic",
    "DuckDB SQL",
    "times as fast",
    f"target, and {FASTER} times as fast",
)
BEGIN, END = "<!-- questions -->", "<!-- end of questions -->"

type Times = dict[str, tuple[float, float, float]]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.questions", description=__doc__)
    parser.add_argument("--scale", type=float, default=SCALE, help=f"scale of the data ({SCALE})")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"rounds per question ({ROUNDS})")
    parser.add_argument("--write", action="store_true", help=f"write the table to {README.name}")
    options = parser.parse_args(arguments)
    data = data_set(options.scale)
    begun = machine(utc_now())
    duckdb = DuckDb(data)
    try:
        for question in QUESTIONS:
            check(data, duckdb, question)
    except DisagreementError as error:
        sys.stderr.write(f"{error}\nThe figures differ, so no times are compared.\n")
        return EXIT_DATA
    times = measured(data, duckdb, options.rounds)
    text = "\n\n".join(
        [begun, f"Scale {data.scale:g}: {data}.", table(HEAD, (line(each, times) for each in QUESTIONS))]
    )
    print(text)
    if options.write:
        write_between_markers(README, f"\n{text}", BEGIN, END)
    return EXIT_OK


def measured(data: DataSet, duckdb: DuckDb, rounds: int) -> Times:
    """Our median time and processor time and DuckDB's median time, all questions in turn, in milliseconds."""
    taken: dict[str, list[tuple[float, float, float]]] = {question.name: [] for question in QUESTIONS}
    for _ in range(rounds):
        for question in QUESTIONS:
            ours = timed(partial(question.asked, data))
            theirs = timed(partial(duckdb.answer, question.name))
            taken[question.name].append((*ours, theirs[0]))
    return {
        name: tuple(statistics.median(column) for column in zip(*found, strict=True)) for name, found in taken.items()
    }


def timed(ask: Callable[[], object]) -> tuple[float, float]:
    """Wall time and processor time of an answer, in milliseconds.

    The second of two answers in a row is measured: the first may pay for memory that the other contender has freed.
    """
    ask()
    begun, worked = time.perf_counter(), time.process_time()
    ask()
    return (time.perf_counter() - begun) * MS, (time.process_time() - worked) * MS


def line(question: Question, times: Times) -> list[str]:
    """A row of the table."""
    ours, processor, theirs = times[question.name]
    ratio = ours / times[UNFILTERED][0]
    shown = [f"{ours:,.0f} ms", f"{processor:,.0f} ms", f"{ratio:.2f}", f"{theirs:,.0f} ms", f"{theirs / ours:.2f}"]
    return [question.name, *shown, target(question, ours, ratio, theirs)]


def target(question: Question, ours: float, ratio: float, theirs: float) -> str:
    """The target of a question, and whether it is met."""
    is_met, text = theirs / ours >= FASTER, "-"
    if question.most_ms is not None:
        is_met, text = is_met and ours <= question.most_ms, f"{question.most_ms:,.0f} ms"
    if question.most_times is not None:
        is_met, text = is_met and ratio <= question.most_times, f"{question.most_times} times traffic"
    return f"{text}: {'met' if is_met else 'missed'}"


def check(data: DataSet, duckdb: DuckDb, question: Question) -> None:
    """Compare both answers; this also warms them up.

    Raises:
        DisagreementError: They differ.
    """
    found = list(differing(question.asked(data), duckdb.answer(question.name)))
    if found:
        raise DisagreementError(f"DuckDB's {question.name}", found)


def differing(ours: Rows, theirs: Rows) -> Iterator[str]:
    """Rows that differ by more than rounding."""
    if len(ours) != len(theirs):
        yield f"{len(ours)} rows are {len(theirs)}"
    for one, other in zip(ours, theirs, strict=False):
        if not is_same(one, other):
            yield f"{one} is {other}"


def is_same(one: Row, other: Row) -> bool:
    """Whether two rows agree up to rounding."""
    return len(one) == len(other) and all(map(is_near, one, other))


def is_near(one: Any, other: Any) -> bool:
    """Whether two values agree up to rounding."""
    if one is None or other is None or isinstance(one, str):
        return bool(one == other)
    return abs(float(one) - float(other)) <= LAST_DECIMAL


if __name__ == "__main__":
    sys.exit(main())
