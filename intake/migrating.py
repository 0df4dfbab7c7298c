"""Bring the collector's database to the schema this version needs, and refuse to work on any other."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import URL, Connection, Engine, func, select, text

from intake.database import MIGRATE, DatabaseError, explained, migration_engine, reading, shown
from util.errors import EXIT_CONFIG, AnalyticsError

SCRIPTS = Path(__file__).parent.parent / "migrations"
LOCK_NAME = "fpp-analytics-migrations"
LOCK_NUMBER = 0x66_70_70_61
LONGEST_WAIT_S = 600


class NotMigratedError(AnalyticsError):
    """The database does not have the schema this version needs."""

    status = 503
    exit_code = EXIT_CONFIG

    def __init__(self, where: str, present: str, wanted: str) -> None:
        super().__init__(f"Database {where} is at {present}, but this version needs revision {wanted}: run `{MIGRATE}`")


def alembic_config() -> Config:
    """Alembic's configuration: where the scripts are."""
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    return config


def migrate(url: URL, revision: str = "head") -> tuple[str | None, str | None]:
    """Upgrade to a revision while no other migration runs; returns the revisions before and after.

    Raises:
        DatabaseError: The database failed.
    """
    with explained(url), migration_engine(url).begin() as connection:
        lock(connection)
        before = current(connection)
        config = alembic_config()
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
        return before, current(connection)


def downgrade(url: URL, revision: str) -> None:
    """Go back to an older revision.

    Raises:
        DatabaseError: The database failed.
    """
    with explained(url), migration_engine(url).begin() as connection:
        config = alembic_config()
        config.attributes["connection"] = connection
        command.downgrade(config, revision)


def lock(connection: Connection) -> None:
    """Block other migrations until this connection's transaction ends; waits for one that is running.

    On SQLite the transaction itself is the lock. MySQL commits with every DDL statement, so there the lock belongs to
    the connection.

    Raises:
        DatabaseError: Another migration takes too long.
    """
    match connection.dialect.name:
        case "postgresql":
            connection.execute(text(f"SET LOCAL lock_timeout = '{LONGEST_WAIT_S}s'"))
            connection.execute(select(func.pg_advisory_xact_lock(LOCK_NUMBER)))
        case "mysql" | "mariadb":
            got = connection.scalar(select(func.get_lock(LOCK_NAME, LONGEST_WAIT_S)))
            if got != 1:
                raise DatabaseError("Another migration is running: wait until it ends, then try again")


def require_head(engine: Engine) -> None:
    """Make sure that the database is at the revision this version needs.

    Raises:
        NotMigratedError: It is at another one, or there is none.
        DatabaseError: The database failed.
    """
    where = shown(engine.url)
    (wanted,) = ScriptDirectory.from_config(alembic_config()).get_heads()
    if engine.dialect.name == "sqlite" and not Path(engine.url.database or "").is_file():
        raise NotMigratedError(where, "no revision, for there is no such file", wanted)
    with explained(engine.url), reading(engine) as connection:
        present = current(connection)
    if present != wanted:
        raise NotMigratedError(where, f"revision {present}" if present else "no revision", wanted)


def current(connection: Connection) -> str | None:
    """The revision the database is at; None when it was never migrated."""
    return MigrationContext.configure(connection).get_current_revision()
