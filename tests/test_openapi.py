"""The API description: every path, parameter and field is described, and every answer has an example."""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import jsonschema_rs
import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr

from config import ServerSettings
from routers.examples import EXAMPLES
from server import create_app
from tests.examples import CODEBASE_PARTS, made

FIGURES = ["/v1/traffic", "/v1/votes", "/v1/behaviour", "/v1/location"]
SERIES = ["/v1/historical", "/v1/reoccurring", "/v1/lifecycle", "/v1/retention"]
ROOMS = ["/v1/rooms", "/v1/rooms/{room_id}"]
FURTHER = ["/v1/behaviour/{name}", "/v1/location/{name}", "/v1/funnel", "/v1/distribution", "/v1/rhythm"]
CELLS = ["/v1/retention/rooms", "/v1/lifecycle/rooms"]
QUERY = "/v1/query"
API_PATHS = [*FIGURES, *SERIES, *ROOMS, *FURTHER, *CELLS, "/v1/snapshot", "/v1/reports/daily", QUERY]
# The required parameters.
REQUIRED = ("of", "steps", "cohort", "interval", "start", "state")
# It reads no data.
ME = "/v1/me"
LLM_PATHS = [
    "/analytics/v1/orgs",
    *(f"/analytics/v1/orgs/{{orgId}}/{part}" for part in ("usage", "reliability", "freshness", "incidents")),
]
REPOSITORY_PATHS = [
    *("/analytics/summary", "/analytics/codebases"),
    *(f"/codebases/{{codebase_id}}/analytics/{part}" for part in CODEBASE_PARTS),
]
PROBES = ["/health", "/analytics/v1/status/readyz"]
DATA_PATHS = ["/", "/daily-analytics", "/room/{room_id}/stats", *API_PATHS, *LLM_PATHS, *REPOSITORY_PATHS]
# Ages are counted in seconds there, and mails are sent.
UNCONDITIONAL_PATHS = ["/daily-analytics", QUERY, "/analytics/v1/orgs", "/analytics/v1/orgs/{orgId}/freshness"]
CONDITIONAL_PATHS = [path for path in DATA_PATHS if path not in UNCONDITIONAL_PATHS]
PROBLEM_JSON = "application/problem+json"
PROBLEM = {"$ref": "#/components/schemas/Problem"}
# What numbers count or are measured in. An index or a key says what it is of, and that a figure has its own unit.
UNITS = (
    *("users", "visitors", "rooms", "sessions", "visits", "page views", "events", "votes", "estimations", "spectators"),
    *("calls", "tokens", "cents", "milliseconds"),
    *("rows", "files", "bytes", "megabytes", "days", "intervals", "story points", "seconds", "minutes"),
    *(
        "commits",
        "merges",
        "lines",
        "people",
        "paths",
        "branches",
        "codebases",
        "directories",
        "hour of the day",
        "day of the week",
    ),
    *("share", "0 to 1", "percent", "own unit", "same unit", "id of", "http status"),
    *("values", "unit of the measure", "hour", "weekday"),
)


@pytest.fixture
def described() -> dict[str, Any]:
    """`/openapi.json`, which needs neither a token nor data."""
    return description()


@cache
def description() -> dict[str, Any]:
    """The same for all tests, which only read it."""
    app = create_app(ServerSettings(analytics_secret_token=SecretStr("a token")))
    answer = TestClient(app).get("/openapi.json")
    assert answer.status_code == 200
    body: dict[str, Any] = answer.json()
    return body


def own_models(described: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The schemas of this project's models by name."""
    schemas: dict[str, dict[str, Any]] = described["components"]["schemas"]
    return schemas


def is_number(schema: dict[str, Any]) -> bool:
    """Whether it describes a number, a number or null, a map of numbers, or a figure beside another one."""
    return (
        schema.get("type") in {"integer", "number"}
        or schema.get("$ref") == "#/components/schemas/Figure"
        or any(map(is_number, schema.get("anyOf", [])))
        or (isinstance(values := schema.get("additionalProperties"), dict) and is_number(values))
    )


def operations(described: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """What can be asked, by path."""
    return {path: next(iter(methods.values())) for path, methods in described["paths"].items()}


def descriptions(described: dict[str, Any]) -> dict[str, str]:
    """What is said of each field; a field that holds a model may leave it to the model."""
    models = own_models(described)
    return {
        f"{name}.{field}": schema.get("description")
        or models.get(schema.get("$ref", "").rpartition("/")[2], {}).get("description", "")
        for name, model in models.items()
        for field, schema in model["properties"].items()
    }


def objects(node: object) -> Iterator[dict[str, Any]]:
    """Every JSON object in a description, at any depth."""
    if isinstance(node, dict):
        yield node
        node = list(node.values())
    if isinstance(node, list):
        for part in node:
            yield from objects(part)


def test_the_paths_are_those_of_the_reference(described: dict[str, Any]) -> None:
    """Those clients rely on are there; `tests/test_documents.py` looks for the rest in the documents."""
    assert {*DATA_PATHS, ME, *PROBES} <= described["paths"].keys()
    for path, methods in described["paths"].items():
        assert list(methods) == ["post" if path == QUERY else "get"], path


def test_it_is_of_openapi_3_1(described: dict[str, Any]) -> None:
    assert described["openapi"].startswith("3.1.")


def test_every_field_is_described(described: dict[str, Any]) -> None:
    """In a sentence."""
    told = descriptions(described)
    assert told
    assert [field for field, text in told.items() if not (len(text) > 5 and text.endswith("."))] == []


def test_every_number_has_a_unit(described: dict[str, Any]) -> None:
    """It says what it counts, or what it is measured in."""
    said = descriptions(described)
    numbers = {
        f"{name}.{field}": said[f"{name}.{field}"]
        for name, model in own_models(described).items()
        for field, schema in model["properties"].items()
        if is_number(schema) and f"{name}.{field}" != "QueryAnswer.query"
    }
    parameters = {
        f"{path} {parameter['name']}": parameter["description"]
        for path, operation in operations(described).items()
        for parameter in operation.get("parameters", [])
        if is_number(parameter["schema"])
    }
    assert len(numbers) > 100
    assert len(parameters) > 5
    unit = re.compile(rf"\b({'|'.join(UNITS)})\b", re.IGNORECASE)
    assert [name for name, text in (numbers | parameters).items() if not unit.search(text)] == []


def test_every_average_says_of_what_it_is_measured(described: dict[str, Any]) -> None:
    """A number of the kind that people confuse has more than a subject."""
    words = ("minutes", "seconds", "points", "per bucket", "weekdays", "number of", "share of", "megabytes")
    told = {
        field: text
        for field, text in descriptions(described).items()
        if re.search(r"\.(avg_|ma_|average_)|(duration|_seconds|_mb|_rate)$", field)
    }
    assert len(told) > 10
    assert [field for field, text in told.items() if not any(word in text.lower() for word in words)] == []


def test_what_does_not_add_up_says_so(described: dict[str, Any]) -> None:
    """Beside another period too."""
    models = own_models(described)
    alone, compared = (
        {field for field, schema in models[name]["properties"].items() if schema.get("x-additive") is False}
        for name in ("ChosenVisits", "ComparedChosenVisits")
    )
    assert {"visitors", "visits"} <= alone == compared < models["ChosenVisits"]["properties"].keys()


@pytest.mark.parametrize("path", [*API_PATHS, *LLM_PATHS, *REPOSITORY_PATHS])
def test_every_parameter_is_described(described: dict[str, Any], path: str) -> None:
    """In a sentence, and optional unless it is in the path."""
    for parameter in operations(described)[path].get("parameters", []):
        assert parameter["description"].endswith("."), parameter["name"]
        is_required = parameter["in"] == "path" or (path in API_PATHS and parameter["name"] in REQUIRED)
        assert parameter["required"] == is_required, parameter["name"]


@pytest.mark.parametrize("path", API_PATHS)
def test_every_parameter_has_an_example(described: dict[str, Any], path: str) -> None:
    """Unless its values are listed."""
    for parameter in operations(described)[path].get("parameters", []):
        schemas = [parameter["schema"], *parameter["schema"].get("anyOf", [])]
        is_listed = any({"enum", "const"} & schema.keys() or schema.get("type") == "boolean" for schema in schemas)
        assert is_listed or parameter["schema"].get("examples"), parameter["name"]


def test_numbers_have_bounds_that_json_schema_knows(described: dict[str, Any]) -> None:
    """Pydantic writes those of its own notation where a validator comes between."""
    assert [schema for schema in objects(described) if {"ge", "gt", "le", "lt"} & schema.keys()] == []


def test_sortable_columns_are_columns(described: dict[str, Any]) -> None:
    """Each is named as in the rows, or is a dimension of them."""
    parameters = operations(described)["/v1/traffic"]["parameters"]
    sortable = next(parameter["schema"]["x-sortable"] for parameter in parameters if parameter["name"] == "order_by")
    assert own_models(described)["ChosenTrafficRow"]["properties"].keys() == set(sortable)


def test_every_model_and_path_says_what_it_is(described: dict[str, Any]) -> None:
    assert [name for name, model in own_models(described).items() if not model.get("description")] == []
    for path, operation in operations(described).items():
        assert operation["summary"], path
        assert operation["description"], path


def test_models_and_operations_have_names_a_client_can_use(described: dict[str, Any]) -> None:
    """No path or package in them, no number, no twin for what is sent and what is answered."""
    names = [operation["operationId"] for operation in operations(described).values()]
    assert len(set(names)) == len(names)
    assert [name for name in names if not re.fullmatch(r"(get|post)(_[a-z]+)+", name)] == []
    assert [name for name in own_models(described) if not re.fullmatch(r"([A-Z][a-z]+)+", name)] == []
    assert [name for name in own_models(described) if name.endswith(("Input", "Output"))] == []


def test_every_answer_of_200_has_a_typed_body(described: dict[str, Any]) -> None:
    """That of the API may be one of two: as it is, and compared."""
    for path, operation in operations(described).items():
        body = operation["responses"]["200"]["content"]["application/json"]["schema"]
        for choice in body.get("anyOf", [body]):
            assert choice["$ref"].rpartition("/")[2] in own_models(described), path


@pytest.mark.parametrize("path", [*DATA_PATHS, ME, *PROBES])
def test_an_answer_has_an_example_that_conforms(described: dict[str, Any], path: str) -> None:
    """With every status that is no error."""
    for answer in operations(described)[path]["responses"].values():
        if content := answer.get("content", {}).get("application/json"):
            schema = {**content["schema"], "components": described["components"]}
            jsonschema_rs.Draft202012Validator(schema, validate_formats=True).validate(content["example"])


def test_an_error_has_an_example_that_conforms(described: dict[str, Any]) -> None:
    schema = {**PROBLEM, "components": described["components"]}
    validator = jsonschema_rs.Draft202012Validator(schema, validate_formats=True)
    for path, operation in operations(described).items():
        for status, answer in operation["responses"].items():
            for content in answer.get("content", {}).values():
                if content["schema"] == PROBLEM:
                    assert content["example"]["status"] == int(status), path
                    validator.validate(content["example"])


def keys(value: object) -> object:
    """A JSON value without what its fields hold."""
    if isinstance(value, dict):
        return {name: keys(part) for name, part in value.items()}
    return [keys(row) for row in value] if isinstance(value, list) else None


def test_examples_have_the_fields_of_real_answers() -> None:
    """No more and no fewer; `python -m tests.examples` regenerates them."""
    assert keys(EXAMPLES) == keys(made())


def test_no_model_accepts_arbitrary_fields(described: dict[str, Any]) -> None:
    """An object without fields is a map whose values have a type."""
    for schema in objects(own_models(described)):
        if schema.get("type") == "object" and "properties" not in schema:
            assert schema.get("additionalProperties") not in (None, True, {}), schema


@pytest.mark.parametrize("path", DATA_PATHS)
@pytest.mark.parametrize("status", ["401", "403", "503"])
def test_a_data_path_documents_its_refusals(described: dict[str, Any], path: str, status: str) -> None:
    """With the body that says what is wrong, and the header that says how to go on."""
    refusal = operations(described)[path]["responses"][status]
    assert refusal["description"]
    assert refusal["content"][PROBLEM_JSON]["schema"] == PROBLEM
    assert {"401": "WWW-Authenticate", "403": "X-Request-ID", "503": "Retry-After"}[status] in refusal["headers"]


def scope_of(path: str) -> str:
    """The scope that a path of data requires."""
    if path.endswith("incidents"):
        return "llm:incidents"
    if path in LLM_PATHS:
        return "llm:read"
    return "repositories:read" if path in REPOSITORY_PATHS else "fpp:read"


@pytest.mark.parametrize("path", DATA_PATHS)
def test_a_data_path_documents_its_token_and_scope(described: dict[str, Any], path: str) -> None:
    (scheme,) = operations(described)[path]["security"]
    ((name, scopes),) = scheme.items()
    assert scopes == [scope_of(path)]
    token = described["components"]["securitySchemes"][name]
    assert (token["type"], token["in"], token["name"]) == ("apiKey", "header", "Authorization")
    assert "Bearer" in token["description"]


def test_further_refusals_are_documented(described: dict[str, Any]) -> None:
    """The e-mail service may fail, a room id may be no positive number or unknown, and a parameter wrong."""
    refusals = {
        "/": {"422"},
        "/daily-analytics": {"422", "502"},
        "/room/{room_id}/stats": {"400", "422"},
        **{path: {"422"} for path in API_PATHS},
        "/v1/rooms/{room_id}": {"404", "422"},
        **{path: {"400"} for path in LLM_PATHS},
    }
    for path, statuses in refusals.items():
        answers = operations(described)[path]["responses"]
        assert answers.keys() - {"200", "304", "401", "403", "503"} == statuses, path
        assert all(list(answers[status]["content"]) == [PROBLEM_JSON] for status in statuses), path


def test_what_may_be_unchanged_says_so(described: dict[str, Any]) -> None:
    """By a tag, which 200 and 304 have."""
    for path, operation in operations(described).items():
        answers = operation["responses"]
        assert ("304" in answers) == (path in CONDITIONAL_PATHS), path
        tagged = {status for status, answer in answers.items() if "ETag" in answer["headers"]}
        assert tagged == ({"200", "304"} if path in CONDITIONAL_PATHS else set()), path


def test_every_answer_says_that_it_has_an_id(described: dict[str, Any]) -> None:
    for path, operation in operations(described).items():
        assert all("X-Request-ID" in answer["headers"] for answer in operation["responses"].values()), path


def test_no_error_is_described_as_the_framework_would_answer_it(described: dict[str, Any]) -> None:
    """Its own models describe what is never answered."""
    assert not {"HTTPValidationError", "ValidationError"} & own_models(described).keys()
    assert "Validation Error" not in str(described["paths"])


def test_health_documents_503_and_needs_no_token(described: dict[str, Any]) -> None:
    """Its body is the same as with 200."""
    health = described["paths"]["/health"]["get"]
    assert "security" not in health
    assert "401" not in health["responses"]
    bodies = [health["responses"][status]["content"]["application/json"]["schema"] for status in ("200", "503")]
    assert bodies[0] == bodies[1]
