"""Clients that request too much: others are served meanwhile, and the event loop stays free."""

import asyncio
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from fastapi.testclient import TestClient

from calculations.time.buckets import Buckets
from tests.faults.gated_app import GATE, SIZE, SMALL, Gate
from tests.processes import recording_service, serving, until
from tests.served import Sample
from tests.web.problems import problem

CHEAP = ("/room/1/stats", "/v1/traffic?date_range=24h", "/v1/rooms/1", "/daily-analytics")
COSTLY = "/v1/votes"


@pytest.mark.server
def test_attack_05_cheap_queries_do_not_wait_for_costly_ones(sampled: Sample, tmp_path: Path) -> None:
    """The dashboard keeps the only turn: other costly queries are 503, cheap ones are answered."""
    variables: dict[str, Any] = {GATE: tmp_path, SIZE: SMALL, "MAX_CONCURRENT_QUERIES": 1, "QUERY_QUEUE_SECONDS": 0.1}
    gate = Gate(tmp_path)
    with (
        serving(sampled.data_dir, app="tests.faults.gated_app:make_app", factory=True, **variables) as server,
        ThreadPoolExecutor() as others,
    ):
        slow = others.submit(server.get, "/")
        gate.wait_for(1)
        problem(server.get(COSTLY), 503)
        assert [server.get(path).status_code for path in CHEAP] == [200] * len(CHEAP)
        gate.let(1)
        assert slow.result().status_code == 200


@pytest.fixture
def made_on_loop() -> Iterator[list[object]]:
    """The periods of which buckets were made on the event loop."""
    periods: list[object] = []
    make = Buckets.of

    def watched(period: Any, *others: Any) -> Buckets:
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return make(period, *others)
        periods.append(period)
        return make(period, *others)

    with patch.object(Buckets, "of", watched):
        yield periods


@pytest.mark.parametrize(
    "question",
    [
        "lifecycle?date_range=2024-06-03,2027-12-31&granularity=hour&compare=previous_period&timezone=Africa/Cairo",
        "historical?date_range=12mo&granularity=auto&compare=year_over_year",
        "retention?date_range=12mo&period=day",
        "traffic?compare=previous_period",
    ],
)
def test_attack_06_no_bucket_is_made_on_the_event_loop(
    in_process: Callable[..., TestClient], made_on_loop: list[object], question: str
) -> None:
    """Nor where the answer is 304."""
    client = in_process()
    answer = client.get(f"/v1/{question}")
    assert answer.status_code == 200
    assert client.get(f"/v1/{question}", headers={"If-None-Match": answer.headers["etag"]}).status_code == 304
    assert made_on_loop == []


@pytest.mark.parametrize(
    "asked",
    [
        "date_range=2016-01-01,2199-12-31&granularity=hour&compare=previous_period&timezone=Africa/Cairo",
        "date_range=2026-01-01,2026-01-02&granularity=hour&compare=1970-01-01,2199-12-31",
    ],
)
def test_attack_06_too_many_buckets_are_refused_before_any_is_made(
    in_process: Callable[..., TestClient], asked: str
) -> None:
    """Counted over the whole range, however little of it has begun, and over the comparison."""
    with patch.object(Buckets, "of", side_effect=AssertionError("made")):
        assert "more than 100,000" in problem(in_process().get(f"/v1/lifecycle?{asked}"), 422)["detail"]


@pytest.mark.server
def test_twenty_requests_to_a_damaged_table_are_one_report(sampled: Sample, tmp_path: Path) -> None:
    """Every one is answered 503; a new damage would be a new report."""
    data_dir = tmp_path / "data"
    shutil.copytree(sampled.data_dir, data_dir, symlinks=True)
    (table,) = (data_dir / "current").resolve().glob("fpp_votes*.parquet")
    content = bytearray(table.read_bytes())
    content[len(content) // 2] ^= 1
    table.chmod(0o600)
    table.write_bytes(content)
    with recording_service() as sentry:
        variables: dict[str, Any] = {"SENTRY_ENVIRONMENT": "production", "FPP_ANALYTICS_SENTRY_DSN": sentry.sentry_dsn}
        with serving(data_dir, **variables) as server:
            for _ in range(20):
                problem(server.get("/room/1/stats"), 503)
            until(sentry.sentry_events, "the report")
            server.program.end()
        assert len(sentry.sentry_events()) == 1
