"""What the figures come from."""

import shutil
from collections.abc import Callable
from datetime import timedelta

from read_model.tables.fpp import FPP, VOTES
from tests.routers.v1.api import DRAWN, NOW, Api, drawn_frame, publish
from tests.web.problems import problem


def test_snapshot(api: Api) -> None:
    """Every table with its rows, bytes and columns; the snapshot's own are the sums."""
    body = api.get("snapshot")
    data = body["data"]
    assert [table["name"] for table in data["tables"]] == [table.name for table in FPP.tables]
    assert {table["name"]: table["rows"] for table in data["tables"] if table["rows"]} == {
        "fpp_estimations": 5,
        "fpp_events": 4,
        "fpp_page_views": 5,
        "fpp_rooms": 3,
        "fpp_votes": 5,
        "fpp_users": 3,
    }
    assert data["rows"] == 25
    for table in data["tables"]:
        path = api.data_dir / "current" / f"{table['name']}.parquet"
        assert (table["files"], table["bytes"]) == (1, path.stat().st_size)
    assert data["bytes"] == sum(table["bytes"] for table in data["tables"])
    assert data["tables"][0]["schema"]["estimated_at"] == "Datetime(time_unit='us', time_zone='UTC')"
    assert data["id"] == body["meta"]["snapshot"]
    assert (data["data_updated_at"], data["full_sync_at"]) == ("2026-03-05T12:30:00Z", "2026-03-05T12:30:00Z")
    assert body["query"] == {}
    assert (body["meta"]["notices"], body["meta"]["total_rows"]) == ([], None)


def test_last_runs(api_over: Callable[..., Api]) -> None:
    """The newest first, with what they published."""
    api = api_over({})
    second = publish(api.data_dir, DRAWN, NOW + timedelta(minutes=5))
    runs = api.data("snapshot")["last_runs"]
    assert [(run["rows"], run["kind"]) for run in runs] == [(25, "full"), (0, "full")]
    assert runs[0]["snapshot"] == second


def test_plain_files_have_neither_runs_nor_a_full_sync(api_over: Callable[..., Api]) -> None:
    api = api_over({})
    shutil.rmtree(api.data_dir)
    api.data_dir.mkdir()
    for table in DRAWN:
        drawn_frame(table, DRAWN[table]).write_parquet(api.data_dir / f"{table.name}.parquet")
    data = api.data("snapshot")
    assert (data["rows"], data["last_runs"], data["full_sync_at"]) == (25, [], None)


def test_no_secret_is_revealed(api: Api) -> None:
    """Nothing of the source."""
    assert "a made-up sample" not in api.ask("snapshot").text


def test_the_snapshot_has_no_parameters(api: Api) -> None:
    found = problem(api.ask("snapshot", format="csv"), 422)
    assert "`format` is not a parameter of /v1/snapshot" in found["detail"]


def test_the_snapshot_is_json_whatever_is_accepted(api: Api) -> None:
    answer = api.ask("snapshot", {"Accept": "text/csv"})
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.json()["data"]["rows"] == 25


def test_a_table_that_is_missing_is_left_out(api_over: Callable[..., Api]) -> None:
    """It was declared since: the figures that need it are 503, the rest goes on."""
    api = api_over(DRAWN)
    shutil.rmtree(api.data_dir)
    api.data_dir.mkdir()
    for table in DRAWN:
        if table is not VOTES:
            drawn_frame(table, DRAWN[table]).write_parquet(api.data_dir / f"{table.name}.parquet")
    assert VOTES.name not in [table["name"] for table in api.data("snapshot")["tables"]]
    assert "fpp_votes" in problem(api.ask("votes"), 503)["detail"]
    assert api.data("traffic", date_range="2026-03-02,2026-03-05")["visitors"] == 3
