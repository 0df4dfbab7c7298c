"""The dashboard's bundle and the daily figures."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, Field
from pydantic_core import to_json

from calculations.fpp.bundle import Bundle, bundle
from calculations.fpp.daily import Daily, daily
from read_model.snapshot import Snapshot
from read_model.tables.fpp import FPP, PAGE_VIEWS, VOTES
from routers.bundle_json import bundle_json
from routers.tables import all_tables
from routers.v1.asking import asked
from util.http import post_json
from web.callers import requires
from web.computing import computing
from web.conditional import UNCHANGED
from web.dependencies import NowDep, SettingsDep, snapshot_of
from web.errors import INVALID, REFUSED, UNAVAILABLE, Problem
from web.limits import mail_turn
from web.questions.parameters import Bare
from web.questions.question import Question
from web.snapshot_route import SnapshotRoute
from web.state import state_of

router = APIRouter(dependencies=[requires("fpp:read")], responses=REFUSED | UNAVAILABLE, route_class=SnapshotRoute)


class Dashboard(BaseModel, frozen=True):
    """The figures of the dashboard and how fresh they are."""

    data: Bundle = Field(description="All figures, from one snapshot.")
    data_updated_at: datetime = Field(description="When the source data was read (ISO 8601, UTC).")


DashboardQuestion = Annotated[Question[Bare], asked(Bare)]


@router.get("/", responses=UNCHANGED | INVALID, response_model=Dashboard)
def get_dashboard(question: DashboardQuestion) -> Response:
    """Every figure of the dashboard in one answer."""
    snapshot = question.snapshot
    with computing(question.request, snapshot):
        figures = bundle(all_tables(snapshot), question.period)
    body = b'{"data":%s,"data_updated_at":%s}' % (bundle_json(figures), to_json(snapshot.data_updated_at))
    return Response(body, headers=question.headers, media_type="application/json")


@router.get(
    "/daily-analytics",
    dependencies=[Depends(mail_turn, scope="function")],
    responses=INVALID | {502: {"model": Problem, "description": "The e-mail service did not take the figures."}},
)
def get_daily(
    request: Request,
    snapshot: Annotated[Snapshot, Depends(snapshot_of(FPP))],
    settings: SettingsDep,
    now: NowDep,
    _: Annotated[Bare, Query()],
) -> Daily:
    """The figures of the last 24 hours; they are also posted to the e-mail service when one is configured.

    A `HEAD` request posts nothing.
    """
    with computing(request, snapshot):
        figures = daily(snapshot.scan(VOTES), snapshot.scan(PAGE_VIEWS), now)
    is_posted = not state_of(request.scope).is_head
    if is_posted and settings.bea_base_url and settings.bea_secret_key:
        url = f"{settings.bea_base_url}/fpp-daily-analytics"
        post_json(url, figures.model_dump(), settings.bea_secret_key.get_secret_value(), settings.bea_timeout_seconds)
    return figures
