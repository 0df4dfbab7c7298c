"""Break the calculations on purpose, one line at a time: every break must fail a test of `tests/calculations`.

Each mutant is made in a copy of its own; the working tree is never touched. When the source changes, only `MUTANTS`
has to follow: `old` must occur exactly once in its file.

    python -m tests.mutants [words of a name]

Exit code: 0 when all were killed, 1 when one survived or could not be judged.
"""

import os
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

ROOT = Path(__file__).parent.parent
NEEDED = (
    "calculations",
    "read_model",
    "util",
    "config.py",
    "pyproject.toml",
    "tests/__init__.py",
    "tests/oracle.py",
    "tests/rows.py",
    "tests/calculations",
)
PYTEST = (sys.executable, "-m", "pytest", "-x", "-q", "--no-header", "-p", "no:cacheprovider")
DRAWN = ("test_properties", "test_twin")  # the tests with drawn examples, which take long
AT_ONCE = 2
LONGEST_RUN_S = 600
PASSED = 0
# A test that failed; an ERROR would say that it could not run.
FAILED = re.compile(r"^FAILED (?:tests/calculations/)?(\S+)", re.MULTILINE)


class Mutant(NamedTuple):
    """One line of `calculations/` that is made wrong."""

    name: str
    file: str
    old: str
    new: str


MUTANTS = (
    # Traffic
    Mutant("session gap of 11 minutes", "traffic.py", "minutes=10", "minutes=11"),
    Mutant("session ends at exactly 10 minutes", "traffic.py", "gap > longest", "gap >= longest"),
    Mutant("last activity takes no time", "traffic.py", "seconds=10", "seconds=0"),
    Mutant("bounce rate over all users", "traffic.py", 'seen["since"]', 'seen["users"]'),
    Mutant("bounce rate of those who stayed", "traffic.py", "average(bounced", "average(estimators.item()"),
    Mutant("bounce rate forgives old estimations", "traffic.py", "estimated.select(user", "estimations.select(user"),
    Mutant("visitors by their first page view", "traffic.py", '("viewed_at").max()', '("viewed_at").min()'),
    Mutant("nobody is a visitor", "traffic.py", "(known & period", "(period"),
    Mutant("sessions of views before START_DATE", "traffic.py", "views.select(key", "page_views.select(key"),
    Mutant(
        "unique users since START_DATE",
        "traffic.py",
        "users=known.sum()",
        'users=(known & period.since_first("last")).sum()',
    ),
    Mutant("session length in seconds", "traffic.py", "minutes=1)", "seconds=1)"),
    # Votes
    Mutant("mean duration in seconds", "votes.py", "timed * MINUTE", "timed"),
    Mutant("the week begins on Sunday", "votes.py", "start=1", "start=0"),
    Mutant("estimation values in any order", "votes.py", '.sort("estimation")', '.sort("count", descending=True)'),
    Mutant("null estimations have a key", "votes.py", '.len("count").drop_nulls().sort', '.len("count").sort'),
    # Behaviour
    Mutant("votes of erased rooms lost", "behaviour.py", 'how="left"', 'how="inner"'),
    Mutant("null source counted", "behaviour.py", '("source").len("count").drop_nulls()', '("source").len("count")'),
    Mutant("the last source rule wins", "behaviour.py", "reversed(SOURCE_RULES)", "SOURCE_RULES"),
    Mutant("dots match anything", "behaviour.py", r"www\.google\.com", "www.google.com"),
    Mutant("Other absent when 0", "behaviour.py", " | {OTHER: as_map(sources).get(OTHER, 0)}", ""),
    Mutant("all rooms listed", "behaviour.py", ".head(TOP)", ""),
    # Reoccurring
    Mutant("adjusted: D - last < 30", "reoccurring.py", "ACTIVE_DAYS = 30", "ACTIVE_DAYS = 29"),
    Mutant("adjusted: D - last <= 31", "reoccurring.py", "ACTIVE_DAYS = 30", "ACTIVE_DAYS = 31"),
    Mutant("reoccurring by the second estimation", "reoccurring.py", '("key") != ', '("key") >= '),
    Mutant("reoccurring from the first day", "reoccurring.py", '.filter("again")', ""),
    Mutant("reoccurring anew on every day", "reoccurring.py", "again & ~third", "again | ~third"),
    Mutant("reoccurring since ever", "reoccurring.py", '.filter(period.contains("estimated_at"))', ""),
    Mutant(
        "reoccurring forgets weekends", "reoccurring.py", "SERIES).with_", 'SERIES).filter(is_weekday("day")).with_'
    ),
    Mutant(
        "lapsed while still coming",
        "reoccurring.py",
        'min_horizontal(pl.col("day").shift(-1), lapse)',
        'col("day").shift(-1)',
    ),
    # Historical
    Mutant("moving average of 31 rows", "historical.py", "WINDOW = 30", "WINDOW = 31"),
    Mutant("totals forget weekends", "historical.py", "counted, SERIES)", 'counted, SERIES).filter(is_weekday("day"))'),
    Mutant("moving average over weekends", "historical.py", '.filter(is_weekday("day"))', ""),
    Mutant("moving average in whole numbers", "historical.py", "round(DECIMALS)", "round(0)"),
    # Location
    Mutant("all countries listed", "location.py", '"country").head(TOP)', '"country")'),
    # Room and day
    Mutant("per vote over known values", "room_stats.py", '_estimations_sum"], count)', '_estimations_sum"], timed)'),
    Mutant("room duration over all votes", "room_stats.py", "float(seconds) / timed", "float(seconds) / count"),
    Mutant("day of 25 hours", "daily.py", "hours=24", "hours=25"),
    Mutant("day includes now", "daily.py", 'closed="left"', 'closed="both"'),
    Mutant("day excludes its first moment", "daily.py", 'closed="left"', 'closed="none"'),
    Mutant("sum of 32 bits", "daily.py", ".cast(pl.Int64)", ""),
    # What they share
    Mutant("top 41", "arithmetic.py", "TOP = 40", "TOP = 41"),
    Mutant("one decimal", "arithmetic.py", "DECIMALS = 2", "DECIMALS = 1"),
    Mutant("null labels stay null", "arithmetic.py", ".fill_null(UNKNOWN)", ""),
    Mutant("ties by name descending", "arithmetic.py", "[True, *[False] * len(columns)]", "True"),
    Mutant("means over nulls", "arithmetic.py", "pl.col(name).count()", "pl.col(name).len()"),
    Mutant("sums of binary numbers", "arithmetic.py", "cast(EXACT)", "cast(pl.Float64)"),
    Mutant("START_DATE exclusive", "period.py", "pl.col(column) >= datetime", "pl.col(column) > datetime"),
    Mutant("quiet days dropped", "period.py", "[spine, *counted]", "[*counted]"),
    Mutant(
        "today has no row",
        "period.py",
        "date_range(self.first, self.last",
        'date_range(self.first, self.last, closed="left"',
    ),
    Mutant(
        "rows of other days in the series", "period.py", '.filter(pl.col("day").is_between(self.first, self.last))', ""
    ),
    Mutant("Saturday is a weekday", "period.py", "FRIDAY = 5", "FRIDAY = 6"),
    Mutant("Friday is no weekday", "period.py", "FRIDAY = 5", "FRIDAY = 4"),
)


def main(words: list[str]) -> int:
    """Judge the mutants whose name contains `words`; returns the exit code."""
    chosen = [mutant for mutant in MUTANTS if " ".join(words) in mutant.name]
    if not chosen:
        say(f"No mutant is named {' '.join(words)!r}")
        return 1
    if reason := unmutated_failure():
        say(f"The tests fail before anything is broken: {reason}")
        return 1
    with ThreadPoolExecutor(AT_ONCE) as pool:
        verdicts = []
        for mutant, (is_killed, verdict) in zip(chosen, pool.map(judge, chosen), strict=True):
            say(f"{mutant.file:<15} {mutant.name:<40} {verdict}")
            verdicts.append(is_killed)
    say(f"{sum(verdicts)} of {len(verdicts)} mutants killed")
    return 0 if all(verdicts) else 1


def unmutated_failure() -> str | None:
    """The first failure of the tests on an unchanged copy, if any."""
    with TemporaryDirectory(prefix="fpp-mutants-") as directory:
        copy_needed(Path(directory))
        code, output = run_tests(Path(directory), test_files(Path(directory), "all"))
    return None if code == PASSED else gist(output)


def judge(mutant: Mutant) -> tuple[bool, str]:
    """Whether a test fails on the mutant, and what to say about it."""
    with TemporaryDirectory(prefix="fpp-mutants-") as directory:
        copy_needed(Path(directory))
        source = Path(directory, "calculations", mutant.file)
        text = source.read_text(encoding="utf-8")
        if (found := text.count(mutant.old)) != 1:
            return False, f"NOT APPLIED: {mutant.old!r} occurs {found} times, not once"
        source.write_text(text.replace(mutant.old, mutant.new), encoding="utf-8")
        code, output = run_tests(Path(directory), test_files(Path(directory), source.stem))
    if code == PASSED:
        return False, "SURVIVED"
    if failed := FAILED.search(output):
        return True, f"killed by {failed[1]}"
    return False, f"NOT JUDGED: {gist(output)}"


def copy_needed(directory: Path) -> None:
    """Copy what the tests of the calculations need."""
    for name in NEEDED:
        source, target = ROOT / name, directory / name
        target.parent.mkdir(exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", ".hypothesis"))
        else:
            shutil.copy(source, target)


def test_files(directory: Path, subject: str) -> list[str]:
    """All tests of the calculations: those of the subject first, those with drawn examples last."""
    files = (directory / "tests" / "calculations").glob("test_*.py")
    return [
        str(file) for file in sorted(files, key=lambda file: (file.stem != f"test_{subject}", file.stem in DRAWN, file))
    ]


def run_tests(directory: Path, files: list[str]) -> tuple[int, str]:
    """pytest's exit code in a copy, and what it wrote."""
    environment = os.environ | {
        "HYPOTHESIS_PROFILE": "mutants",
        "POLARS_MAX_THREADS": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    try:
        finished = subprocess.run(  # noqa: S603 - pytest, no shell
            [*PYTEST, *files],
            cwd=directory,
            env=environment,
            capture_output=True,
            text=True,
            timeout=LONGEST_RUN_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return -1, f"no end after {LONGEST_RUN_S} s"
    return finished.returncode, f"{finished.stdout}\n{finished.stderr}".strip()


def gist(output: str) -> str:
    """The line that says what went wrong: the first failed test, else the last line."""
    lines = output.splitlines()
    return next((line for line in lines if line.startswith(("FAILED", "ERROR"))), lines[-1] if lines else "no output")


def say(line: str) -> None:
    """One line at once."""
    print(line, flush=True)  # noqa: T201 - a command


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
