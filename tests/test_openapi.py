"""The description of the API: every path and every field says what it is."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr

from config import ServerSettings
from main import create_app

DATA_PATHS = ["/", "/daily-analytics", "/room/{room_id}/stats"]
PROBLEM = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}


@pytest.fixture(name="described")
def describe() -> dict[str, Any]:
    """`/openapi.json`, which needs neither a token nor data."""
    app = create_app(ServerSettings(analytics_secret_token=SecretStr("a token")))
    answer = TestClient(app).get("/openapi.json")
    assert answer.status_code == 200
    described: dict[str, Any] = answer.json()
    return described


def own_models(described: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The schemas of this project's models by name."""
    schemas: dict[str, dict[str, Any]] = described["components"]["schemas"]
    return schemas


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
    assert sorted(described["paths"]) == sorted([*DATA_PATHS, "/health"])
    assert all(list(methods) == ["get"] for methods in described["paths"].values())


def test_every_field_is_described(described: dict[str, Any]) -> None:
    """In a sentence."""
    told = descriptions(described)
    assert told
    assert [field for field, text in told.items() if not (len(text) > 5 and text.endswith("."))] == []


def test_every_field_of_an_average_or_a_span_has_a_unit(described: dict[str, Any]) -> None:
    """A number of the kind that people confuse says what it counts in."""
    words = ("minutes", "seconds", "points", "per day", "weekdays", "number of", "share of", "megabytes")
    told = {
        field: text
        for field, text in descriptions(described).items()
        if re.search(r"\.(avg_|ma_|average_)|(duration|_seconds|_mb|_rate)$", field)
    }
    assert len(told) > 10
    assert [field for field, text in told.items() if not any(word in text.lower() for word in words)] == []


def test_every_model_and_path_says_what_it_is(described: dict[str, Any]) -> None:
    assert [name for name, model in own_models(described).items() if not model.get("description")] == []
    assert [path for path, methods in described["paths"].items() if not methods["get"].get("description")] == []


def test_every_answer_of_200_has_a_typed_body(described: dict[str, Any]) -> None:
    for path, methods in described["paths"].items():
        body = methods["get"]["responses"]["200"]["content"]["application/json"]["schema"]
        assert body["$ref"].rpartition("/")[2] in own_models(described), path


def test_no_model_takes_anything(described: dict[str, Any]) -> None:
    """An object without fields is a map whose values have a type."""
    for schema in objects(own_models(described)):
        if schema.get("type") == "object" and "properties" not in schema:
            assert schema.get("additionalProperties") not in (None, True, {}), schema


@pytest.mark.parametrize("path", DATA_PATHS)
@pytest.mark.parametrize("status", ["401", "503"])
def test_a_data_path_documents_its_refusals(described: dict[str, Any], path: str, status: str) -> None:
    """With the body that says what is wrong."""
    refusal = described["paths"][path]["get"]["responses"][status]
    assert refusal["description"]
    assert refusal["content"] == PROBLEM


@pytest.mark.parametrize("path", DATA_PATHS)
def test_a_data_path_documents_its_token(described: dict[str, Any], path: str) -> None:
    (scheme,) = described["paths"][path]["get"]["security"]
    (name,) = scheme
    token = described["components"]["securitySchemes"][name]
    assert (token["type"], token["in"], token["name"]) == ("apiKey", "header", "Authorization")
    assert "Bearer" in token["description"]


def test_further_refusals_are_documented(described: dict[str, Any]) -> None:
    """The e-mail service may fail; a room id may be no positive number."""
    mail = described["paths"]["/daily-analytics"]["get"]["responses"]
    room = described["paths"]["/room/{room_id}/stats"]["get"]["responses"]
    assert mail["502"]["content"] == room["400"]["content"] == room["422"]["content"] == PROBLEM


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
