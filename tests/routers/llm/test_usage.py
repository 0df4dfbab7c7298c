"""What is answered about usage and reliability, field by field."""

import csv
import io
import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tests.calculations.llm.calls import ACME, LARGEST_COST, OTHER_ORG, call
from tests.routers.llm.conftest import Client, store

USAGE, RELIABILITY = f"/analytics/v1/orgs/{ACME}/usage", f"/analytics/v1/orgs/{ACME}/reliability"
MARCH = {"start": "2026-03-01T00:00:00Z", "end": "2026-03-09T00:00:00Z"}


def exactly(text: str) -> Any:
    """JSON with its numbers as they are written."""
    return json.loads(text, parse_float=Decimal)


def test_usage_has_the_fields_and_the_order_that_clients_expect(tmp_path: Path, client: Client) -> None:
    """Newest bucket first, then models by code points, calls without a model last."""
    store(
        tmp_path,
        call("2026-03-02 09:00", cost_estimate=Decimal("0.1")),
        call("2026-03-02 10:00", cost_estimate=Decimal("0.2"), status="throttled"),
        call("2026-03-02 10:00", model_id=None, cost_estimate=None),
        call("2026-03-03 00:00", model_id="a"),
    )
    answer = exactly(client().get(USAGE, params=MARCH).text)
    newest, model, without = answer["series"]
    assert list(answer) == ["orgId", "granularity", "series", "totals", "freshness", "meta"]
    assert (answer["orgId"], answer["granularity"]) == (ACME, "day")
    assert [row["modelId"] for row in answer["series"]] == ["a", "gpt-x", None]
    assert newest["bucketStart"] == "2026-03-03T00:00:00Z"
    assert without["unpricedInvocations"] == 1
    assert model == {
        "bucketStart": "2026-03-02T00:00:00Z",
        "modelId": "gpt-x",
        "invocations": 2,
        "inputTokens": 20,
        "outputTokens": 2,
        "costEstimateCents": Decimal("0.3000"),
        "unpricedInvocations": 0,
        "statusCounts": {"success": 1, "error": 0, "timeout": 0, "throttled": 1},
    }
    assert answer["totals"]["costEstimateCents"] == Decimal("1.3000")
    assert (answer["freshness"]["lastEventAt"], answer["freshness"]["lagSeconds"]) == ("2026-03-03T00:00:00Z", 90)
    assert (answer["meta"]["age_seconds"], answer["meta"]["start"]) == (90, "2026-03-01T00:00:00Z")


def test_cents_are_numbers_with_four_places_whatever_a_float_could_hold(tmp_path: Path, client: Client) -> None:
    """Also where a text within the row looks like a cost."""
    model = 'x","costEstimateCents":"5'
    store(tmp_path, *[call("2026-03-02 09:00", cost_estimate=LARGEST_COST, model_id=model)] * 3)
    text = client().get(USAGE, params=MARCH).text
    assert '"costEstimateCents":299999999999999.9997,' in text
    assert json.loads(text)["series"][0]["modelId"] == model


def test_buckets_begin_in_the_time_zone_and_say_its_offset(tmp_path: Path, client: Client) -> None:
    """New York put its clocks forward on March 8: that day began at 5 UTC, the next one at 4."""
    store(
        tmp_path, call("2026-03-08 04:59"), call("2026-03-08 05:00"), call("2026-03-09 03:59"), call("2026-03-09 04:00")
    )
    asked = {"start": "2026-03-01T00:00:00Z", "end": "2026-03-10T00:00:00Z", "timezone": "America/New_York"}
    series = client().get(USAGE, params=asked).json()["series"]
    assert [(row["bucketStart"], row["invocations"]) for row in series] == [
        ("2026-03-09T00:00:00-04:00", 1),
        ("2026-03-08T00:00:00-05:00", 2),
        ("2026-03-07T00:00:00-05:00", 1),
    ]


@pytest.mark.parametrize(
    ("group_by", "field", "values"),
    [
        ("model", "modelId", ["gpt-x"]),
        ("actor", "actorId", ["ann", None]),
        ("status", "status", ["error", "success"]),
        ("errorCode", "errorCode", ["E1", None]),
        ("none", None, []),
    ],
)
def test_each_grouping_has_its_field_and_no_other(
    tmp_path: Path, client: Client, group_by: str, field: str | None, values: list[str | None]
) -> None:
    store(tmp_path, call("2026-03-02 09:00", actor_id="ann"), call("2026-03-02 09:00", status="error", error_code="E1"))
    fields = {"modelId", "actorId", "status", "errorCode"}
    for path in (USAGE, RELIABILITY):
        series = client().get(path, params=MARCH | {"groupBy": group_by}).json()["series"]
        assert [row[field] for row in series if field] == values
        assert all(row.keys() & fields == ({field} if field else set()) for row in series)


def test_filters_choose_models_statuses_and_calls_without_a_model(tmp_path: Path, client: Client) -> None:
    models = ("a", "b", None)
    store(
        tmp_path,
        *[call("2026-03-02 09:00", model_id=model) for model in models],
        call("2026-03-02 09:00", status="error"),
    )
    asked = client()

    def counted(query: str) -> int:
        total: int = asked.get(f"{USAGE}?start=2026-03-01T00:00:00Z&{query}").json()["totals"]["invocations"]
        return total

    assert counted("modelId=a&modelId=null") == 2
    assert counted("status=error&status=timeout") == 1
    assert counted("modelId=a&status=error") == 0


def test_reliability_has_the_percentiles_that_are_asked_for(tmp_path: Path, client: Client) -> None:
    """Of 10 and 20 milliseconds, 95 % lie below 19.5; one of two calls failed, by a timeout."""
    slow = call("2026-03-02 09:00", latency_ms=20, status="timeout")
    store(tmp_path, call("2026-03-02 09:00", latency_ms=10), slow)
    answer = client().get(f"{RELIABILITY}?start=2026-03-01T00:00:00Z&percentile=p95&percentile=p75").json()
    assert answer["series"] == [
        {
            "bucketStart": "2026-03-02T00:00:00Z",
            "modelId": "gpt-x",
            "invocations": 2,
            "errorRate": 0.5,
            "errorOnlyRate": 0.0,
            "statusCounts": {"success": 1, "error": 0, "timeout": 1, "throttled": 0},
            "latencyMs": {"p75": 17.5, "p95": 19.5},
        }
    ]
    assert answer["totals"]["latencyMs"] == {"p75": 17.5, "p95": 19.5}
    assert client().get(RELIABILITY).json()["totals"]["latencyMs"].keys() == {"p50", "p95", "p99"}


def test_an_organisation_without_calls_has_no_figures(tmp_path: Path, client: Client) -> None:
    store(tmp_path, call("2026-03-02 09:00", org_id=OTHER_ORG))
    usage, reliability = (client().get(path).json() for path in (USAGE, RELIABILITY))
    assert (usage["series"], usage["totals"]["invocations"], usage["totals"]["costEstimateCents"]) == ([], 0, 0)
    assert set(usage["freshness"].values()) == {None, "unknown"}
    assert (reliability["totals"]["errorRate"], reliability["totals"]["latencyMs"]["p50"]) == (None, None)


def test_rows_are_the_same_in_every_format(tmp_path: Path, client: Client) -> None:
    store(tmp_path, call("2026-03-02 09:00", model_id=None, cost_estimate=Decimal("0.3333")), call("2026-03-02 09:00"))
    text, lines, parquet = (
        client().get(USAGE, params=MARCH | {"format": name}) for name in ("csv", "ndjson", "parquet")
    )
    rows = list(csv.DictReader(io.StringIO(text.text)))
    assert [(row["modelId"], row["costEstimateCents"]) for row in rows] == [("gpt-x", "1.0000"), ("", "0.3333")]
    assert rows[0]["bucketStart"] == "2026-03-02T00:00:00Z"
    assert [rows[0][status] for status in ("success", "error", "timeout", "throttled")] == ["1", "0", "0", "0"]
    assert [exactly(line) for line in lines.text.splitlines()] == exactly(client().get(USAGE, params=MARCH).text)[
        "series"
    ]
    frame = pl.read_parquet(io.BytesIO(parquet.content))
    assert frame["costEstimateCents"].to_list() == [Decimal("1.0000"), Decimal("0.3333")]
    assert frame["bucketStart"][0] == datetime(2026, 3, 2, tzinfo=UTC)
    assert (text.headers["X-Age-Seconds"], text.headers["X-Freshness"]) == ("90", "ok")


def test_a_year_by_months_adds_up_with_its_days_and_hours(tmp_path: Path, client: Client) -> None:
    """To the last ten-thousandth of a cent, in a zone whose clocks change and whose offset is no whole hour."""
    calls = [
        call(f"2025-{month:02}-{day:02} {hour:02}:29", cost_estimate=Decimal(month * day + hour) / 3_0000)
        for month in range(1, 13)
        for day in (1, 9, 28)
        for hour in (0, 1, 13, 23)
    ]
    store(tmp_path, *calls)
    asked = {"start": "2025-01-01T00:00:00Z", "end": "2026-01-01T00:00:00Z", "timezone": "Australia/Lord_Howe"}
    sums = set()
    for granularity in ("month", "week", "day", "hour"):
        text = client().get(USAGE, params=asked | {"granularity": granularity, "format": "csv"}).text
        sums.add(sum(Decimal(row["costEstimateCents"]) for row in csv.DictReader(io.StringIO(text))))
    assert sums == {sum(round(given["cost_estimate"], 4) for given in calls)}
