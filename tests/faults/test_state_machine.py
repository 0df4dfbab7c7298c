"""Any order of writes, late commits, edits, erasures, migrations, syncs and crashes, against a model of plain dicts.

The source's clock is the machine's own and moves by hours. `HYPOTHESIS_PROFILE=thorough` draws far more, and other
orders every time.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import ClassVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test
from pydantic import SecretStr

from read_model import locking, publishing
from read_model.publishing import SnapshotWriter
from read_model.snapshot import CURRENT, SNAPSHOTS
from read_model.tables.fpp import PAGE_VIEWS
from tests.faults.invariants import keys_are_there_once, litter
from tests.faults.model import TABLES, USERS, Model
from tests.mariadb import quoted
from tests.source_database import Row, SourceDatabase
from update_readmodel import fpp_updater

pytestmark = [pytest.mark.database, pytest.mark.slow]

THOROUGH = os.environ.get("HYPOTHESIS_PROFILE") == "thorough"
OVERLAP = timedelta(hours=1)
LONGEST_TRANSACTION = timedelta(minutes=40)
MOST_MIGRATIONS = 4  # They take long.
STEPS = 7  # Crash points of a run while it writes tables, and again while it publishes them.

MINUTES = st.one_of(st.integers(1, 30), st.integers(60, 1800))
SEGMENTS = st.sampled_from([3, 1000])
WHICH = st.integers(0, 10_000)
# The step to crash at, counted from the beginning or from the manifest.
CRASHES = st.one_of(st.none(), st.tuples(st.integers(0, STEPS), st.booleans()))


class CrashError(BaseException):
    """The process would be dead now."""


class SyncMachine(RuleBasedStateMachine):
    """One database and its read model."""

    database: ClassVar[SourceDatabase]

    def __init__(self) -> None:
        super().__init__()
        self.data_dir = Path(tempfile.mkdtemp(prefix="fpp-machine-"))
        shared = self.database
        self.source = SourceDatabase(shared.server, shared.name, self.data_dir, shared.connection)
        self.model = Model(self.source)
        self.now = datetime(2026, 3, 2, 12, tzinfo=UTC)
        self.migrations = 0
        self.is_stale = False  # Settled rows were touched: only a full sync is right again.
        self.read_at: datetime | None = None
        self.published: dict[str, list[Row]] = {}
        self.told: list[datetime] = []

    @initialize(rows=st.integers(1, 8))
    def begin(self, rows: int) -> None:
        """Some rows are older than the overlap."""
        self.model.clear()
        self.model.insert(rows, self.now - timedelta(hours=5))

    # --- The app ------------------------------------------------------------------------------------------------------

    @rule(rows=st.one_of(st.integers(1, 4), st.just(40)), late_s=st.integers(0, 300))
    def insert(self, rows: int, late_s: int) -> None:
        """A few rows or a burst of one second, with a time a little before the present one."""
        self.model.insert(rows, self.now - timedelta(seconds=late_s))

    @precondition(lambda self: len(self.model.open) < 2)
    @rule(rows=st.integers(1, 3))
    def begin_transaction(self, rows: int) -> None:
        """Rows that take their ids now and are committed later, or never; another one overtakes them."""
        self.model.begin(rows, self.now)
        self.now += timedelta(seconds=1)
        self.model.insert(1, self.now)

    @precondition(lambda self: self.model.open)
    @rule(is_last=st.booleans(), commits=st.booleans())
    def end_transaction(self, is_last: bool, commits: bool) -> None:
        """In any order."""
        self.model.end(-1 if is_last else 0, commits=commits)

    @rule(table=st.sampled_from(TABLES[:2]), which=WHICH, deletes=st.booleans())
    def edit_or_delete(self, table: str, which: int, deletes: bool) -> None:
        """A page view or a user of any age."""
        keys = sorted(self.model.rows(table))
        if keys and deletes:
            self.model.delete(table, keys[which % len(keys)])
        elif keys:
            self.model.edit(table, keys[which % len(keys)], f"edit {which}")

    @rule(user=st.sampled_from(USERS))
    def erase(self, user: str) -> None:
        """All page views of a user, the committed ones."""
        self.model.erase(user)

    @rule(which=WHICH, does=st.sampled_from(["add", "rename", "use", "delete"]))
    def change_a_room(self, which: int, does: str) -> None:
        """In place, whatever its age."""
        keys = sorted(self.model.rooms) or [0]
        key = keys[which % len(keys)]
        if does == "add" or not key:
            self.model.add_room()
        elif does == "rename":
            self.model.rename_room(key)
        elif does == "use":
            self.model.use_room(key, self.now)
        else:
            self.model.delete_room(key)

    # A migration would wait for open transactions.
    @precondition(lambda self: not self.model.open and self.migrations < MOST_MIGRATIONS)
    @rule(default=st.integers(0, 9))
    def migrate(self, default: int) -> None:
        """Add a column, or drop it again."""
        self.migrations += 1
        if self.model.extra is None:
            self.model.add_column(default)
        else:
            self.model.drop_column()

    @rule(minutes=MINUTES)
    def time_passes(self, minutes: int) -> None:
        """No transaction stays open for as long as the overlap."""
        self.now += timedelta(minutes=minutes)
        while self.model.open and self.now - self.model.open[0].begun > LONGEST_TRANSACTION:
            self.model.end(0, commits=minutes % 2 == 0)

    # --- The updater --------------------------------------------------------------------------------------------------

    @rule(minutes=MINUTES, crash=CRASHES, rows=SEGMENTS)
    def run(self, minutes: int, crash: tuple[int, bool] | None, rows: int) -> None:
        """The next run of many, or the first after the updater was off for a while: it reads what may have changed."""
        self.time_passes(minutes)
        with ended_at(crash):
            self.update(rows)
            assert litter(self.data_dir) == []
        self.look()

    @rule(erases=st.booleans(), crash=CRASHES, rows=SEGMENTS)
    def run_full(self, erases: bool, crash: tuple[int, bool] | None, rows: int) -> None:
        """All is read again; with `--erase-now`, nothing older is left."""
        with ended_at(crash):
            self.update(rows, full=True, erase_older=erases)
            assert litter(self.data_dir) == []
            snapshots = [path.name for path in (self.data_dir / SNAPSHOTS).iterdir()]
            assert snapshots == [self.source.snapshot().id] or not erases
        self.look()

    def update(self, rows: int, *, full: bool = False, erase_older: bool = False) -> None:
        """One run of the updater, as an account that sees the machine's clock."""
        self.now += timedelta(seconds=1)
        self.source.execute(f"SET GLOBAL init_connect = 'SET @@session.timestamp = {self.now.timestamp()}'")
        account = {"db_username": "clocked", "db_password": SecretStr("clocked")}
        updater = fpp_updater(self.source.settings(**account, segment_rows=rows))
        updater.update(full=full, allow_shrink=True, erase_older=erase_older)

    def look(self) -> None:
        """Take note of what was published, if anything was; it equals the model, unless settled rows were touched."""
        if not (self.data_dir / CURRENT).exists():
            return
        manifest = self.source.snapshot().manifest
        assert manifest
        if manifest.read_at != self.read_at:
            settled_before = self.read_at and self.read_at - OVERLAP
            missed = settled_before and any(at < settled_before for at in self.model.touched)
            self.is_stale = bool(self.is_stale or missed) and manifest.full_sync_at != manifest.read_at
            self.model.touched.clear()
            self.read_at = manifest.read_at
            self.published = {table: self.source.stored(table) for table in TABLES}
            self.told.append(manifest.data_updated_at)
            if not self.is_stale:
                self.assert_equal()
        self.check()

    def assert_equal(self) -> None:
        """A: the keys are those of the model, and so are the columns it knows."""
        for table in TABLES:
            stored = {row["id"]: row for row in self.published[table]}
            model = self.model.rows(table)
            assert stored.keys() == model.keys(), table
            for key, row in model.items():
                assert {name: stored[key].get(name, "no such column") for name in row} == row, table
        columns = self.source.snapshot().scan(PAGE_VIEWS).collect_schema()
        assert ("extra" in columns) == (self.model.extra is not None)

    def check(self) -> None:
        """B, D, and neither crash nor sweep changed what readers see."""
        assert {table: self.source.stored(table) for table in TABLES} == self.published
        assert keys_are_there_once(self.source)
        assert self.told == sorted(self.told)

    @precondition(lambda self: self.read_at)
    @rule()
    def sweep(self) -> None:
        """An hour later all that is out of use goes."""
        with locking.locked(self.data_dir):
            publishing.sweep(self.data_dir, datetime.now(UTC) + timedelta(hours=1))
        assert litter(self.data_dir) == []
        assert len(list((self.data_dir / SNAPSHOTS).iterdir())) <= publishing.KEPT_SNAPSHOTS
        self.check()

    def teardown(self) -> None:
        """After a quiet moment and a sync everything equals; `--verify` says so too."""
        try:
            while self.model.open:
                self.model.end(0, commits=True)
            self.update(1000, full=self.is_stale)
            self.look()
            if self.is_stale:
                self.update(1000, full=True)
                self.look()
            assert not self.is_stale
            assert all(each.equal for each in fpp_updater(self.source.settings()).compare())
        finally:
            while self.model.open:
                self.model.end(0, commits=False)
            if self.model.extra is not None:
                self.model.drop_column()
            shutil.rmtree(self.data_dir)


@contextmanager
def ended_at(crash: tuple[int, bool] | None) -> Iterator[None]:
    """End the block at a step, counted from its beginning or from the manifest; nothing is cleaned up."""
    left, counts = (crash[0], not crash[1]) if crash else (0, False)

    def crash_point(name: str) -> None:
        nonlocal left, counts
        counts = counts or (crash is not None and name == "before the manifest")
        left -= counts
        if left < 0:
            raise CrashError

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(publishing, "crash_point", crash_point)
        if crash:
            patch.setattr(SnapshotWriter, "__exit__", lambda *_: None)
        with suppress(CrashError):
            yield


@pytest.fixture
def clocked(database: SourceDatabase) -> Iterator[SourceDatabase]:
    """An account for which the server's clock stands where the machine puts it."""
    database.execute("CREATE OR REPLACE USER clocked@'%' IDENTIFIED BY 'clocked'")
    database.execute(f"GRANT SELECT ON {quoted(database.name)}.* TO clocked@'%'")
    try:
        yield database
    finally:
        database.execute("SET GLOBAL init_connect = ''")
        database.execute("DROP USER clocked@'%'")


def test_any_order_of_events_ends_with_equal_rows(clocked: SourceDatabase) -> None:
    """Nothing is lost, nothing doubled, nothing goes back."""
    SyncMachine.database = clocked
    run_state_machine_as_test(
        SyncMachine,
        settings=settings(
            max_examples=300 if THOROUGH else 30,
            stateful_step_count=60 if THOROUGH else 30,
            deadline=None,
            derandomize=not THOROUGH,
            database=None,
            # Shrinking takes minutes, so the failing order is reported as it is.
            phases=[Phase.generate, Phase.shrink] if THOROUGH else [Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )
