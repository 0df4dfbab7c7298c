"""Faults 16 to 22: kills, full and forbidden disks, damaged files and manifests, locks, long runs and tiny runs."""

import json
import os
import random
import re
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from read_model.tables.fpp import FPP
from tests.faults.growth import growing
from tests.faults.readers import DASHBOARD, HEALTH, ROOM, reading
from tests.faults.service import UPDATER, Service, let_pass, service, waiting_updater
from tests.faults.tmpfs import Disk, finished_without_privileges, small_disk
from tests.faults.updaters import KILLED
from tests.mariadb import Server as DatabaseServer
from tests.processes import PATIENCE_S, Server, recording_service, running, until
from tests.web.problems import FIELDS

pytestmark = [pytest.mark.database, pytest.mark.server]

STEPS = (
    "after the directory",
    "after linking fpp_estimations.parquet",
    "after linking fpp_users.1.parquet",
    "after fpp_estimations.2.parquet",
    "after fpp_rooms.parquet",
    "after fpp_users.2.parquet",
    "before the manifest",
    "with an empty manifest",
    "after the manifest",
    "before the rename",
    "after the rename",
    "during the sweep",
)
RANDOM_KILLS = 25
TINY_RUNS = 20
RUN_INTERVAL_S = 600
FLIPS = 15
SOON_S = 5


@pytest.fixture(scope="module")
def shared(mariadb: DatabaseServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """For tests that leave it in sync."""
    directory = tmp_path_factory.mktemp("service")
    with service(mariadb, directory, directory / "data") as whole:
        yield whole
    whole.history.verdict.assert_sound()


@pytest.mark.parametrize("step", STEPS)
def test_fault_16_a_kill_at_each_step_loses_and_doubles_nothing(shared: Service, step: str) -> None:
    """The figures stay those of one snapshot, the next run has every row once and sweeps what the killed one left."""
    shared.source.grow()
    if step == "during the sweep":
        assert shared.update(crash_at="before the manifest").exit_code == KILLED
    killed = shared.update(crash_at=step)
    assert killed.exit_code == KILLED, killed.log
    shared.assert_serves_the_last()
    shared.assert_in_step()


def test_fault_16_kills_at_random_moments_lose_and_double_nothing(shared: Service) -> None:
    """Rows are committed and figures read meanwhile; after every fifth kill a run is let end."""
    rng, usual_s = random.Random(16), shared.update().seconds  # noqa: S311 - nothing secret
    with growing(shared.source, pause_s=0.05), reading(shared.server, shared.history, readers=2) as met:
        for number in range(1, RANDOM_KILLS + 1):
            shared.update(kill_after=rng.uniform(0, 1.2 * usual_s))
            if number % 5 == 0:
                run = shared.update()
                assert run.exit_code == 0, run.log
                shared.assert_no_litter()
    assert not met.wrong
    assert not met.unavailable
    shared.assert_in_step()
    shared.history.verdict.assert_sound()


@pytest.fixture
def on_small_disk(mariadb: DatabaseServer, tmp_path: Path) -> Iterator[tuple[Service, Disk]]:
    """The read model on a disk of 600 kilobytes."""
    with small_disk(tmp_path / "data", 600) as disk, service(mariadb, tmp_path, disk.directory) as whole:
        yield whole, disk


def problems(log: str) -> list[str]:
    """The warnings and errors of a log."""
    return [line for line in log.splitlines() if " INFO " not in line]


def assert_says_it_cannot_write(exit_code: int, log: str, data_dir: Path, reason: str) -> None:
    """Exit code and the one line for the operator."""
    assert exit_code == 73, log
    (problem,) = problems(log)
    assert f"Cannot write to DATA_DIR {data_dir}" in problem
    assert reason in problem


def test_fault_17_a_disk_that_is_full_at_any_page_leaves_the_old_snapshot(on_small_disk: tuple[Service, Disk]) -> None:
    """With space for no page, for one, two and so on, until a run succeeds."""
    whole, disk = on_small_disk
    whole.source.grow()
    for pages in range(disk.free_pages):
        disk.fill(leaving_pages=pages)
        run = whole.update()
        if run.exit_code == 0:
            break
        assert_says_it_cannot_write(run.exit_code, run.log, disk.directory, "No space left on device")
        whole.assert_serves_the_last()
        whole.assert_no_litter()
    assert pages > len(FPP.tables)
    assert len(whole.history.published) == 2
    disk.make_room()
    whole.assert_in_step()


def test_fault_17_a_read_only_disk_leaves_the_old_snapshot(on_small_disk: tuple[Service, Disk]) -> None:
    """As a disk becomes after errors."""
    whole, disk = on_small_disk
    whole.source.grow()
    disk.remount("ro")
    run = whole.update_anew()
    assert_says_it_cannot_write(run.returncode, run.stderr, disk.directory, "Read-only file system")
    whole.assert_serves_the_last()
    disk.remount("rw")
    whole.assert_in_step()


@pytest.mark.parametrize(
    ("forbidden", "mode"), [(".", 0o555), ("snapshots", 0o555), (".", 0o000), ("snapshots", 0o000), (".lock", 0o444)]
)
def test_fault_17_missing_permission_leaves_the_old_snapshot(shared: Service, forbidden: str, mode: int) -> None:
    """Of the data directory, of the snapshots in it, of the lock."""
    path = shared.data_dir / forbidden
    usual = path.stat().st_mode
    path.chmod(mode)
    try:
        run = finished_without_privileges([UPDATER], shared.directory, **shared.database.environment())
    finally:
        path.chmod(usual)
    assert_says_it_cannot_write(run.returncode, run.stderr, shared.data_dir, "Permission denied")
    shared.assert_serves_the_last()
    shared.assert_in_step()


def remove(path: Path) -> None:
    path.unlink()


def cut_the_tail(path: Path) -> None:
    os.truncate(path, path.stat().st_size - 1)


def fill_with_zeros(path: Path) -> None:
    path.write_bytes(bytes(path.stat().st_size))


def flip_a_bit_of_the_data(path: Path) -> None:
    _flip(path, 100)


def flip_a_bit_of_the_footer(path: Path) -> None:
    _flip(path, path.stat().st_size - 100)


def _flip(path: Path, position: int) -> None:
    content = bytearray(path.read_bytes())
    content[position] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    "damage", [remove, cut_the_tail, fill_with_zeros, flip_a_bit_of_the_data, flip_a_bit_of_the_footer]
)
def test_fault_18_a_damaged_file_is_named_and_repaired(shared: Service, damage: Callable[[Path], None]) -> None:
    """`--verify` names it, the server says what to run, `--repair` makes it good."""
    path = (shared.data_dir / "current").resolve() / "fpp_page_views.1.parquet"
    damage(path)
    verified = shared.update("--verify")
    assert verified.exit_code == 1, verified.log
    assert str(path) in verified.log
    assert_is_a_problem(*status_and_body(shared.server))
    assert shared.server.get(ROOM).status_code == 200
    repaired = shared.update("--repair")
    assert repaired.exit_code == 0, repaired.log
    shared.database.assert_in_step()
    shared.forget_older()
    shared.assert_in_step()


@pytest.mark.parametrize("damage", [remove, cut_the_tail])
def test_fault_18_a_file_of_the_wrong_size_is_read_again_by_the_next_run(
    shared: Service, damage: Callable[[Path], None]
) -> None:
    """And until then `/health` names it."""
    path = (shared.data_dir / "current").resolve() / "fpp_users.1.parquet"
    damage(path)
    health = shared.server.http.get(HEALTH)
    assert health.status_code == 503
    assert path.name in health.json()["detail"]
    assert_is_a_problem(*status_and_body(shared.server))
    rebuilt = shared.update()
    assert rebuilt.exit_code == 0, rebuilt.log
    assert str(path) in rebuilt.log
    assert "all of fpp_users is read again" in rebuilt.log
    shared.forget_older()
    shared.assert_in_step()


def assert_is_a_problem(status: int, body: bytes) -> None:
    """JSON that says what to do, and no trace."""
    assert status == 503
    assert json.loads(body).keys() == FIELDS
    assert b"Traceback" not in body


def status_and_body(server: Server) -> tuple[int, bytes]:
    """What the dashboard answers."""
    answer = server.get(DASHBOARD)
    return answer.status_code, answer.content


def test_fault_18_damage_among_settled_rows_makes_the_next_run_read_that_table(shared: Service) -> None:
    """The last file holds settled rows only, is opened again for new ones, and is damaged in a column of no order."""
    shared.source.grow()
    time.sleep(1.1)
    assert shared.update(SYNC_OVERLAP_SECONDS="1").exit_code == 0
    shared.source.grow()
    zero_the_middle(max((shared.data_dir / "current").resolve().glob("fpp_page_views.*.parquet"), key=segment))
    run = shared.update(SYNC_OVERLAP_SECONDS="1")
    shared.forget_older()
    assert run.exit_code == 0, run.log
    assert "all of fpp_page_views is read again" in run.log


def segment(path: Path) -> int:
    """The number in a file's name."""
    return int(path.suffixes[0].removeprefix("."))


def zero_the_middle(path: Path) -> None:
    """Damage columns that are neither the first nor the last."""
    content = path.read_bytes()
    footer = int.from_bytes(content[-8:-4], "little")
    first, last = (len(content) - footer) * 4 // 10, (len(content) - footer) * 6 // 10
    path.write_bytes(content[:first] + bytes(last - first) + content[last:])


def test_fault_18_flipped_bits_anywhere_are_refused(shared: Service) -> None:
    """In turn, in random places of random files: never a wrong figure, a hang, a trace, or the end of the server."""
    rng = random.Random(18)  # noqa: S311 - nothing secret
    files = sorted((shared.data_dir / "current").resolve().glob("*.parquet"))
    for path in rng.choices(files, k=FLIPS):
        content = path.read_bytes()
        _flip(path, rng.randrange(len(content)))
        status, body = status_and_body(shared.server)
        assert_is_a_problem(status, body)
        assert path.name in json.loads(body)["detail"]
        path.write_bytes(content)
    shared.assert_serves_the_last()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "EOF"),
        (b"half", "EOF"),
        (b"\xff\0 garbage", "snapshot.json"),
        (b"{}", "format_version"),
        (b'{"format_version": 2}', "version 2"),
        (None, "No such file"),
    ],
    ids=["empty", "half", "garbage", "nothing in it", "of the future", "missing"],
)
def test_fault_19_a_bad_manifest_is_said_and_rebuilt(shared: Service, content: bytes | None, reason: str) -> None:
    """503 with the reason, then everything is read again."""
    manifest = shared.data_dir / "current" / "snapshot.json"
    if content is None:
        manifest.unlink()
    else:
        whole = manifest.read_bytes()
        manifest.write_bytes(whole[: len(whole) // 2] if content == b"half" else content)
    assert_says_why_and_is_rebuilt(shared, reason)


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda current: current.symlink_to("snapshots/gone"), "No such file"),
        (lambda current: current.symlink_to("current"), "symbolic links"),
        (lambda current: current.symlink_to("/dev/null"), "Not a directory"),
        (lambda current: current.write_text("snapshots/gone"), "Not a directory"),
        (lambda _: None, "No snapshot"),
    ],
    ids=["dangling", "to itself", "to a device", "a file", "missing"],
)
def test_fault_19_a_bad_link_is_said_and_rebuilt(shared: Service, spoil: Callable[[Path], None], reason: str) -> None:
    """The same for `current`."""
    current = shared.data_dir / "current"
    current.unlink()
    spoil(current)
    assert_says_why_and_is_rebuilt(shared, reason)


def assert_says_why_and_is_rebuilt(whole: Service, reason: str) -> None:
    """The server says the reason, `/health` too; the next run puts everything right."""
    status, body = status_and_body(whole.server)
    assert status == 503
    assert reason in json.loads(body)["detail"]
    health = whole.server.http.get(HEALTH)
    assert health.status_code == 503
    assert reason in health.json()["detail"]
    rebuilt = whole.update()
    assert rebuilt.exit_code == 0, rebuilt.log
    assert "nothing is stored yet" in rebuilt.log
    whole.forget_older()
    whole.assert_in_step()


def test_fault_20_of_two_updaters_one_publishes(shared: Service) -> None:
    """The other one says so and leaves, with 75."""
    shared.source.grow()
    begun, before = time.monotonic(), len(shared.source.published)
    with waiting_updater(shared.database) as first:
        second = shared.update_anew()
        assert second.returncode == 75, second.stderr
        assert "Another updater is at work" in second.stderr
        first.let_go()
        assert first.program.process.wait(PATIENCE_S) == 0
    shared.source.look(begun)
    assert len(shared.source.published) == before + 1
    shared.assert_in_step()


def test_fault_20_updaters_started_at_once_do_not_disturb_each_other(shared: Service) -> None:
    """Four: each publishes after another one, or leaves."""
    shared.source.grow()
    begun = time.monotonic()
    with ExitStack() as stack:
        runs = [stack.enter_context(running([UPDATER], **shared.database.environment())) for _ in range(4)]
        exit_codes = [run.process.wait(PATIENCE_S) for run in runs]
    shared.source.look(begun)
    assert 0 in exit_codes
    assert set(exit_codes) <= {0, 75}
    shared.database.assert_in_step()
    shared.forget_older()
    shared.assert_in_step()


def test_fault_20_the_lock_of_a_killed_updater_is_free(shared: Service) -> None:
    """SIGKILL while it reads."""
    with waiting_updater(shared.database) as killed:
        killed.program.process.kill()
        assert killed.program.process.wait(PATIENCE_S) == KILLED
    shared.assert_in_step()


HOLDER = """
import os, sys, time
from pathlib import Path
from read_model import locking
with locking.locked(Path(sys.argv[1])):
    child = os.fork()
    if sys.argv[2] == "child leaves":
        if not child:
            sys.exit()
        os.waitpid(child, 0)
    if child:
        print("child", child, flush=True)
    time.sleep(600)
"""


@pytest.mark.parametrize("who", ["child leaves", "child stays"])
def test_fault_20_a_fork_of_the_holder_neither_frees_nor_doubles_the_lock(shared: Service, who: str) -> None:
    """A child that ends leaves the lock with its parent; one that outlives its parent keeps it as long as it lives."""
    with running(["-W", "ignore", "-c", HOLDER, shared.data_dir, who]) as holder:
        child = int(until(lambda: re.findall(r"child (\d+)", holder.log), "the fork")[0])
        assert shared.update().exit_code == 75
        holder.end(signal.SIGKILL)
        if who == "child stays":
            assert shared.update().exit_code == 75
            os.kill(child, signal.SIGKILL)
            until(lambda: shared.update().exit_code == 0, "the lock")
    shared.assert_in_step()


def test_fault_21_runs_due_while_one_takes_long_are_skipped(shared: Service) -> None:
    """Each ends with 75 and says so, to the heartbeat as well; the long one publishes, and the next goes on."""
    begun = time.monotonic()
    with recording_service() as monitor, waiting_updater(shared.database) as long:
        for _ in range(2):
            due = shared.update(UPTIMEKUMA_PUSH_URL=f"{monitor.url}/push")
            assert due.exit_code == 75
            assert "this run is skipped" in due.log
        beats = [parse_qs(urlsplit(request.path).query) for request in monitor.received]
        assert [(beat["status"], "this run is skipped" in beat["msg"][0]) for beat in beats] == 2 * [(["down"], True)]
        long.let_go()
        assert long.program.process.wait(PATIENCE_S) == 0
    shared.source.look(begun)
    shared.assert_in_step()


def test_fault_22_many_tiny_runs_leave_few_files(mariadb: DatabaseServer, tmp_path: Path) -> None:
    """One new row in every table per run, ten minutes apart."""
    with service(mariadb, tmp_path, tmp_path / "data") as whole:
        for _ in range(TINY_RUNS):
            whole.source.grow()
            assert whole.update().exit_code == 0
            let_pass(whole.data_dir, RUN_INTERVAL_S)
        whole.assert_in_step()
        whole.assert_few_files()
        whole.history.verdict.assert_sound()


@pytest.mark.parametrize("step", [*STEPS[::2], "before the rename", "during the sweep"])
def test_fault_28_a_sync_that_is_told_to_end_publishes_all_or_nothing(shared: Service, step: str) -> None:
    """SIGTERM at each step: 130, no litter but what the next run sweeps, and the lock is free."""
    shared.source.grow()
    if step == "during the sweep":
        assert shared.update(crash_at="before the manifest").exit_code == KILLED
    ended = shared.update(interrupt_at=step)
    assert ended.exit_code == 130, ended.log
    shared.assert_serves_the_last()
    shared.assert_in_step()


def test_fault_28_a_sync_that_waits_for_the_database_ends_when_told_to(shared: Service) -> None:
    """The driver's own code waits for the answer: it must not keep the process."""
    with waiting_updater(shared.database) as waiting:
        waiting.program.process.send_signal(signal.SIGTERM)
        try:
            assert waiting.program.process.wait(SOON_S) == 130, waiting.program.log
        finally:
            waiting.let_go()
    shared.assert_in_step()
