"""Nobody is named to callers without that right, in any answer or log; foreign codebases look like unknown ones."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

import httpx
import polars as pl
import pytest

from tests.processes import TOKEN, Server, serving
from tests.repositories import Deployment, Repository
from tests.routers.repositories.conftest import PEOPLE, READ
from tests.web.tokens import token_lines, with_token, written

pytestmark = pytest.mark.server

EMAIL = "Zebulon.Quagmire@unmistakable.example"
AUTHORS = (f"Zebulon Quagmire <{EMAIL}>", "Xantippe <x@unmistakable.example>", "quagmire-at-home <zq@home.example>")
COMMITTER = "Hieronymus <h@unmistakable.example>"
MAILMAP = b"Zebulon Quagmire <Zebulon.Quagmire@unmistakable.example> <zq@home.example>\n"
NAMES = re.compile(r"zebulon|quagmire|xantippe|hieronymus|unmistakable|zq@|home\.example", re.IGNORECASE)
UNKNOWN = "00000000-0000-4000-8000-000000000000"
OF_CODEBASE = ("overview", "activity", "branches", "ownership", "contributors", "files", "rhythm", "status")
FORMATS = ("json", "csv", "ndjson", "parquet")
PARAMETERS = (
    *("", "merges=include", "path=src/", "branch=main", "branch=none", "author=person-0123456789abcdef", "limit=1"),
    *("date_range=2001-01-01,2001-01-02", "date_range=30d&compare=previous_period", "by=file", "order_by=email"),
    *("order_by=name", "order_by=nothing", "order_by=primary_owner", "limit=-1", "limit=much", "offset=-1", "depth=0"),
    *("by=person", "timezone=Nowhere/Land", "date_range=ever", "granularity=second", "compare=ever", "author=someone"),
    *("author=", "merges=maybe", "format=xml", "nonsense=1", "limit=1&limit=2", "granularity=hour"),
)


@dataclass(frozen=True)
class Told:
    """A server with full logging, and its codebase."""

    server: Server
    codebase_id: str

    def get(self, path: str, token: str = TOKEN) -> httpx.Response:
        """The answer to a token."""
        return self.server.http.get(path, headers=with_token(token))

    def path(self, endpoint: str, codebase_id: str | None = None) -> str:
        """The path of an endpoint of the codebase, or of another one."""
        return f"/codebases/{codebase_id or self.codebase_id}/analytics/{endpoint}"


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    directory = tmp_path_factory.mktemp("people")
    repository = Repository.new(directory / "shop.git")
    repository.commit({".mailmap": MAILMAP, "src/a.py": b"1\n"}, author=AUTHORS[0], committer=COMMITTER)
    for number, author in enumerate(AUTHORS):
        message = f"Step\n\nSigned-off-by: {author}\n".encode()
        repository.commit({"src/a.py": b"%d\n" % number}, author=author, committer=COMMITTER, message=message)
    deployment = Deployment(directory / "deployment")
    deployment.configure(
        {"owner": "acme", "name": "shop", "url": repository.path},
        {"owner": "acme", "name": "broken", "url": directory / "nowhere.git"},
    )
    deployment.run()
    tokens = written(
        directory / "tokens.toml",
        token_lines("reader", TOKEN, [READ], orgs=["acme"]),
        token_lines("namer", "namer", [READ, PEOPLE], orgs=["acme"]),
        token_lines("stranger", "stranger", [READ, PEOPLE], orgs=["other"]),
        token_lines("narrow", "narrow", [READ, PEOPLE], orgs=["acme"], codebases=["acme/broken"]),
    )
    ids = {row["name"]: row["codebase_id"] for row in deployment.codebases()}
    with serving(deployment.data_dir, ANALYTICS_SECRET_TOKEN="", TOKENS_FILE=tokens, LOG_LEVEL="DEBUG") as server:
        yield Told(server, ids["shop"])


def test_names_are_found_where_they_are_shown(told: Told) -> None:
    """What the other tests look for is present for callers who may see it."""
    assert NAMES.search(told.get(told.path("contributors"), "namer").text)
    assert NAMES.search(
        str(pl.read_parquet(told.get(told.path("ownership?format=parquet"), "namer").content).to_dicts())
    )


@pytest.mark.parametrize("endpoint", [*OF_CODEBASE, "/analytics/summary", "/analytics/codebases"])
def test_no_answer_names_anybody(told: Told, endpoint: str) -> None:
    """In any format, with right and wrong parameters: neither a body nor a header, nor what Parquet says of columns."""
    path = endpoint if endpoint.startswith("/") else told.path(endpoint)
    statuses = set()
    for format_, parameters in product(FORMATS, PARAMETERS):
        answer = told.get(
            f"{path}?{parameters}&format={format_}" if "format" not in parameters else f"{path}?{parameters}"
        )
        statuses.add(answer.status_code)
        said = [str(answer.headers), answer.content.decode(errors="replace")]
        if answer.headers["Content-Type"] == "application/vnd.apache.parquet":
            said += [str(pl.read_parquet(answer.content).to_dicts()), str(pl.read_parquet_metadata(answer.content))]
        assert not any(NAMES.search(text) for text in said), (format_, parameters)
    assert statuses == {200, 422}


def test_no_log_names_anybody(told: Told) -> None:
    """Not even when a person is selected by e-mail, with or without the right to do so."""
    for token, status in ((TOKEN, 422), ("namer", 200)):
        for endpoint in OF_CODEBASE[:-1]:
            answer = told.get(told.path(f"{endpoint}?author={EMAIL}"), token)
            assert answer.status_code == status
            assert not NAMES.search(str(answer.headers))
    assert not NAMES.search(told.get(told.path(f"overview?author={EMAIL}")).text)
    assert not NAMES.search(told.get("/health").text)
    assert not NAMES.search(told.server.log)


@pytest.mark.parametrize("token", ["stranger", "narrow"])
@pytest.mark.parametrize("endpoint", OF_CODEBASE)
@pytest.mark.parametrize(
    "parameters", ["", "author=person-0123456789abcdef", "format=csv", "limit=much", "order_by=no"]
)
def test_a_foreign_codebase_looks_like_an_unknown_one(told: Told, token: str, endpoint: str, parameters: str) -> None:
    """Neither status, headers nor body reveal whose it is."""
    foreign, unknown = (
        told.get(told.path(f"{endpoint}?{parameters}", codebase_id), token) for codebase_id in (None, UNKNOWN)
    )
    assert without_ids(foreign, told.codebase_id) == without_ids(unknown, UNKNOWN)
    if parameters in {"", "format=csv"}:
        assert foreign.status_code == (200 if endpoint == "status" else 404)


def without_ids(answer: httpx.Response, codebase_id: str) -> tuple[Any, ...]:
    """What an answer says besides the codebase asked for, the request and the time."""
    of_request = {"x-request-id", "etag", "server-timing", "date"}
    headers = {name: value for name, value in answer.headers.items() if name not in of_request}
    body = re.sub(r'"(request_id|age_seconds)":("[^"]*"|\d+)', "", answer.text.replace(codebase_id, "ID"))
    return answer.status_code, headers, body
