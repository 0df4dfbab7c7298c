"""Load the real server with crowds of clients requesting `GET /`: `python -m benchmarks.load`."""

import argparse
import sys
from collections.abc import Iterator, Sequence
from itertools import chain

from benchmarks.data import data_set
from benchmarks.load import tables
from benchmarks.load.hey import LoadGeneratorError, hey, install
from benchmarks.load.measuring import Generator, Loads, measure
from benchmarks.report import README, write_between_markers
from benchmarks.tables import machine
from util.clock import utc_now
from util.errors import EXIT_OK

MARKERS = ("<!-- load -->\n", "<!-- end of load -->")
SCALES = (1.0, 100.0)
CLIENTS = (1, 8, 64, 256)
# Where an answer takes seconds, a run must outlast QUERY_QUEUE_SECONDS for any request to be refused.
SECONDS, SECONDS_OF_LARGE, LARGE_SCALE = 10.0, 30.0, 10


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; returns the exit code."""
    options = parsed(arguments)
    printed = []
    try:
        install()
        for part in chain([machine(utc_now())], report(options.scales, options.clients, options.seconds, hey)):
            print(f"\n{part}", flush=True)
            printed.append(part)
    except LoadGeneratorError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    if options.write:
        write_between_markers(README, "\n\n".join(printed), *MARKERS)
    return EXIT_OK


def parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.load", description=__doc__)
    parser.add_argument(
        "--scales",
        type=lambda text: [float(scale) for scale in text.split(",")],
        default=SCALES,
        help="scales to measure (1,100)",
    )
    parser.add_argument(
        "--clients",
        type=lambda text: [int(clients) for clients in text.split(",")],
        default=CLIENTS,
        help="sizes of the crowds (1,8,64,256)",
    )
    parser.add_argument("--seconds", type=float, help="duration of each crowd (10 below scale 10, 30 from there on)")
    parser.add_argument("--write", action="store_true", help="put the tables into benchmarks/README.md")
    return parser.parse_args(arguments)


def report(
    scales: Sequence[float], clients: Sequence[int], seconds: float | None, generator: Generator
) -> Iterator[str]:
    """The parts of the report, each as soon as it is measured."""
    measured: list[Loads] = []
    for scale in scales:
        measured.append(measure(data_set(scale), clients, seconds or default_seconds(scale), generator))
        yield tables.of_scale(measured[-1])
    yield tables.targets(measured)


def default_seconds(scale: float) -> float:
    """Long enough for many answers, or for refusals."""
    return SECONDS if scale < LARGE_SCALE else SECONDS_OF_LARGE


if __name__ == "__main__":
    sys.exit(main())
