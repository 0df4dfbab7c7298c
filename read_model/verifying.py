"""Compare the read model with the source, row by row and byte by byte."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import chain

import polars as pl

from read_model.integrity import faults_of
from read_model.manifest import Manifest
from read_model.snapshot import Snapshot
from read_model.source import Source, SourceTable
from read_model.table import INSTANT

SHOWN_KEYS = 5
DIGEST = "__digest"
YOUNG = "__young"
NTH = "__nth"


@dataclass(frozen=True)
class Comparison:
    """One table of the current snapshot, compared with the source.

    `rows` counts the source's rows. Rows younger than the snapshot are counted in `younger` and nowhere else.
    `problem` says what is wrong with the table's files or columns, in which case rows are not compared.
    """

    table: str
    rows: int = 0
    missing: int = 0
    extra: int = 0
    different: int = 0
    younger: int = 0
    keys: tuple[str, ...] = ()
    problem: str | None = None

    @property
    def equal(self) -> bool:
        """Whether nothing is wrong."""
        return not (self.missing or self.extra or self.different or self.problem)


def verify(source: Source, snapshot: Snapshot, manifest: Manifest) -> Iterator[Comparison]:
    """Compare every table of the read model, one after the other.

    Raises:
        SourceError: The source failed.
    """
    for table in snapshot.model.tables:
        described = source.describe(table)
        problem = _problem(snapshot, manifest, described)
        yield Comparison(table.name, problem=problem) if problem else _compare(source, described, snapshot, manifest)


def _problem(snapshot: Snapshot, manifest: Manifest, described: SourceTable) -> str | None:
    """Why a table's files can't be compared: one is missing or damaged, or their columns are not the source's."""
    stored = manifest.tables.get(described.table.name)
    if stored is None:
        return "is not in the snapshot"
    for (path, _, _), fault in faults_of(snapshot.published(described.table)):
        return f"file {path} {fault}"
    if stored.polars_schema != described.schema:
        return f"has columns other than the source: {', '.join(_columns_apart(stored.polars_schema, described.schema))}"
    return None


def _columns_apart(here: pl.Schema, there: pl.Schema) -> list[str]:
    """The columns that only one side has, or that differ in type or position."""
    names = dict.fromkeys([*there, *here])
    apart = [name for name in names if here.get(name) != there.get(name)]
    return apart or [here_name for here_name, there_name in zip(here, there, strict=True) if here_name != there_name]


def _compare(source: Source, described: SourceTable, snapshot: Snapshot, manifest: Manifest) -> Comparison:
    key = list(described.key or described.schema.names())
    since = manifest.read_at.replace(microsecond=0)
    nothing = described.schema.to_frame()
    there = _digests(chain([nothing], source.rows(described)), key, since)
    here = _digests((pl.read_parquet(path) for path in snapshot.files(described.table)), key, since)
    both = there.join(here, on=[*key, NTH], how="full", coalesce=True, nulls_equal=True, suffix="_here")
    missing = pl.col(f"{DIGEST}_here").is_null()
    extra = pl.col(DIGEST).is_null()
    wrong = both.filter((pl.col(DIGEST) != pl.col(f"{DIGEST}_here")) | missing | extra)
    younger = wrong.filter(pl.col(YOUNG).fill_null(value=False))
    wrong = wrong.filter(~pl.col(YOUNG).fill_null(value=False)).sort(key)
    counts = wrong.select(missing=missing.sum(), extra=extra.sum(), different=(~missing & ~extra).sum())
    keys = wrong.select(pl.concat_str(pl.col(key).cast(pl.String), separator="/")).head(SHOWN_KEYS).to_series()
    return Comparison(
        described.table.name, rows=there.height, younger=younger.height, keys=tuple(keys), **counts.row(0, named=True)
    )


def _digests(frames: Iterable[pl.DataFrame], key: list[str], since: datetime) -> pl.DataFrame:
    """Per row: its key, its number among the rows with that key, a digest of the whole row, and whether any of its
    instants is at or after `since`."""
    rows = pl.concat(
        frame.select(
            *key,
            frame.hash_rows().alias(DIGEST),
            pl.any_horizontal(pl.col(INSTANT) >= since, pl.lit(value=False)).alias(YOUNG),
        )
        for frame in frames
    )
    # Numbering takes long and is needed only if a key is not unique.
    nth = pl.int_range(pl.len()).over(key) if rows.select(key).is_duplicated().any() else pl.lit(0, pl.Int64)
    return rows.with_columns(nth.alias(NTH))
