"""Fixtures of all tests: settings that come only from the test, and a private database.

`HYPOTHESIS_PROFILE=thorough` draws ten times as many examples, and others every time.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings as hypothesis_settings

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

EXAMPLES = 40
# A computation takes as long as the machine is busy: no deadline. The same examples in every run, unless thorough.
hypothesis_settings.register_profile("fast", max_examples=EXAMPLES, deadline=None, derandomize=True, database=None)
hypothesis_settings.register_profile("thorough", max_examples=10 * EXAMPLES, deadline=None)
hypothesis_settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fast"))


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
