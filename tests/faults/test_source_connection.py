"""Faults 11 and 12: the connection to the source breaks or hangs."""

import gc
import logging
import os
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from time import monotonic

import pytest

from read_model import updating
from read_model.tables.fpp import PAGE_VIEWS
from read_model.updating import Job
from sources.mysql.source import consistent_source
from tests.faults.invariants import Operator, add, impatient, litter
from tests.faults.tcp_proxy import Link, Proxy, proxied
from tests.faults.troubles import MIDDLE, READER, ROWS, empty, fill_up, kill, own_database
from tests.faults.updaters import Updaters
from tests.mariadb import Server
from tests.processes import RecordingService, until
from tests.source_database import SourceDatabase
from update_readmodel import conclude, concluded, fpp_updater

pytestmark = pytest.mark.database


def update_here(database: SourceDatabase, monitor: RecordingService, proxy: Proxy) -> int:
    """The updater's work from heartbeat to exit code, in this process."""
    settings = database.settings(db_port=proxy.port, uptimekuma_push_url=f"{monitor.url}/push")
    outcome = concluded(fpp_updater(settings), Job())
    conclude(settings, outcome, time.monotonic())
    return outcome.exit_code


# --- 11: broken connections -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("trouble", "says"), [("CONNECTION", "Lost connection"), ("QUERY", "Query execution was interrupted")]
)
def test_fault_11_killed_in_the_middle_of_the_read(
    database: SourceDatabase, operator: Operator, proxy: Proxy, trouble: str, says: str
) -> None:
    """What was read is thrown away, and a second try reads everything."""
    add(database, ["old"], 300)
    operator.publishes()
    fill_up(database)
    proxy.plan(MIDDLE, kill(database, trouble))
    log = operator.publishes(DB_PORT=str(proxy.port)).log
    assert proxy.connections == 2
    assert says in log
    assert "trying again in" in log
    database.assert_in_step()


@pytest.mark.parametrize("trouble", [Link.cut, Link.end], ids=["reset", "closed"])
def test_fault_11_cut_at_random_points(
    database: SourceDatabase, proxy: Proxy, monkeypatch: pytest.MonkeyPatch, trouble: Callable[[Link], None]
) -> None:
    """From the greeting to the last row: each run tries again and publishes all, never a part."""
    cut_at_random_points(database, proxy, monkeypatch, trouble, times=8)


@pytest.mark.soak
@pytest.mark.parametrize("trouble", [Link.cut, Link.end], ids=["reset", "closed"])
def test_fault_11_cut_at_hundreds_of_random_points(
    database: SourceDatabase, proxy: Proxy, monkeypatch: pytest.MonkeyPatch, trouble: Callable[[Link], None]
) -> None:
    """The same for longer."""
    cut_at_random_points(database, proxy, monkeypatch, trouble, times=400)


def cut_at_random_points(
    database: SourceDatabase,
    proxy: Proxy,
    monkeypatch: pytest.MonkeyPatch,
    trouble: Callable[[Link], None],
    times: int,
) -> None:
    """Sync through a proxy that cuts the first connection of each run."""
    impatient(monkeypatch)
    add(database, [f"u{i}" for i in range(100)], 300)
    add(database, [f"v{i}" for i in range(100)], 0)
    database.sync(db_port=proxy.port, full=True)
    draw = random.Random(11)  # noqa: S311 - the same points in every run
    whole = proxy.from_server
    for happened in range(1, times + 1):
        proxy.plan(draw.choice([draw.randrange(1, 300), draw.randrange(1, whole - 100)]), trouble)
        before = proxy.connections
        database.sync(db_port=proxy.port, full=True)
        assert (proxy.connections - before, proxy.happened) == (2, happened)
        assert litter(database.data_dir) == []
        database.assert_in_step()


def test_fault_11_connection_that_breaks_every_time_fails_the_run(
    database: SourceDatabase,
    operator: Operator,
    proxy: Proxy,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Five tries, each cut in the middle: 69, one line, nothing published, and the next run is complete."""
    impatient(monkeypatch)
    add(database, ["old"], 300)
    operator.publishes()
    before = operator.current
    fill_up(database)
    for _ in range(updating.ATTEMPTS):
        proxy.plan(MIDDLE, Link.cut)
    operator.monitor.reset()
    with caplog.at_level(logging.WARNING):
        assert update_here(database, operator.monitor, proxy) == 69
    assert proxy.connections == updating.ATTEMPTS
    assert len(caplog.records) == 1
    assert operator.heartbeat()["status"] == "down"
    assert "Lost connection" in operator.heartbeat()["msg"]
    assert operator.current == before
    assert litter(database.data_dir) == []
    operator.publishes()
    database.assert_in_step()


def test_fault_11_server_that_is_not_there_yet_is_tried_again(operator: Operator, proxy: Proxy) -> None:
    """Refused at first, it listens half a second later."""
    proxy.refuse()
    later = threading.Timer(0.5, proxy.listen)
    later.start()
    log = operator.publishes(DB_PORT=str(proxy.port)).log
    later.join()
    assert "check DB_HOST and DB_PORT; trying again" in log


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL], ids=["restart", "crash"])
def test_fault_11_server_restarts_in_the_middle_of_the_read(
    directory: Path, forked: Updaters, monitor: RecordingService, tmp_path: Path, how: signal.Signals
) -> None:
    """It stops while the run reads and is back soon: the same run publishes all rows."""
    with ThreadPoolExecutor() as pool, ExitStack() as before:
        database = before.enter_context(own_database(directory, tmp_path / "data"))
        empty(database)
        fill_up(database)
        operator = Operator(database, forked, monitor)
        operator.publishes(**READER)
        port, pid = database.server.port, database.server.pid
        assert pid
        with proxied(port) as proxy:
            proxy.plan(MIDDLE, lambda _: os.kill(pid, how))
            run = pool.submit(operator.publishes, DB_PORT=str(proxy.port), **READER)
            until(lambda: proxy.happened, "the server's end")
            before.close()
            with own_database(directory, tmp_path / "data", port) as database:
                assert "trying again" in run.result().log
                database.assert_in_step()


def test_fault_11_read_that_is_given_up_logs_nothing_more(
    database: SourceDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that fails for another reason, such as a full disk, leaves rows unread, and logs nothing about them."""
    fill_up(database)
    monkeypatch.setattr("sources.mysql.source.BATCH_ROWS", 100)
    with consistent_source(database.settings()) as source:
        rows = source.rows(source.describe(PAGE_VIEWS))
        assert next(rows).height == 100
    del rows, source  # Only now, as with an error that holds on to what it came through.
    gc.collect()
    assert [each.name for each in threading.enumerate() if each.name.startswith("ThreadPool")] == []


# --- 12: hangs --------------------------------------------------------------------------------------------------------


@contextmanager
def stopped(server: Server) -> Iterator[Callable[[], None]]:
    """Yields what stops the server without ending it; afterwards it goes on."""
    assert server.pid
    try:
        yield lambda: os.kill(server.pid or 0, signal.SIGSTOP)
    finally:
        os.kill(server.pid, signal.SIGCONT)


@pytest.mark.slow
def test_fault_12_hanging_server_ends_the_run_by_its_deadline(
    directory: Path, forked: Updaters, monitor: RecordingService, tmp_path: Path
) -> None:
    """Stopped in the middle of a read, then before the first word: 69 in time, lock free, next run whole."""
    with own_database(directory, tmp_path / "data") as database, proxied(database.server.port) as proxy:
        empty(database)
        add(database, ["old"], 300)
        operator = Operator(database, forked, monitor)
        operator.publishes(**READER)
        fill_up(database)
        operator.tolerates_litter = True  # The next run sweeps it.
        with stopped(database.server) as stop:
            proxy.plan(MIDDLE, lambda _: stop())
            for deadline_s, how_far in ((3, "in the middle"), (1, "at the start")):
                run = operator.fails(
                    69,
                    f"longer than SYNC_DEADLINE_SECONDS ({deadline_s})",
                    DB_PORT=str(proxy.port),
                    SYNC_DEADLINE_SECONDS=str(deadline_s),
                    SENTRY_ENVIRONMENT="production",
                    FPP_ANALYTICS_SENTRY_DSN=monitor.sentry_dsn,
                    **READER,
                )
                assert deadline_s <= run.seconds < deadline_s + 2, how_far
                assert len(monitor.sentry_events()) == 1
                assert bool(litter(database.data_dir)) == (how_far == "in the middle")
        operator.tolerates_litter = False
        operator.publishes(**READER)
        database.assert_in_step()


def test_fault_12_read_that_hangs_is_given_up_and_tried_again(
    database: SourceDatabase, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A connection that silently went dead, with a read timeout of one second instead of 60."""
    impatient(monkeypatch)
    monkeypatch.setattr("sources.mysql.source.READ_TIMEOUT_S", 1)
    fill_up(database)
    proxy.plan(MIDDLE, Link.stall)
    begun = monotonic()
    assert database.sync(db_port=proxy.port).rows_read == ROWS
    assert 1 <= monotonic() - begun < 10
    assert proxy.connections == 2
    database.assert_in_step()


def test_fault_12_slow_line_is_no_hang(database: SourceDatabase, operator: Operator, proxy: Proxy) -> None:
    """Every piece comes late, none too late."""
    fill_up(database)
    proxy.delay_s = 0.001
    operator.publishes(DB_PORT=str(proxy.port))
    assert proxy.connections == 1
    database.assert_in_step()
