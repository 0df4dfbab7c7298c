"""Migrations: up and down with rows, alone, equal to the models, and required before anything else works."""

import subprocess
import sys
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import URL, Engine, inspect, select

from intake.database import migration_engine, open_engine
from intake.llm.storing import store
from intake.migrating import NotMigratedError, alembic_config, downgrade, migrate, require_head
from intake.tables import COLLECTOR_STATE, USAGE_EVENTS, metadata
from intake.writer import Writer
from tests.intake.batches import batch
from tests.intake.events import event
from tests.processes import PATIENCE_S, ROOT, clean_environment

HEAD = "0004"


def identity(engine: Engine) -> str:
    """What tells the database from any other."""
    with engine.connect() as connection:
        return str(connection.execute(select(COLLECTOR_STATE.c.identity)).scalar_one())


def test_models_equal_the_head(engine: Engine) -> None:
    """Alembic finds nothing to do."""
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_there_is_one_head() -> None:
    """No two revisions follow the same one."""
    assert ScriptDirectory.from_config(alembic_config()).get_heads() == [HEAD]


def test_every_revision_can_be_undone_and_done_again(empty_database: URL) -> None:
    """Down to each revision and up again, with an event in the tables that are left."""
    migrate(empty_database)
    engine = open_engine(empty_database)
    Writer(engine, store).write([batch(event(), {})])
    before = identity(engine)
    for revision in ("0003", "0002"):
        downgrade(empty_database, revision)
        assert migrate(empty_database) == (revision, HEAD)
        with engine.connect() as connection:
            assert len(connection.execute(select(USAGE_EVENTS)).all()) == 1
        assert identity(engine) == before
    downgrade(empty_database, "base")
    assert inspect(engine).get_table_names() == ["alembic_version"]
    assert migrate(empty_database) == (None, HEAD)
    assert identity(engine) != before
    engine.dispose()


def test_migrating_again_changes_nothing(engine: Engine) -> None:
    """The identity and the rows stay."""
    Writer(engine, store).write([batch(event())])
    before = identity(engine)
    assert migrate(engine.url) == (HEAD, HEAD)
    assert identity(engine) == before


def test_concurrent_upgrades_wait_for_each_other(empty_database: URL) -> None:
    """Three processes at once on an empty database: all succeed, one of them did it."""
    url = empty_database.render_as_string(hide_password=False)
    program = f"from intake.migrating import *; from sqlalchemy import make_url; print(migrate(make_url({url!r})))"
    command = [sys.executable, "-c", program]
    environment = clean_environment(PYTHONPATH=ROOT)
    processes = [
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)  # noqa: S603
        for _ in range(3)
    ]
    told = [process.communicate(timeout=PATIENCE_S)[0] for process in processes]
    assert [process.returncode for process in processes] == [0] * 3, told
    assert sum("(None, " in text for text in told) == 1, told


def test_interrupted_upgrade_continues(empty_database: URL) -> None:
    """MySQL commits each DDL statement by itself: the table of the next revision may exist already."""
    migrate(empty_database, "0001")
    with migration_engine(empty_database).begin() as connection:
        USAGE_EVENTS.create(connection)
    assert migrate(empty_database) == ("0001", HEAD)


def test_database_behind_the_head_is_refused(empty_database: URL) -> None:
    """Empty, and one revision behind: the message has the command."""
    engine = open_engine(empty_database)
    with pytest.raises(NotMigratedError, match=r"no revision.*collector\.py migrate"):
        require_head(engine)
    migrate(empty_database, "0003")
    with pytest.raises(NotMigratedError, match=r"revision 0003.*collector\.py migrate"):
        require_head(engine)
    migrate(empty_database)
    require_head(engine)
    engine.dispose()


def test_sqlite_commits_are_durable_and_pages_small(tmp_path: Any) -> None:
    """The speed and the safety of the file depend on these."""
    url = URL.create("sqlite", database=str(tmp_path / "collector.db"))
    migrate(url)
    with open_engine(url).connect() as connection:
        pragmas = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
            for name in ("journal_mode", "synchronous", "page_size", "foreign_keys")
        }
    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "page_size": 2048, "foreign_keys": 1}
