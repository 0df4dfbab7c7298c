"""Whether there is something to serve, and how fresh it is."""

import os
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

from fastapi import APIRouter, Request, Response, status
from pydantic import BaseModel, Field

from config import ServerSettings
from read_model.freshness import Freshness, ahead_by, freshness
from read_model.integrity import FileChecks
from read_model.snapshot import Snapshot, SnapshotError, is_replaced, open_snapshot, size_of
from read_model.tables.fpp import FPP
from web.dependencies import NowDep, SettingsDep
from web.file_access import FileAccess, FilesHangError

router = APIRouter()

BYTES_PER_MB = 1_000_000


class ParquetFiles(BaseModel, frozen=True):
    """The files of the current snapshot."""

    status: Literal["ok", "missing"] = Field(description="`ok` when all files are there.")
    files: dict[str, bool] = Field(
        description="Whether each file is there, has its size, and was not found to be damaged."
    )


class Storage(BaseModel, frozen=True):
    """Disk space used by the current snapshot."""

    status: Literal["ok", "missing"] = Field(description="`ok` when there is a snapshot.")
    data_size_mb: float = Field(ge=0, description="Size of the snapshot's files, in megabytes (10⁶ bytes).")


class Integrity(BaseModel, frozen=True):
    """Whether the bytes of the files are those that were published, as far as this server has looked."""

    status: Literal["ok", "checking", "damaged"] = Field(
        description="`checking` while files of a new snapshot are still to be checked; each is before its first use."
    )
    checked_files: int = Field(ge=0, description="Files that were checked.")
    pending_files: int = Field(ge=0, description="Files that are still to be checked, or have no checksum.")
    damaged: dict[str, str] = Field(description="What is wrong with each damaged file; it is not served.")


class Components(BaseModel, frozen=True):
    """The parts health is made of."""

    parquet_files: ParquetFiles = Field(description="The files of the current snapshot.")
    storage: Storage = Field(description="Disk space they use.")
    freshness: Freshness = Field(description="How old the data in them are.")
    integrity: Integrity = Field(description="Whether their bytes are as published.")


class Health(BaseModel, frozen=True):
    """What a container's health check asks for."""

    status: Literal["ok", "degraded"] = Field(description="`ok` when every component is.")
    components: Components = Field(description="The parts health is made of.")
    detail: str | None = Field(description="What is wrong and what to do; null when nothing is.")


@router.get("/health", responses={503: {"model": Health, "description": "There is nothing to serve."}})
async def get_health(request: Request, response: Response, settings: SettingsDep, now: NowDep) -> Health:
    """200 while there is something to serve, also when it is old: restarting the server would not help."""
    files: FileAccess = request.app.state.file_access
    checks: FileChecks = request.app.state.file_checks
    try:
        health, serving = await files.look(lambda: examine(settings, checks, now))
    except FilesHangError as error:
        health, serving = nothing_to_serve(str(error)), False
    if not serving:
        response.status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    return health


def without_place(text: str, data_dir: Path) -> str:
    """What anybody may know: not where on this machine the data are."""
    return text.replace(os.path.realpath(data_dir), "DATA_DIR").replace(str(data_dir.absolute()), "DATA_DIR")


def nothing_to_serve(detail: str) -> Health:
    """The health of a read model that can't be opened."""
    files = {f"{table.name}.parquet": False for table in FPP.tables}
    components = Components(
        parquet_files=ParquetFiles(status="missing", files=files),
        storage=Storage(status="missing", data_size_mb=0),
        freshness=Freshness(status="dead", data_updated_at=None, age_seconds=None),
        integrity=Integrity(status="checking", checked_files=0, pending_files=0, damaged={}),
    )
    return Health(status="degraded", components=components, detail=detail)


def examine(settings: ServerSettings, checks: FileChecks, now: datetime) -> tuple[Health, bool]:
    """The health of the read model, and whether it can be served."""
    try:
        snapshot = open_snapshot(settings.data_dir, FPP)
    except SnapshotError as error:
        return nothing_to_serve(without_place(str(error), settings.data_dir)), False
    standing = checks.standing(snapshot.published())
    paths = [path for table in FPP.tables for path in snapshot.files(table)]
    intact = {path.name: snapshot.is_intact(path) and path.name not in standing.faults for path in paths}
    if not all(intact.values()) and is_replaced(snapshot, settings.data_dir):
        # It was removed while its files were looked at.
        return examine(settings, checks, now)
    # A table that was declared since is not in the snapshot yet: the others can be served all the same.
    files = {f"{table.name}.parquet": False for table in FPP.tables} | intact
    size = sum(size_of(path) or 0 for path in paths if intact[path.name])
    components = Components(
        parquet_files=ParquetFiles(status="ok" if all(files.values()) else "missing", files=files),
        storage=Storage(status="ok", data_size_mb=round(size / BYTES_PER_MB, 2)),
        freshness=freshness(
            snapshot,
            now,
            stale_after=timedelta(seconds=settings.health_stale_seconds),
            dead_after=timedelta(seconds=settings.health_dead_seconds),
        ),
        integrity=Integrity(
            status=standing.status,
            checked_files=standing.checked,
            pending_files=standing.pending,
            damaged=dict(standing.faults),
        ),
    )
    ok = all(files.values()) and components.freshness.status == "ok"
    detail = " ".join(troubles(files, snapshot, now)) or None
    return Health(status="ok" if ok else "degraded", components=components, detail=detail), all(intact.values())


def troubles(files: Mapping[str, bool], snapshot: Snapshot, now: datetime) -> Iterator[str]:
    """What is wrong and what to do, in sentences."""
    absent = ", ".join(name for name, there in files.items() if not there)
    if absent:
        yield f"Missing or damaged: {absent}. Run `uv run python update_readmodel.py --full`"
    if ahead := ahead_by(snapshot.read_at, snapshot.synced_at, now):
        yield (
            f"The data are dated {round(ahead.total_seconds()):,} seconds ahead: set the clock of the database, of the "
            "updater or of this server right; the next run then puts it right here."
        )
