"""Fixtures of all tests: settings that come only from the test, and a private database."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from config import (
    CollectedUpdaterSettings,
    CollectorSettings,
    MysqlUpdaterSettings,
    RepositoriesUpdaterSettings,
    ServerSettings,
)
from tests.mariadb import Server, fresh_database, private_server
from tests.source_database import SourceDatabase

pytest_plugins = ["tests.served"]


@pytest.fixture(autouse=True)
def only_given_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide the developer's `.env` and environment from the tests."""
    for settings in (
        ServerSettings,
        MysqlUpdaterSettings,
        CollectedUpdaterSettings,
        RepositoriesUpdaterSettings,
        CollectorSettings,
    ):
        monkeypatch.setitem(settings.model_config, "env_file", None)
        for name in settings.model_fields:
            monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture(scope="session")
def mariadb() -> Iterator[Server]:
    """The session's own MariaDB server, in a time zone other than UTC."""
    with private_server() as server:
        yield server


@pytest.fixture
def database(mariadb: Server, tmp_path: Path) -> Iterator[SourceDatabase]:
    """An empty source database, and a data directory to sync it into."""
    with fresh_database(mariadb) as name, SourceDatabase.opened(mariadb, name, tmp_path / "data") as source:
        yield source
