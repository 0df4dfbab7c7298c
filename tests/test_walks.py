"""The walks: the documents are followed in a fresh clone, from a first look to a new table."""

import json
import os
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from demo.__main__ import TOKEN as DEMO_TOKEN
from demo.sample import sample
from tests.documents import FOLLOWED, blocks, commands, examples, section
from tests.fresh_clone import FreshClone, fresh_clone
from tests.mariadb import Server, quoted
from tests.processes import HOST, TOKEN, free_port
from tests.source_database import SourceDatabase
from util.clock import utc_now

pytestmark = [pytest.mark.slow, pytest.mark.server]

WEEKS = (
    'curl -H "Authorization: Bearer free-planning-poker-demo" '
    '"http://127.0.0.1:5100/v1/historical?date_range=91d&granularity=week&format=csv"'
)
# Tests that the recipes could break: those that compare lists of tables, endpoints and documents.
CHECKS_OF_A_RECIPE = (
    "tests/test_documents.py tests/test_imports.py tests/test_packaging.py tests/test_sample.py tests/demo "
    "tests/test_openapi.py "
    "tests/web/test_scopes.py tests/web/test_snapshots.py tests/routers/test_health.py "
    "tests/routers/v1/test_snapshot.py "
    "tests/calculations/fpp/test_properties.py::test_every_table_belongs_to_users_or_rooms"
)


def differences(example: Any, answer: Any, where: str = "") -> list[str]:
    """Where an answer lacks a field of the example, has a further one although none is left out, or another type."""
    if not isinstance(example, dict):
        kinds = [float if type(value) is int else type(value) for value in (example, answer)]
        return [] if kinds[0] == kinds[1] else [where]
    if not isinstance(answer, dict):
        return [where]
    names = example.keys() - {"…"}
    wrong = names - answer.keys() if "…" in example else names ^ answer.keys()
    return [f"{where}.{name}" for name in wrong] + [
        path for name in names - wrong for path in differences(example[name], answer[name], f"{where}.{name}")
    ]


# --- Its recipes ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Recipe:
    """What to write into a file: `new` in place of `old`, or at its end when `old` is empty."""

    path: str
    old: str
    new: str

    def follow(self, directory: Path) -> None:
        """Write it."""
        file = directory / self.path
        before = file.read_text() if file.exists() else ""
        assert self.old in before, f"{self.path} has no {self.old}"
        file.write_text(before.replace(self.old, self.new, 1) if self.old else f"{before}\n\n{self.new}")


def recipes() -> list[Recipe]:
    """The recipes, in order: the first line of each says where the rest goes."""
    found = []
    for block in blocks(section("CONTRIBUTING.md", "How to add …")):
        if block.language == "sh":
            continue
        place, _, text = block.text.partition("\n")
        named = re.fullmatch(r"(?:#|--|---) ([\w/]+\.(?:py|sql|md))", place)
        assert named, f"{place} names no file"
        old, new = (marked(text, sign) for sign in "-+") if block.language == "diff" else ("", text)
        found.append(Recipe(named[1], old, new))
    return found


def marked(text: str, sign: str) -> str:
    """The lines of a difference that have a sign, without it."""
    return "".join(f"{line[1:]}\n" for line in text.splitlines() if line.startswith(sign))


# --- The walks --------------------------------------------------------------------------------------------------------


@pytest.fixture
def clone(tmp_path: Path) -> FreshClone:
    """A fresh clone of this repository."""
    return fresh_clone(tmp_path)


def test_newcomer_looks_at_the_demo(clone: FreshClone) -> None:
    """Two commands, and every request of the documents has the answer that stands below it."""
    port, other_port = free_port(), free_port()
    assert "make demo" in clone.run("make")
    clone.run("make install")
    with clone.serving("make demo", port, PORT=port) as server:
        for request, example in examples():
            answer = json.loads(clone.ask(request, {"5100": port}))
            assert differences(example, answer) == [], request
        asked = clone.ask(WEEKS, {"5100": port})
        assert asked.startswith("date,start,end,partial,new_users,")
        printed = re.findall(r"^ +(curl .+)$", server.log, re.MULTILINE)
        assert len(printed) > 2
        assert all("detail" not in clone.ask(request) or request.endswith("/health") for request in printed)
        assert DEMO_TOKEN in server.log
        assert f"http://{HOST}:{port}\n" in server.log
        taken = clone.attempt("make demo", PORT=port)
        assert f"Port {port} is taken" in taken.stderr
        with clone.serving("make demo PORT=5101", other_port, {"5101": other_port}) as other:
            assert other.get("/health").json()["status"] == "ok"
    report = clone.run("uv run fpp report --timezone Europe/Berlin", DATA_DIR="data/demo")
    assert "visitors" in report.lower()
    clone.run("uv run fpp report --date 2026-01-31 --format html > report.html", DATA_DIR="data/demo")
    assert (clone.directory / "report.html").read_text().lower().startswith("<!doctype html>")


@pytest.mark.database
def test_operator_serves_what_there_is(clone: FreshClone, database: SourceDatabase, reader: dict[str, str]) -> None:
    """From an empty `.env` to figures of a database, LLM calls and a repository, and to a table of one's own."""
    database.fill(sample(utc_now(), scale=0.01))
    port, collector_port = free_port(), free_port()
    copy, new_token, migrate, collect, send, update, serve, *requests = commands(section(*FOLLOWED))
    clone.run(copy)
    token, _, lines = clone.run(new_token).removeprefix("token: ").partition("\n")
    (clone.directory / "tokens.toml").write_text(lines)
    (configuration,) = (block.text for block in blocks(section(*FOLLOWED)) if block.language == "yaml")
    (clone.directory / "repositories.yaml").write_text(configuration)
    named = dict(re.findall(r"`([A-Z_]+)=([^`]+)`", section(*FOLLOWED)))
    fill_in(clone.directory / ".env", reader | named | {"ANALYTICS_SECRET_TOKEN": TOKEN, "PORT": str(port)})

    clone.run(migrate)
    with clone.serving(collect, collector_port, {"5101": collector_port}):
        assert json.loads(clone.run(send, {"5101": collector_port}, TOKEN=token))["accepted"] == 1
    clone.run(update)
    uvicorn_port = free_port()
    with clone.serving(serve, uvicorn_port, {"5100": uvicorn_port}) as server:
        assert server.get("/").json()["data"]["votes"]["total_votes"] == len(database.rows("fpp_votes"))
        usage, summary = (json.loads(clone.run(request, {"5100": uvicorn_port}, TOKEN=token)) for request in requests)
        assert usage["totals"]["costEstimateCents"] == 12.5
        assert summary["data"]
    clone.run("make sync")
    clone.run("uv run python update_readmodel.py fpp")
    clone.run("uv run python update_readmodel.py llm")
    clone.run("uv run python update_readmodel.py repositories")
    clone.run("uv run python update_readmodel.py repositories --codebase acme/shop", {"acme/shop": "me/fpp-analytics"})
    with clone.serving("make serve", port) as server:
        assert server.get("/health").json()["status"] == "ok"

    upgrade(clone)
    with clone.serving("uv run python main.py", port) as server:
        assert server.get("/room/1/stats").status_code == 200

    database.execute("DELETE FROM fpp_rooms WHERE id > 1")
    refused = clone.attempt("uv run python update_readmodel.py fpp")
    assert refused.returncode == 65
    assert "Table fpp_rooms shrank from" in refused.stderr
    clone.run("uv run python update_readmodel.py --allow-shrink")
    clone.run("uv run python update_readmodel.py --erase-now")
    clone.run("uv run python update_readmodel.py --verify")

    add_feedback(database)
    for recipe in recipes():
        recipe.follow(clone.directory)
    clone.run("uv run python update_readmodel.py")
    assert (clone.directory / "data" / "current" / "fpp_feedback.parquet").exists()
    with clone.serving("python main.py", port, PATH=f"{clone.directory}/.venv/bin:{os.environ['PATH']}") as server:
        assert server.get("/feedback").json() == {"messages": 3}
        assert server.http.get("/feedback").status_code == 401


def test_developer_follows_the_recipes(clone: FreshClone) -> None:
    """The checks pass on the result, and the demo is as healthy as before."""
    for recipe in recipes():
        recipe.follow(clone.directory)
    clone.run("uv run python -m tests.examples")
    clone.run(f".venv/bin/python -m pytest -q -x -m 'not database and not server and not slow' {CHECKS_OF_A_RECIPE}")
    clone.run(".venv/bin/mypy calculations/fpp/feedback.py routers/dashboard.py")
    port = free_port()
    with clone.serving("make demo", port, PORT=port) as server:
        assert server.get("/health").json()["status"] == "ok"


@pytest.fixture
def reader(mariadb: Server, database: SourceDatabase) -> Iterator[dict[str, str]]:
    """The variables of a database user who may read the app's database, and nothing more."""
    user, password = f"{database.name}-user", secrets.token_urlsafe()
    account = f"'{user}'@'%'"
    database.execute(f"CREATE USER {account} IDENTIFIED BY '{password}'")
    try:
        database.execute(f"GRANT SELECT ON {quoted(database.name)}.* TO {account}")
        yield {
            "DB_HOST": mariadb.host,
            "DB_PORT": str(mariadb.port),
            "DB_USERNAME": user,
            "DB_PASSWORD": password,
            "DB_NAME": database.name,
        }
    finally:
        database.execute(f"DROP USER {account}")


def fill_in(file: Path, values: dict[str, str]) -> None:
    """Give variables of a settings file their values."""
    text = file.read_text()
    for name, value in values.items():
        text, lines = re.subn(rf"^{name}=.*$", f"{name}={value}", text, flags=re.MULTILINE)
        assert lines == 1, name
    file.write_text(text)


def upgrade(clone: FreshClone) -> None:
    """A new version comes out and is pulled."""
    news = "\nA new version.\n"
    with (clone.origin / "CHANGELOG.md").open("a") as changelog:
        changelog.write(news)
    clone.publish("A new version")
    clone.run("git pull")
    assert (clone.directory / "CHANGELOG.md").read_text().endswith(news)


def add_feedback(database: SourceDatabase) -> None:
    """The app gets a further table, with three rows."""
    database.execute("CREATE TABLE fpp_feedback (id int AUTO_INCREMENT PRIMARY KEY, text text, given_at timestamp)")
    database.execute("INSERT INTO fpp_feedback (text, given_at) VALUES ('a', now()), ('b', now()), ('c', now())")
