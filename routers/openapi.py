"""The description of the API, in which errors are what is answered: problem details."""

from typing import Any

from fastapi import FastAPI

from routers.errors import INVALID, PROBLEM_JSON, Problem

_PROBLEM = {"$ref": f"#/components/schemas/{Problem.__name__}"}
_FRAMEWORKS_ERROR = "HTTPValidationError"
_FRAMEWORKS_MODELS = (_FRAMEWORKS_ERROR, "ValidationError")


class Api(FastAPI):
    """An app whose routes declare `Problem` as the model of an error and need not say of which content type it is."""

    def openapi(self) -> dict[str, Any]:
        """The description, made once."""
        described = super().openapi()
        for methods in described["paths"].values():
            for operation in methods.values():
                for status, answer in operation["responses"].items():
                    _describe_problem(status, answer)
        for name in _FRAMEWORKS_MODELS:
            described["components"]["schemas"].pop(name, None)
        return described


def _describe_problem(status: str, answer: dict[str, Any]) -> None:
    """Give an error its content type, and what the framework says of 422 the error that is answered."""
    schemas = [content.get("schema") for content in answer.get("content", {}).values()]
    if {"$ref": f"#/components/schemas/{_FRAMEWORKS_ERROR}"} in schemas:
        answer["description"] = INVALID[int(status)]["description"]
    elif _PROBLEM not in schemas:
        return
    answer["content"] = {PROBLEM_JSON: {"schema": _PROBLEM}}
