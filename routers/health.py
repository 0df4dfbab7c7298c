"""Whether there is something to serve, and how fresh it is."""

from datetime import datetime
from typing import Literal

from fastapi import APIRouter, Response, status
from pydantic import BaseModel, Field

from config import ServerSettings
from read_model.snapshot import SnapshotError, is_replaced, open_snapshot, size_of
from read_model.tables.fpp import FPP
from web.dependencies import NowDep, SettingsDep

router = APIRouter()

BYTES_PER_MB = 1_000_000


class ParquetFiles(BaseModel, frozen=True):
    """The files of the current snapshot."""

    status: Literal["ok", "missing"] = Field(description="`ok` when all files are there.")
    files: dict[str, bool] = Field(description="Whether each file is there and has its size.")


class Storage(BaseModel, frozen=True):
    """The room the current snapshot takes."""

    status: Literal["ok", "missing"] = Field(description="`ok` when there is a snapshot.")
    data_size_mb: float = Field(ge=0, description="Size of the snapshot's files, in megabytes (10⁶ bytes).")


class Freshness(BaseModel, frozen=True):
    """How old the data are."""

    status: Literal["ok", "stale", "dead"] = Field(
        description="By default `ok` under 20 minutes, `stale` under 60, `dead` above or without data."
    )
    data_updated_at: datetime | None = Field(description="The instant of the source the figures show (ISO 8601, UTC).")
    age_seconds: int | None = Field(description="Time since then, in seconds.")


class Components(BaseModel, frozen=True):
    """The parts health is made of."""

    parquet_files: ParquetFiles = Field(description="The files of the current snapshot.")
    storage: Storage = Field(description="The room they take.")
    freshness: Freshness = Field(description="How old the data in them are.")


class Health(BaseModel, frozen=True):
    """What a container's health check asks for."""

    status: Literal["ok", "degraded"] = Field(description="`ok` when every component is.")
    components: Components = Field(description="The parts health is made of.")
    detail: str | None = Field(description="Why there is nothing to serve and what to do; null when there is.")


@router.get("/health", responses={503: {"model": Health, "description": "There is nothing to serve."}})
async def get_health(response: Response, settings: SettingsDep, now: NowDep) -> Health:
    """200 while there is something to serve, also when it is old: restarting the server would not help."""
    health, serving = examine(settings, now)
    if not serving:
        response.status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    return health


def examine(settings: ServerSettings, now: datetime) -> tuple[Health, bool]:
    """The health of the read model, and whether it can be served."""
    try:
        snapshot = open_snapshot(settings.data_dir, FPP)
    except SnapshotError as error:
        missing = ParquetFiles(status="missing", files={f"{table.name}.parquet": False for table in FPP.tables})
        nothing = Components(
            parquet_files=missing,
            storage=Storage(status="missing", data_size_mb=0),
            freshness=Freshness(status="dead", data_updated_at=None, age_seconds=None),
        )
        return Health(status="degraded", components=nothing, detail=str(error)), False
    paths = [path for table in FPP.tables for path in snapshot.files(table)]
    intact = {path.name: snapshot.is_intact(path) for path in paths}
    if not all(intact.values()) and is_replaced(snapshot, settings.data_dir):
        # It was removed while its files were looked at.
        return examine(settings, now)
    # A table that was declared since is not in the snapshot yet: the others can be served all the same.
    files = {f"{table.name}.parquet": False for table in FPP.tables} | intact
    size = sum(size_of(path) or 0 for path in paths if intact[path.name])
    complete = all(files.values())
    components = Components(
        parquet_files=ParquetFiles(status="ok" if complete else "missing", files=files),
        storage=Storage(status="ok", data_size_mb=round(size / BYTES_PER_MB, 2)),
        freshness=freshness(snapshot.data_updated_at, now, settings),
    )
    ok = complete and components.freshness.status == "ok"
    absent = ", ".join(name for name, there in files.items() if not there)
    detail = None if complete else f"Missing or damaged: {absent}. Run `uv run python update_readmodel.py --full`"
    return Health(status="ok" if ok else "degraded", components=components, detail=detail), all(intact.values())


def freshness(data_updated_at: datetime, now: datetime, settings: ServerSettings) -> Freshness:
    """How old data are at an instant, and what the settings call that."""
    age = max((now - data_updated_at).total_seconds(), 0)
    state: Literal["ok", "stale", "dead"] = "ok"
    if age >= settings.health_dead_seconds:
        state = "dead"
    elif age >= settings.health_stale_seconds:
        state = "stale"
    return Freshness(status=state, data_updated_at=data_updated_at, age_seconds=round(age))
