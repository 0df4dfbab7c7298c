"""The dashboard for Grafana: its panels fit, and all their queries are answered."""

import json
import re
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import yaml
from fastapi.testclient import TestClient
from pydantic import SecretStr

from config import ServerSettings
from server import create_app
from tests.calculations.llm.calls import ACME, call
from tests.deploy.prometheus import METRICS, metric_names, promtool
from tests.processes import ROOT, TOKEN
from tests.routers.llm.conftest import NOW, store

DASHBOARD: dict[str, Any] = json.loads((ROOT / "deploy" / "grafana" / "llm.json").read_text(encoding="utf-8"))
PANELS: list[dict[str, Any]] = DASHBOARD["panels"]
TARGETS = [target for panel in PANELS for target in panel["targets"]]
EXPRESSIONS = [target["expr"] for target in TARGETS if "expr" in target]
MODELS = next(variable for variable in DASHBOARD["templating"]["list"] if variable["name"] == "model_id")
VALUES = {
    "${org_id}": ACME,
    "${model_id:percentencode}": "gpt-x",
    "${__from:date:iso}": "2026-03-08T00:00:00.000Z",
    "${__to:date:iso}": "2026-03-09T00:00:00.000Z",
}


def filled(text: str) -> str:
    """A text with values for all of its variables."""
    for variable, value in VALUES.items():
        text = text.replace(variable, value)
    assert "$" not in text
    return text


def field(row: Any, selector: str) -> Any:
    """The part of a row that a selector names."""
    for name in selector.split("."):
        row = row[name]
    return row


def test_panels_have_ids_of_their_own_and_do_not_overlap() -> None:
    assert len({panel["id"] for panel in PANELS}) == len(PANELS)
    for one, other in combinations([panel["gridPos"] for panel in PANELS], 2):
        apart = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        assert apart or one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
    assert all(panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24 for panel in PANELS)


def test_data_sources_and_choices_are_variables() -> None:
    """So that the file can be imported anywhere."""
    names = {variable["name"] for variable in DASHBOARD["templating"]["list"]}
    assert names == {"prometheus", "api", "org_id", "model_id"}
    assert {target["datasource"]["uid"] for target in TARGETS} == {"${prometheus}", "${api}"}


def test_expressions_read_metrics_that_exist() -> None:
    assert set().union(*map(metric_names, EXPRESSIONS)) <= METRICS


def test_prometheus_takes_every_expression(tmp_path: Path) -> None:
    expressions = [re.sub(r"\$org_id", ACME, expression) for expression in EXPRESSIONS]
    rules = [{"record": f"dashboard:{number}", "expr": each} for number, each in enumerate(expressions)]
    rules_file = tmp_path / "dashboard.yml"
    rules_file.write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}))
    promtool("check", "rules", rules_file)


@pytest.fixture
def client(tmp_path: Path) -> TestClient:
    store(tmp_path, call("2026-03-08 09:00"))
    settings = ServerSettings(data_dir=tmp_path, analytics_secret_token=SecretStr(TOKEN))
    return TestClient(create_app(settings, lambda: NOW), headers={"Authorization": f"Bearer {TOKEN}"})


def test_the_api_answers_every_panel_with_the_fields_it_shows(client: TestClient) -> None:
    asked = [target for target in TARGETS if "url" in target] + [MODELS["query"]["infinityQuery"]]
    assert len(asked) > 5
    for target in asked:
        answer = client.get(filled(target["url"]))
        assert answer.status_code == 200, answer.text
        (row,) = answer.json()[target["root_selector"]]
        assert all(field(row, column["selector"]) is not None for column in target["columns"])
