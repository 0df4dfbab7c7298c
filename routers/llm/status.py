"""Whether the service lives and can answer, for probes."""

from datetime import datetime, timedelta
from pathlib import Path

from fastapi import APIRouter, Request, Response, status
from fastapi.responses import PlainTextResponse

from read_model.snapshot import SnapshotError, open_snapshot
from read_model.tables.llm import LLM, USAGE_EVENTS
from routers.llm.recency import status_of
from routers.llm.schemas import ReadyAnswer
from web.dependencies import NowDep, SettingsDep
from web.file_access import FileAccess, FilesHangError

router = APIRouter(prefix="/status")


@router.get("/healthz", response_class=PlainTextResponse, include_in_schema=False)
async def get_llm_liveness() -> str:
    """The process answers."""
    return "OK"


@router.get("/readyz", responses={503: {"model": ReadyAnswer, "description": "There is nothing to serve."}})
async def get_llm_readiness(request: Request, response: Response, settings: SettingsDep, now: NowDep) -> ReadyAnswer:
    """200 while questions can be answered, however old the data are: a restart would not make them younger."""
    files: FileAccess = request.app.state.file_access
    try:
        is_ready, components = await files.look(lambda: _examined(settings.data_dir, now))
    except FilesHangError:
        is_ready, components = False, {"readModel": "DATA_DIR does not answer"}
    if not is_ready:
        response.status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    return ReadyAnswer(status="ready" if is_ready else "degraded", components=components, timestamp=now)


def _examined(data_dir: Path, now: datetime) -> tuple[bool, dict[str, str]]:
    """Whether there is a snapshot with all of its files, and how it is."""
    try:
        snapshot = open_snapshot(data_dir, LLM)
        is_whole = all(snapshot.is_intact(path) for path in snapshot.files(USAGE_EVENTS))
    except SnapshotError:
        return False, {"readModel": "missing", "freshness": "unknown"}
    lag = max(now - snapshot.data_updated_at, timedelta(0))
    return is_whole, {"readModel": "ok" if is_whole else "damaged", "freshness": status_of(lag)}
