"""Figures of a period: traffic, votes, behaviour and location."""

from collections.abc import Mapping
from typing import Annotated

import polars as pl
from fastapi import APIRouter, Response

from calculations.fpp.behaviour import behaviour_lists
from calculations.fpp.location import LABELS, users_per_label
from calculations.fpp.tables import Tables
from calculations.fpp.traffic import Visits, visits
from calculations.fpp.votes import Votes, votes
from read_model.tables.fpp import ESTIMATIONS, EVENTS, PAGE_VIEWS, ROOMS, USERS, VOTES
from routers.v1.asking import asked
from routers.v1.schemas import BehaviourLists, LocationLists
from web.questions.figures import figures_answer
from web.questions.lists import lists_answer
from web.questions.parameters import FiguresParameters, ListsParameters
from web.questions.question import Part, Question
from web.questions.schemas import ALSO_ROWS, answer_of
from web.snapshot_route import SnapshotRoute

router = APIRouter(route_class=SnapshotRoute)

LARGEST_FIRST = {"count": True, "country": False, "name": False}

FiguresQuestion = Annotated[Question[FiguresParameters], asked(FiguresParameters)]
ListsQuestion = Annotated[Question[ListsParameters], asked(ListsParameters)]


@router.get("/traffic", response_model=answer_of(Visits, FiguresParameters), responses=ALSO_ROWS)
def get_traffic(question: FiguresQuestion) -> Response:
    """Visitors of a period and how long they stay."""
    return figures_answer(
        question, lambda part: visits(part.rows(PAGE_VIEWS), part.rows(ESTIMATIONS), part.period), "traffic"
    )


@router.get("/votes", response_model=answer_of(Votes, FiguresParameters), responses=ALSO_ROWS)
def get_votes(question: FiguresQuestion) -> Response:
    """Totals and averages of the votes of a period."""
    return figures_answer(
        question, lambda part: votes(part.rows(VOTES), part.rows(ESTIMATIONS), part.period.zone), "votes"
    )


@router.get("/behaviour", response_model=answer_of(BehaviourLists, ListsParameters), responses=ALSO_ROWS)
def get_behaviour(question: ListsQuestion) -> Response:
    """What visitors of a period look at, do, come from and which rooms they vote in."""

    def lists(part: Part) -> Mapping[str, pl.LazyFrame]:
        tables = Tables(
            page_views=part.rows(PAGE_VIEWS),
            events=part.rows(EVENTS),
            votes=part.rows(VOTES),
            rooms=part.all_rows(ROOMS),
        )
        found = behaviour_lists(tables)
        return {name: rows.rename({rows.collect_schema().names()[0]: "name"}) for name, rows in found.items()}

    labels = dict.fromkeys(BehaviourLists.model_fields, ("name",))
    return lists_answer(question, lists, labels, LARGEST_FIRST, "behaviour")


@router.get("/location", response_model=answer_of(LocationLists, ListsParameters), responses=ALSO_ROWS)
def get_location(question: ListsQuestion) -> Response:
    """Where the users created in a period come from and what they use."""
    columns = {name: ("country", "name")[-len(labels) :] for name, labels in LABELS.items()}

    def lists(part: Part) -> Mapping[str, pl.LazyFrame]:
        users = part.rows(USERS)
        return {
            name: users_per_label(users, name).rename(dict(zip(labels, columns[name], strict=True)))
            for name, labels in LABELS.items()
        }

    return lists_answer(question, lists, columns, LARGEST_FIRST, "location")
