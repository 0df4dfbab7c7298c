"""Lists of a period: what users do and where they are; all lists at once or a single one."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

import polars as pl
from fastapi import APIRouter, Path, Response

from calculations.fpp.behaviour import behaviour_lists
from calculations.fpp.location import LABELS, users_per_label
from routers.v1.asking import asked
from routers.v1.parameters import (
    BEHAVIOUR,
    LOCATION,
    BehaviourParameters,
    ListParameters,
    LocationParameters,
    PlacesParameters,
    check_borne,
)
from routers.v1.schemas import BehaviourLists, Labelled, LabelledUsers, LocationLists, Place
from routers.v1.selecting import Selected, selected
from web.questions.lists import lists_answer
from web.questions.question import Part, Question
from web.questions.schemas import ALSO_ROWS, answer_of, chosen_type
from web.questions.tables import named_like
from web.snapshot_route import SnapshotRoute

router = APIRouter(route_class=SnapshotRoute)

BehaviourList = Literal["routes", "events", "sources", "rooms"]
LocationList = Literal["device", "os", "browser", "country", "country_region", "country_city"]

BehaviourQuestion = Annotated[Question[BehaviourParameters], asked(BehaviourParameters)]
LocationQuestion = Annotated[Question[LocationParameters], asked(LocationParameters)]
ListQuestion = Annotated[Question[ListParameters], asked(ListParameters)]
PlacesQuestion = Annotated[Question[PlacesParameters], asked(PlacesParameters)]

LARGEST_FIRST = {"count": True, "country": False, "name": False}
PLACE_LABELS = {name: ("country", "name")[-len(labels) :] for name, labels in LABELS.items()}


@router.get(
    "/behaviour", response_model=answer_of(chosen_type(BehaviourLists), BehaviourParameters), responses=ALSO_ROWS
)
def get_behaviour(question: BehaviourQuestion) -> Response:
    """What visitors of a period view and do, where they come from and which rooms vote."""
    names, search = question.parameters.chosen, question.parameters.search
    labels = dict.fromkeys(names, ("name",))

    def lists(part: Part) -> Mapping[str, pl.LazyFrame]:
        return _behaviour(selected(question, part), names, search)

    return lists_answer(question, lists, labels, LARGEST_FIRST, "behaviour")


@router.get("/behaviour/{name}", response_model=answer_of(list[Labelled], ListParameters), responses=ALSO_ROWS)
def get_behaviour_list(
    name: Annotated[BehaviourList, Path(description="Which list.")], question: ListQuestion
) -> Response:
    """One of the lists of what visitors do."""
    check_borne("filters", question.parameters.filter.attributes(), name, BEHAVIOUR[name])

    def lists(part: Part) -> Mapping[str, pl.LazyFrame]:
        return _behaviour(selected(question, part), [name], question.parameters.search)

    return lists_answer(question, lists, {name: ("name",)}, LARGEST_FIRST, name, is_one=True)


@router.get("/location", response_model=answer_of(chosen_type(LocationLists), LocationParameters), responses=ALSO_ROWS)
def get_location(question: LocationQuestion) -> Response:
    """Where the users created in a period are and what they use."""
    names, search = question.parameters.chosen, question.parameters.search
    labels = {name: PLACE_LABELS[name] for name in names}

    def lists(part: Part) -> Mapping[str, pl.LazyFrame]:
        return _location(selected(question, part), names, search)

    return lists_answer(question, lists, labels, LARGEST_FIRST, "location")


@router.get(
    "/location/{name}",
    response_model=answer_of(list[Place], PlacesParameters) | answer_of(list[LabelledUsers], PlacesParameters),
    responses=ALSO_ROWS,
)
def get_location_list(
    name: Annotated[LocationList, Path(description="Which list.")], question: PlacesQuestion
) -> Response:
    """One of the lists of where the users created in a period come from and what they use."""
    check_borne("filters", question.parameters.filter.attributes(), name, LOCATION[name])

    def lists(part: Part) -> Mapping[str, pl.LazyFrame]:
        return _location(selected(question, part), [name], question.parameters.search)

    return lists_answer(question, lists, {name: PLACE_LABELS[name]}, LARGEST_FIRST, name, is_one=True)


def _behaviour(rows: Selected, names: Sequence[str], search: str | None) -> dict[str, pl.LazyFrame]:
    """Some of the lists of `Behaviour`: `name` and `count`."""
    kinds = {BEHAVIOUR[name] for name in names}
    tables = rows.tables(*kinds, rooms=rows.whole("rooms"))
    found = behaviour_lists(tables)
    named = {name: found[name].rename({found[name].collect_schema().names()[0]: "name"}) for name in names}
    return {name: frame.filter(named_like(search)) for name, frame in named.items()}


def _location(rows: Selected, names: Sequence[str], search: str | None) -> dict[str, pl.LazyFrame]:
    """Some of the lists of `Location`: `name`, `count` and in some `country`."""
    users = rows.rows("users")
    named = {
        name: users_per_label(users, name).rename(dict(zip(LABELS[name], PLACE_LABELS[name], strict=True)))
        for name in names
    }
    return {name: frame.filter(named_like(search)) for name, frame in named.items()}
