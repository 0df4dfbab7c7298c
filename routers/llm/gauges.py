"""What Prometheus is told about LLM usage: the last 15 minutes that the read model knows, per organisation."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from fastapi import Request
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from calculations.llm.recent import WATCHED, recent
from read_model.snapshot import Snapshot
from read_model.table import Between
from read_model.tables.llm import USAGE_EVENTS
from web.computing import computing

SECOND = timedelta(seconds=1)
# By the column of `recent` each of them shows.
GAUGES = {
    "invocations": ("analytics_usage_requests", "Requests in the last 15 minutes known."),
    "error_rate": ("analytics_usage_error_rate", "Share of them with another status than success, 0 to 1."),
    "p95": ("analytics_usage_latency_p95_ms", "95th percentile of their latency, in milliseconds."),
    "p99": ("analytics_usage_latency_p99_ms", "99th percentile of their latency, in milliseconds."),
}


class LlmGauges(Collector):
    """Computes the gauges of a snapshot when they are scraped."""

    def __init__(self, request: Request, snapshot: Snapshot, now: datetime) -> None:
        self._request, self._snapshot, self._now = request, snapshot, now

    def collect(self) -> Iterator[Metric]:
        """The gauges of the organisations with requests, and when the read model was last updated."""
        snapshot = self._snapshot
        with computing(self._request, snapshot):
            until = snapshot.data_updated_at
            events = snapshot.scan(USAGE_EVENTS, Between("occurred_at", until - WATCHED, until))
            rows = recent(events, until)
        for column, (name, help_) in GAUGES.items():
            gauge = GaugeMetricFamily(name, help_, labels=["org_id"])
            for org_id, value in rows.select("org_id", column).iter_rows():
                gauge.add_metric([org_id], value)
            yield gauge
        yield self._lag(rows["org_id"].to_list())
        yield GaugeMetricFamily(
            "analytics_rollup_last_success_timestamp",
            "When the read model was last updated, in seconds since 1970.",
            value=snapshot.synced_at.timestamp(),
        )

    def _lag(self, org_ids: list[str]) -> Metric:
        gauge = GaugeMetricFamily(
            "analytics_freshness_lag_seconds", "Time since the instant up to which data are known.", labels=["org_id"]
        )
        lag = max(self._now - self._snapshot.data_updated_at, timedelta(0)) / SECOND
        for org_id in org_ids:
            gauge.add_metric([org_id], lag)
        return gauge

    def describe(self) -> list[Metric]:
        """Nothing: to register must not compute."""
        return []
