"""The endpoints of repositories: what they answer of a small history that is counted by hand."""

import csv
import io
import json
import shutil
from pathlib import Path

import polars as pl
import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr

from config import ServerSettings
from read_model.manifest import sealed, stored_manifest
from read_model.tables.repositories import PATHS
from server import create_app
from tests.processes import TOKEN
from tests.routers.repositories.conftest import NOW, Organisation

LISTS = ("branches", "ownership", "contributors", "activity", "rhythm")


def test_a_summary_of_all_codebases(organisation: Organisation) -> None:
    """Ann's merge is a commit, but its 20 lines are counted once, in Bob's: 4 + 20 + 1 + 1 added, 1 deleted."""
    found = organisation.data("/analytics/summary")
    assert (found["organization_id"], found["total_codebases"], found["codebases_with_analytics"]) == ("acme", 2, 1)
    assert (found["total_commits"], found["total_merges"], found["total_contributors"]) == (5, 1, 3)
    assert (found["additions_lines"], found["deletions_lines"], found["total_churn"]) == (26, 1, 27)
    assert found["total_branches"] == 3


def test_codebases_side_by_side(organisation: Organisation) -> None:
    shop, broken = organisation.data("/analytics/codebases")
    assert (shop["display_name"], shop["analytics_status"], shop["provider"]) == ("acme/shop", "complete", "github")
    assert (shop["total_commits"], shop["primary_language"], shop["total_churn"]) == (5, "Python", 27)
    assert (broken["display_name"], broken["analytics_status"], broken["total_commits"]) == ("acme/broken", "failed", 0)


def test_an_overview(organisation: Organisation) -> None:
    """The tree of `main` has 6 + 3 + 20 lines: one of 5 bytes, three of 1, twenty of 5."""
    found = organisation.data("overview")
    assert (found["default_branch"], found["total_files"], found["total_lines"]) == ("main", 3, 24)
    assert found["current_sloc"] == (5 + 3 + 100) // 50
    assert found["total_sloc"] == (5 + 3 + 100 + 2 + 1) // 50
    assert found["first_commit_date"].startswith("2026-03-02T12:00:00")
    assert found["last_commit_date"].startswith("2030-")


@pytest.mark.parametrize(
    ("parameters", "commits", "churn"),
    [
        ({}, 5, 27),
        ({"merges": "include"}, 5, 47),
        ({"branch": "main"}, 4, 26),
        ({"branch": "none"}, 0, 0),
        ({"path": "src/a"}, 2, 5),
        ({"path": "src/b"}, 2, 20),
        ({"date_range": "2026-03-02,2026-03-04"}, 2, 24),
        ({"date_range": "2030-01-01,2030-12-31"}, 1, 1),
    ],
)
def test_what_is_selected(organisation: Organisation, parameters: dict[str, str], commits: int, churn: int) -> None:
    found = organisation.data("overview", **parameters)
    assert (found["total_commits"], found["total_churn"]) == (commits, churn)


def test_all_runs_from_the_first_to_the_last_commit_even_ahead(organisation: Organisation) -> None:
    answer = organisation.get("activity", granularity="year").json()
    assert [row["date"] for row in answer["data"]] == [f"{year}-01-01" for year in range(2026, 2031)]
    assert [row["commits"] for row in answer["data"]] == [4, 0, 0, 0, 1]
    assert any("1 commits are dated in the future" in notice for notice in answer["meta"]["notices"])
    assert answer["query"]["first_instant"].startswith("2026-03-02T00:00:00")


def test_activity_of_local_days(organisation: Organisation) -> None:
    rows = organisation.data("activity", branch="main", timezone="Europe/Berlin")
    assert [(row["date"], row["commits"], row["merges"], row["additions"]) for row in rows] == [
        ("2026-03-02", 1, 0, 4),
        ("2026-03-03", 1, 0, 20),
        ("2026-03-04", 0, 0, 0),
        ("2026-03-05", 1, 0, 1),
        ("2026-03-06", 1, 1, 0),
    ]
    assert rows[0]["start"] == "2026-03-02T00:00:00+01:00"
    assert [row["cumulative_lines"] for row in rows] == [4, 24, 24, 24, 24]


def test_too_many_buckets_are_refused(organisation: Organisation) -> None:
    answer = organisation.get("activity", granularity="hour", date_range="1970-01-01,2199-12-31")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["parameter"] == "granularity"


def test_figures_are_compared(organisation: Organisation) -> None:
    period = {"date_range": "2026-03-05,2026-03-06", "compare": "2026-03-02,2026-03-03"}
    found = organisation.data("overview", **period)
    assert found["total_churn"] == {"value": 2, "comparison": 24, "change": -22, "change_pct": -91.6667}
    people = organisation.data("contributors", "namer", **period)
    assert [(row["email"], row["commits"]["value"], row["commits"]["comparison"]) for row in people] == [
        ("ann@example.org", 2, 1),
        ("bob@example.org", 0, 1),
    ]


def test_branches(organisation: Organisation) -> None:
    rows = {row["name"]: row for row in organisation.data("branches")}
    assert {name: row["status"] for name, row in rows.items()} == {
        "main": "default",
        "side": "merged",
        "ahead": "active",
    }
    assert (rows["ahead"]["own_commits"], rows["ahead"]["churn"], rows["ahead"]["contributors"]) == (1, 1, 1)
    assert rows["side"]["divergence"] == rows["side"]["head"]


def test_ownership_of_directories(organisation: Organisation) -> None:
    rows = {row["directory"]: row for row in organisation.data("ownership", "namer")}
    assert rows.keys() == {"root", "src/a", "src/b"}
    assert rows["src/b"]["primary_owner"] == {"email": "bob@example.org", "name": "Bob", "share": 1.0}
    assert (rows["src/a"]["commits"], rows["src/a"]["contributor_absence_factor"]) == (2, 1)
    [ann] = rows["src/a"]["contributors"]
    assert (ann["commits"], ann["active_days"], ann["share"]) == (2, 2, 1.0)
    assert (ann["first"], ann["last"]) == ("2026-03-02T12:00:00Z", "2026-03-05T12:00:00Z")


@pytest.mark.parametrize(("by", "first"), [("file", "src/b/y.py"), ("language", "Python")])
def test_ownership_of_other_areas(organisation: Organisation, by: str, first: str) -> None:
    assert organisation.data("ownership", by=by)[0][by] == first


def test_contributors(organisation: Organisation) -> None:
    rows = {row["name"]: row for row in organisation.data("contributors", "namer")}
    assert {name: (row["commits"], row["merges"], row["files"]) for name, row in rows.items()} == {
        "Ann": (3, 1, 2),
        "Bob": (1, 0, 1),
        "Cem": (1, 0, 1),
    }
    assert rows["Bob"]["languages"] == ["Python"]


def test_files_and_pairs(organisation: Organisation) -> None:
    found = organisation.data("files")
    assert [(row["path"], row["changes"]) for row in found["files"][:1]] == [("src/a/x.py", 2)]
    assert found["pairs"] == [{"path": "README", "other": "src/a/x.py", "together": 1, "share": 1.0}]


def test_the_rhythm_is_that_of_the_authors_zone(organisation: Organisation) -> None:
    """Ann's first commit, at noon UTC of a Monday, was written at two in the afternoon."""
    rows = {(row["weekday"], row["hour"]): row["commits"] for row in organisation.data("rhythm")}
    assert len(rows) == 7 * 24
    assert rows[1, 14] == 1
    assert sum(rows.values()) == 5


def test_lists_are_ordered_and_cut(organisation: Organisation) -> None:
    answer = organisation.get("contributors", "namer", order_by="email:desc", limit=1, offset=1).json()
    assert [row["name"] for row in answer["data"]] == ["Bob"]
    assert answer["meta"]["total_rows"] == 3


@pytest.mark.parametrize(
    "endpoint", [*LISTS, "files", "overview", "status", "/analytics/summary", "/analytics/codebases"]
)
@pytest.mark.parametrize("format_", ["csv", "ndjson", "parquet"])
def test_other_formats_hold_the_rows(organisation: Organisation, endpoint: str, format_: str) -> None:
    expected = organisation.data(endpoint)
    expected = expected["files"] if endpoint == "files" else expected if isinstance(expected, list) else [expected]
    content = organisation.get(endpoint, format=format_).content
    if format_ == "csv":
        rows = len(list(csv.DictReader(io.StringIO(content.decode()))))
    elif format_ == "ndjson":
        rows = len([json.loads(line) for line in content.splitlines()])
    else:
        rows = pl.read_parquet(content).height
    assert rows == len(expected)


def test_a_failed_codebase_says_why_and_has_no_figures(organisation: Organisation) -> None:
    status = organisation.data(f"/codebases/{organisation.broken_id}/analytics/status")
    assert status["status"] == "failed"
    assert "check `url`" in status["error"]
    assert status["failed_since"] is not None
    answer = organisation.get(f"/codebases/{organisation.broken_id}/analytics/overview")
    assert answer.status_code == 404
    assert "update_readmodel.py repositories" in answer.json()["detail"]


def test_what_does_not_exist(organisation: Organisation) -> None:
    unknown = "00000000-0000-0000-0000-000000000000"
    assert organisation.data(f"/codebases/{unknown}/analytics/status")["status"] == "none"
    assert organisation.get(f"/codebases/{unknown}/analytics/overview").status_code == 404
    assert organisation.get("/codebases/nonsense/analytics/status").status_code == 422


def test_an_answer_the_client_has_is_not_sent_again(organisation: Organisation) -> None:
    tag = organisation.get("overview").headers["ETag"]
    again = organisation.client("reader").get(
        f"/codebases/{organisation.shop_id}/analytics/overview", headers={"If-None-Match": tag}
    )
    assert again.status_code == 304


@pytest.mark.parametrize("endpoint", ["ownership", "files"])
def test_a_read_model_older_than_the_table_of_paths_is_understood(
    organisation: Organisation, tmp_path: Path, endpoint: str
) -> None:
    """The paths are stored with their changes, too."""
    data_dir = tmp_path / "data"
    shutil.copytree(organisation.deployment.data_dir, data_dir, symlinks=True)
    manifest = data_dir / "repositories" / "current" / "snapshot.json"
    told = stored_manifest(manifest)
    tables = {name: stored for name, stored in told.tables.items() if name != PATHS.name}
    manifest.write_text(sealed(told.model_copy(update={"tables": tables})), encoding="utf-8")
    app = create_app(ServerSettings(data_dir=data_dir, analytics_secret_token=SecretStr(TOKEN)), lambda: NOW)
    client = TestClient(app, headers={"Authorization": f"Bearer {TOKEN}"})
    answer = client.get(f"/codebases/{organisation.shop_id}/analytics/{endpoint}")
    assert answer.status_code == 200, answer.text
    assert answer.json()["data"] == organisation.data(endpoint, "namer")
