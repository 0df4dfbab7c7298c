"""A token of one organisation learns nothing about another one."""

from pathlib import Path

import pytest

from tests.calculations.llm.calls import ACME, OTHER_ORG, call
from tests.routers.llm.conftest import Client, store

PARTS = ("usage", "reliability", "freshness", "incidents")


def of(org: str, part: str) -> str:
    return f"/analytics/v1/orgs/{org}/{part}"


@pytest.mark.parametrize("part", PARTS)
def test_another_organisation_is_refused_just_like_one_that_does_not_exist(
    tmp_path: Path, client: Client, part: str
) -> None:
    """Also when something else is wrong with the question."""
    store(tmp_path, call("2026-03-09 09:00", org_id=OTHER_ORG))
    nobody = OTHER_ORG.replace("2", "9")
    answers = [client().get(of(org, part) + query) for org in (OTHER_ORG, nobody) for query in ("", "?format=x")]
    assert {answer.status_code for answer in answers} == {403}
    assert len({answer.json()["detail"] for answer in answers}) == 1


@pytest.mark.parametrize("part", PARTS)
def test_without_the_scope_an_own_organisation_is_refused_too(tmp_path: Path, client: Client, part: str) -> None:
    store(tmp_path, call("2026-03-09 09:00"))
    scope = "llm:incidents" if part == "incidents" else "llm:read"
    others = tuple({"llm:read", "llm:incidents", "llm:write", "fpp:read"} - {scope})
    refused = client(scopes=others).get(of(ACME, part))
    assert (refused.status_code, scope in refused.json()["detail"]) == (403, True)
    assert client(scopes=(scope,)).get(of(ACME, part)).status_code == 200


def test_an_organisation_is_the_same_in_any_case(tmp_path: Path, client: Client) -> None:
    org = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"
    store(tmp_path, call("2026-03-09 09:00", org_id=org))
    answer = client(org.upper()).get(of(org.upper(), "usage")).json()
    assert (answer["orgId"], answer["totals"]["invocations"]) == (org, 1)


def test_calls_of_others_change_nothing_in_an_answer(tmp_path: Path, client: Client) -> None:
    """Neither figures nor pages nor what is known of the data."""
    own = [call("2026-03-09 09:00", event_id=event) for event in ("one", "two")]
    foreign = call("2026-03-09 11:00", org_id=OTHER_ORG, event_id="secret", model_id="secret")
    told = []
    for calls in (own, [foreign, own[0], foreign, own[1]]):
        store(tmp_path, *calls)
        answers = [client().get(of(ACME, part)) for part in ("usage", "reliability", "freshness", "incidents?limit=1")]
        told.append(
            [
                (answer.text, answer.headers.get("X-Next-Cursor"), answer.headers.get("X-Total-Rows"))
                for answer in answers
            ]
        )
    assert told[0] == told[1]
    assert "secret" not in str(told)


def test_tags_of_callers_with_other_rights_differ(tmp_path: Path, client: Client) -> None:
    store(tmp_path, call("2026-03-09 09:00"))
    narrow, wide = (client(*orgs).get(of(ACME, "usage")) for orgs in ([ACME], ["*"]))
    assert narrow.headers["ETag"] != wide.headers["ETag"]


def test_a_caller_who_has_the_answer_gets_304(tmp_path: Path, client: Client) -> None:
    """Until the data change."""
    store(tmp_path, call("2026-03-09 09:00"))
    for part in ("usage", "reliability", "incidents"):
        tag = client().get(of(ACME, part)).headers["ETag"]
        unchanged = client().get(of(ACME, part), headers={"If-None-Match": tag})
        assert (unchanged.status_code, unchanged.content) == (304, b"")
        other = client().get(of(ACME, part) + "?timezone=Europe/Berlin", headers={"If-None-Match": tag})
        assert other.status_code == 200


def test_organisations_are_those_of_the_token(tmp_path: Path, client: Client) -> None:
    """With or without events; a token for all of them sees those with events."""
    unused = OTHER_ORG.replace("2", "9")
    store(tmp_path, call("2026-03-09 09:00"), call("2026-03-09 10:00", org_id=OTHER_ORG))
    own, of_all = (client(*orgs).get("/analytics/v1/orgs").json()["orgs"] for orgs in ([unused, ACME.upper()], ["*"]))
    assert own == [{"orgId": ACME, "lastEventAt": "2026-03-09T09:00:00Z"}, {"orgId": unused, "lastEventAt": None}]
    assert [org["orgId"] for org in of_all] == [ACME, OTHER_ORG]


def test_a_token_for_no_organisation_sees_none(tmp_path: Path, client: Client) -> None:
    store(tmp_path, call("2026-03-09 09:00"))
    assert client(OTHER_ORG).get("/analytics/v1/orgs").json()["orgs"] == [{"orgId": OTHER_ORG, "lastEventAt": None}]
