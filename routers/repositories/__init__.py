"""The API of git repositories."""

from fastapi import APIRouter

from routers.repositories import codebase, organisation
from routers.repositories.asking import READ
from web.callers import requires
from web.conditional import UNCHANGED
from web.errors import INVALID, REFUSED, UNAVAILABLE

router = APIRouter(dependencies=[requires(READ)], responses=UNCHANGED | REFUSED | INVALID | UNAVAILABLE)
for part in (organisation, codebase):
    router.include_router(part.router)
