"""What routes are given: settings, the clock and the snapshot, each taken once per request."""

from datetime import datetime
from typing import Annotated

import polars as pl
from fastapi import Depends, Request

from calculations.time.period import Period
from config import ServerSettings
from read_model.snapshot import Snapshot, open_snapshot
from read_model.tables.fpp import FPP
from web.server_timing import timed


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


async def get_snapshot(request: Request, settings: SettingsDep) -> Snapshot:
    """The snapshot all figures of the response come from; its size decides on Polars' engine."""
    with timed(request, "snapshot"):
        snapshot = open_snapshot(settings.data_dir, FPP)
    pl.Config.set_engine_affinity(snapshot.engine)
    request.state.snapshot = snapshot
    return snapshot


async def get_period(settings: SettingsDep, now: NowDep) -> Period:
    """The days of the dashboard's series: START_DATE to today."""
    return Period.of_days(settings.start_date, now.date())


SnapshotDep = Annotated[Snapshot, Depends(get_snapshot)]
PeriodDep = Annotated[Period, Depends(get_period)]
