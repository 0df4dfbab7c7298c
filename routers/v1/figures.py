"""Figures of a period: traffic, votes, behaviour and location."""

from collections.abc import Callable, Mapping
from typing import Annotated

import polars as pl
from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel
from pydantic_core import to_json

from calculations.fpp.behaviour import behaviour_lists
from calculations.fpp.location import LABELS, users_per_label
from calculations.fpp.tables import Tables
from calculations.fpp.traffic import Visits, visits
from calculations.fpp.votes import Votes, votes
from read_model.tables.fpp import ESTIMATIONS, EVENTS, PAGE_VIEWS, ROOMS, USERS, VOTES
from web.questions.answers import Table, columns_of, computed, cut, object_answer, ordered, parsed_order
from web.questions.parameters import FiguresParameters, ListsParameters
from web.questions.question import Part, Question, asked
from web.questions.schemas import ALSO_ROWS, BehaviourLists, LocationLists, answer_of
from web.questions.wide import deep, wide
from web.snapshot_route import SnapshotRoute

router = APIRouter(route_class=SnapshotRoute)

LARGEST_FIRST = {"count": True, "country": False, "name": False}

FiguresQuestion = Annotated[Question[FiguresParameters], Depends(asked(FiguresParameters), scope="function")]
ListsQuestion = Annotated[Question[ListsParameters], Depends(asked(ListsParameters), scope="function")]


@router.get("/traffic", response_model=answer_of(Visits, FiguresParameters), responses=ALSO_ROWS)
def get_traffic(question: FiguresQuestion) -> Response:
    """Visitors of a period and how long they stay."""
    return _figures(
        question, lambda part: visits(part.rows(PAGE_VIEWS), part.rows(ESTIMATIONS), part.period), Visits, "traffic"
    )


@router.get("/votes", response_model=answer_of(Votes, FiguresParameters), responses=ALSO_ROWS)
def get_votes(question: FiguresQuestion) -> Response:
    """Totals and averages of the votes of a period."""
    return _figures(
        question, lambda part: votes(part.rows(VOTES), part.rows(ESTIMATIONS), part.period.zone), Votes, "votes"
    )


@router.get("/behaviour", response_model=answer_of(BehaviourLists, ListsParameters), responses=ALSO_ROWS)
def get_behaviour(question: ListsQuestion) -> Response:
    """What visitors of a period look at, do, come from and which rooms they vote in."""

    def lists(part: Part) -> Mapping[str, pl.LazyFrame]:
        found = behaviour_lists(
            Tables(
                page_views=part.rows(PAGE_VIEWS),
                events=part.rows(EVENTS),
                votes=part.rows(VOTES),
                rooms=part.all_rows(ROOMS),
            )
        )
        return {name: rows.rename({rows.collect_schema().names()[0]: "name"}) for name, rows in found.items()}

    return _lists(question, lists, dict.fromkeys(BehaviourLists.model_fields, ("name",)), "behaviour")


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

    return _lists(question, lists, columns, "location")


def _figures(
    question: Question[FiguresParameters], calculate: Callable[[Part], BaseModel], kind: type[BaseModel], name: str
) -> Response:
    table = computed(question, lambda part: wide(calculate(part)))
    return object_answer(question, [to_json(deep(table, kind))], table.frame, name)


def _lists(
    question: Question[ListsParameters],
    calculate: Callable[[Part], Mapping[str, pl.LazyFrame]],
    keys: Mapping[str, tuple[str, ...]],
    name: str,
) -> Response:
    """Several lists of labels: one table of all, from which each is taken, ordered and cut."""

    def together(part: Part) -> pl.DataFrame:
        lists = calculate(part)
        frames = pl.collect_all(lists.values())
        named = [
            frame.select(pl.lit(list_).alias("list"), pl.all()) for list_, frame in zip(lists, frames, strict=True)
        ]
        return pl.concat(named, how="diagonal_relaxed")

    labels = tuple(dict.fromkeys(column for columns in keys.values() for column in columns))
    sortable = [*labels, *columns_of(question, ["count"])]
    order = parsed_order(question, sortable, LARGEST_FIRST)
    table = computed(question, together, ("list", *labels))
    every = {list_: _only(table, list_, columns) for list_, columns in keys.items()}
    shown = {list_: cut(ordered(rows, order), question) for list_, rows in every.items()}
    data = b",".join(b'"%s":%s' % (list_.encode(), b"".join(rows.as_json())) for list_, rows in shown.items())
    tagged = [rows.frame.select(pl.lit(list_).alias("list"), pl.all()) for list_, rows in shown.items()]
    rows = pl.concat(tagged, how="diagonal_relaxed").select("list", *sortable)
    longest = max(rows.frame.height for rows in every.values())
    return object_answer(question, [b"{%s}" % data], rows, name, longest)


def _only(table: Table, list_: str, keys: tuple[str, ...]) -> Table:
    """One of the lists, with its own labels."""
    figures = [column for column in table.frame.columns if column not in table.keys]
    return Table(table.frame.filter(pl.col("list") == list_).select(*keys, *figures), keys, table.is_compared)
