"""A sample read model, and servers over it."""

import json
import secrets
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr

from config import ServerSettings
from demo.publishing import publish_sample
from demo.sample import sample
from server import create_app
from tests.processes import TOKEN, RecordingService, Server, recording_service, serving, until
from util.clock import utc_now

START = date(2024, 6, 3)


@dataclass(frozen=True)
class Sample:
    """Made-up tables up to `now`, published in `data_dir`; `rows` are the same for the oracle."""

    now: datetime
    tables: dict[str, pl.DataFrame]
    rows: dict[str, list[dict[str, Any]]]
    data_dir: Path


def on_one_day[Answer](ask: Callable[[], Answer]) -> tuple[datetime, Answer]:
    """An instant and an answer from the same UTC day; repeats the request if midnight came between."""
    while True:
        asked = utc_now()
        answer = ask()
        if asked.date() == utc_now().date():
            return asked, answer


@pytest.fixture(scope="session")
def sampled(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    """A published sample that no test changes."""
    now, data_dir = utc_now(), tmp_path_factory.mktemp("sample")
    tables = sample(now, scale=0.05)
    publish_sample(tables, data_dir, now)
    return Sample(now, tables, {name: table.to_dicts() for name, table in tables.items()}, data_dir)


@pytest.fixture(scope="session")
def server(sampled: Sample) -> Iterator[Server]:
    """A server over the sample."""
    with serving(sampled.data_dir) as started:
        yield started


@pytest.fixture(scope="session")
def changing_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Path]]:
    data_dir = tmp_path_factory.mktemp("changing")
    with serving(data_dir) as started:
        yield started, data_dir


@pytest.fixture
def data_dir(changing_server: tuple[Server, Path]) -> Path:
    """The data directory of `bare_server`, empty when the test begins."""
    directory = changing_server[1]
    for entry in directory.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()
    return directory


@pytest.fixture
def bare_server(changing_server: tuple[Server, Path], data_dir: Path) -> Server:
    """A server over `data_dir`, which is empty until the test fills it."""
    assert not any(data_dir.iterdir())
    return changing_server[0]


@pytest.fixture
def in_process(sampled: Sample) -> Callable[..., TestClient]:
    """Make a client of the app in this process, over the sample, with any settings and clock."""

    def client(clock: Callable[[], datetime] = utc_now, **settings: Any) -> TestClient:
        given: dict[str, Any] = {"data_dir": sampled.data_dir, "analytics_secret_token": SecretStr(TOKEN)}
        app = create_app(ServerSettings(**(given | settings)), clock)
        return TestClient(app, headers={"Authorization": f"Bearer {TOKEN}"}, raise_server_exceptions=False)

    return client


@pytest.fixture(scope="session")
def recorders() -> Iterator[tuple[RecordingService, RecordingService]]:
    with recording_service() as mail, recording_service() as sentry:
        yield mail, sentry


@pytest.fixture
def mail(recorders: tuple[RecordingService, RecordingService]) -> Iterator[RecordingService]:
    """The e-mail service of `production`, which accepts everything by default."""
    yield recorders[0]
    recorders[0].reset()


@pytest.fixture
def sentry(recorders: tuple[RecordingService, RecordingService]) -> Iterator[RecordingService]:
    """The Sentry of `production`."""
    yield recorders[1]
    recorders[1].reset()


@pytest.fixture(scope="session")
def production(sampled: Sample, recorders: tuple[RecordingService, RecordingService]) -> Iterator[Server]:
    """A server as in production, with an e-mail service, Sentry, and the routes of `crashing_app`."""
    mail, sentry = recorders
    with serving(
        sampled.data_dir,
        app="tests.web.crashing_app:make_app",
        factory=True,
        BEA_BASE_URL=mail.url,
        BEA_SECRET_KEY="mail-key",  # noqa: S106 - it guards nothing
        BEA_TIMEOUT_SECONDS=1,
        SENTRY_ENVIRONMENT="production",
        FPP_ANALYTICS_SENTRY_DSN=sentry.sentry_dsn,
    ) as started:
        yield started


@pytest.fixture
def reported(production: Server, sentry: RecordingService) -> Callable[[], list[dict[str, Any]]]:
    """Return what `production` reported to Sentry since the start of the test or the last call.

    Events are sent in order: a crash of its own name marks the end of those before it.
    """

    def events() -> list[dict[str, Any]]:
        path = f"/crash/{secrets.token_hex(8)}"
        production.get(path)
        until(lambda: any(asked(event, path) for event in sentry.sentry_events()), "the crash that marks the end")
        found = sentry.sentry_events()
        sentry.received.clear()
        return [event for event in found if not asked(event, path)]

    def asked(event: dict[str, Any], path: str) -> bool:
        return path in json.dumps(event["contexts"])

    events()
    return events
