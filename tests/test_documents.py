"""The documents keep their word: their commands run, their recipes work, their tables list what there is."""

import ast
import json
import os
import re
import secrets
import subprocess
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from itertools import pairwise
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
import yaml
from pydantic import SecretStr

from config import MysqlUpdaterSettings, ServerSettings
from demo.__main__ import TOKEN as DEMO_TOKEN
from demo.sample import sample
from server import create_app
from tests.fresh_clone import FreshClone, fresh_clone
from tests.mariadb import Server, quoted
from tests.processes import HOST, ROOT, TOKEN, clean_environment, free_port
from tests.source_database import SourceDatabase
from update_readmodel import arguments
from util.clock import utc_now

DOCUMENTS = {
    path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
    for path in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md")))
}
TEXT = "\n".join(DOCUMENTS.values())

# Every command of the documents and the test that runs it, or what stands in for it.
CI = ".ci/run"
LOOKED_AT = "test_containers_are_made_of_files_that_exist"  # It needs a container engine.
ON_MADE_UP_DATA = "test_newcomer_looks_at_the_demo"
ON_A_DATABASE = "test_operator_serves_a_database_and_a_developer_adds_to_it"
ASK = 'curl -H "Authorization: Bearer free-planning-poker-demo" "http://127.0.0.1:5100'
COMMANDS = {
    "make": ON_MADE_UP_DATA,
    "make install": ON_MADE_UP_DATA,
    "make demo": ON_MADE_UP_DATA,
    "make demo PORT=5101": ON_MADE_UP_DATA,
    'curl -H "Authorization: Bearer free-planning-poker-demo" http://127.0.0.1:5100/': ON_MADE_UP_DATA,
    'curl -H "Authorization: Bearer free-planning-poker-demo" http://127.0.0.1:5100/daily-analytics': ON_MADE_UP_DATA,
    'curl -H "Authorization: Bearer free-planning-poker-demo" http://127.0.0.1:5100/room/1/stats': ON_MADE_UP_DATA,
    "curl http://127.0.0.1:5100/health": ON_MADE_UP_DATA,
    f'{ASK}/v1/traffic?date_range=30d&compare=previous_period&timezone=Europe/Berlin"': ON_MADE_UP_DATA,
    f'{ASK}/v1/historical?date_range=91d&granularity=week&format=csv"': ON_MADE_UP_DATA,
    "make test": CI,
    "uv run fpp report --timezone Europe/Berlin": CI,
    "uv run fpp report --date 2026-01-31 --format html > report.html": CI,
    "uv run fpp report --send": CI,
    "uv run pytest tests/calculations": CI,
    'uv run pytest -m "not database and not server and not slow"': CI,
    "uv run pytest -k bounce": CI,
    "cp .env.example .env": ON_A_DATABASE,
    "uv run python update_readmodel.py": ON_A_DATABASE,
    "uv run python update_readmodel.py fpp": ON_A_DATABASE,
    "uv run python update_readmodel.py --verify": ON_A_DATABASE,
    "uv run python update_readmodel.py --erase-now": ON_A_DATABASE,
    "uv run python update_readmodel.py --allow-shrink": ON_A_DATABASE,
    "make sync": ON_A_DATABASE,
    "uv run uvicorn main:app --port 5100": ON_A_DATABASE,
    "make serve": ON_A_DATABASE,
    "uv run python main.py": ON_A_DATABASE,
    "python main.py": ON_A_DATABASE,
    "git pull": ON_A_DATABASE,
    "docker compose up --build": LOOKED_AT,
}
PROGRAMS = {"cp", "curl", "docker", "git", "make", "pip", "python", "uv"}
# What the messages in the documents name as an example, where the program says what is the case.
EXAMPLES = re.compile(r"…|\bdata\b|\b5100\b|\bANALYTICS_SECRET_TOKEN\b")


# --- What the README says ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Block:
    """A fenced block."""

    language: str
    text: str


FENCED = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.DOTALL | re.MULTILINE)


def blocks(text: str = TEXT) -> list[Block]:
    """All fenced blocks, those of list items too, without their indentation."""
    return [Block(language, dedent(content)) for _, language, content in FENCED.findall(text)]


def code_spans(text: str) -> list[str]:
    """What stands between backticks outside of fenced blocks."""
    return re.findall(r"`([^`\n]+)`", FENCED.sub("", text))


def commands() -> set[str]:
    """Each line of a shell block, and each command named in the text."""
    typed = [line for block in blocks() if block.language == "sh" for line in block.text.splitlines() if line.strip()]
    return {*typed, *(span for span in code_spans(TEXT) if span.split()[0] in PROGRAMS)}


def section(document: str, heading: str) -> str:
    """The text under a heading of the second level."""
    found = DOCUMENTS[document].partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    assert found, f"{document} has no section {heading}"
    return found


def table(document: str, heading: str) -> list[list[str]]:
    """The cells of a section's tables, without the head of the first one."""
    lines = [line for line in section(document, heading).splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


# --- Its tables and lists ---------------------------------------------------------------------------------------------


def test_every_command_is_run() -> None:
    """A new command in a document needs a line in COMMANDS, and a test that runs it."""
    assert commands() == COMMANDS.keys()
    assert set(COMMANDS.values()) <= {CI, *globals()}


def test_ci_runs_every_check() -> None:
    """CI is `make test` after a fresh install, and may be started as it is."""
    assert "make test" in (ROOT / ".ci" / "run").read_text().splitlines()
    assert os.access(ROOT / ".ci" / "run", os.X_OK)


def test_every_setting_is_in_the_table_with_its_reader_and_default() -> None:
    """A setting both classes have is read by both."""
    server, updater = ServerSettings.model_fields, MysqlUpdaterSettings.model_fields
    expected = {}
    for name, declared in (server | updater).items():
        reader = "both" if name in server and name in updater else "server" if name in server else "updater"
        default = "" if declared.default in {None, SecretStr("")} else f"`{declared.default}`"
        expected[f"`{name.upper()}`"] = (reader, "required" if declared.is_required() else default)
    rows = table("docs/operations.md", "Configuration")
    assert {variable: (reader, default) for variable, reader, default, _ in rows} == expected
    assert len(rows) == len(expected)
    assert all(meaning.endswith(".") for *_, meaning in rows)


def test_every_endpoint_is_in_the_table_and_has_an_example() -> None:
    """Paths and methods as OpenAPI has them; those of the API have one example for all."""
    paths = create_app(ServerSettings(analytics_secret_token=SecretStr(TOKEN))).openapi()["paths"]
    endpoints = {f"{method.upper()} {path}" for path, methods in paths.items() for method in methods}
    of_api = {endpoint for endpoint in endpoints if endpoint.startswith("GET /v1/")}
    assert {row[0].strip("`") for row in table("docs/api.md", "Endpoints")} == endpoints - of_api
    assert (
        set(re.findall(r"^\*\*`(GET [^`]+)`\*\*", section("docs/api.md", "Endpoints"), re.MULTILINE))
        == endpoints - of_api
    )
    assert {row[0].strip("`") for row in table("docs/api.md", "The API")} >= of_api
    assert len(dict(examples())) == len(endpoints - of_api) + 1


def test_every_parameter_of_the_api_is_in_its_table() -> None:
    """And no other one."""
    paths = create_app(ServerSettings(analytics_secret_token=SecretStr(TOKEN))).openapi()["paths"]
    parameters = {
        parameter["name"]
        for path, methods in paths.items()
        if path.startswith("/v1/")
        for parameter in methods["get"].get("parameters", [])
        if parameter["in"] == "query"
    }
    rows = [row for row in table("docs/api.md", "The API") if len(row) == 3 and row[0].startswith("`")]
    assert {name for row in rows for name in code_spans(row[0])} == parameters


def test_every_exit_code_of_the_updater_is_listed() -> None:
    """The same codes as in `--help`."""
    told = re.findall(r"^ +(\d+)  ", arguments().format_help().partition("exit codes")[2], re.MULTILINE)
    assert [row[0] for row in table("docs/operations.md", "What a run of the updater reads")] == told != []


def test_bare_make_lists_every_target() -> None:
    """Each with a line of help."""
    targets = re.findall(r"^([\w-]+):(?!=)", (ROOT / "Makefile").read_text(), re.MULTILINE)
    make = ["make"]
    done = subprocess.run(make, cwd=ROOT, env=clean_environment(), capture_output=True, text=True, check=True)  # noqa: S603 - fixed
    assert re.findall(r"^ +make ([\w-]+) +\S", done.stdout, re.MULTILINE) == targets


def test_named_files_exist() -> None:
    """What looks like a path of this repository is one; the read model's own files come with the first run."""
    paths = {span for span in code_spans(TEXT) if re.fullmatch(r"[\w.-]*(/|\.(py|yaml))[\w/.-]*", span)}
    ours = {path for path in paths if not path.startswith(("/", "data/"))}
    known = [ROOT, ROOT / "read_model"]
    assert len(ours) > 10
    assert [path for path in ours if not any((place / path).exists() for place in known)] == []


def test_every_message_of_the_troubleshooting_table_is_one_of_the_program() -> None:
    """Its constant parts stand in the texts of one module."""
    modules = [texts_of(path) for path in source_files()]
    messages = [
        message
        for row in table("docs/operations.md", "Troubleshooting")
        for message in code_spans(row[0])
        if message != "/health"
    ]
    assert len(messages) > 10
    for message in messages:
        parts = [part.strip(" :") for part in EXAMPLES.split(message)]
        assert any(all(part in texts for part in parts) for texts in modules), message


def source_files() -> Iterator[Path]:
    """The modules of the program, without its tests."""
    yield from ROOT.glob("*.py")
    for package in ("calculations", "demo", "read_model", "routers", "sources", "util", "web"):
        yield from (ROOT / package).rglob("*.py")


def texts_of(path: Path) -> str:
    """The strings of a module, one below the other; `…` stands for what is filled in."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return "\n".join(text(node) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr | ast.Constant))


def text(node: ast.expr) -> str:
    """What a string is made of."""
    match node:
        case ast.JoinedStr(values=parts):
            return "".join(text(part) for part in parts)
        case ast.Constant(value=str(value)):
            return value
    return "…"


def test_containers_are_made_of_files_that_exist() -> None:
    """The image gets every part of the package and nothing that is ignored; compose names what there is."""
    dockerfile, compose = (ROOT / "Dockerfile").read_text(), (ROOT / "compose.yaml").read_text()
    copied = {name for line in re.findall(r"^COPY (.+) \S+$", dockerfile, re.MULTILINE) for name in line.split()}
    package = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    everything, *let_in = (ROOT / ".dockerignore").read_text().split()
    assert everything == "*"
    assert copied >= {*package["only-include"], "pyproject.toml", "uv.lock"}
    for name in copied:
        assert (ROOT / name).exists(), name
        assert any(fnmatch(f"!{name}", pattern) for pattern in let_in), f".dockerignore leaves out {name}"
    scripts = set(re.findall(r"\w+\.py\b", dockerfile + compose))
    assert {"main.py", "update_readmodel.py"} <= scripts <= copied
    assert re.findall(r"^EXPOSE (.+)$", dockerfile, re.MULTILINE) == ["5100"]
    assert '"127.0.0.1:5100:5100"' in compose
    assert "\t" not in compose
    assert re.findall(r"^(\w+):$", compose, re.MULTILINE) == ["services", "volumes"]
    assert re.findall(r"^  ([\w-]+):$", compose, re.MULTILINE) == ["server", "updater", "read-model"]
    assert compose.count("build: .\n") == 2


def test_each_container_gets_its_own_settings_only() -> None:
    """All of them, from `.env`, but none of the other's: no password where clients come in."""
    services = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
    for name, settings in (("server", ServerSettings), ("updater", MysqlUpdaterSettings)):
        assert "env_file" not in services[name]
        given = set(services[name]["environment"]) | ({"PORT"} if name == "server" else set())
        assert given == {field.upper() for field in settings.model_fields}


def test_the_image_is_made_of_pinned_versions() -> None:
    """Of Python and uv; everything else is in `uv.lock`."""
    dockerfile = (ROOT / "Dockerfile").read_text()
    assert re.search(r"^FROM python:\d+\.\d+\.\d+-slim-\w+$", dockerfile, re.MULTILINE)
    assert re.search(r"pip install --no-cache-dir uv==[\d.]+ ", dockerfile)


# --- Its examples -----------------------------------------------------------------------------------------------------


def examples() -> list[tuple[str, Any]]:
    """Each request with the answer printed below it; `…` became a field of that name."""
    return [
        (above.text.strip(), json.loads(below.text.replace("…", '"…": null')))
        for above, below in pairwise(blocks())
        if (above.language, below.language) == ("sh", "json")
    ]


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
        place, _, text = block.text.partition("\n")
        named = re.fullmatch(r"(?:#|--|---) ([\w/]+\.(?:py|sql))", place)
        assert named, f"{place} names no file"
        old, new = (_marked(text, sign) for sign in "-+") if block.language == "diff" else ("", text)
        found.append(Recipe(named[1], old, new))
    return found


def _marked(text: str, sign: str) -> str:
    """The lines of a difference that have a sign, without it."""
    return "".join(f"{line[1:]}\n" for line in text.splitlines() if line.startswith(sign))


# --- The walks --------------------------------------------------------------------------------------------------------


@pytest.fixture
def clone(tmp_path: Path) -> FreshClone:
    """A fresh clone of this repository."""
    return fresh_clone(tmp_path)


def assert_ran_all_of(test: str, clone: FreshClone) -> None:
    """The test ran the commands that COMMANDS promises of it."""
    assert clone.ran & COMMANDS.keys() == {command for command, by in COMMANDS.items() if by == test}


@pytest.mark.slow
@pytest.mark.server
def test_newcomer_looks_at_the_demo(clone: FreshClone) -> None:
    """Two commands, and every request of the documents has the answer that stands below it."""
    port, other_port = free_port(), free_port()
    assert "make demo" in clone.run("make")
    clone.run("make install")
    with clone.serving("make demo", port, PORT=port) as server:
        for request, example in examples():
            answer = json.loads(clone.ask(request, {"5100": port}))
            assert differences(example, answer) == [], request
        table_ = clone.ask(f'{ASK}/v1/historical?date_range=91d&granularity=week&format=csv"', {"5100": port})
        assert table_.startswith("date,start,end,partial,new_users,")
        printed = re.findall(r"^ +(curl .+)$", server.log, re.MULTILINE)
        assert len(printed) == 3
        assert all("detail" not in clone.ask(request) or request.endswith("/health") for request in printed)
        assert DEMO_TOKEN in server.log
        assert f"http://{HOST}:{port}\n" in server.log
        taken = clone.attempt("make demo", PORT=port)
        assert f"Port {port} is taken" in taken.stderr
        with clone.serving("make demo PORT=5101", other_port, {"5101": other_port}) as other:
            assert other.get("/health").json()["status"] == "ok"
    assert_ran_all_of(ON_MADE_UP_DATA, clone)


@pytest.mark.slow
@pytest.mark.database
@pytest.mark.server
def test_operator_serves_a_database_and_a_developer_adds_to_it(
    clone: FreshClone, database: SourceDatabase, reader: dict[str, str]
) -> None:
    """From an empty `.env` to a table, a metric and an endpoint of one's own."""
    database.fill(sample(utc_now(), scale=0.01))
    clone.run("cp .env.example .env")
    port = free_port()
    fill_in(clone.directory / ".env", reader | {"ANALYTICS_SECRET_TOKEN": TOKEN, "PORT": str(port)})
    clone.run("uv run python update_readmodel.py")
    clone.run("make sync")
    clone.run("uv run python update_readmodel.py fpp")
    uvicorn_port = free_port()
    with clone.serving("uv run uvicorn main:app --port 5100", uvicorn_port, {"5100": uvicorn_port}) as server:
        assert server.get("/").json()["data"]["votes"]["total_votes"] == len(database.rows("fpp_votes"))
    with clone.serving("make serve", port) as server:
        assert server.get("/health").json()["status"] == "ok"

    upgrade(clone)
    with clone.serving("uv run python main.py", port) as server:
        assert server.get("/room/1/stats").status_code == 200

    database.execute("DELETE FROM fpp_rooms WHERE id > 1")
    refused = clone.attempt("uv run python update_readmodel.py")
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
    assert_ran_all_of(ON_A_DATABASE, clone)


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
