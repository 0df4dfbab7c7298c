"""The answers of the API as types, for its description: each as it is, and as it is when compared."""

import datetime as dt
from functools import cache
from typing import Any, get_args, get_origin

from pydantic import AwareDatetime, BaseModel, Field, create_model

from calculations.fpp.historical import HistoricalDay
from calculations.fpp.lifecycle import LifecycleCounts
from calculations.fpp.reoccurring import ReoccurringDay
from calculations.fpp.rooms import Room, RoomActivity
from calculations.frames.arithmetic import NotAdditive
from web.errors import Responses
from web.questions.answers import Meta
from web.questions.formats import OTHER_CONTENT
from web.questions.parameters import ComparedParameters, OfPeriod, Parameters

# What `responses=` says of an answer with rows: the formats besides JSON.
ALSO_ROWS: Responses = {200: {"content": OTHER_CONTENT}}
# Numbers that say which row it is.
UNCOMPARED = ("id",)


class Figure(BaseModel, frozen=True):
    """A figure beside that of the period it is compared with, in the figure's own unit."""

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
    end: AwareDatetime = Field(description="The instant it ends, itself no longer in it.")
    partial: bool = Field(
        description="Whether part of the bucket lies outside the period, or after what is known: its figures may be "
        "lower than they would be, or may still change."
    )


class OtherBucket(BaseModel, frozen=True):
    """The bucket that one of a series is compared with."""

    comparison_start: AwareDatetime | None = Field(
        description="First instant of the bucket that this one is compared with; null where there is none."
    )
    comparison_partial: bool | None = Field(
        description="Whether part of that bucket is left out or not known; null where there is none."
    )


class HistoricalBucket(Bucket, HistoricalDay, frozen=True):
    """Counts of one bucket, totals from the period's beginning to its end, and means of the last 30 rows."""

    acc_new_users: NotAdditive[int] = Field(ge=0, description="Users created since the period began.")
    acc_page_views: NotAdditive[int] = Field(ge=0, description="Page views since the period began.")
    acc_rooms: NotAdditive[int] = Field(ge=0, description="Rooms first used since the period began.")
    acc_estimations: NotAdditive[int] = Field(ge=0, description="Estimations since the period began.")
    acc_votes: NotAdditive[int] = Field(ge=0, description="Votes since the period began.")
    ma_new_users: NotAdditive[float | None] = Field(
        description="Users created per bucket, mean of 30 rows; null before there are 30."
    )
    ma_page_views: NotAdditive[float | None] = Field(
        description="Page views per bucket, mean of 30 rows; null before there are 30."
    )
    ma_rooms: NotAdditive[float | None] = Field(
        description="Rooms first used per bucket, mean of 30 rows; null before there are 30."
    )
    ma_estimations: NotAdditive[float | None] = Field(
        description="Estimations per bucket, mean of 30 rows; null before there are 30."
    )
    ma_votes: NotAdditive[float | None] = Field(
        description="Votes per bucket, mean of 30 rows; null before there are 30."
    )


class ReoccurringBucket(Bucket, ReoccurringDay, frozen=True):
    """Who had come back by the last day of one bucket."""


class LifecycleBucket(LifecycleCounts, Bucket, frozen=True):
    """Where the active users (rooms) of one bucket come from, and how many stay away."""


class RoomBucket(RoomActivity, Bucket, frozen=True):
    """Votes of a room in one bucket."""


class Labelled(BaseModel, frozen=True):
    """How often a label occurs."""

    name: str = Field(description="The label, or `unknown`.")
    count: int = Field(ge=0, description="How often it occurs: page views, events, votes or users, as the list says.")


class Place(Labelled, frozen=True):
    """Users of a region or city."""

    country: str = Field(description="Country code, or `unknown`.")


class BehaviourLists(BaseModel, frozen=True):
    """Counts per label, the largest first."""

    routes: list[Labelled] = Field(description="Page views per route.")
    events: list[Labelled] = Field(description="Events per kind of event.")
    sources: list[Labelled] = Field(description="Page views per category of source; direct traffic is left out.")
    rooms: list[Labelled] = Field(description="Votes per room; those of rooms that no longer exist are `unknown`.")


class LocationLists(BaseModel, frozen=True):
    """Users created in the period per label, the largest first."""

    device: list[Labelled] = Field(description="Users per device.")
    os: list[Labelled] = Field(description="Users per operating system.")
    browser: list[Labelled] = Field(description="Users per browser.")
    country: list[Labelled] = Field(description="Users per country code.")
    country_region: list[Place] = Field(description="Users per region code of a country.")
    country_city: list[Place] = Field(description="Users per city of a country.")


class Cell(BaseModel, frozen=True):
    """A cohort so many intervals later."""

    interval: int = Field(ge=0, description="Intervals after the cohort's own, which is 0.")
    retained: NotAdditive[int | None] = Field(
        description="Users (rooms) active then; null until the interval has passed."
    )
    rate: NotAdditive[float | None] = Field(
        description="Share of the cohort (0 to 1); null like `retained`, and over nobody."
    )


class Cohort(Bucket, frozen=True):
    """Users (rooms) active in one interval, and what became of them."""

    size: NotAdditive[int] = Field(ge=0, description="Users (rooms) in the cohort.")
    cells: list[Cell] = Field(description="One per interval, in order.")


class MeanCell(BaseModel, frozen=True):
    """All cohorts so many intervals later."""

    interval: int = Field(ge=0, description="Intervals after the cohorts' own.")
    size: NotAdditive[int] = Field(ge=0, description="Users (rooms) in the cohorts whose interval has passed.")
    retained: NotAdditive[int] = Field(ge=0, description="Those users (rooms) of them that were active then.")
    rate: NotAdditive[float | None] = Field(
        description="Mean share of the cohorts (0 to 1), weighted by size; null over nobody."
    )


class Cohorts(BaseModel, frozen=True):
    """Cohorts and what became of them."""

    cohorts: list[Cohort] = Field(description="One per interval of the period, in order, those of size 0 included.")
    weighted_mean: list[MeanCell] = Field(description="One per interval, in order.")


class RoomOverTime(BaseModel, frozen=True):
    """A room's figures of the period and their series."""

    room: Room = Field(description="The figures of the whole period.")
    series: list[RoomBucket] = Field(description="One row per bucket, quiet ones included.")


class Answer[Data](BaseModel, frozen=True):
    """The envelope of every answer. Further keys may appear anywhere: ignore those you don't know."""

    data: Data = Field(description="The figures.")
    meta: Meta = Field(description="Of which data they are.")


class Span(BaseModel, frozen=True):
    """A stretch of time."""

    first_instant: AwareDatetime = Field(description="Its first instant (UTC).")
    last_instant: AwareDatetime = Field(description="Its last instant (UTC), still in it.")


def answer_of(data: Any, parameters: type[Parameters]) -> Any:
    """The type of an endpoint's answer: its data, also compared where its parameters can ask for that."""
    asked = _resolved(parameters)
    plain = _answer(data, asked)
    if not issubclass(parameters, ComparedParameters):
        return plain
    return plain | _answer(compared_type(data), asked)


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
            field.annotation if name in UNCOMPARED else compared_type(field.annotation),
            Field(description=field.description, json_schema_extra=field.json_schema_extra),
        )
        for name, field in kind.model_fields.items()
    }
    if issubclass(kind, Bucket):
        fields |= {name: (field.annotation, field) for name, field in OtherBucket.model_fields.items()}
    return create_model(f"Compared{kind.__name__}", __doc__=kind.__doc__, **fields)


def _answer(data: Any, asked: type[BaseModel]) -> Any:
    name = f"{get_args(data)[0].__name__}List" if get_origin(data) is list else data.__name__
    return create_model(
        f"{name}Answer",
        __base__=Answer[data],
        __doc__=Answer.__doc__,
        query=(asked, Field(description="Every parameter as it was understood, and the instants it means.")),
    )


def _resolved(parameters: type[Parameters]) -> type[BaseModel]:
    """The parameters with what they mean."""
    spans: dict[str, Any] = {}
    if issubclass(parameters, OfPeriod):
        spans = {name: (field.annotation, field) for name, field in Span.model_fields.items()}
    if issubclass(parameters, ComparedParameters):
        spans["comparison"] = (Span | None, Field(description="The period to compare with; null without one."))
    name = f"{parameters.__name__.removesuffix('Parameters').removeprefix('Of')}Query"
    return create_model(name, __base__=parameters, __doc__="The parameters, as they were understood.", **spans)
