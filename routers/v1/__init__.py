"""The API under `/v1`: any period, any time zone, any format, over the dashboard's own calculations."""

from fastapi import APIRouter, Depends

from routers.v1 import cohorts, figures, me, rooms, series, snapshot
from web.authentication import require_token
from web.conditional import UNCHANGED
from web.errors import INVALID, UNAUTHORIZED, UNAVAILABLE

router = APIRouter(
    prefix="/v1",
    dependencies=[Depends(require_token)],
    responses=UNCHANGED | UNAUTHORIZED | INVALID | UNAVAILABLE,
)
for part in (figures, series, cohorts, rooms, snapshot, me):
    router.include_router(part.router)
