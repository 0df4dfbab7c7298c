"""The dashboard's bundle and the daily figures."""

from datetime import datetime

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, Field
from pydantic_core import to_json

from calculations.fpp.bundle import Bundle, bundle, bundle_json
from calculations.fpp.daily import Daily, daily
from read_model.tables.fpp import PAGE_VIEWS, VOTES
from routers.tables import all_tables
from util.http import post_json
from web.callers import requires
from web.conditional import UNCHANGED
from web.dependencies import NowDep, PeriodDep, SettingsDep, SnapshotDep
from web.errors import REFUSED, UNAVAILABLE, Problem
from web.limits import mail_slot
from web.server_timing import timed
from web.snapshot_route import COMPUTED, SnapshotRoute

router = APIRouter(dependencies=[requires("fpp:read")], responses=REFUSED | UNAVAILABLE, route_class=SnapshotRoute)


class Dashboard(BaseModel, frozen=True):
    """The figures of the dashboard and how fresh they are."""

    data: Bundle = Field(description="All figures, from one snapshot.")
    data_updated_at: datetime = Field(description="The instant of the source the figures show (ISO 8601, UTC).")


@router.get("/", dependencies=COMPUTED, responses=UNCHANGED, response_model=Dashboard)
def get_dashboard(snapshot: SnapshotDep, period: PeriodDep, request: Request, response: Response) -> Response:
    """Every figure of the dashboard in one answer."""
    with timed(request, "compute"):
        figures = bundle(all_tables(snapshot), period)
    body = b'{"data":%s,"data_updated_at":%s}' % (bundle_json(figures), to_json(snapshot.data_updated_at))
    return Response(body, headers=response.headers, media_type="application/json")


@router.get(
    "/daily-analytics",
    dependencies=[Depends(mail_slot, scope="function")],
    responses={502: {"model": Problem, "description": "The e-mail service did not take the figures."}},
)
def get_daily(snapshot: SnapshotDep, settings: SettingsDep, now: NowDep) -> Daily:
    """The figures of the last 24 hours; they are also posted to the e-mail service when one is configured."""
    figures = daily(snapshot.scan(VOTES), snapshot.scan(PAGE_VIEWS), now)
    if settings.bea_base_url and settings.bea_secret_key:
        url = f"{settings.bea_base_url}/fpp-daily-analytics"
        post_json(url, figures.model_dump(), settings.bea_secret_key.get_secret_value(), settings.bea_timeout_seconds)
    return figures
