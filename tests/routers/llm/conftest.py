"""An app over LLM calls, for callers with different rights."""

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from pydantic import SecretStr

from config import ServerSettings
from server import create_app
from tests.calculations.llm.calls import ACME, Call, events
from tests.web.tokens import token_lines, written
from web.tokens import Tokens

NOW = datetime(2026, 3, 9, 12, 0, 30, tzinfo=UTC)
KNOWN_UNTIL = NOW - timedelta(seconds=90)

type Client = Callable[..., TestClient]


def store(data_dir: Path, *calls: Call, known_until: datetime = KNOWN_UNTIL) -> None:
    """Put calls into the read model, as a flat file last written at `known_until`."""
    path = data_dir / "llm" / "llm_usage_events.parquet"
    path.parent.mkdir(exist_ok=True)
    events(*calls).sink_parquet(path)
    os.utime(path, (known_until.timestamp(),) * 2)


@pytest.fixture(scope="module")
def app() -> FastAPI:
    """One app for all tests of a module: creating one takes longer than a request."""
    return create_app(ServerSettings(analytics_secret_token=SecretStr("of-nobody")), lambda: NOW)


@pytest.fixture
def client(app: FastAPI, tmp_path: Path) -> Client:
    """Make a client that may do what is given, over the calls stored in `tmp_path`; by default all about ACME."""

    def made(*orgs: str, scopes: tuple[str, ...] = ("llm:read", "llm:incidents"), **settings: Any) -> TestClient:
        lines = token_lines("ann", "anns-token", scopes=scopes, orgs=orgs or (ACME,))
        tokens = written(tmp_path / "tokens.toml", lines)
        app.state.settings = ServerSettings(data_dir=tmp_path, tokens_file=tokens, **settings)
        app.state.callers = Tokens((), tokens)
        return TestClient(app, headers={"Authorization": "Bearer anns-token"}, raise_server_exceptions=False)

    return made
