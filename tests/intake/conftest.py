"""Databases for the collector: empty ones, and migrated ones, of each kind."""

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import URL, Engine

from intake.database import database_url, open_engine
from intake.migrating import migrate
from tests import postgresql
from tests.mariadb import Server, quoted
from tests.postgresql import Server as PostgresqlServer

KINDS = ("sqlite", "postgresql", "mariadb")


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[PostgresqlServer]:
    """The session's own PostgreSQL server, in a time zone other than UTC."""
    with postgresql.private_server() as server:
        yield server


@pytest.fixture(params=[pytest.param(kind, marks=[] if kind == "sqlite" else pytest.mark.database) for kind in KINDS])
def empty_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[URL]:
    """A database of each kind with nothing in it."""
    name = f"collector_{secrets.token_hex(4)}"
    match request.param:
        case "sqlite":
            yield database_url(f"sqlite:///{tmp_path}/collected/collector.db")
        case "postgresql":
            server: PostgresqlServer = request.getfixturevalue("postgresql_server")
            with server.connect() as connection:
                connection.execute(f"CREATE DATABASE {name}")
                yield database_url(server.url(name))
                connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
        case "mariadb":
            yield from _mariadb_database(request.getfixturevalue("mariadb"), name)


def _mariadb_database(server: Server, name: str) -> Iterator[URL]:
    with server.connect() as connection, connection.cursor() as cursor:
        # Not the tables' own character set: each must name it.
        cursor.execute(f"CREATE DATABASE {quoted(name)} CHARACTER SET latin1")
        yield database_url(
            f"mysql+mysqlconnector://{server.username}:{server.password}@{server.host}:{server.port}/{name}"
        )
        cursor.execute(f"DROP DATABASE {quoted(name)}")


@pytest.fixture
def engine(empty_database: URL) -> Iterator[Engine]:
    """A migrated database of each kind."""
    migrate(empty_database)
    opened = open_engine(empty_database)
    yield opened
    opened.dispose()
