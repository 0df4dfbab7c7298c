"""The metrics that the alerts may read, and promtool, which checks Prometheus's files."""

import re
import subprocess

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


def metric_names(expression: str) -> set[str]:
    """The metrics that an expression reads."""
    return set(re.findall(r"\banalytics_\w+|\bup\b", expression))
