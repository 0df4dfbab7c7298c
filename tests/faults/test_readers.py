"""Faults 23 to 29: many readers, slow readers, odd requests, signals, and an e-mail service that fails."""

import json
import re
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from config import ServerSettings
from demo.publishing import publish_sample
from demo.sample import sample
from read_model import snapshot
from read_model.integrity import FileChecks
from read_model.manifest import Manifest
from read_model.tables.fpp import FPP
from routers.health import examine
from tests.faults.crowd import crowd, usage
from tests.faults.gated_app import GATE, LARGE, SIZE, SMALL, Gate
from tests.faults.growth import Publisher, publishing_every
from tests.faults.history import Committed, Figures, History, Published, Read, dashboard_figures, judged
from tests.faults.readers import DASHBOARD, HEALTH, ROOM, ask, reading
from tests.processes import PATIENCE_S, TOKEN, RecordingService, Server, recording_service, running, serving, until
from util.clock import utc_now

pytestmark = pytest.mark.server

DAILY = "/daily-analytics"
EVERY_S, PHASE_S = 0.05, 2.5
PUBLICATIONS = 40
MAIL_TIMEOUT_S = 5
CLIENTS = 200
# Generous, for a busy machine; `make soak` measures the time on a quiet one.
GENEROUS_S = 5.0


@dataclass(frozen=True)
class Mailing:
    """A server as in production, its e-mail service and its Sentry."""

    server: Server
    mail: RecordingService
    sentry: RecordingService


@pytest.fixture
def publisher(tmp_path: Path) -> Publisher:
    """A data directory with one snapshot."""
    publisher = Publisher(tmp_path / "data", History(), total=90)
    publisher.publish()
    return publisher


@pytest.fixture(params=[SMALL, LARGE])
def gated(request: pytest.FixtureRequest, publisher: Publisher, tmp_path: Path) -> Iterator[tuple[Server, Gate]]:
    """A server over it, and the gate its dashboard waits at before it has read all of a small or large snapshot."""
    directory = tmp_path / "gate"
    directory.mkdir()
    variables: dict[str, Any] = {GATE: directory, SIZE: request.param, "MAX_CONCURRENT_QUERIES": 1}
    with serving(publisher.data_dir, app="tests.faults.gated_app:make_app", factory=True, **variables) as server:
        yield server, Gate(directory)


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server over a snapshot that stays as it is."""
    publisher = Publisher(tmp_path_factory.mktemp("quiet"), History())
    publisher.publish()
    with serving(publisher.data_dir) as server:
        yield server


@pytest.fixture
def mailing(publisher: Publisher) -> Iterator[Mailing]:
    """A server that mails and reports."""
    with recording_service() as mail, recording_service() as sentry:
        variables: dict[str, Any] = {
            "BEA_BASE_URL": mail.url,
            "BEA_SECRET_KEY": "mail-key",
            "BEA_TIMEOUT_SECONDS": MAIL_TIMEOUT_S,
            "QUERY_QUEUE_SECONDS": 1,
            "SENTRY_ENVIRONMENT": "production",
            "FPP_ANALYTICS_SENTRY_DSN": sentry.sentry_dsn,
        }
        with serving(publisher.data_dir, **variables) as server:
            yield Mailing(server, mail, sentry)
        mail.reset()


def test_fault_23_eight_readers_see_whole_snapshots_while_they_are_replaced(publisher: Publisher) -> None:
    """With snapshots kept as usual there is no 5xx at all; when they are removed at once, some are told to retry.

    Every answer is one published snapshot, and none is older than the one that was current when it was requested.
    """
    with serving(publisher.data_dir) as server:
        with reading(server, publisher.history) as kept, publishing_every(EVERY_S, publisher, only_current=False):
            time.sleep(PHASE_S)
        with reading(server, publisher.history) as removed, publishing_every(EVERY_S, publisher, only_current=True):
            time.sleep(PHASE_S)
    assert not kept.wrong + removed.wrong
    assert not kept.unavailable
    verdict = publisher.history.verdict
    verdict.assert_sound()
    assert verdict.snapshots > 20
    assert verdict.reads > 50


WATCH = """
import os, sys
seen, missing = set(), 0
print("ready", flush=True)
while not os.path.exists(sys.argv[2]):
    try:
        seen.add(os.readlink(sys.argv[1]))
    except FileNotFoundError:
        missing += 1
print(f"{len(seen)} seen, {missing} missing")
"""


def test_fault_23_there_is_a_current_snapshot_at_every_instant(publisher: Publisher, tmp_path: Path) -> None:
    """A process that looks without a pause sees one link after the other, and never none."""
    end = tmp_path / "end"
    with running(["-c", WATCH, publisher.data_dir / "current", end]) as watcher:
        until(lambda: "ready" in watcher.log, "the watcher to look")
        for _ in range(PUBLICATIONS):
            publisher.publish(only_current=True)
        end.touch()
        seen, missing = map(int, until(lambda: re.findall(r"\d+", watcher.log), "what the watcher saw"))
    assert seen > PUBLICATIONS / 4
    assert missing == 0


def test_fault_23_a_snapshot_that_vanishes_while_it_is_opened_is_opened_anew(
    publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The link is read, then another snapshot is published and this one removed, then its manifest is read."""
    read, due = snapshot.read_manifest, [True]

    def read_late(directory: Path) -> Manifest:
        if due and due.pop():
            publisher.publish(only_current=True)
        return read(directory)

    monkeypatch.setattr(snapshot, "read_manifest", read_late)
    assert (
        snapshot.open_snapshot(publisher.data_dir, FPP).data_updated_at
        == publisher.history.published[-1].data_updated_at
    )


def test_fault_23_health_speaks_of_one_whole_snapshot(publisher: Publisher, monkeypatch: pytest.MonkeyPatch) -> None:
    """The snapshot it looks at is removed while it looks: it looks at the next one."""
    look, due = snapshot.Snapshot.is_intact, [True]

    def look_late(opened: snapshot.Snapshot, path: Path) -> bool:
        if due and due.pop():
            publisher.publish(only_current=True)
        return look(opened, path)

    monkeypatch.setattr(snapshot.Snapshot, "is_intact", look_late)
    settings = ServerSettings(analytics_secret_token=SecretStr(TOKEN), data_dir=publisher.data_dir)
    health, serving_it = examine(settings, FileChecks(), utc_now())
    assert (health.status, serving_it) == ("ok", True)
    assert health.components.freshness.data_updated_at == publisher.history.published[-1].data_updated_at


NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
THREE_SNAPSHOTS = [
    Published(NOON + timedelta(minutes=number), {"votes": 10 * number, "users": 10 * number}, number, number + 0.5)
    for number in (1, 2, 3)
]


@pytest.mark.parametrize(
    ("minute", "figures", "asked", "finds"),
    [
        (2, {"votes": 20, "users": 20}, 2.6, None),
        (2, {"votes": 20, "users": 20}, 3.2, None),
        (None, {"votes": 20}, 2.6, None),
        (2, {"votes": 15, "users": 20}, 2.6, "lost"),
        (2, {"votes": 25, "users": 20}, 2.6, "doubled"),
        (2, {"votes": 20, "users": 10}, 2.6, "mixed"),
        (2, {"votes": 10, "users": 10}, 2.6, "mixed"),
        (1, {"votes": 10, "users": 10}, 2.6, "back"),
        (None, {"votes": 10}, 2.6, "back"),
        (None, {"votes": 15}, 2.6, "lost"),
        (9, {"votes": 20, "users": 20}, 2.6, "unknown"),
        (3, {"votes": 30, "users": 30}, 2.6, "unknown"),
    ],
)
def test_fault_23_the_history_check_finds_what_is_planted(
    minute: int | None, figures: Figures, asked: float, finds: str | None
) -> None:
    """Three snapshots of 10, 20 and 30 rows, current from 1, 2 and 3 on; one answer, given 0.1 later."""
    told = NOON + timedelta(minutes=minute) if minute else None
    verdict = judged(THREE_SNAPSHOTS, [Read("ann", asked, asked + 0.1, figures, told)])
    found = {name for name in ("lost", "doubled", "mixed", "back", "unknown") if getattr(verdict, name)}
    assert found == ({finds} if finds else set())


def test_fault_23_the_history_check_finds_a_reader_that_goes_back() -> None:
    """Both snapshots may be seen while the second is published, but not in this order."""
    newer = Read("ann", 2.1, 2.2, {"votes": 20})
    older = Read("ann", 2.3, 2.4, {"votes": 10})
    assert judged(THREE_SNAPSHOTS, [newer, older]).back == 1
    assert judged(THREE_SNAPSHOTS, [newer, replace(older, reader="bob")]).back == 0
    assert judged(THREE_SNAPSHOTS[::-1], []).back == 0
    assert judged(
        [replace(each, data_updated_at=NOON - timedelta(minutes=each.begun)) for each in THREE_SNAPSHOTS]
    ).back


@pytest.mark.parametrize(
    ("votes", "users", "finds"),
    [(10, 10, None), (20, 20, None), (5, 10, "lost"), (10, 25, "doubled"), (10, 20, "mixed")],
)
def test_fault_23_the_history_check_compares_snapshots_with_commits(votes: int, users: int, finds: str | None) -> None:
    """10 rows are committed before the run begins, 20 while it runs."""
    commits = [Committed(10, 0, 1), Committed(20, 2, 3), Committed(30, 4, 5)]
    verdict = judged([Published(NOON, {"votes": votes, "users": users}, 1.5, 3.5)], committed=commits)
    assert {name for name in ("lost", "doubled", "mixed") if getattr(verdict, name)} == ({finds} if finds else set())


def test_fault_24_a_request_that_outlives_its_snapshot_starts_over(
    publisher: Publisher, gated: tuple[Server, Gate]
) -> None:
    """The files vanish before all are read: every figure comes from the next snapshot, and so does the tag.

    Only one computation is allowed at once: starting over needs no second turn.
    """
    server, gate = gated
    with ThreadPoolExecutor() as others:
        slow = others.submit(ask, server, DASHBOARD)
        gate.wait_for(1)
        newest = publisher.publish(only_current=True)
        gate.let(1)
        gate.let(2)
        answer = slow.result()
    assert answer.status == 200, answer.body
    content = json.loads(answer.body)
    assert datetime.fromisoformat(content["data_updated_at"]) == newest.data_updated_at
    assert dashboard_figures(content["data"]) == publisher.history.published[-1].figures
    assert ask(server, DASHBOARD, If_None_Match=answer.headers["etag"]).status == 304


def test_fault_24_a_request_that_outlives_two_snapshots_is_told_to_retry(
    publisher: Publisher, gated: tuple[Server, Gate]
) -> None:
    """Never a short answer; and it is not called damage, which would wake somebody."""
    server, gate = gated
    with ThreadPoolExecutor() as others:
        slow = others.submit(ask, server, DASHBOARD)
        for attempt in (1, 2):
            gate.wait_for(attempt)
            publisher.publish(only_current=True)
            gate.let(attempt)
        answer = slow.result()
    assert answer.is_clean_503
    assert b"replaced while it was being read" in answer.body
    assert "damaged" not in server.log
    gate.let(3)
    assert server.get(DASHBOARD).status_code == 200


@pytest.mark.slow
def test_fault_25_a_crowd_leaves_health_memory_and_threads_alone(tmp_path: Path) -> None:
    """200 clients at once request the dashboard of 200,000 rows, twice: some wait, the others are told to retry."""
    publish_sample(sample(utc_now(), scale=1), tmp_path, utc_now())
    with serving(tmp_path, QUERY_QUEUE_SECONDS=1) as server:
        assert server.get(DASHBOARD).status_code == 200
        first, second = crowd(server, CLIENTS), crowd(server, CLIENTS)
        taken = usage(server)
        assert "Traceback" not in server.log
    for answers in (first, second):
        assert answers.statuses[200] + answers.clean_503 == CLIENTS
        assert answers.statuses[200] >= 2
        assert answers.clean_503
        assert answers.health_s
        assert max(answers.health_s) < GENEROUS_S
    assert taken.own_threads < CLIENTS / 2
    assert taken.megabytes < 1_000


@pytest.mark.parametrize(
    "header",
    [
        b"",
        b"Authorization:\r\n",
        b"Authorization: Basic YTphLXRva2VuLWZvci10ZXN0cw==\r\n",
        b"Authorization: Bearer \xf0\x9f\x83\x8f\xff\r\n",
        2 * f"Authorization: Bearer {TOKEN}\r\n".encode(),
        b"Authorization: Bearer " + b"x" * 1_000_000 + b"\r\n",
    ],
    ids=["absent", "empty", "Basic", "non-ASCII", "twice", "1 MB long"],
)
def test_fault_26_an_odd_authorization_is_refused(quiet: Server, header: bytes) -> None:
    """401, or, of a header that the HTTP parser does not take, 4xx; never 500, and the next one is served."""
    answer = quiet.get_raw(ROOM, header)
    assert answer.status == 401 or (len(header) > 64_000 and answer.status in (400, 431))
    assert quiet.get(ROOM).status_code == 200


def test_fault_27_only_the_same_snapshot_and_query_are_not_modified(publisher: Publisher) -> None:
    """Tags of before and after a publication, of another query, strong, in a list, as `*`, and as garbage."""
    with serving(publisher.data_dir) as server:
        old = ask(server, DASHBOARD).headers["etag"]
        of_room = ask(server, ROOM).headers["etag"]
        assert ask(server, DASHBOARD, If_None_Match=old).status == 304
        newest = publisher.publish()
        for stale in (
            old,
            of_room,
            old.removeprefix("W/"),
            f"{old}, {of_room}",
            f'"{newest.id}"',
            "garbage",
            '"',
            '""',
            "W/",
            ",",
            "**",
        ):
            answer = ask(server, DASHBOARD, If_None_Match=stale)
            assert answer.status == 200, stale
            assert dashboard_figures(json.loads(answer.body)["data"]) == publisher.history.published[-1].figures
        new = answer.headers["etag"]
        assert new != old
        for known in (new, new.removeprefix("W/"), f"{old}, {new}", f"garbage, {new}", "*"):
            unchanged = ask(server, DASHBOARD, If_None_Match=known)
            assert (unchanged.status, unchanged.body, unchanged.headers["etag"]) == (304, b"", new), known
        for path in (ROOM, "/v1/snapshot"):
            assert ask(server, path, If_None_Match=new).status == 200


def test_fault_28_an_answer_under_way_is_finished_at_the_end(gated: tuple[Server, Gate], publisher: Publisher) -> None:
    """SIGTERM while a request is at the gate: it is answered whole, then the server ends; new ones are refused."""
    server, gate = gated
    with ThreadPoolExecutor() as others:
        slow = others.submit(ask, server, DASHBOARD)
        gate.wait_for(1)
        server.program.process.send_signal(signal.SIGTERM)
        until(lambda: "Shutting down" in server.log, "the server to heed the signal")
        with pytest.raises(ConnectionError):
            ask(server, ROOM)
        gate.let(1)
        answer = slow.result()
    assert answer.status == 200
    assert dashboard_figures(json.loads(answer.body)["data"]) == publisher.history.published[-1].figures
    assert server.program.process.wait(PATIENCE_S) in (0, -signal.SIGTERM)
    assert "Traceback" not in server.log


@pytest.mark.parametrize("trouble", ["refuses", "answers 500", "talks garbage"])
def test_fault_29_a_failing_mail_service_is_502_and_reported_once(mailing: Mailing, trouble: str) -> None:
    """With one event for Sentry, of level error."""
    match trouble:
        case "refuses":
            mailing.mail.refuses()
        case "answers 500":
            mailing.mail.answers(500)
        case _:
            mailing.mail.talks_garbage(b"220 SMTP ready\r\n")
    answer = mailing.server.get(DAILY)
    assert answer.status_code == 502
    assert "e-mail service" in answer.json()["detail"]
    event = until(mailing.sentry.sentry_events, "the report")
    assert mailing.server.get(ROOM).status_code == 200
    mailing.server.program.end()
    assert len(mailing.sentry.sentry_events()) == len(event) == 1
    assert event[0]["level"] == "error"


def test_fault_29_a_hanging_mail_service_keeps_nobody_else_waiting(mailing: Mailing) -> None:
    """60 clients request the daily figures: more than the server has threads. The others are served meanwhile."""
    mailing.mail.hangs()
    with ThreadPoolExecutor(60) as others:
        waiting = [others.submit(ask, mailing.server, DAILY) for _ in range(60)]
        until(lambda: mailing.mail.received, "a request to reach the e-mail service")
        begun = time.monotonic()
        for path in (HEALTH, ROOM, DASHBOARD):
            assert ask(mailing.server, path).status == 200
        assert time.monotonic() - begun < MAIL_TIMEOUT_S * 0.75
        answers = [each.result() for each in waiting]
    assert {answer.status for answer in answers} <= {502, 503}
    assert any(answer.status == 502 for answer in answers)
    assert all(answer.status == 502 or answer.is_clean_503 for answer in answers)
