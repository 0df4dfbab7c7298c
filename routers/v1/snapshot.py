"""The current snapshot and the runs before it."""

from collections.abc import Iterator
from typing import Annotated, Literal

import polars as pl
from fastapi import APIRouter, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from config import ServerSettings
from read_model.manifest import Manifest
from read_model.schema import dtype_name
from read_model.snapshot import Snapshot, kept_manifests, size_of
from routers.v1.asking import asked
from web.questions.answers import object_answer
from web.questions.parameters import OfSnapshot
from web.questions.question import Question
from web.questions.schemas import answer_of
from web.snapshot_route import SnapshotRoute

router = APIRouter(route_class=SnapshotRoute)

SnapshotQuestion = Annotated[Question[OfSnapshot], asked(OfSnapshot, is_cheap=True)]


class PublicTable(BaseModel):
    """A table of the snapshot."""

    model_config = ConfigDict(frozen=True, serialize_by_alias=True, validate_by_name=True)

    name: str = Field(description="Name of the table.")
    rows: int = Field(ge=0, description="Rows in it.")
    bytes: int = Field(ge=0, description="Size of its files, in bytes.")
    files: int = Field(ge=0, description="Number of its Parquet files.")
    columns: dict[str, str] = Field(alias="schema", description="Columns and their Polars types, in order.")


class Run(BaseModel, frozen=True):
    """A run of the updater whose snapshot is still kept."""

    snapshot: str = Field(description="Id of the snapshot it published.")
    data_updated_at: AwareDatetime = Field(description="The instant of the source that it shows (ISO 8601, UTC).")
    kind: Literal["full", "incremental"] = Field(description="Whether it read everything or what may have changed.")
    rows: int = Field(ge=0, description="Rows in all its tables.")
    bytes: int = Field(ge=0, description="Size of all its files, in bytes.")


class PublicSnapshot(BaseModel, frozen=True):
    """The snapshot all figures come from."""

    id: str = Field(description="Id of the snapshot.")
    data_updated_at: AwareDatetime = Field(description="The instant of the source that it shows (ISO 8601, UTC).")
    full_sync_at: AwareDatetime | None = Field(
        description="When everything was last read again (ISO 8601, UTC); null for flat files."
    )
    rows: int = Field(ge=0, description="Rows in all tables.")
    bytes: int = Field(ge=0, description="Size of all files, in bytes.")
    tables: list[PublicTable] = Field(description="Its tables.")
    last_runs: list[Run] = Field(description="Runs whose snapshots are kept, newest first; none for flat files.")


@router.get("/snapshot", response_model=answer_of(PublicSnapshot, OfSnapshot))
def get_snapshot(question: SnapshotQuestion) -> Response:
    """What the figures come from: tables, rows, sizes, schemas and the last runs of the updater."""
    shown = public(question.snapshot, question.settings)
    return object_answer(question, [shown.model_dump_json().encode()], pl.DataFrame(), "snapshot")


def public(snapshot: Snapshot, settings: ServerSettings) -> PublicSnapshot:
    """The public part of a snapshot's manifest: neither host nor name of the database."""
    tables = list(_tables(snapshot))
    manifests = kept_manifests(snapshot.model.directory(settings.data_dir)) if snapshot.manifest else []
    return PublicSnapshot(
        id=snapshot.id,
        data_updated_at=snapshot.data_updated_at,
        full_sync_at=snapshot.manifest.full_sync_at if snapshot.manifest else None,
        rows=sum(table.rows for table in tables),
        bytes=sum(table.bytes for table in tables),
        tables=tables,
        last_runs=[_run(manifest) for manifest in manifests],
    )


def _tables(snapshot: Snapshot) -> Iterator[PublicTable]:
    for table in snapshot.model.tables:
        files = snapshot.files(table)
        if files:
            rows = snapshot.scan(table)
            yield PublicTable(
                name=table.name,
                rows=rows.select(pl.len()).collect().item(),
                bytes=sum(size_of(path) or 0 for path in files),
                files=len(files),
                columns={name: dtype_name(dtype) for name, dtype in rows.collect_schema().items()},
            )


def _run(manifest: Manifest) -> Run:
    files = [file for table in manifest.tables.values() for file in table.files]
    return Run(
        snapshot=manifest.id,
        data_updated_at=manifest.data_updated_at,
        kind="full" if manifest.full_sync_at == manifest.read_at else "incremental",
        rows=sum(file.rows for file in files),
        bytes=sum(file.bytes for file in files),
    )
