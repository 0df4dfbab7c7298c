"""The API under `/v1`: the dashboard's calculations for any period, time zone and format."""

from fastapi import APIRouter

from routers.v1 import cohorts, figures, lists, query, reports, rooms, series, snapshot
from web.callers import requires
from web.conditional import UNCHANGED
from web.errors import INVALID, REFUSED, UNAVAILABLE

router = APIRouter(prefix="/v1", dependencies=[requires("fpp:read")], responses=REFUSED | INVALID | UNAVAILABLE)
for part in (figures, lists, series, cohorts, rooms, snapshot, reports):
    router.include_router(part.router, responses=UNCHANGED)
router.include_router(query.router)
