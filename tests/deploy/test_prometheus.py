"""The alerts: they are rules, they fire when they should, and each says where to read on."""

import re
import subprocess
from pathlib import Path
from typing import Any

import yaml

from tests.private_programs import ensured_program
from tests.processes import ROOT

PROMETHEUS = ROOT / "deploy" / "prometheus"
# What the server and the collector expose, and Prometheus itself.
METRICS = {
    "analytics_usage_error_rate",
    "analytics_usage_latency_p95_ms",
    "analytics_usage_latency_p99_ms",
    "analytics_usage_requests",
    "analytics_freshness_lag_seconds",
    "analytics_rollup_last_success_timestamp",
    "analytics_ingestion_events_total",
    "analytics_ingestion_dedupe_conflicts_total",
    "up",
}


def promtool(*arguments: object) -> None:
    """Run promtool in the folder of the rules; fails with what it says."""
    command = [ensured_program("prometheus", "promtool"), *map(str, arguments)]
    done = subprocess.run(command, cwd=PROMETHEUS, capture_output=True, text=True, check=False)  # noqa: S603 - fixed
    assert done.returncode == 0, done.stdout + done.stderr


def alerts() -> list[dict[str, Any]]:
    """All rules."""
    groups = yaml.safe_load((PROMETHEUS / "llm-alerts.yml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def metric_names(expression: str) -> set[str]:
    """The metrics that an expression reads."""
    return set(re.findall(r"\banalytics_\w+|\bup\b", expression))


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


def test_alerts_read_metrics_that_there_are() -> None:
    assert set().union(*(metric_names(alert["expr"]) for alert in alerts())) <= METRICS


def test_every_alert_leads_to_its_section_of_the_runbook() -> None:
    for alert in alerts():
        file, _, anchor = alert["annotations"]["runbook_url"].partition("#")
        headings = re.findall(r"^## (.+)$", (ROOT / Path(file)).read_text(encoding="utf-8"), re.MULTILINE)
        assert anchor in {heading.lower().replace(" ", "-") for heading in headings}
        assert alert["labels"]["severity"] in {"critical", "warning"}
