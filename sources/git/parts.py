"""Parts: the rows of one codebase in the read model, as Parquet files that snapshots link to.

A part is written once, under a name that is never reused, and removed when no codebase's state names it any more.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import polars as pl

from read_model.manifest import File
from read_model.publishing import COMPRESSION, ROW_GROUP_ROWS
from read_model.table import Table
from read_model.tables.repositories import COMMITS, FILE_CHANGES, PATHS, PEOPLE
from sources.git.command import Git
from sources.git.extraction import Segment
from sources.git.identities import Pseudonyms, resolved
from sources.git.state import Extracted, StoredSegment

# As many hexadecimal digits as fit into a signed 64-bit integer.
KEY_DIGITS = 15


@dataclass(frozen=True)
class Parts:
    """Where the parts of a codebase are written."""

    directory: Path
    codebase_id: str

    def write(self, table: Table, rows: pl.LazyFrame) -> File:
        """Write rows without `codebase_id` as a part of a table."""
        name = f"{table.name}.{uuid4().hex}.parquet"
        path = self.directory / name
        columns = rows.with_columns(codebase_id=pl.lit(self.codebase_id)).select(
            pl.col(column).cast(dtype) for column, dtype in table.columns.items()
        )
        columns.sink_parquet(path, compression=COMPRESSION, row_group_size=ROW_GROUP_ROWS, sync_on_close="all")
        return described(path)

    def holds(self, file: File) -> bool:
        """Whether a part exists and has its recorded size."""
        path = self.directory / file.name
        return path.is_file() and path.stat().st_size == file.bytes

    def rows(self, files: Iterable[File]) -> pl.LazyFrame:
        """The rows of one or more parts."""
        return pl.scan_parquet([self.directory / file.name for file in files], glob=False)


def described(path: Path) -> File:
    """A file as a manifest describes it."""
    rows = pl.scan_parquet(path, glob=False).select(pl.len()).collect().item()
    with path.open("rb") as written:
        digest = hashlib.file_digest(written, "sha256").hexdigest()
    return File(name=path.name, rows=rows, bytes=path.stat().st_size, sha256=digest)


def commit_key() -> pl.Expr:
    """The integer key of a commit."""
    return pl.col("commit_sha").str.head(KEY_DIGITS).str.to_integer(base=16)


def publish_segment(
    segment: Segment, raw: Path, parts: Parts, git: Git, mailmap: str | None, pseudonyms: Pseudonyms
) -> dict[str, File]:
    """Write the parts that a segment adds to the tables of commits, changes, paths and people, by table name.

    Raises:
        CodebaseError: git failed.
    """
    commits = pl.read_parquet(segment.commits_file(raw), glob=False)
    pairs = [commits.select(f"{role}_name", f"{role}_email").rows() for role in ("author", "committer")]
    identities = resolved(git, mailmap, [identity for pair in pairs for identity in pair])
    known = _as_known(_as_known(commits.lazy(), identities, "author"), identities, "committer").with_columns(
        is_merge=pl.col("parent_count") > 1,
        person=pl.col("author_email").str.to_lowercase(),
        commit_key=commit_key(),
    )
    changes = pl.scan_parquet(segment.changes_file(raw), glob=False)
    of_commit = known.select("commit_sha", "committed_at", "is_merge", "person", "commit_key")
    people = identities.select(person=pl.col("known_email").str.to_lowercase()).unique().sort("person")
    named = people.with_columns(
        pseudonym=pl.Series([pseudonyms.of_person(person) for person in people["person"]], dtype=pl.String)
    )
    return {
        COMMITS.name: parts.write(COMMITS, known),
        FILE_CHANGES.name: parts.write(FILE_CHANGES, changes.join(of_commit, on="commit_sha")),
        PATHS.name: _write_paths(parts, changes),
        PEOPLE.name: parts.write(PEOPLE, named.lazy()),
    }


def _write_paths(parts: Parts, changes: pl.LazyFrame) -> File:
    return parts.write(PATHS, changes.select("path_key", "path", "language").unique("path_key").sort("path_key"))


def with_paths(extracted: Extracted, parts: Parts) -> Extracted:
    """Add the parts of the table of paths, which earlier versions of this program did not write."""
    return extracted.model_copy(update={"segments": tuple(_with_paths(each, parts) for each in extracted.segments)})


def _with_paths(stored: StoredSegment, parts: Parts) -> StoredSegment:
    changes = stored.parts[FILE_CHANGES.name]
    if PATHS.name in stored.parts or not parts.holds(changes):
        return stored
    paths = _write_paths(parts, parts.rows([changes]))
    return stored.model_copy(update={"parts": stored.parts | {PATHS.name: paths}})


def _as_known(commits: pl.LazyFrame, identities: pl.DataFrame, role: str) -> pl.LazyFrame:
    """Replace the written name and e-mail of a role by the known ones."""
    name, email = f"{role}_name", f"{role}_email"
    joined = commits.join(identities.lazy(), left_on=[name, email], right_on=["name", "email"], how="left")
    return joined.drop(name, email).rename({"known_name": name, "known_email": email})
