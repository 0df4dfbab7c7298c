"""Several questions at once over the small drawing: what is answered, and what is refused."""

import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from httpx2 import Response

from routers.v1.cohort_parameters import FunnelParameters
from routers.v1.query import ASKED
from tests.routers.v1.api import Api
from tests.web.problems import problem

GERMANS = '[["is","country",["DE"]]]'
IN_TEAM = '[["is","room_name",["team"]]]'


def ask_several(api: Api, *queries: dict[str, Any]) -> Response:
    """What `POST /v1/query` answers."""
    answer: Response = api._client.post("/v1/query", json={"queries": queries}, headers={"Authorization": api.token})
    return answer


@pytest.mark.parametrize(
    "query",
    [
        {"of": "traffic", "date_range": "7d", "metrics": "visitors,visits"},
        {"of": "traffic", "dimensions": "source", "order_by": "-visits", "limit": 1},
        {"of": "votes", "filters": [["is", "room_name", ["team"]]]},
        {"of": "behaviour/routes", "search": "oo"},
        {"of": "location/country_city"},
        {"of": "historical", "date_range": "realtime", "metrics": "visitors"},
        {"of": "retention", "entity": "room", "activity": "vote"},
        {"of": "funnel", "steps": "page_view:HOME,estimation"},
        {"of": "rooms"},
    ],
    ids=str,
)
def test_one_of_several_is_answered_as_alone(api: Api, query: dict[str, Any]) -> None:
    """Data and query; beside another one."""
    answer = ask_several(api, {"of": "rhythm"}, query).json()
    alone = {name: json.dumps(value) if name == "filters" else value for name, value in query.items() if name != "of"}
    body = api.get(query["of"], **alone)
    assert list(answer) == ["data", "meta"]
    assert list(answer["data"][1]) == ["data", "query", "notices"]
    assert (answer["data"][1]["data"], answer["data"][1]["query"]) == (body["data"], body["query"])
    assert answer["meta"]["snapshot"] == body["meta"]["snapshot"]


def test_null_means_what_is_left_out(api: Api) -> None:
    """And 1.0 the integer 1."""
    nulls = {"of": "rooms", "limit": 1.0, "filters": None, "metrics": None, "order_by": None}
    first, second = ask_several(api, nulls, {"of": "rooms", "limit": 1}).json()["data"]
    assert first == second


def test_the_notices_of_all_are_those_that_hold_for_each(api: Api) -> None:
    """Today is still open, yesterday is not; an hour later, all data are old."""
    api.now += timedelta(hours=1)
    body = ask_several(api, {"of": "traffic", "date_range": "today"}, {"of": "votes", "date_range": "yesterday"}).json()
    told = ["dead: nothing after 2026-03-05T12:30:00Z", "period is still open"]
    today, yesterday = (each["notices"] for each in body["data"])
    assert [text in notice for text, notice in zip(told, today, strict=True)] == [True, True]
    assert body["meta"]["notices"] == yesterday == today[:1]


@pytest.mark.parametrize(
    ("queries", "told"),
    [
        ([{"of": "traffic"}, {"of": "votes", "filters": [["is", "country", ["DE"]]]}], "queries[1].filters"),
        ([{"of": "traffic", "date_range": "7x"}], "queries[0].date_range"),
        ([{"of": "traffic", "nonsense": 1}], "queries[0].nonsense"),
        ([{"of": "nonsense"}], "queries[0].of"),
        ([{"of": ["traffic"]}], "queries[0].of"),
        ([{}], "queries[0].of"),
        ([{"of": "funnel"}], "queries[0].steps"),
        ([{"of": "rooms", "limit": 5.5}], "queries[0].limit"),
        ([{"of": "rooms", "bom": 0}], "queries[0].bom"),
        ([{"of": "rooms", "limit": True}], "queries[0].limit"),
        ([{"of": "traffic", "filters": {}}], "queries[0].filters"),
        ([{"of": "traffic", "metrics": ["visits", "visits"]}], "queries[0].metrics"),
        ([{"of": "traffic", "format": "csv"}], "queries[0].format"),
        ([], "queries"),
        ([{"of": "traffic"}] * 21, "queries"),
    ],
    ids=str,
)
def test_a_wrong_one_is_named_by_its_position(api: Api, queries: list[dict[str, Any]], told: str) -> None:
    """So that the others can be asked."""
    assert problem(ask_several(api, *queries), 422)["errors"][0]["parameter"] == told


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("", "The body is missing; send an object as /docs describes it"),
        ("[]", "it has to be a JSON object; send an object as /docs describes it"),
        ("queries", "The body is not JSON: Expecting value at character 0; send"),
        ('{"queries": [{"of": "traffic", "limit": NaN}]}', "NaN is not a number"),
        ('{"queries": [{"of": "traffic"}], "queries": []}', "'queries' is repeated"),
        ('{"queries": [{"of": "traffic", "of": "votes"}]}', "'of' is repeated"),
        ('{"queries": ' + "[" * 10_000 + "]" * 10_000 + "}", "nested too deeply"),
        ('{"queries": [{"of": "rooms", "limit": ' + "1" * 5_000 + "}]}", "a number of thousands of digits"),
        (b'{"queries": "\xff"}', "not UTF-8 at byte 13"),
        ('{"queries": [1]}', "`queries[0]` is wrong: it has to be a JSON object."),
        ('{"queries": [{}]}', "`queries[0].of` is missing."),
        ('{"queries": [{"of": "votes", "x": 1}]}', "`queries[0].x` is not a parameter of `votes`."),
        ('{"queries": [{"of": "votes"}], "x": 1}', "`x` is not a parameter of /v1/query."),
        ('{"queries": [{"of": "x"}]}', "`queries[0].of` is wrong; allowed: traffic, votes, behaviour,"),
    ],
    ids=lambda part: str(part)[:40],
)
def test_a_wrong_body_is_refused_with_an_explanation(api: Api, body: str, told: str) -> None:
    """What is wrong with it, and what to send."""
    headers = {"Authorization": api.token, "Content-Type": "application/json"}
    assert told in problem(api._client.post("/v1/query", content=body, headers=headers), 422)["detail"]


def test_a_body_is_not_looked_at_without_the_token(api: Api) -> None:
    """Whatever it is."""
    headers = {"Authorization": "wrong", "Content-Type": "application/json"}
    assert problem(api._client.post("/v1/query", content="queries", headers=headers), 401)


def test_a_body_of_another_type_is_refused_with_the_right_one(api: Api) -> None:
    """Though it is JSON."""
    headers = {"Authorization": api.token, "Content-Type": "text/plain"}
    answer = api._client.post("/v1/query", content='{"queries": [{"of": "traffic"}]}', headers=headers)
    assert "with Content-Type: application/json" in problem(answer, 422)["detail"]


@pytest.mark.parametrize(("method", "path"), [("POST", "query"), ("GET", "me")])
def test_what_takes_no_parameters_refuses_them(api: Api, method: str, path: str) -> None:
    """In the URL; questions are in the body."""
    headers = {"Authorization": api.token}
    answer = api._client.request(
        method, f"/v1/{path}?date_range=7d", json={"queries": [{"of": "traffic"}]}, headers=headers
    )
    assert f"`date_range` is not a parameter of /v1/{path}" in problem(answer, 422)["detail"]


@pytest.mark.parametrize(
    ("path", "asked", "told"),
    [
        ("votes", {"filters": GERMANS}, "a vote belongs to a room and has no user"),
        ("behaviour", {"filters": GERMANS}, "`country`, which does not apply to `rooms`"),
        ("historical", {"filters": IN_TEAM}, "`room_name`, which does not apply to `new_users`"),
        ("location/os", {"filters": IN_TEAM}, "which does not apply to `os`"),
        ("distribution", {"of": "vote_duration", "filters": GERMANS}, "which does not apply to `vote_duration`"),
        ("funnel", {"steps": "page_view,event:X", "filters": IN_TEAM}, "which does not apply to `event:X`"),
        ("lifecycle", {"activity": "vote"}, "a vote has no user"),
        ("retention", {"activity": "event", "entity": "room"}, "an event has no room"),
        ("traffic", {"metrics": "votes"}, "there is no votes; allowed: visitors"),
        ("traffic", {"dimensions": "event"}, "there is no event; allowed: country"),
        ("traffic", {"dimensions": "country,os,city"}, "at most 2"),
        ("traffic", {"dimensions": "os,os"}, "a name is repeated"),
        ("traffic", {"order_by": "-visits"}, "`order_by` is for the rows of a breakdown; add `dimensions`"),
        ("traffic", {"limit": 10}, "`limit` is for the rows of a breakdown; add `dimensions`"),
        ("traffic", {"offset": 10}, "`offset` is for the rows of a breakdown; add `dimensions`"),
        ("traffic", {"metrics": "visits,visitors,visits"}, "a name is repeated"),
        ("traffic", {"metrics": ""}, "a name is missing; allowed: visitors"),
        ("lifecycle/rooms", {"start": "2026-W10-1", "state": "new"}, "allowed: a date such as 2026-03-02"),
        ("lifecycle/rooms", {"start": "20260302", "state": "new"}, "allowed: a date such as 2026-03-02"),
        ("retention/rooms", {"cohort": "soon", "interval": 1}, "allowed: a date such as 2026-03-02"),
        ("rooms", {"limit": "1_0"}, "digits"),
        ("rooms/1_0", {}, "digits"),
    ],
)
def test_what_has_no_answer_is_refused(api: Api, path: str, asked: dict[str, Any], told: str) -> None:
    """With the reason."""
    assert told in problem(api.ask(path, **asked), 422)["detail"]


@pytest.mark.parametrize("path", ["traffic", "votes", "rooms", "rhythm", "reoccurring", "location", "behaviour/routes"])
def test_the_example_of_a_filter_is_answered(api: Api, path: str) -> None:
    """Where votes are counted, it is not of users."""
    for example in ASKED[path].parameters.model_fields["filters"].examples or []:
        assert api.ask(path, filters=example).status_code == 200


def test_the_figures_that_are_chosen_may_be_filtered(api: Api) -> None:
    """Estimations have users, though votes have none; 5, 5, 8 and 5 are by users who are not in the table."""
    unknown = '[["is","country",["unknown"]]]'
    assert api.data("votes", metrics="estimation_counts", filters=unknown) == {"estimation_counts": {"5": 3, "8": 1}}


def test_rooms_of_a_cell_are_as_many_as_it_counts(api: Api) -> None:
    """For every count of every week."""
    asked = {"date_range": "2026-02-16,2026-03-05", "granularity": "week"}
    for row in api.data("lifecycle", entity="room", **asked):
        for state in ("new", "returning", "resurrecting", "dormant"):
            body = api.get("lifecycle/rooms", start=row["date"], state=state, **asked)
            assert (len(body["data"]), body["meta"]["total_rows"]) == (row[state], row[state])


@pytest.mark.parametrize("shared", [{}, {"retention_type": "recurring"}, {"cumulative": "true"}], ids=str)
def test_rooms_of_a_cohort_are_as_many_as_it_retains(api: Api, shared: dict[str, str]) -> None:
    """Also named by the instant its bucket begins; until a bucket has ended there are none."""
    for cohort in api.data("retention", entity="room", period="day", total_intervals=3, **shared)["cohorts"]:
        for cell in cohort["cells"]:
            for name in ("date", "start"):
                found = api.data(
                    "retention/rooms", period="day", cohort=cohort[name], interval=cell["interval"], **shared
                )
                assert len(found) == (cell["retained"] or 0)


def test_whole_buckets_are_noticed(api: Api) -> None:
    """A Wednesday of a lifecycle by week, and of a retention."""
    for path, cut in (("lifecycle", {"granularity": "week"}), ("retention", {"period": "week"})):
        body = api.get(path, date_range="2026-02-25,2026-02-25", **cut)
        assert body["query"]["first_instant"] == "2026-02-23T00:00:00Z"
        assert body["query"]["last_instant"] == "2026-03-01T23:59:59.999999Z"
        assert "count whole: from 2026-02-23T00:00:00Z to before 2026-03-02T00:00:00Z" in body["meta"]["notices"][-1]


@pytest.mark.parametrize("path", ["traffic", "rooms", "rooms/1", "query"])
def test_head_is_get_without_a_body(api: Api, path: str) -> None:
    """The same status and tag; where there is no GET, there is no HEAD."""
    headers = {"Authorization": api.token}
    head, get = (api._client.request(method, f"/v1/{path}", headers=headers) for method in ("HEAD", "GET"))
    assert (head.status_code, head.headers.get("ETag")) == (get.status_code, get.headers.get("ETag"))
    assert head.content == b""


def test_csv_may_begin_with_a_byte_order_mark(api: Api) -> None:
    """Once."""
    plain, marked = (api.ask("rooms", format="csv", bom=bom).content for bom in ("false", "true"))
    assert marked == b"\xef\xbb\xbf" + plain


def test_orders_may_be_written_in_several_ways(api: Api) -> None:
    """A minus, and directions in any case."""
    orders = ("votes:desc", "-votes", "votes:DESC", "-votes,id:Asc")
    assert len({api.ask("rooms", order_by=order).json()["data"][0]["id"] for order in orders}) == 1
    assert problem(api.ask("rooms", order_by="-votes:desc"), 422)


ORIGIN = "https://app.example.com"


@pytest.fixture(name="shared_api")
def api_for_other_pages(drawn_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Api:
    """The API with one origin whose pages may read it."""
    monkeypatch.setenv("CORS_ORIGINS", ORIGIN)
    return Api(drawn_dir)


def test_pages_of_a_listed_origin_may_read_answers(shared_api: Api) -> None:
    """Refusals too; and the headers that tell what the answer is."""
    for path in ("traffic", "traffic?nonsense=1"):
        answer = shared_api.ask(path, {"Origin": ORIGIN})
        assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
        exposed = answer.headers["Access-Control-Expose-Headers"]
        assert exposed == "ETag, X-Request-ID, X-Snapshot, X-Total-Rows"


@pytest.mark.parametrize(("origin", "allowed"), [(ORIGIN, ORIGIN), ("https://evil.example.com", None), ("null", None)])
def test_a_preflight_is_for_listed_origins(shared_api: Api, origin: str, allowed: str | None) -> None:
    """With the token, which is not sent yet."""
    asked = {
        "Origin": origin,
        "Access-Control-Request-Method": "GET",
        "Access-Control-Request-Headers": "authorization",
    }
    answer = shared_api._client.options("/v1/traffic", headers=asked)
    assert answer.headers.get("Access-Control-Allow-Origin") == allowed


def test_without_origins_no_page_may_read_answers(api: Api) -> None:
    """By default."""
    assert "Access-Control-Allow-Origin" not in api.ask("traffic", {"Origin": ORIGIN}).headers


def test_steps_of_every_kind_are_described() -> None:
    """Names have underscores."""
    pattern = FunnelParameters.model_json_schema()["properties"]["steps"]["pattern"]
    assert re.fullmatch(pattern, "page_view,page_view:HOME,event:LEFT_ROOM,estimation,return:7d")
    assert not re.fullmatch(pattern, "return:7d,estimation")
