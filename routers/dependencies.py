"""What routes are given: settings, the clock and the snapshot, each taken once per request."""

from datetime import datetime
from typing import Annotated

from fastapi import Depends, Request

from calculations.period import Period
from config import ServerSettings
from read_model.snapshot import Snapshot, open_snapshot


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


def get_snapshot(settings: SettingsDep) -> Snapshot:
    """The snapshot all figures of the response come from."""
    return open_snapshot(settings.data_dir)


async def get_period(settings: SettingsDep, now: NowDep) -> Period:
    """The days of the dashboard's series: START_DATE to today."""
    return Period(settings.start_date, now.date())


SnapshotDep = Annotated[Snapshot, Depends(get_snapshot)]
PeriodDep = Annotated[Period, Depends(get_period)]
