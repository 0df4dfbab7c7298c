"""The collector's database, by URL: an SQLite file, PostgreSQL, MySQL or MariaDB."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

from sqlalchemy import URL, Connection, Engine, NullPool, create_engine, event, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError

from config import CollectorDatabaseSettings
from util.errors import EXIT_UNAVAILABLE, AnalyticsError, ConfigurationError, Severity

VARIABLE = "COLLECTOR_DATABASE_URL"
MIGRATE = "uv run python collector.py migrate"
RETRY_AFTER_S = 5
CONNECT_TIMEOUT_S = 10
ANSWER_TIMEOUT_S = 60
# For other processes to finish writing; each of their transactions takes milliseconds.
LOCK_TIMEOUT_S = 30
DRIVERS = {
    "sqlite": "sqlite",
    "postgresql": "postgresql+psycopg",
    "postgres": "postgresql+psycopg",
    "mysql": "mysql+mysqlconnector",
    "mariadb": "mysql+mysqlconnector",
}
# Small pages, since events have random keys: each insertion dirties a page of the unique index.
PAGE_BYTES = 2048
# A checkpoint is cheaper the more changes of a page it combines; 40,000 pages are 80 MB.
CHECKPOINT_PAGES = 40_000
CACHE_KIB = 16_384


class DatabaseError(AnalyticsError):
    """The collector's database failed; retrying is safe, as events that were stored count as duplicates."""

    status = 503
    headers: ClassVar[Mapping[str, str]] = {"Retry-After": str(RETRY_AFTER_S)}
    exit_code = EXIT_UNAVAILABLE
    severity = Severity.HIGH


def database_url(text: str) -> URL:
    """The URL with the driver this project uses.

    Raises:
        ConfigurationError: It is not a URL, or names a database that is not supported.
    """
    try:
        url = make_url(text)
    except ArgumentError:
        raise ConfigurationError(
            f"{VARIABLE} is not a database URL, such as sqlite:///collected/collector.db"
        ) from None
    backend = url.get_backend_name()
    if backend not in DRIVERS:
        raise ConfigurationError(f"{VARIABLE}: {backend} is not supported; use sqlite, postgresql or mysql")
    if backend == "sqlite" and url.database in {None, "", ":memory:"}:
        raise ConfigurationError(f"{VARIABLE} needs a file, such as sqlite:///collected/collector.db")
    return url.set(drivername=DRIVERS[backend])


def configured_url(settings: CollectorDatabaseSettings) -> URL:
    """The URL of COLLECTOR_DATABASE_URL.

    Raises:
        ConfigurationError: It is not a URL, or names a database that is not supported.
    """
    return database_url(settings.collector_database_url.get_secret_value())


def shown(url: URL) -> str:
    """The URL for logs and errors, without its password."""
    return url.render_as_string(hide_password=True)


def open_engine(url: URL) -> Engine:
    """An engine for reading and writing a migrated database."""
    engine = _engine(url, pool_pre_ping=url.get_backend_name() != "sqlite")
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _enforce_foreign_keys)
    return engine


def migration_engine(url: URL) -> Engine:
    """An engine for migrations: it creates a missing SQLite file, enforces no foreign keys and keeps no connection.

    With foreign keys enforced, SQLite would delete the children of a table that a migration rebuilds.
    """
    if url.get_backend_name() == "sqlite":
        Path(url.database or "").parent.mkdir(parents=True, exist_ok=True)
    return _engine(url, poolclass=NullPool)


def _engine(url: URL, **options: Any) -> Engine:
    try:
        engine = create_engine(url, connect_args=_connect_args(url), **options)
    except (NoSuchModuleError, ModuleNotFoundError) as error:
        raise ConfigurationError(f"{VARIABLE}: {error}") from error
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _configure_sqlite)
        event.listen(engine, "begin", _begin)
    return engine


def _connect_args(url: URL) -> dict[str, Any]:
    match url.get_backend_name():
        case "sqlite":
            return {"timeout": LOCK_TIMEOUT_S, "check_same_thread": False}
        case "postgresql":
            return {
                "connect_timeout": CONNECT_TIMEOUT_S,
                "tcp_user_timeout": ANSWER_TIMEOUT_S * 1000,
                "options": f"-c lock_timeout={LOCK_TIMEOUT_S}s -c timezone=UTC",
            }
    return {
        "charset": "utf8mb4",
        # MariaDB before 11.4 does not know the connector's default.
        "collation": "utf8mb4_general_ci",
        "connection_timeout": CONNECT_TIMEOUT_S,
        "read_timeout": ANSWER_TIMEOUT_S,
        "write_timeout": ANSWER_TIMEOUT_S,
    }


def _configure_sqlite(connection: DBAPIConnection, _: object) -> None:
    # By default, the driver begins transactions by itself, and too late: see _begin.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA page_size = {PAGE_BYTES}")  # Has no effect once there are tables.
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
    cursor.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
    cursor.close()


def _enforce_foreign_keys(connection: DBAPIConnection, _: object) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()


def reading(engine: Engine) -> Connection:
    """A connection that only reads, so that it waits for no writer on SQLite."""
    return engine.connect().execution_options(reads_only=True)


def _begin(connection: Connection) -> None:
    # A transaction that begins by reading fails at once if it writes after another writer has.
    reads_only = connection.get_execution_options().get("reads_only")
    connection.exec_driver_sql("BEGIN" if reads_only else "BEGIN IMMEDIATE")


@contextmanager
def explained(url: URL) -> Iterator[None]:
    """Turn an error of the database into a `DatabaseError` of one line."""
    try:
        yield
    except DBAPIError as error:
        reason = " ".join(str(error.orig).split())
        raise DatabaseError(
            f"Database {shown(url)} failed: {reason}. Check {VARIABLE}, and that it is running"
        ) from error
