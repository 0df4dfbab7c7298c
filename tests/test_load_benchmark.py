"""The load benchmark counts every request, and reports what it measured."""

import os
import shutil
import time
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from math import inf
from pathlib import Path

import httpx
import pytest

from benchmarks.data import DataSet, data_set
from benchmarks.load import tables
from benchmarks.load.__main__ import MARKERS, SCALES, default_seconds, main
from benchmarks.load.hey import Answers, LoadGeneratorError, hey, parsed
from benchmarks.load.measuring import Load, Loads, Watch, measure
from benchmarks.report import README
from tests.processes import PATIENCE_S
from util.errors import EXIT_UNAVAILABLE

SCALE, SECONDS = 0.02, 0.4
# As hey 0.1.4 prints it, some lines of its histogram left out.
SUMMARY = """
Summary:
  Total:	3.0173 secs
  Slowest:	0.1079 secs
  Fastest:	0.0411 secs
  Average:	0.0580 secs
  Requests/sec:	17.2338
  
  Total data:	1936896 bytes
  Size/request:	37248 bytes

Response time histogram:
  0.041 [1]	|■■
  0.108 [1]	|■■


Latency distribution:
  10% in 0.0485 secs
  50% in 0.0568 secs
  90% in 0.0712 secs
  95% in 0.0873 secs
  0% in 0.0000 secs

Details (average, fastest, slowest):
  DNS+dialup:	0.0000 secs, 0.0411 secs, 0.1079 secs
  resp read:	0.0003 secs, 0.0001 secs, 0.0017 secs

Status code distribution:
  [200]	49 responses
  [503]	3 responses

"""  # noqa: W293 - hey's own blanks
ERRORS = """Error distribution:
  [4]	Get "http://127.0.0.1:5100/": dial tcp 127.0.0.1:5100: connect: connection refused
  [1]	Get "http://127.0.0.1:5100/": EOF

"""
NOTHING = """
Summary:
  Total:	2.0007 secs
  Slowest:	0.0000 secs
  Requests/sec:	40816.9034

Latency distribution:

Status code distribution:

"""


def threads_of_httpx(url: str, headers: Mapping[str, str], clients: int, seconds: float) -> Answers:
    """A load generator that needs no installation; each client asks at least once, however busy the machine is."""
    start = time.perf_counter()

    def ask_on(_: int) -> list[tuple[int, float]]:
        answers: list[tuple[int, float]] = []
        with httpx.Client(headers=headers, timeout=PATIENCE_S, trust_env=False) as client:
            while (asked := time.perf_counter()) < start + seconds or not answers:
                answers.append((client.get(url).status_code, (time.perf_counter() - asked) * 1000))
        return answers

    with ThreadPoolExecutor(clients) as pool:
        answers = [answer for part in pool.map(ask_on, range(clients)) for answer in part]
    times = sorted(milliseconds for _, milliseconds in answers)
    statuses = Counter(status for status, _ in answers)
    return Answers(time.perf_counter() - start, statuses, 0, times[len(times) // 2], times[-1], times[-1])


@pytest.mark.server
def test_crowds_ask_a_real_server(tmp_path: Path) -> None:
    """Two clients who do not know the answer get it; one and eight who do are told so; nobody is forgotten."""
    run = measure(data_set(SCALE, tmp_path), [2], SECONDS, threads_of_httpx)
    assert [(load.clients, load.conditional) for load in run.loads] == [(2, False), (1, True), (8, True)]
    for load in run.loads:
        status = 304 if load.conditional else 200
        assert load.answers.statuses == {status: load.answers.requests}
        assert load.answers.requests >= load.clients
        assert load.watch.threads > 1
        assert load.watch.health_ms
        assert 0 < load.watch.health_percentile(50) <= load.watch.health_percentile(99) < inf
        assert load.peak_mb > 50
    assert "Each crowd asked for 0.4 s." in tables.of_scale(run)
    rows = tables.of_scale(run).splitlines()[-3:]
    assert [row.split(" | ")[:2] for row in rows] == [
        ["| `GET /`", "2"],
        ["| `GET /`, known", "1"],
        ["| `GET /`, known", "8"],
    ]
    assert "100.0% | 0.0% | 0.0% | 0 |" in rows[0]
    assert all("0.0% | 100.0% | 0.0% | 0 |" in row for row in rows[1:])


def test_the_summary_of_hey_is_read() -> None:
    """49 of 52 in 3.0173 s; of fewer than 100 answers the 99th percentile is the slowest."""
    answers = parsed(SUMMARY)
    assert (answers.seconds, answers.statuses, answers.errors) == (3.0173, {200: 49, 503: 3}, 0)
    assert (answers.median_ms, answers.p95_ms, answers.p99_ms) == pytest.approx((56.8, 87.3, 107.9))
    assert answers.requests == 52
    assert answers.per_second(200) == pytest.approx(16.24, abs=0.01)
    assert (answers.share(503), answers.share(304)) == (3 / 52, 0)


def test_the_99th_percentile_of_many_answers_is_that_of_hey() -> None:
    """It reports one from 100 answers on."""
    assert parsed(SUMMARY.replace("  0% in 0.0000", "  99% in 0.1001")).p99_ms == pytest.approx(100.1)


def test_requests_without_an_answer_are_counted() -> None:
    """Four were refused and one was cut: 5 of 57."""
    answers = parsed(SUMMARY + ERRORS)
    assert (answers.errors, answers.requests, answers.statuses) == (5, 57, {200: 49, 503: 3})


def test_a_crowd_may_get_no_answer_at_all() -> None:
    """Then there are only errors, and no times."""
    answers = parsed(NOTHING + ERRORS)
    assert answers == Answers(2.0007, {}, 5, 0, 0, 0)
    assert answers.share(200) == 0


def test_an_invalid_summary_is_refused() -> None:
    """The message has what was printed instead."""
    with pytest.raises(LoadGeneratorError, match="no summary:\nflag provided"):
        parsed("flag provided but not defined: -z")


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only directory of PATH, empty."""
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def script(file: Path, text: str) -> None:
    """A program."""
    file.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    file.chmod(0o755)


def test_hey_gets_url_headers_clients_and_seconds(path: Path) -> None:
    """The stand-in writes down its arguments and prints a summary."""
    (path / "summary").write_text(SUMMARY, encoding="utf-8")
    script(path / "hey", f'echo "$@" > {path}/asked; while IFS= read -r line; do echo "$line"; done < {path}/summary')
    answers = hey("http://127.0.0.1:5100/", {"If-None-Match": 'W/"1"'}, 8, 2.5)
    assert answers == parsed(SUMMARY)
    asked = (path / "asked").read_text(encoding="utf-8")
    assert asked == '-z 2.5s -c 8 -t 120 -H If-None-Match: W/"1" http://127.0.0.1:5100/\n'


def test_a_failing_generator_is_no_result(path: Path) -> None:
    """The message has what it complained about."""
    script(path / "hey", "echo too many open files >&2; exit 1")
    with pytest.raises(LoadGeneratorError, match="too many open files"):
        hey("http://127.0.0.1:5100/", {}, 8, 1)


def test_a_missing_generator_is_named(
    path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Who may not install it is told what to install."""
    assert shutil.which("hey") is None, path
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert main([]) == EXIT_UNAVAILABLE
    assert capsys.readouterr().err == (
        "The load generator `hey` is missing: install it (Debian: apt-get install hey)\n"
    )


def test_root_installs_the_generator(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With apt-get, whose failure ends the benchmark."""
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    script(path / "apt-get", f'echo "$@" >> {path}/asked; test "$4" = update')
    assert main([]) == EXIT_UNAVAILABLE
    update, install = (path / "asked").read_text(encoding="utf-8").splitlines()
    assert update.endswith(" update")
    assert install.endswith(" install -y --no-install-recommends hey")


def test_percentiles_of_health_are_those_of_its_times() -> None:
    """Of 1 to 200 ms, 99 % are at most 198; a question without an answer is the slowest of all."""
    watch = Watch([float(time) for time in range(200, 0, -1)])
    assert (watch.health_percentile(50), watch.health_percentile(99)) == (100, 198)
    assert Watch([inf, 1, 1]).health_percentile(99) == inf


def crowd(clients: int, statuses: Mapping[int, int], health_ms: float, *, conditional: bool = False) -> Load:
    """A crowd answered so within ten seconds, in 2.5 ms or more."""
    return Load(clients, conditional, Answers(10, statuses, 1, 2.5, 20, 30), Watch([health_ms], 7), 150)


def test_targets_under_load_say_whether_they_are_met() -> None:
    """390 answers in ten seconds are too few, refusals do not count; 99 ms are under 100 ms and 2.5 ms under 3 ms."""
    crowds = [crowd(1, {200: 200}, 99), crowd(8, {200: 390, 503: 20}, 101), crowd(1, {304: 999}, 5, conditional=True)]
    lines = tables.targets([Loads(DataSet(1, Path(), 0), 10, crowds)]).splitlines()[4:]
    assert lines == [
        "| `GET /` | 1 | 8 | at least 40/s | 39.0/s | **no** |",
        "| `/health`, 99th percentile | 1 | 1 | under 100 ms | 99.0 ms | yes |",
        "| `/health`, 99th percentile | 1 | 8 | under 100 ms | 101 ms | **no** |",
        "| `GET /`, known, median | 1 | 1 | under 3 ms | 2.50 ms | yes |",
    ]


def test_large_data_are_requested_for_longer_than_the_queue_waits() -> None:
    """Else nobody would be refused."""
    assert [default_seconds(scale) for scale in SCALES] == [10, 30]


def test_the_readme_has_a_place_for_the_tables() -> None:
    """Between its markers."""
    text = README.read_text(encoding="utf-8")
    assert [text.count(marker) for marker in MARKERS] == [1, 1]
