"""What Prometheus scrapes of the server."""

from fastapi import APIRouter, Depends, Request, Response
from prometheus_client import CollectorRegistry

from read_model.integrity import FileChecks
from read_model.snapshot import SnapshotMissingError, open_snapshot
from read_model.tables.llm import LLM
from routers.llm.gauges import LlmGauges
from web.callers import Caller
from web.dependencies import NowDep, SettingsDep
from web.file_access import FileAccess
from web.limits import Lanes, its_turn
from web.metrics import exposed, may_scrape
from web.snapshot_route import SnapshotRoute
from web.state import state_of

router = APIRouter(route_class=SnapshotRoute)

PROMETHEUS = Caller("prometheus", scopes=frozenset())


@router.get("/metrics", dependencies=[Depends(may_scrape)], include_in_schema=False)
async def get_metrics(request: Request, settings: SettingsDep, now: NowDep) -> Response:
    """The gauges of what is in the read model; none of what was never collected."""
    files: FileAccess = request.app.state.file_access
    checks: FileChecks = request.app.state.file_checks
    lanes: Lanes = request.app.state.lanes
    registry = CollectorRegistry()
    try:
        snapshot = await files.look(lambda: open_snapshot(settings.data_dir, LLM, checks))
    except SnapshotMissingError:
        return await exposed(registry)
    state_of(request.scope).snapshot = snapshot
    registry.register(LlmGauges(request, snapshot, now))
    async with its_turn(request, PROMETHEUS, lanes.cheap):
        return await exposed(registry)
