"""How far events are known, and whether questions can be answered."""

from datetime import timedelta
from pathlib import Path

import pytest

from tests.calculations.llm.calls import ACME, OTHER_ORG, call
from tests.routers.llm.conftest import NOW, Client, store

FRESHNESS = f"/analytics/v1/orgs/{ACME}/freshness"
READY = "/analytics/v1/status/readyz"


@pytest.mark.parametrize(
    ("lag", "status"), [(0, "fresh"), (299, "fresh"), (300, "stale"), (599, "stale"), (600, "delayed"), (-30, "fresh")]
)
def test_freshness_is_the_lag_of_the_pipeline(tmp_path: Path, client: Client, lag: int, status: str) -> None:
    """Not the silence of an organisation whose last call was long ago."""
    store(tmp_path, call("2026-03-08 12:00:30"), known_until=NOW - timedelta(seconds=lag))
    answer = client().get(FRESHNESS).json()
    assert (answer["status"], answer["lagSeconds"]) == (status, max(lag, 0))
    assert (answer["lastEventAt"], answer["eventLagSeconds"]) == ("2026-03-08T12:00:30Z", 24 * 3600)


def test_each_model_has_its_freshness_calls_without_one_too(tmp_path: Path, client: Client) -> None:
    store(tmp_path, call("2026-03-09 12:00"), call("2026-03-09 11:00", model_id=None), call("2026-03-01 00:00"))
    entries = client().get(FRESHNESS).json()["entries"]
    assert [(entry["modelId"], entry["lastEventAt"]) for entry in entries] == [
        ("gpt-x", "2026-03-09T12:00:00Z"),
        (None, "2026-03-09T11:00:00Z"),
    ]
    assert {entry["status"] for entry in entries} == {"fresh"}


@pytest.mark.parametrize("orgs", [(ACME,), ("*",)])
def test_nothing_is_known_of_an_organisation_without_events(tmp_path: Path, client: Client, orgs: tuple[str]) -> None:
    store(tmp_path, call("2026-03-09 12:00", org_id=OTHER_ORG))
    answer = client(*orgs).get(FRESHNESS).json()
    assert answer.pop("meta")["age_seconds"] == 90
    assert answer == {
        "orgId": ACME,
        "status": "unknown",
        "lastEventAt": None,
        "lastRollupAt": None,
        "lagSeconds": None,
        "eventLagSeconds": None,
        "entries": [],
    }


def test_without_a_snapshot_every_question_is_answered_with_503(client: Client) -> None:
    for path in (FRESHNESS, FRESHNESS.replace("freshness", "usage"), "/analytics/v1/orgs"):
        answer = client().get(path)
        assert (answer.status_code, "update_readmodel.py" in answer.json()["detail"]) == (503, True)


def test_the_service_lives_and_is_ready_when_there_is_something_to_serve(tmp_path: Path, client: Client) -> None:
    """However old that is: to start the server again would not help."""
    assert client().get("/analytics/v1/status/healthz", headers={"Authorization": ""}).text == "OK"
    degraded = client().get(READY)
    assert (degraded.status_code, degraded.json()["status"]) == (503, "degraded")
    store(tmp_path, call("2026-03-09 12:00"), known_until=NOW - timedelta(days=3))
    ready = client().get(READY)
    assert ready.status_code == 200
    assert ready.json() == {
        "status": "ready",
        "components": {"readModel": "ok", "freshness": "delayed"},
        "timestamp": "2026-03-09T12:00:30Z",
    }
    (tmp_path / "llm" / "llm_usage_events.parquet").write_bytes(b"PAR1")
    assert client().get(READY).status_code == 503
