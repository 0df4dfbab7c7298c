"""The manifest: the one description of a snapshot, `snapshot.json` in its directory."""

from collections.abc import Mapping
from functools import cached_property
from typing import Annotated

import polars as pl
from pydantic import AfterValidator, AwareDatetime, BaseModel, Field

from read_model.schema import dtype_name, named_dtype

FORMAT_VERSION = 1
MANIFEST = "snapshot.json"

type DtypeName = Annotated[str, AfterValidator(lambda name: dtype_name(named_dtype(name)))]


class File(BaseModel, frozen=True):
    """One Parquet file of a table."""

    name: str
    rows: int = Field(ge=0)
    bytes: int = Field(ge=0)
    sha256: str


class StoredTable(BaseModel, frozen=True):
    """One table of a snapshot: its columns in order and its files in order of growth."""

    columns: Mapping[str, DtypeName]
    files: tuple[File, ...]

    @cached_property
    def polars_schema(self) -> pl.Schema:
        """The columns as a Polars schema."""
        return pl.Schema({name: named_dtype(dtype) for name, dtype in self.columns.items()})

    @property
    def rows(self) -> int:
        """Rows in all files."""
        return sum(file.rows for file in self.files)


class Manifest(BaseModel, frozen=True):
    """A snapshot: where and when it was read, and the tables in it.

    `read_at` is the database's own time when the consistent read began, `full_sync_at` that of the last run which
    re-read everything. `data_updated_at` is `read_at` for the readers: it never goes back, even when the database's
    clock does. `source` tells one source from another.
    """

    format_version: int = FORMAT_VERSION
    id: str
    data_updated_at: AwareDatetime
    read_at: AwareDatetime
    full_sync_at: AwareDatetime
    source: str
    tables: Mapping[str, StoredTable]


class FormatVersion(BaseModel):
    """The part of every manifest, of whatever version, that never changes."""

    format_version: int
