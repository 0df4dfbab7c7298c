"""`GET /health` over a good snapshot; see `test_snapshots` for the others."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from demo.publishing import publish_sample
from read_model.tables.fpp import FPP
from tests.processes import Server
from tests.served import Sample
from util.clock import utc_now


@pytest.mark.server
def test_health_needs_no_token(server: Server) -> None:
    assert server.http.get("/health").status_code == 200


@pytest.mark.server
def test_health_has_the_body_of_the_reference(server: Server, sampled: Sample) -> None:
    """All files are there; the size is theirs; the age is that of an instant between asking and having the answer."""
    asked = utc_now()
    health = server.http.get("/health").json()
    answered = utc_now()

    freshness = health["components"]["freshness"]
    age = freshness.pop("age_seconds")
    assert round((asked - sampled.now).total_seconds()) <= age <= round((answered - sampled.now).total_seconds())
    assert datetime.fromisoformat(freshness.pop("data_updated_at")) == sampled.now
    assert freshness.pop("status") in ("ok", "stale", "dead")

    integrity = health["components"]["integrity"]
    size = sum(path.stat().st_size for path in (sampled.data_dir / "current").glob("*.parquet"))
    assert health["components"] == {
        "parquet_files": {"status": "ok", "files": {f"{table.name}.parquet": True for table in FPP.tables}},
        "storage": {"status": "ok", "data_size_mb": round(size / 1e6, 2)},
        "freshness": {},
        "integrity": integrity,
    }
    assert integrity["damaged"] == {}
    assert integrity["checked_files"] + integrity["pending_files"] == len(FPP.tables)


@pytest.mark.server
def test_old_data_are_served_by_a_degraded_server(bare_server: Server, data_dir: Path, sampled: Sample) -> None:
    """200 for both: restarting the server would not help."""
    publish_sample(sampled.tables, data_dir, utc_now() - timedelta(days=3))
    health = bare_server.http.get("/health")
    assert (health.status_code, health.json()["status"]) == (200, "degraded")
    assert health.json()["components"]["freshness"]["status"] == "dead"
    assert bare_server.get("/room/1/stats").status_code == 200


@pytest.mark.parametrize(
    ("age", "freshness", "status"),
    [
        (timedelta(0), "ok", "ok"),
        (timedelta(minutes=20, seconds=-1), "ok", "ok"),
        (timedelta(minutes=20), "stale", "degraded"),
        (timedelta(hours=1, seconds=-1), "stale", "degraded"),
        (timedelta(hours=1), "dead", "degraded"),
        (timedelta(days=400), "dead", "degraded"),
    ],
)
def test_freshness_is_told_by_age(
    in_process: Callable[..., TestClient], sampled: Sample, age: timedelta, freshness: str, status: str
) -> None:
    """Stale from 20 minutes on, dead from 60 on."""
    answer = in_process(clock=lambda: sampled.now + age).get("/health")
    assert answer.status_code == 200
    assert answer.json()["status"] == status
    assert answer.json()["components"]["freshness"]["status"] == freshness
    assert answer.json()["components"]["freshness"]["age_seconds"] == age.total_seconds()


def test_data_ahead_of_the_clock_are_fresh(in_process: Callable[..., TestClient], sampled: Sample) -> None:
    """The database's clock may be ahead of the server's: the age is 0, never negative."""
    answer = in_process(clock=lambda: sampled.now - timedelta(minutes=5)).get("/health").json()
    assert answer["status"] == "ok"
    assert answer["components"]["freshness"]["age_seconds"] == 0
