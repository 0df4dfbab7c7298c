"""Retention: cohorts of users or rooms, and how many of them are still active later."""

from typing import Annotated

import polars as pl
from fastapi import APIRouter, Response

from calculations.fpp.retention import retention
from calculations.frames.json_rows import json_rows
from read_model.tables.fpp import ESTIMATIONS
from routers.v1.asking import asked
from routers.v1.parameters import RetentionParameters
from routers.v1.schemas import Cohorts
from web.computing import computing
from web.questions.answers import object_answer
from web.questions.question import Question
from web.questions.schemas import ALSO_ROWS, answer_of
from web.questions.series import BUCKET, described_buckets
from web.snapshot_route import SnapshotRoute

router = APIRouter(route_class=SnapshotRoute)

RetentionQuestion = Annotated[Question[RetentionParameters], asked(RetentionParameters)]
CELL = ("interval", "retained", "rate")


@router.get("/retention", response_model=answer_of(Cohorts, RetentionParameters), responses=ALSO_ROWS)
def get_retention(question: RetentionQuestion) -> Response:
    """Cohorts of users or rooms and the share of them that is active so many intervals later."""
    parameters, part = question.parameters, question.part(question.period)
    with computing(question.request, question.snapshot):
        found = retention(
            part.all_rows(ESTIMATIONS),
            part.begun,
            entity=parameters.entity,
            granularity=parameters.period,
            week_start=parameters.week_start,
            intervals=parameters.total_intervals,
            retention_type=parameters.retention_type,
            cumulative=parameters.cumulative,
            known_until=question.known_until,
        )
    buckets = described_buckets(part, question.known_until)
    rows = found.cells.join(buckets, on="bucket", maintain_order="left")
    cohorts = rows.group_by(*BUCKET, "size", maintain_order=True).agg(cells=pl.struct(CELL))
    data = b'{"cohorts":[%s],"weighted_mean":[%s]}' % (json_rows(cohorts), json_rows(found.means))
    return object_answer(question, [data], rows.select(*BUCKET, "size", *CELL), "retention")
