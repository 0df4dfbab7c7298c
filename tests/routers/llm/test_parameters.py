"""How ranges are understood, and what is refused with 400."""

from pathlib import Path
from typing import Any

import pytest

from tests.calculations.llm.calls import ACME, call
from tests.routers.llm.conftest import Client, store

USAGE = f"/analytics/v1/orgs/{ACME}/usage"
INCIDENTS = f"/analytics/v1/orgs/{ACME}/incidents"


def test_by_default_it_is_the_168_hours_before_now(tmp_path: Path, client: Client) -> None:
    """To the minute: now is 12:00:30."""
    store(
        tmp_path, *[call(f"2026-03-02 {time}") for time in ("11:59:59", "12:00", "12:01")], call("2026-03-09 12:00:29")
    )
    answer = client().get(USAGE).json()
    assert answer["totals"]["invocations"] == 3
    assert (answer["meta"]["start"], answer["meta"]["end"]) == ("2026-03-02T12:00:00Z", "2026-03-09T12:01:00Z")


@pytest.mark.parametrize(
    ("asked", "start", "end"),
    [
        ("start=2026-03-01T00:00:00Z&end=2026-03-02T00:00:00Z", "2026-03-01T00:00:00Z", "2026-03-02T00:00:00Z"),
        ("start=2026-03-01T01:00:00%2B01:00&end=2026-03-01t00:00:00z", "2026-03-01T00:00:00Z", "2026-03-01T00:00:00Z"),
        ("start=2026-03-01T01:00:00+01:00", "2026-03-01T00:00:00Z", "2026-03-09T12:01:00Z"),
        ("end=2026-03-08T00:00:00.5Z", "2026-03-01T00:00:00.500000Z", "2026-03-08T00:00:00.500000Z"),
        ("start=2026-03-09T23:00:00Z", "2026-03-09T23:00:00Z", "2026-03-09T23:00:00Z"),
        ("date_range=2026-03-08,2026-03-08&timezone=America/New_York", "2026-03-08T05:00:00Z", "2026-03-09T04:00:00Z"),
        ("date_range=7d", "2026-03-03T00:00:00Z", "2026-03-10T00:00:00Z"),
        ("date_range=all", "2015-01-01T00:00:00Z", "2026-03-10T00:00:00Z"),
        ("start=0001-01-01T00:00:00Z&end=9999-12-31T23:59:59Z", "2015-01-01T00:00:00Z", "2026-03-10T12:00:30Z"),
        ("start=1999-01-01T00:00:00Z&end=2000-01-01T00:00:00Z", "2015-01-01T00:00:00Z", "2015-01-01T00:00:00Z"),
    ],
)
def test_a_range_is_understood(tmp_path: Path, client: Client, asked: str, start: str, end: str) -> None:
    store(tmp_path, call("2026-03-02 09:00"))
    answer = client().get(f"{USAGE}?{asked}&granularity=hour")
    assert answer.status_code == 200, answer.text
    assert (answer.json()["meta"]["start"], answer.json()["meta"]["end"]) == (start, end)


@pytest.mark.parametrize(
    ("path", "query", "parameter", "told"),
    [
        (USAGE, "start=2026-03-02T00:00:00Z&end=2026-03-01T00:00:00Z", "end", "before `start`"),
        (USAGE, "start=2026-03-02", "start", "RFC 3339"),
        (USAGE, "start=2026-03-02T00:00:00", "start", "RFC 3339"),
        (USAGE, "start=1772409600", "start", "RFC 3339"),
        (USAGE, "end=2026-02-30T00:00:00Z", "end", "no such instant"),
        (USAGE, "end=0001-01-01T00:00:00%2B14:00", "end", "no such instant"),
        (USAGE, "date_range=7d&end=2026-03-01T00:00:00Z", "date_range", "combined"),
        (USAGE, "date_range=week", "date_range", "28d"),
        (USAGE, "granularity=quarter", "granularity", "hour, day, week, month"),
        (USAGE, "timezone=Mars", "timezone", "Europe/Berlin"),
        (USAGE, "status=failed", "status", "throttled"),
        (USAGE, "groupBy=region", "groupBy", "errorCode"),
        (USAGE, "format=xml", "format", "ndjson"),
        (USAGE, "granularity=day&granularity=hour", "granularity", "2 times"),
        (USAGE, "model_id=a", "model_id", "modelId"),
        (USAGE, "percentile=p50", "percentile", "groupBy"),
        (USAGE, "limit=5", "limit", "groupBy"),
        (f"/analytics/v1/orgs/{ACME}/reliability", "percentile=p42", "percentile", "p75"),
        (f"/analytics/v1/orgs/{ACME}/freshness", "start=2026-03-02T00:00:00Z", "start", "is not a parameter"),
        (INCIDENTS, "granularity=day", "granularity", "minLatencyMs"),
        (INCIDENTS, "limit=0", "limit", "1"),
        (INCIDENTS, "limit=100001", "limit", "100000"),
        (INCIDENTS, "minLatencyMs=-1", "minLatencyMs", "0"),
        (INCIDENTS, "cursor=nonsense", "cursor", "X-Next-Cursor"),
        (INCIDENTS, "cursor=%F0%9F%98%80", "cursor", "X-Next-Cursor"),
        ("/analytics/v1/orgs/nope/usage", "", "orgId", "UUID"),
        ("/analytics/v1/orgs/11111111111141118111111111111111/usage", "", "orgId", "UUID"),
        ("/analytics/v1/orgs", "orgs=1", "orgs", "is not a parameter"),
    ],
)
def test_what_is_wrong_is_answered_with_400_that_says_what_is_allowed(
    tmp_path: Path, client: Client, path: str, query: str, parameter: str, told: str
) -> None:
    store(tmp_path, call("2026-03-02 09:00"))
    answer = client().get(f"{path}?{query}")
    problem: dict[str, Any] = answer.json()
    assert (answer.status_code, answer.headers["Content-Type"]) == (400, "application/problem+json")
    assert parameter in {fault["parameter"] for fault in problem["errors"]}
    assert told in problem["detail"]
