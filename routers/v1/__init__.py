"""The API under `/v1`: any period, any time zone, any format, over the dashboard's own calculations."""

from fastapi import APIRouter, Depends

from routers.authentication import require_token
from routers.conditional import UNCHANGED
from routers.errors import INVALID, UNAUTHORIZED, UNAVAILABLE
from routers.v1 import cohorts, figures, rooms, series, snapshot

router = APIRouter(
    prefix="/v1",
    dependencies=[Depends(require_token)],
    responses=UNCHANGED | UNAUTHORIZED | INVALID | UNAVAILABLE,
)
for part in (figures, series, cohorts, rooms, snapshot):
    router.include_router(part.router)
