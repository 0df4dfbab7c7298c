"""What routes depend on: settings, the clock and snapshots, each read once per request."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import cache
from typing import Annotated

from fastapi import Depends, Request

from config import ServerSettings
from read_model.integrity import FileChecks
from read_model.model import ReadModel
from read_model.snapshot import Snapshot, open_snapshot
from web.file_access import FileAccess
from web.server_timing import timed
from web.state import state_of


async def get_settings(request: Request) -> ServerSettings:
    """The settings of this process."""
    settings: ServerSettings = request.app.state.settings
    return settings


async def get_now(request: Request) -> datetime:
    """The instant of the request."""
    now: datetime = request.app.state.clock()
    return now


SettingsDep = Annotated[ServerSettings, Depends(get_settings)]
NowDep = Annotated[datetime, Depends(get_now)]


@cache
def snapshot_of(model: ReadModel) -> Callable[[Request, ServerSettings], Awaitable[Snapshot]]:
    """A dependency that opens the current snapshot of a read model; all figures of a response come from it."""

    async def get_snapshot(request: Request, settings: SettingsDep) -> Snapshot:
        checks: FileChecks = request.app.state.file_checks
        files: FileAccess = request.app.state.file_access
        with timed(request, "snapshot"):
            snapshot = await files.look(lambda: open_snapshot(settings.data_dir, model, checks))
        state_of(request.scope).snapshot = snapshot
        return snapshot

    return get_snapshot
