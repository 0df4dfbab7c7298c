"""The measurements of the crowds, as Markdown."""

from collections.abc import Iterator, Sequence

from benchmarks.load.measuring import Load, Loads
from benchmarks.tables import megabytes, milliseconds, number, table

NAMED = (200, 304, 503)
LEAST_PER_SECOND, SLOWEST_HEALTH_MS, SLOWEST_CONDITIONAL_MS = 40, 100, 3
TARGET_SCALE, TARGET_CLIENTS = 1, 8
HEADER = (
    "",
    "clients",
    "requests/s",
    "median",
    "95th",
    "99th percentile",
    *map(str, NAMED),
    "other",
    "`/health` median",
    "99th",
    "peak memory",
    "threads",
)


def of_scale(run: Loads) -> str:
    """A row per crowd."""
    what = f"{run.data}. Each crowd asked for {run.seconds:g} s."
    return f"### Crowds at scale {run.data.scale:g}\n\n{what}\n\n{table(HEADER, map(_row, run.loads))}"


def _row(load: Load) -> list[str]:
    answers, watch = load.answers, load.watch
    other = answers.requests - sum(answers.statuses.get(status, 0) for status in NAMED)
    return [
        "`GET /`, known" if load.conditional else "`GET /`",
        str(load.clients),
        number(answers.requests / answers.seconds),
        *map(milliseconds, (answers.median_ms, answers.p95_ms, answers.p99_ms)),
        *(f"{answers.share(status):.1%}" for status in NAMED),
        str(other),
        *map(milliseconds, (watch.health_percentile(50), watch.health_percentile(99))),
        megabytes(load.peak_mb),
        str(watch.threads),
    ]


def targets(runs: Sequence[Loads]) -> str:
    """The targets, and whether they are met."""
    rows = [row for run in runs for row in _targets_of(run)]
    return "### Targets under load\n\n" + table(["", "scale", "clients", "target", "measured", "met"], rows)


def _targets_of(run: Loads) -> Iterator[list[str]]:
    scale = f"{run.data.scale:g}"
    if run.data.scale == TARGET_SCALE:
        if crowd := run.of(TARGET_CLIENTS):
            rate = crowd.answers.per_second(200)
            asked = f"at least {LEAST_PER_SECOND}/s"
            yield ["`GET /`", scale, str(crowd.clients), asked, f"{number(rate)}/s", _met(rate >= LEAST_PER_SECOND)]
        for load in run.loads:
            if not load.conditional:
                health = load.watch.health_percentile(99)
                yield _below("`/health`, 99th percentile", load, scale, health, SLOWEST_HEALTH_MS)
    if single := run.of(1, conditional=True):
        yield _below("`GET /`, known, median", single, scale, single.answers.median_ms, SLOWEST_CONDITIONAL_MS)


def _below(name: str, load: Load, scale: str, measured_ms: float, limit_ms: float) -> list[str]:
    met = _met(measured_ms < limit_ms)
    return [name, scale, str(load.clients), f"under {limit_ms} ms", milliseconds(measured_ms), met]


def _met(met: bool) -> str:
    return "yes" if met else "**no**"
