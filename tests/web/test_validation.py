"""422: sentences that say which parameter is wrong, why, and what is allowed."""

from collections.abc import Callable
from typing import Annotated, Literal

import pytest
from fastapi import Cookie, Depends, FastAPI, Header, Query
from fastapi.testclient import TestClient
from pydantic import BaseModel, Field, field_validator, model_validator

from tests.web.problems import problem
from web.errors import InvalidParameterError


class Figures(BaseModel, extra="forbid"):
    """Parameters as routes have them."""

    date_range: str = "last_7_days"
    granularity: Literal["hour", "day", "week"] = "day"
    top: Literal[10, 40] | None = None
    metrics: list[Literal["votes", "rooms"]] = Field(default=[], alias="metric")

    @field_validator("date_range")
    @classmethod
    def _is_known(cls, value: str) -> str:
        if value == "someday":
            raise ValueError("no range of days has this name.")
        return value

    @model_validator(mode="after")
    def _is_possible(self) -> "Figures":
        if self.granularity == "hour" and self.date_range == "all":
            raise ValueError("all days by the hour are too many")
        return self


FiguresDep = Annotated[Figures, Query()]


async def other_figures(figures: FiguresDep) -> Figures:
    """The same parameters, by way of a dependency."""
    return figures


@pytest.fixture
def client(in_process: Callable[..., TestClient]) -> TestClient:
    """The server with routes that take parameters."""
    made = in_process()
    app = made.app
    assert isinstance(app, FastAPI)

    @app.get("/figures")
    def get_figures(_: FiguresDep) -> None: ...

    @app.get("/others/{number}")
    def get_others(number: int, _: Annotated[Figures, Depends(other_figures)], limit: int = 1) -> None: ...

    @app.get("/secrets")
    def get_secrets(key: Annotated[int, Header()] = 0, session: Annotated[int, Cookie()] = 0) -> None: ...

    @app.get("/needs")
    def get_needs(date_range: str) -> None: ...

    @app.get("/refuses")
    def get_refusal() -> None:
        raise InvalidParameterError("metric", "`metric` is `joy`; allowed: votes, rooms.", ["votes", "rooms"])

    return made


def test_parameters_that_are_right_pass(client: TestClient) -> None:
    assert client.get("/figures?granularity=week&metric=votes&metric=rooms&date_range=x").status_code == 200


def test_a_value_that_is_not_in_a_list_is_refused_with_the_list(client: TestClient) -> None:
    found = problem(client.get("/figures?granularity=fortnight"), 422)
    assert found["detail"] == "`granularity` is `fortnight`; allowed: hour, day, week."
    (fault,) = found["errors"]
    assert fault == {
        "parameter": "granularity",
        "in": "query",
        "message": found["detail"],
        "allowed": ["hour", "day", "week"],
    }


def test_a_list_of_numbers_is_shown_too(client: TestClient) -> None:
    assert problem(client.get("/figures?top=11"), 422)["detail"] == "`top` is `11`; allowed: 10, 40."


def test_a_member_of_a_list_is_named_by_its_parameter(client: TestClient) -> None:
    """Not by its place within the list."""
    found = problem(client.get("/figures?metric=votes&metric=joy"), 422)
    assert found["detail"] == "`metric` is `joy`; allowed: votes, rooms."


def test_an_unknown_parameter_is_refused_with_the_known_ones(client: TestClient) -> None:
    found = problem(client.get("/figures?foo=s3cret"), 422)
    assert found["detail"] == ("`foo` is not a parameter of /figures; allowed: date_range, granularity, top, metric.")
    assert found["errors"][0]["allowed"] == ["date_range", "granularity", "top", "metric"]
    assert "s3cret" not in str(found)


def test_the_parameters_of_a_dependency_are_known_ones(client: TestClient) -> None:
    """Those of the path are not."""
    found = problem(client.get("/others/1?foo=1"), 422)
    assert found["errors"][0]["allowed"] == ["limit", "date_range", "granularity", "top", "metric"]


def test_every_fault_is_reported_at_once(client: TestClient) -> None:
    """A sentence and an entry each, wherever they are."""
    found = problem(client.get("/others/one?foo=1&granularity=day"), 422)
    assert [(fault["parameter"], fault["in"]) for fault in found["errors"]] == [("foo", "query"), ("number", "path")]
    assert found["detail"] == " ".join(fault["message"] for fault in found["errors"])


def test_a_value_that_is_not_a_number_is_explained(client: TestClient) -> None:
    found = problem(client.get("/others/one"), 422)
    assert found["detail"].startswith("`number` is `one`: Input should be a valid integer")
    assert found["detail"].endswith(".")
    assert found["errors"][0]["allowed"] is None
    assert found["instance"] == "/others/one"


def test_a_rule_of_ours_speaks_for_itself(client: TestClient) -> None:
    """Without what pydantic puts before it."""
    found = problem(client.get("/figures?date_range=someday"), 422)
    assert found["detail"] == "`date_range` is `someday`: no range of days has this name."


def test_a_rule_about_several_parameters_names_none(client: TestClient) -> None:
    found = problem(client.get("/figures?date_range=all&granularity=hour"), 422)
    assert found["detail"] == "The query is wrong: all days by the hour are too many."
    assert found["errors"][0]["parameter"] is None


def test_a_missing_parameter_is_named(client: TestClient) -> None:
    found = problem(client.get("/needs"), 422)
    assert (found["detail"], found["errors"][0]["parameter"]) == ("`date_range` is missing.", "date_range")


def test_what_a_client_sent_is_shown_shortened(client: TestClient) -> None:
    """Names, values and paths."""
    for path in (f"/figures?granularity={'x' * 1000}", f"/figures?{'x' * 1000}=1", f"/others/{'x' * 900}"):
        detail = problem(client.get(path), 422)["detail"]
        assert "x" * 59 + "…" in detail
        assert "x" * 60 not in detail


def test_headers_and_cookies_are_not_shown(client: TestClient) -> None:
    """They may hold secrets."""
    answer = client.get("/secrets", headers={"Key": "s3cret", "Cookie": "session=s3cret"})
    assert [fault["in"] for fault in problem(answer, 422)["errors"]] == ["header", "cookie"]
    assert "s3cret" not in answer.text


def test_a_route_function_may_refuse_a_parameter_itself(client: TestClient) -> None:
    """With the same body."""
    found = problem(client.get("/refuses"), 422)
    assert found["errors"] == [
        {"parameter": "metric", "in": "query", "message": found["detail"], "allowed": ["votes", "rooms"]}
    ]


def test_422_is_described_as_it_is_answered(client: TestClient) -> None:
    described = client.get("/openapi.json").json()
    ((content_type, content),) = described["paths"]["/figures"]["get"]["responses"]["422"]["content"].items()
    assert content_type == "application/problem+json"
    assert content["schema"] == {"$ref": "#/components/schemas/Problem"}
    assert "HTTPValidationError" not in str(described)


def test_an_answer_to_many_faults_is_short(in_process: Callable[..., TestClient]) -> None:
    """8 kB of unknown parameters: the first ten are named, the others counted."""
    names = "&".join(f"x{number}" for number in range(1_200))
    answer = in_process().get(f"/v1/rooms?{names}")
    told = problem(answer, 422)
    assert len(told["errors"]) == 10
    assert told["detail"].endswith("And 1190 more.")
    assert len(answer.content) < 8_000
