"""Fixtures of the fault tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import mariadb as servers
from tests.faults.invariants import Operator
from tests.faults.tcp_proxy import Proxy, proxied
from tests.faults.updaters import Updaters, updaters
from tests.mariadb import Server
from tests.processes import RecordingService, recording_service
from tests.source_database import SourceDatabase


@pytest.fixture(scope="session")
def forked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Updaters]:
    """A parent process that forks real updaters quickly."""
    with updaters(tmp_path_factory.mktemp("updaters"), {}) as parent:
        yield parent


@pytest.fixture
def monitor() -> Iterator[RecordingService]:
    """The receiver of heartbeats."""
    with recording_service() as service:
        yield service


@pytest.fixture
def operator(database: SourceDatabase, forked: Updaters, monitor: RecordingService) -> Operator:
    """The operator of the empty database."""
    return Operator(database, forked, monitor)


@pytest.fixture
def proxy(mariadb: Server) -> Iterator[Proxy]:
    """A proxy to the session's server."""
    with proxied(mariadb.port) as started:
        yield started


@pytest.fixture(scope="session")
def directory() -> Iterator[Path]:
    """The data directory of a database server that tests may stop and start."""
    servers.install()
    with servers.data_directory() as made:
        yield made
