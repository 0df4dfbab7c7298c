"""`make bench`: measure `GET /`, its sections, DuckDB and a straightforward version, and print how they compare."""

import argparse
import sys
from collections.abc import Iterator, Sequence

from benchmarks import tables
from benchmarks.data import data_set
from benchmarks.measuring import DisagreementError, Measured, measure
from benchmarks.report import README, write_between_markers
from util.clock import utc_now
from util.errors import EXIT_DATA, EXIT_OK

MARKERS = ("<!-- figures -->\n", "<!-- end of figures -->")
SCALES = (1.0, 10.0, 100.0)
ROUNDS = ((10, 60), (100, 20))  # (scale, rounds below that scale); above the last one:
ROUNDS_OF_LARGE = 7


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; returns the exit code."""
    options = parsed(arguments)
    printed = []
    try:
        for text in report(options.scales, options.runs):
            print(f"\n{text}", flush=True)
            printed.append(text)
    except DisagreementError as error:
        sys.stderr.write(f"{error}\nThe figures differ, so no times are compared.\n")
        return EXIT_DATA
    if options.write:
        write_between_markers(README, "\n\n".join(printed), *MARKERS)
    return EXIT_OK


def parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--scales",
        type=lambda text: [float(scale) for scale in text.split(",")],
        default=SCALES,
        help="scales to measure, smallest first (1,10,100)",
    )
    parser.add_argument("--runs", type=int, help="rounds per scale (60 at scale 1, 20 at 10, 7 at 100)")
    parser.add_argument("--write", action="store_true", help="put the tables into benchmarks/README.md")
    return parser.parse_args(arguments)


def report(scales: Sequence[float], runs: int | None) -> Iterator[str]:
    """The parts of the report, each as soon as it is measured."""
    yield tables.machine(utc_now())
    measured: list[Measured] = []
    for scale in scales:
        measured.append(measure(data_set(scale), runs or default_runs(scale)))
        yield tables.of_scale(measured[-1])
    yield tables.side_by_side(measured)
    yield tables.targets(measured)


def default_runs(scale: float) -> int:
    """Rounds that take about a minute."""
    return next((rounds for below, rounds in ROUNDS if scale < below), ROUNDS_OF_LARGE)


if __name__ == "__main__":
    sys.exit(main())
