"""The OpenAPI description, with errors as they are really answered: problem details."""

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.dependencies.utils import get_flat_params
from fastapi.routing import APIRoute, iter_route_contexts
from pydantic_core import to_json

from web.errors import INVALID, PROBLEM_JSON, Problem

_REQUEST_ID = {
    "X-Request-ID": {
        "description": "The id the client sent, or a new one: the log knows the request by it.",
        "required": True,
        "schema": {"type": "string"},
    }
}
_PROBLEM = {"$ref": f"#/components/schemas/{Problem.__name__}"}
_FRAMEWORKS_ERROR = "HTTPValidationError"
_FRAMEWORKS_MODELS = (_FRAMEWORKS_ERROR, "ValidationError")


type Examples = Mapping[str, Mapping[str, Any]]


class Api(FastAPI):
    """An app whose routes declare `Problem` as the model of an error, without its content type.

    `examples` are real `answers` per path and status, and `problems` per status.
    """

    def __init__(self, examples: Examples, **settings: Any) -> None:
        super().__init__(generate_unique_id_function=_name, **settings)
        self._examples = examples
        # By the path prefix below which a proxy serves this app; in practice there is one.
        self._descriptions: dict[str, bytes] = {}

    def openapi(self) -> dict[str, Any]:
        """The description, generated once."""
        if self.openapi_schema is None:
            self.openapi_schema = self._described(super().openapi())
        return self.openapi_schema

    def _described(self, described: dict[str, Any]) -> dict[str, Any]:
        routes = {context.path: context.original_route for context in iter_route_contexts(self.routes)}
        # Some routes answer a wrong parameter differently; the framework declares 422 for every route with parameters.
        elsewhere = {path for path, route in routes.items() if hasattr(route, "status_of_invalid")}
        for path, methods in described["paths"].items():
            for operation in methods.values():
                _give_examples(operation.get("parameters", []), routes[path])
                if path in elsewhere:
                    operation["responses"].pop("422", None)
                for status, answer in operation["responses"].items():
                    _describe_problem(status, answer, self._examples["problems"])
                _describe_answers(operation["responses"], self._examples["answers"].get(path, {}))
        for name in _FRAMEWORKS_MODELS:
            described["components"]["schemas"].pop(name, None)
        return described

    def openapi_json(self, root_path: str) -> bytes:
        """The description as JSON, generated once: it takes a second, and anyone may request it."""
        if root_path not in self._descriptions:
            servers = {"servers": [{"url": root_path}]} if root_path else {}
            self._descriptions[root_path] = to_json(self.openapi() | servers)
        return self._descriptions[root_path]


def _name(route: APIRoute) -> str:
    """The name of a route in generated clients."""
    return route.name


def _give_examples(parameters: list[dict[str, Any]], route: object) -> None:
    """Give parameters the examples of their fields, which the framework leaves out of those with a notation."""
    if not isinstance(route, APIRoute):
        return
    examples = {field.alias: field.field_info.examples for field in get_flat_params(route.dependant)}
    for parameter in parameters:
        if known := examples[parameter["name"]]:
            parameter["schema"]["examples"] = known


def _describe_problem(status: str, answer: dict[str, Any], examples: Mapping[str, Any]) -> None:
    """Give an error its content type, and replace the framework's schema of 422 with the real one."""
    schemas = [content.get("schema") for content in answer.get("content", {}).values()]
    if {"$ref": f"#/components/schemas/{_FRAMEWORKS_ERROR}"} in schemas:
        answer["description"] = INVALID[int(status)]["description"]
    elif _PROBLEM not in schemas:
        return
    answer["content"] = {PROBLEM_JSON: {"schema": _PROBLEM}}
    if status in examples:
        answer["content"][PROBLEM_JSON]["example"] = examples[status]


def _describe_answers(answers: dict[str, dict[str, Any]], examples: Mapping[str, Any]) -> None:
    """Give the answers of a path their headers and examples; those with a 304 have an `ETag`."""
    tag = answers.get("304", {}).get("headers", {})
    for status, answer in answers.items():
        answer["headers"] = answer.get("headers", {}) | (tag if status == "200" else {}) | _REQUEST_ID
        if status in examples:
            answer["content"]["application/json"]["example"] = examples[status]
