"""A small organisation with its repositories extracted, and callers with different rights."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr

from config import ServerSettings
from server import create_app
from tests.processes import TOKEN
from tests.repositories import ANN, BOB, Deployment, Repository
from tests.web.tokens import token_lines, written

NOW = datetime(2026, 3, 31, 12, tzinfo=UTC)
CEM = "Cem <cem@future.example>"
DAY_S = 24 * 3600
READ, PEOPLE = "repositories:read", "repositories:people"


def seconds(day: int, hour: int = 12) -> int:
    """An instant of March 2026."""
    return int(datetime(2026, 3, day, hour, tzinfo=UTC).timestamp())


@dataclass(frozen=True)
class Organisation:
    """What is deployed, and clients of its server."""

    deployment: Deployment
    shop_id: str
    broken_id: str
    client: Callable[[str], TestClient]

    def get(self, path: str, token: str = "reader", /, **parameters: object) -> Any:  # noqa: S107 - its name
        """The answer of an endpoint of the shop, or of a whole path."""
        whole = path if path.startswith("/") else f"/codebases/{self.shop_id}/analytics/{path}"
        return self.client(token).get(whole, params={name: str(value) for name, value in parameters.items()})

    def data(self, path: str, token: str = "reader", /, **parameters: object) -> Any:  # noqa: S107 - its name
        """The data of that answer."""
        answer = self.get(path, token, **parameters)
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]


def shop(path: Path) -> Repository:
    """Ann's two commits, Bob's on a branch, a merge of it, and one of Cem's in the year 2030."""
    made = Repository.new(path)
    first = made.commit({"README": b"hello\n", "src/a/x.py": b"1\n2\n3\n"}, seconds=seconds(2), zone="+0200")
    side = made.commit({"src/b/y.py": b"12345\n" * 20}, branch="side", parents=[first], author=BOB, seconds=seconds(3))
    second = made.commit({"src/a/x.py": b"1\n2\n4\n"}, seconds=seconds(5), author=ANN)
    made.commit({"src/b/y.py": b"12345\n" * 20}, parents=[second, side], author=ANN, seconds=seconds(6))
    made.commit({"z": b"z\n"}, branch="ahead", parents=[first], author=CEM, seconds=seconds(1) + 4 * 365 * DAY_S)
    return made


@pytest.fixture(scope="session")
def organisation(tmp_path_factory: pytest.TempPathFactory) -> Organisation:
    directory = tmp_path_factory.mktemp("organisation")
    shop(directory / "shop.git")
    deployment = Deployment(directory / "deployment")
    deployment.configure(
        {"owner": "acme", "name": "shop", "url": directory / "shop.git", "provider": "github"},
        {"owner": "acme", "name": "broken", "url": directory / "nowhere.git"},
    )
    deployment.run()
    known = {row["name"]: row["codebase_id"] for row in deployment.codebases()}
    tokens = written(
        directory / "tokens.toml",
        token_lines("reader", "reader", [READ], orgs=["acme"]),
        token_lines("namer", "namer", [READ, PEOPLE], orgs=["acme"]),
        token_lines("stranger", "stranger", [READ, PEOPLE], orgs=["other"]),
        token_lines("narrow", "narrow", [READ], orgs=["acme"], codebases=["acme/broken"]),
        token_lines("fpp", "fpp", ["fpp:read"], orgs=["acme"]),
    )
    settings = ServerSettings(data_dir=deployment.data_dir, analytics_secret_token=SecretStr(TOKEN), tokens_file=tokens)
    app = create_app(settings, lambda: NOW)

    def client(token: str) -> TestClient:
        return TestClient(app, headers={"Authorization": f"Bearer {token}"}, raise_server_exceptions=False)

    return Organisation(deployment, known["shop"], known["broken"], client)
