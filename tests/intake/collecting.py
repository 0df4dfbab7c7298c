"""A real collector over its database, and what is in it."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import URL, Table, select

from intake.database import open_engine, reading
from tests.intake.events import ORG
from tests.processes import ROOT, Program, answering, free_port, running

WRITER = "writer-token-of-the-tests"
READER = "reader-token-of-the-tests"
ORG_WRITER = "one-org-token-of-the-tests"
TOKENS = {
    WRITER: ("gateway", "llm:write", ["*"]),
    READER: ("grafana", "llm:read", ["*"]),
    ORG_WRITER: ("small", "llm:write", [ORG]),
}


@dataclass(frozen=True)
class Collector:
    """A collector that answers, and a client for it."""

    program: Program
    port: int
    http: httpx.Client
    url: URL

    def post(
        self,
        content: bytes | Sequence[Any] | Mapping[str, Any],
        path: str = "/analytics/v1/events",
        token: str | None = WRITER,
        **headers: str,
    ) -> httpx.Response:
        """Send a body, JSON unless it is bytes; `content_type="…"` is a header."""
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        authorization = {"Authorization": f"Bearer {token}"} if token else {}
        return self.http.post(path, content=body, headers=authorization | named)

    def rows(self, table: Table) -> list[Any]:
        """All rows of a table, by id."""
        return rows(self.url, table)


def rows(url: URL, table: Table) -> list[Any]:
    """All rows of a table of the collector's database, by its first column."""
    engine = open_engine(url)
    with reading(engine) as connection:
        found = list(connection.execute(select(table).order_by(next(iter(table.columns)))))
    engine.dispose()
    return found


def tokens_file(directory: Path) -> Path:
    """TOKENS_FILE with the tokens of the tests."""
    path = directory / "tokens.toml"
    path.write_text(
        "".join(
            f'[[token]]\nname = "{name}"\nsha256 = "{hashlib.sha256(token.encode()).hexdigest()}"\n'
            f'scopes = ["{scope}"]\norgs = {json.dumps(orgs)}\n'
            for token, (name, scope, orgs) in TOKENS.items()
        )
    )
    return path


def environment(url: URL, directory: Path, **given: object) -> dict[str, object]:
    """The variables of the collector's processes."""
    return {
        "COLLECTOR_DATABASE_URL": url.render_as_string(hide_password=False),
        "TOKENS_FILE": tokens_file(directory),
    } | given


@contextmanager
def collecting(url: URL, directory: Path, **given: object) -> Iterator[Collector]:
    """A real `uvicorn collector:app` over a migrated database."""
    port = free_port()
    arguments = ["-m", "uvicorn", "collector:app", "--app-dir", ROOT, "--port", port]
    with running(arguments, **environment(url, directory, **given)) as program, answering(program, port) as server:
        yield Collector(program, port, server.http, url)
