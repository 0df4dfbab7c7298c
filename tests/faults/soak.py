"""`make soak`: about ten minutes of kills, tiny runs, readers and crowds. It prints what it counted.

Run by hand on an idle machine: `python -m tests.faults.soak [--write]`. With `--write` the
figures go into the README beside this file.
"""

import argparse
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from demo.publishing import publish_sample
from demo.sample import sample
from tests.faults.crowd import crowd, usage
from tests.faults.growth import Publisher, growing, publishing_every
from tests.faults.history import History, Verdict
from tests.faults.readers import DASHBOARD, Reading, reading
from tests.faults.service import Service, let_pass, service
from tests.faults.updaters import KILLED
from tests.mariadb import private_server
from tests.processes import serving
from util.clock import utc_now

README = Path(__file__).with_name("README.md")
BEGIN, END = "<!-- soak -->\n", "<!-- /soak -->\n"
READERS, READER_PAUSE_S = 8, 0.2
COMMIT_EVERY_S = 0.1
RUN_INTERVAL_S = 600
PUBLISH_EVERY_S = 0.05
KILLS_PER_ROUND, RUNS_PER_ROUND = 50, 100
CLIENTS, CROWDS = 200, 5
STEPS = (
    "after the directory",
    "after linking fpp_estimations.parquet",
    "after fpp_rooms.parquet",
    "before the manifest",
    "with an empty manifest",
    "after the manifest",
    "before the rename",
    "after the rename",
    "during the sweep",
)


@dataclass
class Tally:
    """The counts of all parts."""

    kills: int = 0
    runs: int = 0
    rounds: int = 0
    unavailable: int = 0
    wrong: list[str] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)
    manifest_bytes: int = 0
    files: int = 0
    snapshots: int = 0
    dashboard_ms: list[float] = field(default_factory=list)
    health_ms: list[float] = field(default_factory=list)
    answered: int = 0
    sent_away: int = 0
    threads: int = 0
    megabytes: float = 0

    def add(self, history: History, met: Reading) -> None:
        """Add the observations of readers, and judge the history."""
        self.unavailable += met.unavailable
        self.wrong += met.wrong
        self.verdicts.append(history.verdict)

    def measure(self, data_dir: Path) -> None:
        """Record the largest snapshot and the number of snapshots."""
        kept = list((data_dir / "snapshots").iterdir())
        self.snapshots = max(self.snapshots, len(kept))
        for directory in kept:
            self.files = max(self.files, len(list(directory.glob("*.parquet"))))
            self.manifest_bytes = max(self.manifest_bytes, (directory / "snapshot.json").stat().st_size)

    def total(self, name: str) -> int:
        """The sum of one count over all verdicts."""
        return sum(getattr(verdict, name) for verdict in self.verdicts)

    @property
    def problems(self) -> list[str]:
        """The faults found."""
        return self.wrong + [example for verdict in self.verdicts for example in verdict.examples]


def survive_kills(whole: Service, kills: int, tally: Tally) -> None:
    """Kill updaters while rows are committed and read, and compare with the source after each round.

    Three of four are killed at a random moment, the others at a step of publishing if they reach it.
    """
    rng = random.Random(16)  # noqa: S311 - nothing secret
    with reading(whole.server, whole.history, READERS, READER_PAUSE_S) as met:
        while tally.kills < kills:
            usual_s = whole.update().seconds
            with growing(whole.source, COMMIT_EVERY_S):
                for number in range(min(KILLS_PER_ROUND, kills - tally.kills)):
                    step = STEPS[number % len(STEPS)] if number % 4 == 0 else None
                    while whole.update(kill_after=rng.uniform(0, usual_s), crash_at=step).exit_code != KILLED:
                        tally.runs += 1
                    tally.kills += 1
                    let_pass(whole.data_dir, RUN_INTERVAL_S)
            _end_round(whole, tally)
    tally.add(whole.history, met)


def survive_tiny_runs(whole: Service, runs: int, tally: Tally) -> None:
    """Let ten minutes and one new row in every table pass between runs; compare with the source after each round."""
    with reading(whole.server, whole.history, READERS, READER_PAUSE_S) as met:
        for number in range(runs):
            whole.source.grow()
            run = whole.update()
            assert run.exit_code == 0, run.log
            tally.runs += 1
            let_pass(whole.data_dir, RUN_INTERVAL_S)
            if number % RUNS_PER_ROUND == RUNS_PER_ROUND - 1:
                _end_round(whole, tally)
                whole.assert_few_files()
                tally.measure(whole.data_dir)
                tally.dashboard_ms.append(_duration_ms(whole))
    tally.add(whole.history, met)


def _end_round(whole: Service, tally: Tally) -> None:
    whole.assert_in_step()
    tally.runs += 1
    tally.rounds += 1
    _say(f"{tally.kills} kills, {tally.runs} runs, {whole.source.rows} rows per table")


def _duration_ms(whole: Service) -> float:
    """The latency of the dashboard among the readers: the median of five, in milliseconds."""
    durations = []
    for _ in range(5):
        asked = time.monotonic()
        whole.server.get(DASHBOARD)
        durations.append((time.monotonic() - asked) * 1000)
    return statistics.median(durations)


def survive_replacement(directory: Path, seconds: float, tally: Tally) -> None:
    """Publish every 50 ms; half of the time older snapshots are kept as usual, then they are removed at once."""
    publisher = Publisher(directory / "replaced", History(), total=90)
    publisher.publish()
    with serving(publisher.data_dir) as server:
        for only_current in (False, True):
            with (
                reading(server, publisher.history, READERS) as met,
                publishing_every(PUBLISH_EVERY_S, publisher, only_current=only_current),
            ):
                time.sleep(seconds / 2)
            tally.wrong += met.wrong
            tally.unavailable += met.unavailable
            if met.unavailable and not only_current:
                tally.wrong.append(f"{met.unavailable} times 503, though snapshots were kept")
    tally.verdicts.append(publisher.history.verdict)


def survive_crowds(directory: Path, tally: Tally) -> None:
    """Send crowds to the dashboard, and watch `/health` meanwhile."""
    data_dir = directory / "crowd"
    publish_sample(sample(utc_now()), data_dir, utc_now())
    with serving(data_dir, QUERY_QUEUE_SECONDS=5) as server:
        for _ in range(CROWDS):
            answers = crowd(server, CLIENTS)
            tally.health_ms += [1000 * each for each in answers.health_s]
            tally.answered += answers.statuses[200]
            tally.sent_away += answers.clean_503
        taken = usage(server)
        tally.threads, tally.megabytes = taken.threads, taken.megabytes
    if tally.answered + tally.sent_away != CLIENTS * CROWDS:
        tally.wrong.append("a crowd was answered otherwise than by 200 and 503 with Retry-After")


def figures(tally: Tally, seconds: float) -> Mapping[str, str]:
    """The figures for the README."""
    return {
        "Measured": f"{utc_now():%Y-%m-%d}, in {seconds / 60:.0f} minutes",
        "Kills survived": f"{tally.kills:,}",
        "Runs that ended": f"{tally.runs:,}",
        "Comparisons of all rows with the source": f"{tally.rounds:,}",
        "Snapshots checked": f"{tally.total('snapshots'):,}",
        "Reads checked": f"{tally.total('reads'):,}",
        "Rows lost": f"{tally.total('lost'):,}",
        "Rows doubled": f"{tally.total('doubled'):,}",
        "Answers mixed of snapshots, going back, or of unknown origin": f"{_of_other_kinds(tally):,}",
        "Readers told to retry (503)": f"{tally.unavailable:,}",
        "Largest manifest": f"{tally.manifest_bytes:,} bytes",
        "Most files in a snapshot, of 500 rows each": f"{tally.files:,}",
        "Most snapshots kept": f"{tally.snapshots:,}",
        "Dashboard among 8 readers, first and last hundred runs": _first_and_last(tally.dashboard_ms),
        f"`/health` while {CLIENTS} clients ask for the dashboard": _percentiles(tally.health_ms),
        "Of these clients": f"{tally.answered:,} answered, {tally.sent_away:,} told to retry",
        "Server after them": f"{tally.threads} threads, {tally.megabytes:,.0f} MB at most",
    }


def _of_other_kinds(tally: Tally) -> int:
    return sum(tally.total(name) for name in ("mixed", "back", "unknown"))


def _first_and_last(milliseconds: list[float]) -> str:
    return f"{milliseconds[0]:.0f} ms, {milliseconds[-1]:.0f} ms" if milliseconds else "not measured"


def _percentiles(milliseconds: list[float]) -> str:
    cuts = statistics.quantiles(milliseconds, n=100)
    return f"median {cuts[49]:.0f} ms, p99 {cuts[98]:.0f} ms, of {len(milliseconds):,}"


def as_table(found: Mapping[str, str]) -> str:
    """The figures as a Markdown table."""
    return "| figure | value |\n|---|---|\n" + "".join(f"| {name} | {value} |\n" for name, value in found.items())


def write(found: Mapping[str, str]) -> None:
    """Replace the figures in the README."""
    before, _, rest = README.read_text(encoding="utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    README.write_text(before + BEGIN + as_table(found) + END + after, encoding="utf-8")


@contextmanager
def _whole_service(directory: Path, segment_rows: int) -> Iterator[Service]:
    with private_server() as mariadb, service(mariadb, directory, directory / "data", segment_rows) as whole:
        yield whole


def main() -> int:
    """Run all parts; returns 0 when nothing was lost, doubled or otherwise wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.soak", description=__doc__)
    parser.add_argument("--kills", type=int, default=1_000, help="updaters to kill")
    parser.add_argument("--runs", type=int, default=2_000, help="runs with one new row per table")
    parser.add_argument("--seconds", type=float, default=60, help="time of publishing every 50 ms")
    parser.add_argument("--write", action="store_true", help="write the figures into the README beside this file")
    wanted = parser.parse_args()
    begun, tally = time.monotonic(), Tally()
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        with _whole_service(directory / "kills", segment_rows=100) as whole:
            survive_kills(whole, wanted.kills, tally)
        with _whole_service(directory / "tiny", segment_rows=500) as whole:
            survive_tiny_runs(whole, wanted.runs, tally)
        survive_replacement(directory, wanted.seconds, tally)
        survive_crowds(directory, tally)
    found = figures(tally, time.monotonic() - begun)
    sys.stdout.write(as_table(found))
    for problem in tally.problems[:20]:
        _say(f"WRONG: {problem}")
    if wanted.write and not tally.problems:
        write(found)
    return 1 if tally.problems else 0


def _say(text: str) -> None:
    sys.stderr.write(f"{utc_now():%H:%M:%S} {text}\n")


if __name__ == "__main__":
    sys.exit(main())
