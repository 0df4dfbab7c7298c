"""Series: counts per bucket, who comes back, and the lifecycle of users and rooms."""

from typing import Annotated

import polars as pl
from fastapi import APIRouter, Response

from calculations.fpp.activities import activities
from calculations.fpp.historical import counts_per_bucket
from calculations.fpp.lifecycle import lifecycle
from calculations.fpp.reoccurring import returning_per_bucket
from calculations.fpp.tables import Tables
from calculations.time.buckets import Buckets
from read_model.tables.fpp import ESTIMATIONS, PAGE_VIEWS, ROOMS, USERS, VOTES
from routers.v1.asking import asked
from routers.v1.parameters import LifecycleParameters, ReoccurringParameters
from routers.v1.schemas import HistoricalBucket, LifecycleBucket, ReoccurringBucket
from web.questions.answers import table_answer
from web.questions.parameters import SeriesParameters
from web.questions.question import Part, Question
from web.questions.schemas import ALSO_ROWS, answer_of
from web.questions.series import series
from web.snapshot_route import SnapshotRoute

router = APIRouter(route_class=SnapshotRoute)

SeriesQuestion = Annotated[Question[SeriesParameters], asked(SeriesParameters)]
ReoccurringQuestion = Annotated[Question[ReoccurringParameters], asked(ReoccurringParameters)]
LifecycleQuestion = Annotated[Question[LifecycleParameters], asked(LifecycleParameters)]


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
            granularity=part.granularity,
            week_start=part.week_start,
        )

    return table_answer(question, series(question, counts), "lifecycle")
