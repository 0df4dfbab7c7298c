"""What is wrong with the parameters of a request, in sentences for its sender."""

import re
from typing import Annotated, Any

from fastapi import Request
from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from pydantic import BaseModel, BeforeValidator
from pydantic_core import PydanticCustomError

from web.errors import ParameterFault, answer_crash, path_of, problem_response, shortened, status_of_invalid
from web.json_body import Unreadable

MOST_FAULTS = 10
LARGEST = 2**63 - 1
MOST_DIGITS = 20
# What to do about a missing or malformed body.
AS_DESCRIBED = "; send an object as /docs describes it, with Content-Type: application/json"
QUOTE = "'"
# Headers and cookies may contain secrets.
_ECHOED_PLACES = ("query", "path")


async def answer_invalid(request: Request, error: Exception) -> JSONResponse:
    """Answer with a sentence per fault, and only the first few if there are many."""
    if not isinstance(error, RequestValidationError):
        return answer_crash(request, error)
    # A parameter of several dependencies is reported once for each of them.
    found = list(error.errors())
    faults = list(dict.fromkeys(_fault(request, each) for each in found[:MOST_FAULTS]))
    further = len(found) - MOST_FAULTS
    detail = " ".join([*(fault.message for fault in faults), *([f"And {further} more."] if further > 0 else [])])
    return problem_response(request, status_of_invalid(request), detail, errors=faults)


def as_integer(value: object) -> object:
    """Convert text of ASCII digits, with or without a minus, to a number; `int` would accept far more.

    In JSON, `5.0` is an integer, too, but `true` is not.
    """
    if type(value) is int or value is None:
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if not isinstance(value, str) or not re.fullmatch(r"-?[0-9]+", value):
        raise PydanticCustomError("int_parsing", "Input should be a valid integer, written in digits")
    # No column holds more digits, and parsing thousands of them takes long.
    return max(-LARGEST, min(int(value[:MOST_DIGITS]), LARGEST))


Integer = Annotated[int, BeforeValidator(as_integer)]


def choice_error(reason: str, *allowed: str) -> PydanticCustomError:
    """The error of a validator when a value is not one of those allowed."""
    return PydanticCustomError("choice", "{reason}", {"reason": reason, "allowed": allowed})


def _fault(request: Request, found: dict[str, Any]) -> ParameterFault:
    """A fault from an error of pydantic; its `loc` is the place, the parameter and the path inside it."""
    name, place = _name(found), found["loc"][0]
    if isinstance(found.get("input"), Unreadable):
        message = f"The body is not JSON: {found['input']}{AS_DESCRIBED}."
        return ParameterFault(parameter=None, place=place, message=message, allowed=None)
    allowed = _allowed(request, found)
    subject = f"`{name}`" if name else f"The {place}"
    choice = f"; allowed: {', '.join(allowed)}" if allowed else ""
    match found["type"]:
        case "extra_forbidden":
            message = f"{subject} is not a parameter of {_of_what(request, found)}{choice}."
        case "missing" | "union_tag_not_found":
            message = f"{subject} is missing{'' if name else AS_DESCRIBED}."
        case "model_attributes_type":
            message = f"{subject} is wrong: it has to be a JSON object{'' if name else AS_DESCRIBED}."
        case "choice":
            message = f"{subject}{_echo(found, place, name)}: {_reason(found)}{choice}."
        case _:
            message = f"{subject}{_echo(found, place, name)}{choice or f': {_reason(found)}'}."
    return ParameterFault(parameter=name, place=place, message=message, allowed=allowed)


def _of_what(request: Request, found: dict[str, Any]) -> str:
    """What lacks the parameter: the path, or one of several questions in a body."""
    place, *names = found["loc"]
    is_question = place == "body" and len(names) > 1 and isinstance(names[-2], str)
    return f"`{names[-2]}`" if is_question else shortened(path_of(request))


def _name(found: dict[str, Any]) -> str | None:
    """The parameter at fault, if it is one."""
    place, *names = found["loc"]
    if not names:
        return None
    if found["type"].startswith("union_tag"):
        return shortened(f"{_path(names)}.{found['ctx']['discriminator'].strip(QUOTE)}")
    return shortened(_path(names) if place == "body" else str(names[0]))


def _path(names: list[str | int]) -> str:
    """The path of a value in a body, such as `queries[0].date_range`, without the kind of the question."""
    path, follows_number = "", False
    for name in names:
        if isinstance(name, int):
            path += f"[{name}]"
        elif not follows_number:
            path += f".{name}" if path else name
        follows_number = isinstance(name, int)
    return path


def _allowed(request: Request, found: dict[str, Any]) -> tuple[str, ...] | None:
    match found["type"]:
        case "extra_forbidden":
            route = request.scope["route"]
            return tuple(_query_parameters(route.dependant)) if isinstance(route, APIRoute) else None
        case "choice":
            return tuple(found["ctx"]["allowed"])
        case "literal_error" | "enum":
            # Pydantic's list is text: 'hour', 'day' or 'week'.
            return tuple(value.strip(QUOTE) for value in re.split(r", | or ", found["ctx"]["expected"]))
        case "union_tag_invalid":
            return tuple(value.strip(QUOTE) for value in found["ctx"]["expected_tags"].split(", "))
    return None


def _query_parameters(dependant: Dependant) -> list[str]:
    """The query parameters of a route, including those of its dependencies and query models."""
    names: list[str] = []
    for field in dependant.query_params:
        model = field.field_info.annotation
        if isinstance(model, type) and issubclass(model, BaseModel):
            names += [declared.alias or name for name, declared in model.model_fields.items()]
        else:
            names.append(field.alias)
    return names + [name for dependency in dependant.dependencies for name in _query_parameters(dependency)]


def _echo(found: dict[str, Any], place: str, name: str | None) -> str:
    if name is None or place not in _ECHOED_PLACES:
        return " is wrong"
    return f" is `{shortened(str(found['input']))}`"


def _reason(found: dict[str, Any]) -> str:
    text: str = found["msg"]
    return text.removeprefix("Value error, ").rstrip(".")
