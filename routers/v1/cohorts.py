"""Retention cohorts, the rooms behind a cell, and funnels."""

import re
from datetime import date, datetime
from typing import Annotated

import polars as pl
from fastapi import APIRouter, Response

from calculations.fpp.funnel import Funnel, funnel
from calculations.fpp.lifecycle import rooms_in_state
from calculations.fpp.retention import retained_rooms, retention
from calculations.fpp.rooms import identities
from calculations.fpp.tables import Tables
from calculations.frames.json_rows import json_rows
from calculations.time.period import MICROSECOND, Period, midnight
from routers.v1.asking import asked
from routers.v1.cohort_parameters import (
    FunnelParameters,
    LifecycleRoomsParameters,
    OfRooms,
    RetentionParameters,
    RetentionRoomsParameters,
)
from routers.v1.parameters import ROOM_KEYS
from routers.v1.schemas import Cohorts, RetainedRoom, RoomInState
from routers.v1.selecting import Selected, selected
from web.computing import computing
from web.errors import InvalidParameterError, shortened
from web.questions.answers import object_answer, table_answer
from web.questions.question import Question
from web.questions.schemas import ALSO_ROWS, answer_of
from web.questions.series import BUCKET, described_buckets
from web.questions.tables import beside, cut, named_like, ordered, parsed_order
from web.snapshot_route import SnapshotRoute

router = APIRouter(route_class=SnapshotRoute)

RetentionQuestion = Annotated[Question[RetentionParameters], asked(RetentionParameters)]
RetentionRoomsQuestion = Annotated[Question[RetentionRoomsParameters], asked(RetentionRoomsParameters)]
LifecycleRoomsQuestion = Annotated[Question[LifecycleRoomsParameters], asked(LifecycleRoomsParameters)]
FunnelQuestion = Annotated[Question[FunnelParameters], asked(FunnelParameters)]
CELL = ("interval", "retained", "rate")
# Python's parser also accepts ISO weeks.
MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(T|$)")


@router.get("/retention", response_model=answer_of(Cohorts, RetentionParameters), responses=ALSO_ROWS)
def get_retention(question: RetentionQuestion) -> Response:
    """Cohorts of users or rooms, and the share of each that is active in later intervals."""
    parameters, part = question.parameters, question.part(question.period)
    kind, time = parameters.table
    with computing(question.request, question.snapshot):
        found = retention(
            selected(question, part).ever(kind),
            part.begun,
            entity=parameters.entity,
            granularity=parameters.period,
            week_start=parameters.week_start,
            intervals=parameters.total_intervals,
            retention_type=parameters.retention_type,
            cumulative=parameters.cumulative,
            known_until=question.known_until,
            time=time,
        )
    buckets = described_buckets(part, question.known_until)
    rows = found.cells.join(buckets, on="bucket", maintain_order="left")
    cohorts = rows.group_by(*BUCKET, "size", maintain_order=True).agg(cells=pl.struct(CELL))
    data = b'{"cohorts":[%s],"weighted_mean":[%s]}' % (json_rows(cohorts), json_rows(found.means))
    return object_answer(question, [data], rows.select(*BUCKET, "size", *CELL), "retention")


@router.get(
    "/retention/rooms", response_model=answer_of(list[RetainedRoom], RetentionRoomsParameters), responses=ALSO_ROWS
)
def get_retention_rooms(question: RetentionRoomsQuestion) -> Response:
    """The rooms of one cell of the retention cohorts."""
    parameters, rows = question.parameters, selected(question, question.part(question.period))
    moment = parsed_moment("cohort", parameters.cohort, parameters.timezone)
    kind, time = parameters.table
    with computing(question.request, question.snapshot):
        found = retained_rooms(
            rows.ever(kind),
            moment,
            parameters.interval,
            granularity=parameters.period,
            week_start=parameters.week_start,
            retention_type=parameters.retention_type,
            cumulative=parameters.cumulative,
            known_until=question.known_until,
            time=time,
        )
        return _rooms_answer(question, rows, found)


@router.get(
    "/lifecycle/rooms", response_model=answer_of(list[RoomInState], LifecycleRoomsParameters), responses=ALSO_ROWS
)
def get_lifecycle_rooms(question: LifecycleRoomsQuestion) -> Response:
    """The rooms in one lifecycle state in one bucket."""
    parameters, rows = question.parameters, selected(question, question.part(question.period))
    moment = parsed_moment("start", parameters.start, parameters.timezone)
    kind, time = parameters.table
    with computing(question.request, question.snapshot):
        found = rooms_in_state(
            rows.ever(kind),
            moment,
            parameters.state,
            granularity=rows.part.granularity,
            week_start=rows.part.week_start,
            known_until=question.known_until,
            time=time,
        )
        return _rooms_answer(question, rows, found)


def _rooms_answer[P: OfRooms](question: Question[P], rows: Selected, ids: pl.Series) -> Response:
    order = parsed_order(question, ROOM_KEYS, {"id": False})
    named = identities(ids, rows.whole("rooms")).filter(named_like(question.parameters.search))
    table = ordered(beside(named, None, ROOM_KEYS), order)
    return table_answer(question, cut(table, question), "rooms", table.frame.height)


def parsed_moment(parameter: str, text: str, zone: str) -> Period:
    """The period of a local date, or of an instant with an offset.

    Raises:
        InvalidParameterError: It is neither.
    """
    try:
        day = date.fromisoformat(text) if "T" not in text else None
        start = midnight(day, zone) if day else datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        start = None
    if not MOMENT.match(text) or start is None or start.tzinfo is None or not 1970 <= start.year < 2200:
        message = (
            f"`{parameter}` is `{shortened(text)}`; allowed: a date such as 2026-03-02, or an instant such as "
            "2026-03-02T00:00:00Z, from 1970 to 2199."
        )
        raise InvalidParameterError(parameter, message)
    return Period(start, start + MICROSECOND, zone)


@router.get("/funnel", response_model=answer_of(Funnel, FunnelParameters), responses=ALSO_ROWS)
def get_funnel(question: FunnelQuestion) -> Response:
    """How many users reach each of a sequence of steps, and how long it takes them."""
    parameters, rows = question.parameters, selected(question, question.part(question.period))
    tables = Tables(
        page_views=rows.within("page_views"), events=rows.within("events"), estimations=rows.within("estimations")
    )
    with computing(question.request, question.snapshot):
        found = funnel(
            tables,
            rows.attributes,
            parameters.parsed,
            filter_=rows.filter,
            window=parameters.longest,
            order=parameters.order,
        )
    table = pl.DataFrame([step.model_dump() for step in found.steps], schema_overrides={"median_time_s": pl.Float64})
    return object_answer(question, [found.model_dump_json().encode()], table, "funnel")
