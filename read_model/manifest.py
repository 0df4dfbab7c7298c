"""The manifest: the one description of a snapshot, `snapshot.json` in its directory."""

import hashlib
import re
import stat
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

import polars as pl
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, model_validator

from read_model.schema import dtype_name, named_dtype
from read_model.table import Between, microseconds

FORMAT_VERSION: Final = 3
MANIFEST = "snapshot.json"
LARGEST_BYTES = 100_000_000
# No clock shows times beyond these, and arithmetic with them would leave the range of Python's dates.
EARLIEST, LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)

type DtypeName = Annotated[str, AfterValidator(lambda name: dtype_name(named_dtype(name)))]
type Instant = Annotated[
    AwareDatetime, Field(ge=EARLIEST, le=LATEST), AfterValidator(lambda time: time.astimezone(UTC))
]

_SEAL = '{{\n "checksum": "{}",'
_SEALED = re.compile(r'\{\n "checksum": "([0-9a-f]{64})",')


class ManifestError(Exception):
    """A manifest is unusable; the message says why, as the rest of a sentence that begins with its name."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class File(_Part):
    """One Parquet file of a table.

    `instants` has the first and the last value of each column of instants, in microseconds since 1970. Columns without
    values are missing, and so are all columns of files written before version 3.
    """

    name: str
    rows: int = Field(ge=0)
    bytes: int = Field(ge=0)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    instants: Mapping[str, tuple[int, int]] = {}

    def may_have(self, between: Between) -> bool:
        """Whether it may have such rows: false only if it is known to have none."""
        if between.column not in self.instants:
            return True
        first, last = self.instants[between.column]
        return first < microseconds(between.end) and last >= microseconds(between.start)


class StoredTable(_Part):
    """One table of a snapshot: its columns in order, and its files in the order they were added."""

    columns: Mapping[str, DtypeName]
    files: tuple[File, ...] = Field(min_length=1)

    @cached_property
    def polars_schema(self) -> pl.Schema:
        """The columns as a Polars schema."""
        return pl.Schema({name: named_dtype(dtype) for name, dtype in self.columns.items()})

    @property
    def rows(self) -> int:
        """Rows in all files."""
        return sum(file.rows for file in self.files)


class Manifest(_Part):
    """A snapshot: its source, when it was read, and the tables in it.

    `read_at` is the source's own time when the consistent read began, `full_sync_at` that of the last full run,
    `synced_at` the updater's time at the same moment as `read_at`. `data_updated_at` is `read_at` as readers are told
    it: it never goes back when the source's clock does, and it is never ahead of the updater's clock. `source` is the
    identity of the source.

    Version 1 had neither `synced_at` nor a checksum, version 2 no `instants` of files.
    """

    format_version: Literal[1, 2, 3] = FORMAT_VERSION
    id: str
    data_updated_at: Instant
    read_at: Instant
    full_sync_at: Instant
    synced_at: Instant
    source: str
    tables: Mapping[str, StoredTable]

    @model_validator(mode="before")
    @classmethod
    def _of_version_1(cls, values: Any) -> Any:
        if isinstance(values, dict) and values.get("format_version") == 1:
            return {"synced_at": values.get("read_at")} | values
        return values

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        if self.full_sync_at > self.read_at:
            raise ValueError("full_sync_at is later than read_at")
        for table, stored in self.tables.items():
            for number, file in enumerate(stored.files):
                # This way no name leads out of the directory, and no file is counted twice.
                if file.name != file_name(table, number):
                    raise ValueError(f"file {number} of {table} is called {file.name!r}")
        return self


class FormatVersion(BaseModel):
    """The part that manifests of every version have in common."""

    format_version: int


def file_name(table: str, number: int) -> str:
    """The name of the `number`-th file of a table, counted from 0.

    Raises:
        ValueError: The table's name can't be part of a file name.
    """
    if not re.fullmatch(r"\w+", table, re.ASCII):
        raise ValueError(f"{table!r} is not a valid name of a table")
    return f"{table}.{number}.parquet" if number else f"{table}.parquet"


def sealed(manifest: Manifest) -> str:
    """A manifest as it is stored: as JSON that includes the SHA-256 of everything else in it."""
    return seal(manifest.model_dump_json(indent=1))


def seal(text: str) -> str:
    """A JSON object with a first member `checksum`, computed over the others."""
    return _SEAL.format(hashlib.sha256(text.encode()).hexdigest()) + text.removeprefix("{")


def unsealed(text: str) -> Manifest:
    """The manifest stored as `text`, in this or an earlier version of the format; version 1 had no checksum.


    Raises:
        ValueError: The text is not as it was written.
    """
    seal = _SEALED.match(text)
    if seal is None:
        if (version := FormatVersion.model_validate_json(text).format_version) != 1:
            raise ValueError(f"its format is version {version}, and its checksum is missing")
        return Manifest.model_validate_json(text)
    rest = "{" + text[seal.end() :]
    if hashlib.sha256(rest.encode()).hexdigest() != seal[1]:
        raise ValueError("its checksum is wrong")
    return Manifest.model_validate_json(rest)


def stored_manifest(path: Path) -> Manifest:
    """The manifest in a file. Every request needs one, so the last few are cached, by the times and size of the file.

    Raises:
        ManifestError: It is missing, not as it was written, inconsistent, or in a later version of the format.
    """
    try:
        facts = path.stat()
        if not stat.S_ISREG(facts.st_mode) or facts.st_size > LARGEST_BYTES:
            raise ManifestError(f"is not a file of at most {LARGEST_BYTES:,} bytes")
        return _parsed(path, facts.st_mtime_ns, facts.st_ctime_ns, facts.st_size)
    except OSError as error:
        raise ManifestError(f"can't be read: {error.strerror or error}") from error
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "its text"
        raise ManifestError(f"is wrong: {where}: {first['msg']}") from error
    except ValueError as error:
        raise ManifestError(f"is wrong: {error}") from error


@lru_cache(maxsize=16)
def _parsed(path: Path, _mtime_ns: int, _ctime_ns: int, _size: int) -> Manifest:
    text = path.read_text(encoding="utf-8")
    version = FormatVersion.model_validate_json(text).format_version
    if not 1 <= version <= FORMAT_VERSION:
        raise ManifestError(f"is in version {version} of the format, but this program knows only 1 to {FORMAT_VERSION}")
    return unsealed(text)
