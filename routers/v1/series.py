"""Series: counts per bucket, who comes back, and the lifecycle of users and rooms."""

from typing import Annotated

import polars as pl
from fastapi import APIRouter, Depends, Response

from calculations.fpp.activities import activities
from calculations.fpp.historical import counts_per_bucket
from calculations.fpp.lifecycle import lifecycle
from calculations.fpp.reoccurring import returning_per_bucket
from calculations.fpp.tables import Tables
from calculations.time.buckets import Buckets
from read_model.tables.fpp import ESTIMATIONS, PAGE_VIEWS, ROOMS, USERS, VOTES
from web.questions.answers import series, table_answer
from web.questions.parameters import LifecycleParameters, ReoccurringParameters, SeriesParameters
from web.questions.question import Part, Question, asked
from web.questions.schemas import ALSO_ROWS, HistoricalBucket, LifecycleBucket, ReoccurringBucket, answer_of
from web.snapshot_route import SnapshotRoute

router = APIRouter(route_class=SnapshotRoute)

SeriesQuestion = Annotated[Question[SeriesParameters], Depends(asked(SeriesParameters), scope="function")]
ReoccurringQuestion = Annotated[
    Question[ReoccurringParameters], Depends(asked(ReoccurringParameters), scope="function")
]
LifecycleQuestion = Annotated[Question[LifecycleParameters], Depends(asked(LifecycleParameters), scope="function")]


@router.get("/historical", response_model=answer_of(list[HistoricalBucket], SeriesParameters), responses=ALSO_ROWS)
def get_historical(question: SeriesQuestion) -> Response:
    """New users, page views, rooms, estimations and votes per bucket, their running totals and moving averages."""

    def counts(part: Part) -> pl.DataFrame:
        tables = Tables(
            users=part.rows(USERS),
            page_views=part.rows(PAGE_VIEWS),
            rooms=part.rows(ROOMS, time="first_used_at"),
            estimations=part.rows(ESTIMATIONS),
            votes=part.rows(VOTES),
        )
        return counts_per_bucket(tables, part.buckets, shown=question.shown).drop("date")

    return table_answer(question, series(question, counts), "historical")


@router.get(
    "/reoccurring", response_model=answer_of(list[ReoccurringBucket], ReoccurringParameters), responses=ALSO_ROWS
)
def get_reoccurring(question: ReoccurringQuestion) -> Response:
    """How many users and rooms had come back, at the end of each bucket's last day."""

    def returning(part: Part) -> pl.DataFrame:
        keys = activities(part.rows(ESTIMATIONS), part.period)
        return returning_per_bucket(keys, part.rows(ESTIMATIONS), Buckets.of(part.begun), part.buckets)

    return table_answer(question, series(question, returning), "reoccurring")


@router.get("/lifecycle", response_model=answer_of(list[LifecycleBucket], LifecycleParameters), responses=ALSO_ROWS)
def get_lifecycle(question: LifecycleQuestion) -> Response:
    """New, returning, resurrecting and dormant users or rooms per bucket; active are those with estimations."""

    def counts(part: Part) -> pl.DataFrame:
        return lifecycle(
            part.all_rows(ESTIMATIONS),
            part.begun,
            entity=question.parameters.entity,
            granularity=question.granularity,
            week_start=question.week_start,
        )

    return table_answer(question, series(question, counts), "lifecycle")
