"""Every answer about a repository with merges, many clocks and edge cases equals what is counted slowly from git."""

import csv
import io
import json
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr

from config import ServerSettings
from server import create_app
from tests.processes import TOKEN
from tests.repositories import Deployment
from tests.routers.repositories import oracle
from tests.routers.repositories.conftest import PEOPLE, READ
from tests.routers.repositories.drawn import drawn
from tests.routers.repositories.git_history import Made, Oracle, Parameters, Row
from tests.routers.repositories.oracle import compared, edges_of
from tests.web.tokens import token_lines, written

NOW = datetime(2026, 5, 20, 12, tzinfo=UTC)
SELECTIONS: list[Parameters] = [
    {},
    {"merges": "include"},
    {"branch": "topic"},
    {"branch": "none"},
    {"branch": "side", "merges": "include", "timezone": "Pacific/Chatham"},
    {"path": "src/"},
    {"path": "src/x", "merges": "include"},
    {"path": "data/ä"},
    {"author": "ANN@work.example"},
    {"author": "dee@half.example", "path": "tie", "branch": "main"},
    {"date_range": "2026-01-20,2026-02-15", "timezone": "Asia/Kolkata"},
    {"date_range": "2026-03-01,2026-03-25", "timezone": "America/St_Johns", "merges": "include"},
    {"date_range": "2026-03-17,2026-03-17", "path": "sizes/"},
    {"date_range": "2001-01-01,2001-02-01"},
]
PERIOD = {"date_range": "2026-01-20,2026-02-18", "timezone": "Asia/Kathmandu"}
COMPARED = {**PERIOD, "compare": "2026-02-22,2026-03-23"}
ATTRIBUTES = {
    "contributors": ("name", "status", "languages", "first", "last"),
    "ownership": ("primary_owner", "contributors"),
}
LISTS = ("contributors", "ownership", "branches", "files")


@dataclass(frozen=True)
class Asked:
    """The repository as git shows it, and clients of a server that has extracted it."""

    oracle: Oracle
    codebase_id: str
    namer: TestClient
    reader: TestClient

    def get(self, endpoint: str, parameters: Parameters, client: TestClient | None = None) -> Any:
        """The answer of an endpoint."""
        path = endpoint if endpoint.startswith("/") else f"/codebases/{self.codebase_id}/analytics/{endpoint}"
        answer = (client or self.namer).get(path, params=dict(parameters))
        assert answer.status_code == 200, answer.text
        return answer

    def data(self, endpoint: str, parameters: Parameters, client: TestClient | None = None) -> Any:
        """Its data, with instants for the texts that are some."""
        return understood(self.get(endpoint, parameters, client).json()["data"])


def understood(data: Any) -> Any:
    """Data of an answer, with instants for the texts that are some, and texts for dates."""
    if isinstance(data, dict):
        return {name: understood(value) for name, value in data.items()}
    if isinstance(data, list):
        return [understood(value) for value in data]
    if isinstance(data, date) and not isinstance(data, datetime):
        return data.isoformat()
    try:
        return datetime.fromisoformat(data) if isinstance(data, str) and "T" in data else data
    except ValueError:
        return data


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Asked:
    directory = tmp_path_factory.mktemp("drawn")
    repository = drawn(directory / "shop.git")
    deployment = Deployment(directory / "deployment")
    deployment.watch(repository)
    deployment.run()
    tokens = written(
        directory / "tokens.toml",
        token_lines("reader", "reader", [READ], orgs=["acme"]),
        token_lines("namer", "namer", [READ, PEOPLE], orgs=["acme"]),
    )
    settings = ServerSettings(data_dir=deployment.data_dir, analytics_secret_token=SecretStr(TOKEN), tokens_file=tokens)
    app = create_app(settings, lambda: NOW)
    namer, reader = (TestClient(app, headers={"Authorization": f"Bearer {name}"}) for name in ("namer", "reader"))
    [codebase] = deployment.codebases()
    return Asked(Oracle(repository), codebase["codebase_id"], namer, reader)


def zone_of(parameters: Parameters) -> str:
    return parameters.get("timezone", "UTC")


def days_of(parameters: Parameters, selected: Made, name: str = "date_range") -> tuple[date, date]:
    """The first and the last local day of a question: by default, those of the first and the last commit."""
    if name in parameters:
        first, last = parameters[name].split(",")
        return date.fromisoformat(first), date.fromisoformat(last)
    times = [commit.committed for commit, _ in selected.commits] or [NOW]
    zone = ZoneInfo(zone_of(parameters))
    return min(times).astimezone(zone).date(), max(times).astimezone(zone).date()


def in_period(parameters: Parameters, selected: Made, name: str = "date_range") -> Made:
    edges = edges_of(*days_of(parameters, selected, name), zone_of(parameters), "day")
    return selected.within(edges[0], edges[-1])


@pytest.mark.parametrize("parameters", SELECTIONS)
def test_totals(asked: Asked, parameters: Parameters) -> None:
    selected = asked.oracle.selected(parameters)
    times = [commit.committed for commit, _ in selected.commits]
    expected = oracle.totals(in_period(parameters, selected)) | asked.oracle.tree()
    found = asked.data("overview", parameters)
    assert {name: found[name] for name in expected} == expected
    assert found["total_branches"] == len(asked.oracle.branches)
    assert (found["first_commit_date"], found["last_commit_date"]) == (
        min(times, default=None),
        max(times, default=None),
    )
    if not {"branch", "path"} & parameters.keys():
        summary = asked.data("/analytics/summary", parameters)
        assert {name: summary[name] for name in expected} == expected
        [codebase] = asked.data("/analytics/codebases", parameters)
        shared = expected.keys() & codebase.keys()
        assert {name: codebase[name] for name in shared} == {name: expected[name] for name in shared}


@pytest.mark.parametrize(
    ("parameters", "granularity"),
    [
        (parameters, granularity)
        for parameters in SELECTIONS
        for granularity in ("hour", "day", "week", "month")
        # Until 2030 there are too many hours.
        if granularity != "hour" or {"date_range", "branch"} & parameters.keys()
    ],
)
def test_activity(asked: Asked, parameters: Parameters, granularity: str) -> None:
    """Of every bucket that has begun, quiet ones included."""
    selected = asked.oracle.selected(parameters)
    made = in_period(parameters, selected)
    first, last = days_of(parameters, selected)
    edges = edges_of(first, last, zone_of(parameters), granularity)
    until = max([NOW, *(commit.committed for commit, _ in made.commits)])
    begun = sum(start <= until for start in edges[:-1])
    found = asked.data("activity", {**parameters, "granularity": granularity})
    without = ("date", "end", "partial")
    assert [{name: row[name] for name in row if name not in without} for row in found] == oracle.series(
        made, edges[: begun + 1]
    )


@pytest.mark.parametrize("parameters", SELECTIONS)
@pytest.mark.parametrize(
    ("by", "depth"), [("directory", 1), ("directory", 2), ("directory", 4), ("file", 1), ("language", 1)]
)
def test_ownership(asked: Asked, parameters: Parameters, by: str, depth: int) -> None:
    made = in_period(parameters, asked.oracle.selected(parameters))
    expected = oracle.ownership(made, asked.oracle.names, by, depth, zone_of(parameters))
    assert asked.data("ownership", {**parameters, "by": by, "depth": str(depth)}) == expected


@pytest.mark.parametrize("parameters", SELECTIONS)
def test_contributors(asked: Asked, parameters: Parameters) -> None:
    selected = asked.oracle.selected(parameters)
    made = in_period(parameters, selected)
    expected = oracle.contributors(made, selected, asked.oracle.names, NOW, zone_of(parameters))
    assert asked.data("contributors", parameters) == expected


@pytest.mark.parametrize("parameters", SELECTIONS)
def test_files(asked: Asked, parameters: Parameters) -> None:
    made = in_period(parameters, asked.oracle.selected(parameters))
    found = asked.data("files", parameters)
    assert found["files"] == oracle.hot_spots(made, NOW)
    assert found["pairs"] == oracle.changed_together(made)


@pytest.mark.parametrize("parameters", SELECTIONS)
def test_rhythm(asked: Asked, parameters: Parameters) -> None:
    assert asked.data("rhythm", parameters) == oracle.rhythm(in_period(parameters, asked.oracle.selected(parameters)))


def test_branches(asked: Asked) -> None:
    """One of each living kind, and one without a common history."""
    expected = asked.oracle.branch_rows(NOW)
    assert asked.data("branches", {}) == expected
    assert {row["status"] for row in expected} == {"default", "merged", "stale", "active"}
    assert [row["name"] for row in expected if row["divergence"] is None] == ["orphan"]


def test_a_comparison_of_one_row(asked: Asked) -> None:
    selected = asked.oracle.selected(COMPARED)
    now, then = (oracle.totals(in_period(COMPARED, selected, name)) for name in ("date_range", "compare"))
    found = asked.data("overview", COMPARED)
    assert {name: found[name] for name in now} == {name: oracle.beside(now[name], then[name]) for name in now}


def test_a_comparison_of_a_series(asked: Asked) -> None:
    selected = asked.oracle.selected(COMPARED)
    both = [
        oracle.series(selected, edges_of(*days_of(COMPARED, selected, name), zone_of(COMPARED), "day"))
        for name in ("date_range", "compare")
    ]
    found = asked.data("activity", {**COMPARED, "granularity": "day"})
    assert len(found) == len(both[0]) == len(both[1])
    for row, now, then in zip(found, *both, strict=True):
        assert (row["start"], row["comparison_start"]) == (now["start"], then["start"])
        figures = now.keys() - {"start"}
        assert {name: row[name] for name in figures} == {name: oracle.beside(now[name], then[name]) for name in figures}


@pytest.mark.parametrize("endpoint", ["contributors", "ownership"])
def test_a_comparison_of_a_list(asked: Asked, endpoint: str) -> None:
    """People and areas of either period; owners are those of the period, or of the other one where it has none."""
    selected, zone = asked.oracle.selected(COMPARED), zone_of(COMPARED)
    both = [in_period(COMPARED, selected, name) for name in ("date_range", "compare")]
    if endpoint == "contributors":
        key, now_and_then = "email", [oracle.contributors(m, selected, asked.oracle.names, NOW, zone) for m in both]
    else:
        key, now_and_then = "directory", [oracle.ownership(m, asked.oracle.names, "directory", 2, zone) for m in both]
    expected = compared(now_and_then[0], now_and_then[1], (key,), ATTRIBUTES[endpoint])
    assert len(expected) > len(now_and_then[0])
    found = asked.data(endpoint, COMPARED)
    assert sorted(found, key=lambda row: row[key]) == sorted(expected, key=lambda row: row[key])
    figure = "commits" if endpoint == "contributors" else "sloc"
    values = [row[figure]["value"] for row in found]
    assert values == sorted(values, reverse=True)


def test_commits_dated_ahead_are_noticed(asked: Asked) -> None:
    """One is dated 2030; a notice says so, unless it is not selected."""
    told = "1 commits are dated in the future"
    assert any(told in notice for notice in asked.get("rhythm", {}).json()["meta"]["notices"])
    assert not any(told in notice for notice in asked.get("rhythm", {"branch": "main"}).json()["meta"]["notices"])


def rows_of(endpoint: str, data: Any) -> list[Row]:
    rows: list[Row] = data["files"] if endpoint == "files" else data
    return rows


@pytest.mark.parametrize("endpoint", LISTS)
def test_lists_are_ordered_by_any_column_and_cut(asked: Asked, endpoint: str) -> None:
    """Equals stay in the order they have by default; what is unknown comes last."""
    whole = rows_of(endpoint, asked.data(endpoint, {}))
    columns = [name for name, value in whole[0].items() if not isinstance(value, list | dict)]
    for column in columns:
        for direction in ("asc", "desc"):
            known = [row for row in whole if row[column] is not None]
            ordered = sorted(known, key=lambda row: row[column], reverse=direction == "desc")
            values = [row[column] for row in ordered] + [None] * (len(whole) - len(known))
            cut = {"order_by": f"{column}:{direction}", "limit": "3", "offset": "2"}
            answer = asked.get(endpoint, cut)
            found = rows_of(endpoint, understood(answer.json()["data"]))
            assert [row[column] for row in found] == values[2:5], column
            assert all(row in whole for row in found)
            assert answer.json()["meta"]["total_rows"] == len(whole)


@pytest.mark.parametrize("endpoint", ["rhythm", "activity", *LISTS])
def test_other_formats_say_the_same(asked: Asked, endpoint: str) -> None:
    """Lists within a row are left out, lists of names are one text; instants are text or instants."""
    parameters = PERIOD if endpoint == "activity" else {}
    whole = rows_of(endpoint, asked.get(endpoint, parameters).json()["data"])
    expected = [{name: flat(value) for name, value in row.items() if not nested(value)} for row in whole]
    lines = [json.loads(line) for line in asked.get(endpoint, {**parameters, "format": "ndjson"}).content.splitlines()]
    table = pl.read_parquet(asked.get(endpoint, {**parameters, "format": "parquet"}).content).to_dicts()
    text = csv.DictReader(io.StringIO(asked.get(endpoint, {**parameters, "format": "csv"}).text))
    for name in expected[0]:
        column = [understood(row[name]) for row in expected]
        assert [understood(row[name]) for row in lines] == column, name
        assert [understood(row[name]) for row in table] == column, name
    for row, line in zip(expected, text, strict=True):
        assert {name: as_text(value) for name, value in row.items()} == {name: as_text(line[name]) for name in row}


def nested(value: Any) -> bool:
    return isinstance(value, dict) or (isinstance(value, list) and any(isinstance(one, dict) for one in value))


def flat(value: Any) -> Any:
    return ", ".join(value) if isinstance(value, list) else value


def as_text(value: Any) -> str:
    """What CSV writes, whatever the number of zeros."""
    meant = understood(value)
    if isinstance(meant, datetime):
        return meant.astimezone(UTC).isoformat()
    if isinstance(value, bool):
        return str(value).lower()
    try:
        return str(float(value))
    except (TypeError, ValueError):
        return "" if value is None else str(value)


@pytest.mark.parametrize("endpoint", ["contributors", "ownership"])
@pytest.mark.parametrize("parameters", SELECTIONS)
def test_pseudonyms_stand_for_people_one_for_one(asked: Asked, endpoint: str, parameters: Parameters) -> None:
    """The answers differ in names and e-mails alone, and in the order of equals."""
    pseudonyms = dict(zip(*(_people(asked, client) for client in (asked.namer, asked.reader)), strict=True))
    assert len(set(pseudonyms.values())) == len(pseudonyms)
    author = pseudonyms.get(parameters.get("author", "").lower())
    hidden = asked.data(endpoint, {**parameters, **({"author": author} if author else {})}, asked.reader)
    named = with_pseudonyms(asked.data(endpoint, parameters), pseudonyms)
    key = "email" if endpoint == "contributors" else "directory"
    for one, other in zip(
        sorted(hidden, key=lambda row: row[key]), sorted(named, key=lambda row: row[key]), strict=True
    ):
        if endpoint == "contributors":
            assert one == other
            continue
        assert sorted(map(str, one["contributors"])) == sorted(map(str, other["contributors"]))
        figures = one.keys() - {"contributors", "primary_owner"}
        assert {name: one[name] for name in figures} == {name: other[name] for name in figures}


def _people(asked: Asked, client: TestClient) -> list[str]:
    """The people in order of their first commits, which differ."""
    rows = asked.data("contributors", {"order_by": "first"}, client)
    assert len({row["first"] for row in rows}) == len(rows)
    return [row["email"].lower() for row in rows]


def with_pseudonyms(data: Any, pseudonyms: dict[str, str]) -> Any:
    """Data in which a pseudonym stands for each name and e-mail."""
    if isinstance(data, list):
        return [with_pseudonyms(value, pseudonyms) for value in data]
    if not isinstance(data, dict):
        return data
    person = (
        {"email": pseudonyms[data["email"].lower()], "name": pseudonyms[data["email"].lower()]}
        if "email" in data
        else {}
    )
    return {name: with_pseudonyms(value, pseudonyms) for name, value in data.items()} | person
