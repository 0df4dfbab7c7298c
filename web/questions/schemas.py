"""The answers of the API as types for the OpenAPI schema, plain and compared."""

import datetime as dt
from functools import cache
from typing import Annotated, Any, TypeVar, get_args, get_origin

from pydantic import AwareDatetime, BaseModel, Field, create_model
from pydantic.fields import FieldInfo

from web.errors import Responses
from web.questions.answers import Meta
from web.questions.formats import OTHER_CONTENT
from web.questions.parameters import Parameters

# For `responses=` of an answer with rows: the formats besides JSON.
ALSO_ROWS: Responses = {200: {"content": OTHER_CONTENT}}
# Numbers that identify a row.
UNCOMPARED = ("id", "weekday", "hour")
CHOSEN = "Chosen"

# A number that stays plain where figures are compared.
Kind = TypeVar("Kind")
Uncompared = Annotated[Kind, Field(json_schema_extra={"x-compared": False})]


class Figure(BaseModel, frozen=True):
    """A figure and that of the period it is compared with, in the figure's own unit."""

    value: float | None = Field(description="The figure of the period, in its own unit.")
    comparison: float | None = Field(
        description="The same figure of the other period, in the same unit; null where a series has no such bucket."
    )
    change: float | None = Field(description="`value` less `comparison`, in the same unit.")
    change_pct: float | None = Field(description="`change` in percent of `comparison`; null where that is 0.")


class Bucket(BaseModel, frozen=True):
    """A bucket of a series."""

    date: dt.date = Field(description="The local calendar day the bucket begins on.")
    start: AwareDatetime = Field(description="First instant of the bucket, with the offset of the time zone.")
    end: AwareDatetime = Field(description="The instant the bucket ends (exclusive).")
    partial: bool = Field(
        description="Whether part of the bucket lies outside the period, or after what is known: its figures may be "
        "lower than they would be, or may still change."
    )


class OtherBucket(BaseModel, frozen=True):
    """The bucket that a bucket of a series is compared with."""

    comparison_start: AwareDatetime | None = Field(
        description="First instant of the bucket that this one is compared with; null where there is none."
    )
    comparison_partial: bool | None = Field(
        description="Whether part of that bucket is left out or not known; null where there is none."
    )


class Answer[Data](BaseModel, frozen=True):
    """The envelope of every answer. Further keys may be added anywhere: ignore unknown ones."""

    data: Data = Field(description="The figures.")
    meta: Meta = Field(description="The data behind the figures.")


def answer_of(data: Any, parameters: type[Parameters]) -> Any:
    """The type of an endpoint's answer: its data, and the compared form if its parameters allow a comparison."""
    asked = _resolved(parameters)
    plain = _answer(data, asked)
    return plain | _answer(compared_type(data), asked) if parameters.is_comparable else plain


@cache
def chosen_type(kind: type[BaseModel]) -> type[BaseModel]:
    """The type of figures that can be chosen: every field is optional."""
    fields: dict[str, Any] = {
        name: (
            Annotated[field.annotation, *field.metadata] if field.metadata else field.annotation,
            _described(field, is_optional=True),
        )
        for name, field in kind.model_fields.items()
    }
    base = Bucket if issubclass(kind, Bucket) else BaseModel
    if base is Bucket:
        fields = {name: field for name, field in fields.items() if name not in Bucket.model_fields}
    return create_model(f"{CHOSEN}{kind.__name__}", __base__=base, __doc__=kind.__doc__, **fields)


def _described(field: FieldInfo, *, is_optional: bool = False) -> Any:
    """A field with the description of another one; an optional field stays optional."""
    description: dict[str, Any] = {"description": field.description, "json_schema_extra": field.json_schema_extra}
    return (
        Field(**description) if field.is_required() and not is_optional else Field(default_factory=dict, **description)
    )


def compared_type(kind: Any) -> Any:
    """The type of compared data: every number in it is a `Figure`."""
    if kind in (int, float) or kind == float | None:
        return Figure
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is list:
        return list[compared_type(arguments[0])]  # type: ignore[misc]
    if origin is dict:
        return dict[arguments[0], compared_type(arguments[1])]  # type: ignore[misc, valid-type]
    return _compared_model(kind) if isinstance(kind, type) and issubclass(kind, BaseModel) else kind


@cache
def _compared_model(kind: type[BaseModel]) -> type[BaseModel]:
    fields: dict[str, Any] = {
        name: (
            compared_type(field.annotation) if _is_compared(name, field) else field.annotation,
            _described(field),
        )
        for name, field in kind.model_fields.items()
    }
    if issubclass(kind, Bucket):
        fields |= {name: (field.annotation, field) for name, field in OtherBucket.model_fields.items()}
    return create_model(f"Compared{kind.__name__}", __doc__=kind.__doc__, **fields)


def _is_compared(name: str, field: FieldInfo) -> bool:
    extra = field.json_schema_extra
    return name not in UNCOMPARED and not (isinstance(extra, dict) and extra.get("x-compared") is False)


def _answer(data: Any, asked: type[BaseModel]) -> Any:
    name = f"{get_args(data)[0].__name__}List" if get_origin(data) is list else data.__name__
    return create_model(
        f"{name}Answer",
        __base__=Answer[data],
        __doc__=Answer.__doc__,
        query=(asked, Field(description="Every parameter as it was understood, and the instants it means.")),
    )


def _resolved(parameters: type[Parameters]) -> type[BaseModel]:
    """The parameters with their meaning."""
    fields = parameters.meaning_fields()
    name = f"{parameters.__name__.removesuffix('Parameters').removeprefix('Of')}Query"
    return create_model(name, __base__=parameters, __doc__="The parameters, as they were understood.", **fields)
