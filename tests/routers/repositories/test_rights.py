"""Who may see what: organisations, codebases, and people by name."""

import re

import pytest

from tests.routers.repositories.conftest import Organisation

PSEUDONYM = re.compile(r"person-[0-9a-f]{12,}")


def test_pseudonyms_are_stable_and_select(organisation: Organisation) -> None:
    people = organisation.data("contributors")
    assert all(PSEUDONYM.fullmatch(row["email"]) and row["name"] == row["email"] for row in people)
    owner = organisation.data("ownership")[0]["primary_owner"]["email"]
    assert owner in {row["email"] for row in people}
    for row in people:
        assert organisation.data("overview", author=row["email"])["total_commits"] == row["commits"]


def test_an_email_selects_for_those_who_may_name_people(
    organisation: Organisation, caplog: pytest.LogCaptureFixture
) -> None:
    assert organisation.data("overview", "namer", author="ANN@example.org")["total_commits"] == 3
    refused = organisation.get("overview", author="ann@example.org")
    assert refused.status_code == 422
    assert "repositories:people" in refused.json()["detail"]
    assert "ann@example.org" not in refused.text + caplog.text


def test_an_unknown_author_did_nothing(organisation: Organisation) -> None:
    assert organisation.data("overview", author="person-0000000000000000")["total_commits"] == 0


def test_answers_are_not_shared_between_callers(organisation: Organisation) -> None:
    tags = {organisation.get("contributors", token).headers["ETag"] for token in ("reader", "namer")}
    assert len(tags) == 2


def test_another_organisation_sees_nothing(organisation: Organisation) -> None:
    assert organisation.data("/analytics/codebases", "stranger") == []
    summary = organisation.data("/analytics/summary", "stranger")
    assert (summary["organization_id"], summary["total_codebases"], summary["total_commits"]) == (None, 0, 0)
    assert organisation.get("overview", "stranger").status_code == 404
    assert organisation.data("status", "stranger")["status"] == "none"


def test_a_token_may_be_restricted_to_codebases(organisation: Organisation) -> None:
    [only] = organisation.data("/analytics/codebases", "narrow")
    assert only["display_name"] == "acme/broken"
    assert organisation.data("/analytics/summary", "narrow")["total_commits"] == 0
    assert organisation.get("overview", "narrow").status_code == 404


def test_the_scope_is_required(organisation: Organisation) -> None:
    assert organisation.get("overview", "fpp").status_code == 403
    assert organisation.get("overview", "nobody").status_code == 401
