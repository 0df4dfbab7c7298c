"""The alerts: they are valid rules, fire when they should, and each links to its runbook."""

import re
from pathlib import Path
from typing import Any

import yaml

from tests.deploy.prometheus import METRICS, PROMETHEUS, metric_names, promtool
from tests.processes import ROOT


def alerts() -> list[dict[str, Any]]:
    """All rules."""
    groups = yaml.safe_load((PROMETHEUS / "llm-alerts.yml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def test_every_alert_fires_when_it_should_and_not_before() -> None:
    promtool("test", "rules", "llm-alerts.test.yml")


def test_prometheus_takes_the_configuration() -> None:
    promtool("check", "config", "prometheus.yml")


def test_every_alert_is_tested() -> None:
    """As firing and as silent."""
    tests = yaml.safe_load((PROMETHEUS / "llm-alerts.test.yml").read_text())["tests"]
    checks = [check for test in tests for check in test["alert_rule_test"]]
    for expected in (True, False):
        names = {check["alertname"] for check in checks if bool(check["exp_alerts"]) is expected}
        assert names == {alert["alert"] for alert in alerts()}


def test_alerts_read_metrics_that_exist() -> None:
    assert set().union(*(metric_names(alert["expr"]) for alert in alerts())) <= METRICS


def test_every_alert_leads_to_its_section_of_the_runbook() -> None:
    for alert in alerts():
        file, _, anchor = alert["annotations"]["runbook_url"].partition("#")
        headings = re.findall(r"^## (.+)$", (ROOT / Path(file)).read_text(encoding="utf-8"), re.MULTILINE)
        assert anchor in {heading.lower().replace(" ", "-") for heading in headings}
        assert alert["labels"]["severity"] in {"critical", "warning"}
