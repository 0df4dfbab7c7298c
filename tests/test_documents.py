"""The documents are correct: their tables are complete, and each command in them is run by a test."""

import ast
import os
import re
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from fastapi import FastAPI
from pydantic import SecretStr
from pydantic.fields import FieldInfo

from config import CollectorSettings, ServerSettings
from intake import server as collector
from intake.database import database_url
from intake.migrating import migrate
from server import create_app
from tests.documents import DOCUMENTS, FOLLOWED, code_spans, commands, endpoints, examples, rows, section, table
from tests.processes import ROOT, TOKEN, clean_environment
from tests.settings import READERS, variables
from tests.web.tokens import token_lines, written
from update_readmodel import arguments

WALKS = ROOT / "tests" / "test_walks.py"
# Commands that no walk runs, and what stands in for each.
CI = ".ci/run"
STAND_INS = {
    "make test": CI,
    "uv run fpp report --timezone Europe/Berlin": CI,
    "uv run fpp report --date 2026-01-31 --format html > report.html": CI,
    "uv run fpp report --send": CI,
    "uv run pytest tests/calculations": CI,
    'uv run pytest -m "not database and not server and not slow"': CI,
    "uv run pytest -k bounce": CI,
    # It needs a container engine.
    "docker compose up --build": "tests/test_packaging.py",
    # It needs a mail server.
}
PROGRAMS = ("cp ", "curl ", "docker ", "git ", "make ", "pip ", "python ", "uv ")
SERVICES = ("server", "updater", "collector")
# Endpoints beside the described ones: for machines or for people's browsers, not part of the API.
UNDESCRIBED = {"GET /metrics", "GET /analytics/v1/status/healthz", "GET /dashboard", "GET /docs", "GET /openapi.json"}
# Examples in the documents' messages, in place of values that the program fills in.
EXAMPLES = re.compile(r"…|\bdata\b|\b5100\b|\bANALYTICS_SECRET_TOKEN\b")


def test_every_command_is_run() -> None:
    """Each is typed in a walk, is a request whose answer stands below it, or has something that stands in for it."""
    typed = {text for node in ast.walk(ast.parse(WALKS.read_text())) if (text := constant(node))}
    run = typed | STAND_INS.keys() | {request for request, _ in examples()} | {*commands(section(*FOLLOWED))}
    named = {span for span in code_spans() if span.startswith(PROGRAMS)}
    assert {*commands(), *named} - run == set()
    assert [name for name in STAND_INS.values() if not (ROOT / name).exists()] == []
    assert STAND_INS.keys() - {*commands(), *named} == set()


def constant(node: ast.AST) -> str | None:
    """The value of a string constant."""
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def test_ci_runs_every_check() -> None:
    """CI is `make test` after a fresh install, and may be started as it is."""
    assert "make test" in (ROOT / CI).read_text().splitlines()
    assert os.access(ROOT / CI, os.X_OK)


# --- Settings ---------------------------------------------------------------------------------------------------------


def readers(variable: str) -> str:
    """Who reads a variable, in order."""
    names = [reader for reader, fields in READERS.items() if variable.lower() in fields]
    return "all" if len(names) == len(READERS) else ", ".join(names)


def default(field: FieldInfo) -> str:
    """The default of a setting as the table shows it."""
    if field.is_required():
        return "required"
    value = field.default.get_secret_value() if isinstance(field.default, SecretStr) else field.default
    return "" if value in {None, ""} else f"`{value}`"


def test_every_setting_is_in_the_table_with_its_readers_and_default() -> None:
    listed = table("docs/operations.md", "Configuration")
    expected = {f"`{name}`": (readers(name), default(field)) for name, field in variables().items()}
    assert {variable: (reader, value) for variable, reader, value, _ in listed} == expected
    assert len(listed) == len(expected)
    assert all(meaning.endswith(".") for *_, meaning in listed)


@pytest.mark.parametrize("name", SERVICES)
def test_each_container_gets_its_own_settings_only(name: str) -> None:
    """All of its own, and no others: no password where clients connect."""
    service = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"][name]
    assert "env_file" not in service
    given = set(service["environment"]) | ({"PORT"} if name == "server" else set())
    assert given == {field.upper() for field in READERS[name]}


# --- Endpoints --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def described(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """The operations of the server and of the collector, by method and path."""
    directory = tmp_path_factory.mktemp("described")
    return operations(create_app(ServerSettings(analytics_secret_token=SecretStr(TOKEN)))) | operations(
        collector_app(directory)
    )


def collector_app(directory: Path) -> FastAPI:
    """The collector over an empty database."""
    url = f"sqlite:///{directory}/collector.db"
    migrate(database_url(url))
    tokens = written(directory / "tokens.toml", token_lines("ann", "ann", ["llm:write"]))
    return collector.create_app(CollectorSettings(collector_database_url=SecretStr(url), tokens_file=tokens))


def operations(app: FastAPI) -> dict[str, dict[str, Any]]:
    """What an app describes of itself."""
    return {
        f"{method.upper()} {path}": operation
        for path, methods in app.openapi()["paths"].items()
        for method, operation in methods.items()
    }


def test_every_endpoint_is_in_a_table_of_one_document(described: dict[str, dict[str, Any]]) -> None:
    """A subject's endpoints may stand in its own document."""
    found = Counter(endpoint for endpoint, _ in endpoints())
    assert {endpoint for endpoint, times in found.items() if times > 1} <= UNDESCRIBED
    assert described.keys() - found.keys() == set()
    assert found.keys() - described.keys() - UNDESCRIBED == set()


def test_every_parameter_of_the_api_is_in_its_table(described: dict[str, dict[str, Any]]) -> None:
    """And no other one; an endpoint that stands in another document may have further ones of its own there."""
    elsewhere = {endpoint for endpoint, document in endpoints() if document != "docs/api.md"}
    parameters = {
        parameter["name"]
        for endpoint, operation in described.items()
        if endpoint.split()[1].startswith("/v1/") and endpoint not in elsewhere
        for parameter in operation.get("parameters", [])
        if parameter["in"] == "query"
    }
    listed = [row for row in table("docs/api.md", "The API") if len(row) == 3 and row[0].startswith("`")]
    assert {name for row in listed for name in code_spans(row[0])} == parameters


# --- What else there is -----------------------------------------------------------------------------------------------


def test_every_exit_code_of_the_updater_is_listed() -> None:
    """The same codes as in `--help`."""
    told = re.findall(r"^ +(\d+)  ", arguments().format_help().partition("exit codes")[2], re.MULTILINE)
    assert [row[0] for row in table("docs/operations.md", "What a run of the updater reads")] == told != []


def test_every_document_is_listed_in_the_readme() -> None:
    listed = {name for row in table("README.md", "Read on") for name in code_spans(row[0])}
    assert DOCUMENTS.keys() - {"README.md"} - listed <= {name for name in DOCUMENTS if "/runbooks/" in name}


def test_bare_make_lists_every_target() -> None:
    """Each with a line of help."""
    targets = re.findall(r"^([\w-]+):(?!=)", (ROOT / "Makefile").read_text(), re.MULTILINE)
    make = ["make"]
    done = subprocess.run(make, cwd=ROOT, env=clean_environment(), capture_output=True, text=True, check=True)  # noqa: S603 - fixed
    assert re.findall(r"^ +make ([\w-]+) +\S", done.stdout, re.MULTILINE) == targets


def test_named_files_exist() -> None:
    """What looks like a path of this repository is one; data and settings of a deployment are not part of it."""
    paths = {span for span in code_spans() if re.fullmatch(r"[\w./-]+(/|\.(py|yaml|yml|sql|md))", span)}
    ours = {path for path in paths if not path.startswith(("/", "data/", "collected/", "settings/"))}
    known = [ROOT, ROOT / "read_model", ROOT / "dashboard" / "page", ROOT / "dashboard"]
    assert len(ours) > 10
    assert [path for path in ours if not any((place / path).exists() for place in known)] == []


def test_every_link_between_documents_leads_somewhere() -> None:
    for name, text in DOCUMENTS.items():
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", text):
            assert (ROOT / name).parent.joinpath(target).exists(), f"{name} links to {target}"


def test_every_message_of_the_troubleshooting_table_is_one_of_the_program() -> None:
    """Its constant parts stand in the texts of one module."""
    modules = [texts_of(path) for path in source_files()]
    messages = [
        message
        for row in rows(section("docs/operations.md", "Troubleshooting"))[1:]
        for message in code_spans(row[0])
        if message != "/health"
    ]
    assert len(messages) > 10
    for message in messages:
        parts = [part.strip(" :") for part in EXAMPLES.split(message)]
        assert any(all(part in texts for part in parts) for texts in modules), message


def source_files() -> Iterator[Path]:
    """The modules of the program and of the demo, without tests and benchmarks."""
    yield from ROOT.glob("*.py")
    for package in sorted(ROOT.glob("[a-z]*/")):
        if package.name not in {"benchmarks", "tests"}:
            yield from package.rglob("*.py")


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
