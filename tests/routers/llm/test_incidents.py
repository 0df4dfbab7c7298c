"""The calls of an incident, to work on in a spreadsheet."""

import csv
import io
from decimal import Decimal
from pathlib import Path

from tests.calculations.llm.calls import ACME, call
from tests.routers.llm.conftest import Client, store

INCIDENTS = f"/analytics/v1/orgs/{ACME}/incidents"
COLUMNS = (
    "event_id,org_id,occurred_at,received_at,model_id,actor_id,input_tokens,output_tokens,latency_ms,status,error_code,"
    "cost_estimate_cents,metadata"
)


def test_the_calls_are_a_csv_file_with_the_newest_first(tmp_path: Path, client: Client) -> None:
    """What a spreadsheet would run is made harmless."""
    failed = call("2026-03-09 09:30:00.25", status="error", error_code="=HYPERLINK(1)", metadata='{"trace": "t-1"}')
    store(tmp_path, call("2026-03-09 09:00", cost_estimate=Decimal("0.0001")), failed)
    answer = client().get(INCIDENTS)
    assert answer.text.splitlines()[0] == COLUMNS
    first, second = csv.DictReader(io.StringIO(answer.text))
    assert (first["occurred_at"], first["error_code"]) == ("2026-03-09T09:30:00.250Z", "'=HYPERLINK(1)")
    assert (first["metadata"], first["cost_estimate_cents"]) == ('{"trace": "t-1"}', "1.0000")
    assert (second["event_id"], second["model_id"], second["cost_estimate_cents"]) == ("event-1", "gpt-x", "0.0001")
    assert 'filename="incidents.csv"' in answer.headers["Content-Disposition"]
    assert (answer.headers["X-Truncated"], answer.headers["X-Total-Rows"]) == ("false", "2")
    assert "X-Next-Cursor" not in answer.headers


def test_following_the_cursor_gives_every_call_once(tmp_path: Path, client: Client) -> None:
    """Also calls of one instant, and with filters; the last page names no next one."""
    times = ("2026-03-09 09:00", "2026-03-09 09:00", "2026-03-09 09:00", "2026-03-09 08:00", "2026-03-09 10:00")
    store(tmp_path, *[call(time, status="error") for time in times], call("2026-03-09 09:00"))
    found, cursor, pages = list[str](), None, 0
    while pages == 0 or cursor:
        page = client().get(
            INCIDENTS, params={"status": "error", "limit": "2"} | ({"cursor": cursor} if cursor else {})
        )
        found += [row["event_id"] for row in csv.DictReader(io.StringIO(page.text))]
        cursor, pages = page.headers.get("X-Next-Cursor"), pages + 1
        assert (page.headers["X-Total-Rows"], page.headers["X-Truncated"]) == ("5", str(cursor is not None).lower())
    assert (found, pages) == (["event-5", "event-3", "event-2", "event-1", "event-4"], 3)


def test_a_cursor_whose_call_is_gone_is_refused(tmp_path: Path, client: Client) -> None:
    store(tmp_path, *[call("2026-03-09 09:00")] * 3)
    cursor = client().get(INCIDENTS, params={"limit": "1"}).headers["X-Next-Cursor"]
    store(tmp_path, call("2026-03-09 09:00"))
    refused = client().get(INCIDENTS, params={"cursor": cursor})
    assert (refused.status_code, "gone" in refused.json()["detail"]) == (400, True)


def test_only_slow_calls_are_asked_for(tmp_path: Path, client: Client) -> None:
    store(tmp_path, *[call("2026-03-09 09:00", latency_ms=latency) for latency in (99, 100, 101)])
    answer = client().get(INCIDENTS, params={"minLatencyMs": "100", "format": "json"}).json()
    assert [event["latency_ms"] for event in answer["events"]] == [101, 100]
    assert answer["events"][0]["occurred_at"] == "2026-03-09T09:00:00Z"
