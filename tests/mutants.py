"""Break the calculations on purpose, one line at a time: every break must fail a test of `tests/calculations`.

Each mutant is made in a copy of its own; the working tree is never touched. When the source changes, only `MUTANTS`
has to follow: `old` must occur exactly once in its file.

    python -m tests.mutants [--own] [part of a name or of its file]...

`--own` judges by the tests of the broken module alone, `tests/calculations/test_<module>.py` and what `OWN_TOO` adds,
which takes seconds.

Exit code: 0 when all were killed, 1 when one survived or could not be judged.
"""

import os
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial
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
OWN = "--own"
# Tests of a module that are not in the file of its name.
OWN_TOO = {
    "arithmetic": ("test_behaviour", "test_location"),
    "active_buckets": ("test_lifecycle", "test_reoccurring", "test_retention", "test_returning"),
    "reoccurring": ("test_returning",),
    "traffic": ("test_visits",),
}
AT_ONCE = 2
LONGEST_RUN_S = 600
PASSED = 0
# A test that failed; an ERROR would say that it could not run.
FAILED = re.compile(r"^FAILED (?:tests/calculations/(?:\w+/)?)?(\S+)", re.MULTILINE)


class Mutant(NamedTuple):
    """One line of `calculations/` that is made wrong."""

    name: str
    file: str
    old: str
    new: str


MUTANTS = (
    # Traffic
    Mutant("session gap of 11 minutes", "traffic.py", "minutes=10", "minutes=11"),
    Mutant("last activity takes no time", "traffic.py", "seconds=10", "seconds=0"),
    Mutant("bounce rate over all users", "traffic.py", "visitors=looked.item()", 'visitors=active_["users"].item()'),
    Mutant("bounce rate of those who stayed", "traffic.py", 'active_["users"].item() - ', ""),
    Mutant("unique users since START_DATE", "traffic.py", " + earlier_only(page_views, period)", ""),
    Mutant("who stayed is unique, who left is not", "traffic.py", 'how="anti"', 'how="semi"'),
    Mutant("views without a time are nobody's", "traffic.py", ' | pl.col("viewed_at").is_null()', ""),
    Mutant("nobody is a unique user", "traffic.py", ".drop_nulls().unique()", ".unique()"),
    Mutant("a user per earlier page view", "traffic.py", ".drop_nulls().unique()", ".drop_nulls()"),
    Mutant("session length in seconds", "traffic.py", "minutes=1)", "seconds=1)"),
    Mutant(
        "views per visitor",
        "traffic.py",
        "counted.page_views, counted.sessions",
        "counted.page_views, counted.visitors",
    ),
    Mutant("visit length in minutes", "traffic.py", "(SECOND // MICROSECOND)", "(MINUTE // MICROSECOND)"),
    # Activities
    Mutant(
        "estimations before START_DATE",
        "activities.py",
        'ESTIMATED, begun("estimated_at")',
        "ESTIMATED",
    ),
    Mutant(
        "page views before START_DATE",
        "activities.py",
        'LOOKED, begun("viewed_at")',
        "LOOKED",
    ),
    Mutant("nobody is a user", "activities.py", ".drop_nulls()", ".fill_null(0)"),
    Mutant("activities in any order", "activities.py", ".sort()", ""),
    Mutant("users who only looked are numbered", "activities.py", '.filter(is_estimation("key"))', ""),
    # Packed keys
    Mutant("session ends at exactly 10 minutes", "packed_keys.py", "(gap) <= longest", "(gap) < longest"),
    Mutant("an estimation is later than its time", "packed_keys.py", "TICKS + ESTIMATED", "TICKS"),
    Mutant("a microsecond more is within", "packed_keys.py", "TICKS + ESTIMATED", "TICKS + TICKS"),
    Mutant("the kind is half a microsecond", "packed_keys.py", "ESTIMATED = 1", "ESTIMATED = 2"),
    Mutant(
        "gaps end a microsecond early", "packed_keys.py", "wrap_numerical=True) + ESTIMATED", "wrap_numerical=True)"
    ),
    Mutant("the first key begins no user", "packed_keys.py", "pl.col(gap).is_null() | ", ""),
    Mutant("neighbouring hashes are one user", "packed_keys.py", "_ANOTHER_USER = 1 << 63", "_ANOTHER_USER = 1 << 64"),
    Mutant("years make another user", "packed_keys.py", "(gap) > _ANOTHER_USER", "(gap) > _ANOTHER_USER >> 10"),
    Mutant(
        "no user hashed",
        "packed_keys.py",
        "pl.col(column).is_not_null() & counted",
        "pl.lit(counted)",
    ),
    Mutant("8 million days", "packed_keys.py", "DAY_BITS = 24", "DAY_BITS = 23"),
    # Votes
    Mutant("mean duration in seconds", "votes.py", "timed * MINUTE", "timed"),
    Mutant("the week begins on Sunday", "votes.py", "start=1", "start=0"),
    Mutant("weekdays of UTC", "votes.py", ".dt.convert_time_zone(zone)", ""),
    Mutant("estimation values in any order", "votes.py", '.sort("estimation")', '.sort("count", descending=True)'),
    Mutant("null estimations have a key", "votes.py", '.len("count").drop_nulls().sort', '.len("count").sort'),
    # Behaviour
    Mutant("votes of erased rooms lost", "behaviour.py", 'how="left"', 'how="inner"'),
    Mutant("null source counted", "behaviour.py", '.drop_nulls("source")', ""),
    Mutant("the last source rule wins", "behaviour.py", "reversed(SOURCE_RULES)", "SOURCE_RULES"),
    Mutant("dots match anything", "behaviour.py", r"www\.google\.com", "www.google.com"),
    Mutant("Other absent when 0", "behaviour.py", ' | {OTHER: maps["sources"].get(OTHER, 0)}', ""),
    Mutant("all rooms listed", "behaviour.py", ".head(TOP)", ""),
    # Reoccurring
    Mutant("adjusted: D - last < 30", "reoccurring.py", "ACTIVE_DAYS = 30", "ACTIVE_DAYS = 29"),
    Mutant("adjusted: D - last <= 31", "reoccurring.py", "ACTIVE_DAYS = 30", "ACTIVE_DAYS = 31"),
    Mutant("reoccurring by the second estimation", "reoccurring.py", 'pl.col("day") != ', 'pl.col("day") >= '),
    Mutant("the first room follows another", "reoccurring.py", ".fill_null(value=True)", ".fill_null(value=False)"),
    Mutant("reoccurring from the first day", "reoccurring.py", ".filter(~first)", ""),
    Mutant("reoccurring anew on every day", "reoccurring.py", "second=first.shift(1)", "second=~first"),
    Mutant("active for good", "reoccurring.py", "opened - ended", "opened"),
    Mutant("lapsed while still coming", "reoccurring.py", " & (day.shift(-1) < lapse)", ""),
    Mutant("coming while lapsed", "reoccurring.py", "goes_on & ", ""),
    Mutant("returning at the end of a bucket's first day", "reoccurring.py", ".last()", ".first()"),
    # Historical
    Mutant("moving average of 31 rows", "historical.py", "WINDOW = 30", "WINDOW = 31"),
    Mutant("totals forget weekends", "historical.py", "counted.lazy()", 'counted.lazy().filter(is_weekday("date"))'),
    Mutant("moving average over weekends", "historical.py", ".filter(shown)", ""),
    Mutant("rows of one instant are one", "historical.py", "times.to_series())", "times.to_series().unique())"),
    Mutant("moving average in whole numbers", "historical.py", "round(DECIMALS)", "round(0)"),
    # Location
    Mutant("all countries listed", "location.py", 'PLACES = ("country", ', "PLACES = ("),
    # Room and day
    Mutant(
        "per vote over known values",
        "room_stats.py",
        '_mean("amount_of_estimations", "votes")',
        '_mean_known("amount_of_estimations")',
    ),
    Mutant("room duration over all votes", "room_stats.py", '_mean_known("duration")', '_mean("duration", "votes")'),
    Mutant("ties rounded in binary", "arithmetic.py", ".then(number + error.sign() * 0.1 / scale)", ".then(number)"),
    Mutant("erased rooms not listed", "rooms.py", 'how="left"', 'how="inner"'),
    Mutant("votes of no room are one's", "rooms.py", 'votes.drop_nulls("room_id")', "votes"),
    Mutant("day of 25 hours", "daily.py", "hours=24", "hours=25"),
    Mutant("day includes now", "daily.py", 'closed="left"', 'closed="both"'),
    Mutant("day excludes its first moment", "daily.py", 'closed="left"', 'closed="none"'),
    Mutant("sum of 32 bits", "daily.py", ".cast(pl.Int64)", ""),
    # Lifecycle and retention
    Mutant("history is no bucket", "active_buckets.py", ".clip(lower_bound=before)", ""),
    Mutant("rooms in any order", "active_buckets.py", '.sort("key")', ""),
    Mutant("rooms active twice in a bucket", "active_buckets.py", ".unique()", ""),
    Mutant("who resurrects returns", "lifecycle.py", ".shift(1) == 1)", ".shift(1) >= 1)"),
    Mutant("dormant only for good", "lifecycle.py", ' | (pl.col("bucket").shift(-1) - pl.col("bucket") > 1)', ""),
    Mutant(
        "the first bucket is left out", "lifecycle.py", "start=buckets.edges[0] - MICROSECOND", "start=period.start"
    ),
    Mutant("rows at the end count", "lifecycle.py", '"estimated_at") < period.end', '"estimated_at") <= period.end'),
    Mutant("a cell is known a moment late", "retention.py", "+ 1) <= known_until", "+ 1) < known_until"),
    Mutant("a cell is known at its beginning", "retention.py", '"interval") + 1) <=', '"interval")) <='),
    Mutant("means over unknown cells", "retention.py", '.filter(pl.col("retained").is_not_null())', ""),
    Mutant(
        "cohorts weigh the same",
        "retention.py",
        ".fill_null(0)).with_columns(rate=_rate())",
        '.fill_null(0)).join(known.group_by("interval").agg(pl.col("rate").mean()), "interval", "left")',
    ),
    Mutant("cumulative from the first", "retention.py", "cum_sum(reverse=True)", "cum_sum()"),
    Mutant(
        "history before the cohorts forgotten",
        "retention.py",
        '(pl.col("estimated_at") < known_until)',
        '(pl.col("estimated_at").is_between(followed.edges[0], known_until, closed="left"))',
    ),
    Mutant(
        "who comes after the last interval is lost",
        "retention.py",
        "upper_bound=intervals - 1",
        "upper_bound=intervals",
    ),
    Mutant(
        "the last interval is quiet", "retention.py", "for row in range(intervals)", "for row in range(intervals - 1)"
    ),
    # Date ranges
    Mutant(
        "ranges end with yesterday",
        "date_ranges.py",
        "local_day(now, zone)",
        "local_day(now, zone) - timedelta(days=1)",
    ),
    Mutant("a week of eight days", "date_ranges.py", "DAYS[date_range] - 1", "DAYS[date_range]"),
    Mutant("24 hours without the current minute", "date_ranges.py", " + MINUTE", ""),
    Mutant(
        "months have 31 days",
        "date_ranges.py",
        "min(first + timedelta(days=day.day - 1), following - timedelta(days=1))",
        "first + timedelta(days=day.day - 1)",
    ),
    Mutant("no 29 February", "date_ranges.py", "following - timedelta(days=1)", "first + timedelta(days=27)"),
    Mutant("months compared by days", "date_ranges.py", "MONTHS.get(date_range)", "None"),
    Mutant("last year is eleven months ago", "date_ranges.py", "YEAR = 12", "YEAR = 11"),
    Mutant("open beside whole", "date_ranges.py", "min(base.end, base.start + elapsed)", "base.end"),
    Mutant(
        "more elapsed than there is", "date_ranges.py", "min(base.end, base.start + elapsed)", "base.start + elapsed"
    ),
    # Comparisons
    Mutant("what is gone is not compared", "comparison.py", '"full" if rows == "all" else "left"', '"left"'),
    Mutant("nulls never meet", "comparison.py", "nulls_equal=True", "nulls_equal=False"),
    Mutant("nothing to compare with is 0", "comparison.py", 'if rows == "all":', "if rows:"),
    Mutant("percent of the value", "comparison.py", "difference / pl.col(comparison)", "difference / pl.col(name)"),
    Mutant("percent of 0", "comparison.py", "pl.when(pl.col(comparison) != 0).then(share.round(DECIMALS))", "share"),
    # What they share
    Mutant(
        "labelled after counting",
        "arithmetic.py",
        'table.group_by(label(column) for column in columns).len("count")',
        'table.group_by(columns).len("count").with_columns(label(column) for column in columns)',
    ),
    Mutant("top 41", "arithmetic.py", "TOP = 40", "TOP = 41"),
    Mutant("one decimal", "arithmetic.py", "DECIMALS = 2", "DECIMALS = 1"),
    Mutant("null labels stay null", "arithmetic.py", ".fill_null(UNKNOWN)", ""),
    Mutant("ties by name descending", "arithmetic.py", "[True, *[False] * len(columns)]", "True"),
    Mutant("means over nulls", "arithmetic.py", "numbers.count()", "numbers.len()"),
    Mutant("sums of 32 bits", "arithmetic.py", "integers.cast(pl.Int64)", "integers"),
    Mutant("sums of binary numbers", "arithmetic.py", "cast(EXACT)", "cast(pl.Float64)"),
    # Periods
    Mutant("START_DATE exclusive", "period.py", "pl.col(column) >= lit", "pl.col(column) > lit"),
    Mutant("the end inclusive", "period.py", "< literal(self.end)", "<= literal(self.end)"),
    Mutant("the day after the last", "period.py", "self.end - MICROSECOND", "self.end"),
    Mutant(
        "periods of negative length",
        "period.py",
        "max(start, midnight(last + timedelta(days=1), zone))",
        "midnight(last + timedelta(days=1), zone)",
    ),
    Mutant("the second midnight", "period.py", "time(), ", "time(fold=1), "),
    Mutant("days of UTC", "period.py", "instant.astimezone(ZoneInfo(zone))", "instant"),
    # Buckets
    Mutant("quiet days dropped", "buckets.py", "[spine, *counted]", "[*counted]"),
    Mutant("today has no row", "buckets.py", "head(len(inside) + 1)", "head(len(inside))"),
    Mutant("a bucket from the end on", "buckets.py", "edges < period.end", "edges <= period.end"),
    Mutant("the hour before the first", "buckets.py", "> period.start)", ">= period.start)"),
    Mutant("hours with both ends", "buckets.py", '"30m", closed="left"', '"30m", closed="both"'),
    Mutant("half hours", "buckets.py", ".minute() == 0", ".minute() >= 0"),
    Mutant("hours of UTC", "buckets.py", "halves.dt.convert_time_zone(period.zone).dt", "halves.dt"),
    Mutant("all buckets of one width", "buckets.py", "longest if shortest == longest else None", "longest"),
    Mutant("an edge is in the bucket before it", "buckets.py", 'side="right"', 'side="left"'),
    Mutant("no instant is before the first", "buckets.py", "pl.when(us.is_not_null()).then(found)", "found"),
    Mutant("rows are in order", "buckets.py", "drop_nulls().sort()", "drop_nulls()"),
    Mutant("a row at an edge is before it", "buckets.py", "search_sorted(edges)", 'search_sorted(edges, side="right")'),
    Mutant("rows before the first bucket", "buckets.py", ".diff().slice(1)", ".slice(1)"),
    Mutant("so far without the bucket itself", "buckets.py", "int_range(1, len(self) + 1", "int_range(len(self)"),
    Mutant("a week begins a day late", "buckets.py", 'week_start == "sunday"', 'week_start == "monday"'),
    Mutant("a quarter is any three months", "buckets.py", '"month": 1, "quarter": 3', '"month": 1, "quarter": 1'),
    Mutant("a leap year has no end", "buckets.py", "days=367", "days=365"),
    Mutant("the day begins at its last midnight", "buckets.py", 'ambiguous="earliest"', 'ambiguous="latest"'),
    Mutant("days without midnight fail", "buckets.py", 'non_existent="null"', 'non_existent="raise"'),
    Mutant("skipped days have a bucket", "buckets.py", ".unique(maintain_order=True)", ""),
    Mutant("dates of UTC", "buckets.py", ".dt.convert_time_zone(self.zone)", ""),
    Mutant("Saturday is a weekday", "buckets.py", "FRIDAY = 5", "FRIDAY = 6"),
    Mutant("Friday is no weekday", "buckets.py", "FRIDAY = 5", "FRIDAY = 4"),
)


def main(arguments: list[str]) -> int:
    """Judge the mutants whose name or file contains one of the arguments, all without any; returns the exit code."""
    parts = [argument for argument in arguments if argument != OWN]
    chosen = [
        mutant for mutant in MUTANTS if not parts or any(part in f"{mutant.file} {mutant.name}" for part in parts)
    ]
    if not chosen:
        say(f"No mutant is named {' or '.join(map(repr, parts))}")
        return 1
    is_own = OWN in arguments
    if reason := unmutated_failure({Path(mutant.file).stem for mutant in chosen}, is_own=is_own):
        say(f"The tests fail before anything is broken: {reason}")
        return 1
    with ThreadPoolExecutor(AT_ONCE) as pool:
        verdicts = []
        for mutant, (is_killed, verdict) in zip(chosen, pool.map(partial(judge, is_own=is_own), chosen), strict=True):
            say(f"{mutant.file:<15} {mutant.name:<40} {verdict}")
            verdicts.append(is_killed)
    say(f"{sum(verdicts)} of {len(verdicts)} mutants killed")
    return 0 if all(verdicts) else 1


def unmutated_failure(subjects: set[str], *, is_own: bool) -> str | None:
    """The first failure of the tests on an unchanged copy, if any."""
    with TemporaryDirectory(prefix="fpp-mutants-") as directory:
        copy_needed(Path(directory))
        code, output = run_tests(Path(directory), test_files(Path(directory), subjects, is_own=is_own))
    return None if code == PASSED else gist(output)


def judge(mutant: Mutant, *, is_own: bool) -> tuple[bool, str]:
    """Whether a test fails on the mutant, and what to say about it."""
    with TemporaryDirectory(prefix="fpp-mutants-") as directory:
        copy_needed(Path(directory))
        (source,) = Path(directory, "calculations").rglob(mutant.file)
        text = source.read_text(encoding="utf-8")
        if (found := text.count(mutant.old)) != 1:
            return False, f"NOT APPLIED: {mutant.old!r} occurs {found} times, not once"
        source.write_text(text.replace(mutant.old, mutant.new), encoding="utf-8")
        code, output = run_tests(Path(directory), test_files(Path(directory), {source.stem}, is_own=is_own))
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


def test_files(directory: Path, subjects: set[str], *, is_own: bool) -> list[str]:
    """All tests of the calculations, those of the subjects first (`is_own`: only them), those of drawn rows last."""
    own = {name for subject in subjects for name in (f"test_{subject}", *OWN_TOO.get(subject, ()))}
    files = [
        file for file in (directory / "tests" / "calculations").rglob("test_*.py") if not is_own or file.stem in own
    ]
    return [str(file) for file in sorted(files, key=lambda file: (file.stem not in own, file.stem in DRAWN, file))]


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
