"""The server's metrics for Prometheus."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr

from calculations.llm.recent import MOST_ORGANISATIONS
from config import ServerSettings
from server import create_app
from tests.calculations.llm.calls import ACME, OTHER_ORG, call
from tests.processes import TOKEN
from tests.routers.llm.conftest import store

NOW = datetime(2026, 3, 9, 12, tzinfo=UTC)

type Samples = dict[tuple[str, str | None], float]


def scraped(data_dir: Path, now: datetime = NOW, wanted: str | None = None, shown: str | None = None) -> Samples:
    """The samples by name and organisation."""
    settings = ServerSettings(
        data_dir=data_dir,
        analytics_secret_token=SecretStr(TOKEN),
        metrics_token=wanted and SecretStr(wanted),
    )
    headers = {"Authorization": f"Bearer {shown}"} if shown else {}
    answer = TestClient(create_app(settings, lambda: now)).get("/metrics", headers=headers).raise_for_status()
    assert answer.headers["Content-Type"].startswith("text/plain; version=")
    return dict(samples(answer.text))


def samples(text: str) -> Iterator[tuple[tuple[str, str | None], float]]:
    for family in text_string_to_metric_families(text):
        assert family.documentation
        for sample in family.samples:
            yield (sample.name, sample.labels.get("org_id")), sample.value


def test_the_gauges_are_of_the_last_fifteen_minutes_known(tmp_path: Path) -> None:
    """Until 11:58, when the read model was written; now is 12:00."""
    calls = (
        call("2026-03-09 11:42"),
        call("2026-03-09 11:43", latency_ms=200),
        call("2026-03-09 11:57", status="error", latency_ms=300),
        call("2026-03-09 11:58"),
        call("2026-03-09 11:50", org_id=OTHER_ORG),
    )
    known_until = NOW - timedelta(minutes=2)
    store(tmp_path, *calls, known_until=known_until)
    found = scraped(tmp_path)
    assert {name: value for (name, org), value in found.items() if org == ACME} == {
        "analytics_usage_requests": 2,
        "analytics_usage_error_rate": 0.5,
        "analytics_usage_latency_p95_ms": 295,
        "analytics_usage_latency_p99_ms": 299,
        "analytics_freshness_lag_seconds": 120,
    }
    assert found["analytics_usage_requests", OTHER_ORG] == 1
    assert found["analytics_rollup_last_success_timestamp", None] == known_until.timestamp()


def test_there_are_at_most_200_organisations_and_the_rest(tmp_path: Path) -> None:
    """Of 203 organisations, the two with a further call are named in any case, and the last three are not."""
    orgs = [f"{number:08}-0000-4000-8000-000000000000" for number in range(203)]
    busy = [call("2026-03-09 11:59", org_id=org) for org in orgs[-2:]]
    store(tmp_path, *[call("2026-03-09 11:59", org_id=org) for org in orgs], *busy, known_until=NOW)
    requests = {org: value for (name, org), value in scraped(tmp_path).items() if name == "analytics_usage_requests"}
    assert len(requests) == MOST_ORGANISATIONS + 1
    assert (requests[orgs[-1]], requests["other"]) == (2, 3)
    assert orgs[200] not in requests


def test_without_events_there_are_no_gauges_and_no_error(tmp_path: Path) -> None:
    assert scraped(tmp_path) == {}
    store(tmp_path, known_until=NOW)
    assert scraped(tmp_path) == {("analytics_rollup_last_success_timestamp", None): NOW.timestamp()}


def test_a_metrics_token_closes_it(tmp_path: Path) -> None:
    """To any other token, and without one."""
    assert scraped(tmp_path, wanted="scrape", shown="scrape") == {}
    for shown in (None, TOKEN, "scrap"):
        with pytest.raises(Exception, match="401"):
            scraped(tmp_path, wanted="scrape", shown=shown)
