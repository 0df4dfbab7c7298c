"""Read commits from a mirror into raw segments: Parquet files with identities before `.mailmap`."""

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from fnmatch import translate
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from threading import Lock
from typing import Any
from uuid import uuid4

import polars as pl

from read_model.table import INSTANT
from read_model.tables.repositories import LINES_AND_BYTES
from sources.git.command import Git
from sources.git.languages import extension_of, language_of
from sources.git.log import DIFF_OPTIONS, FORMAT, LOG_OPTIONS, Commit, FileChange, LogReader
from sources.git.recount import recounted, renames

MOST_CHANGES = 1_000_000
# Most of the time is spent in git, so threads keep this many git processes busy.
MOST_GITS = 4
# Most commits that one git process reads. Neighbours share deltas, which another process has to unpack again.
SLICE_COMMITS = 2_000
# How many are held in memory before renames are looked up, and before a segment is written.
COMMITS_AT_ONCE, CHANGES_AT_ONCE = 1_000, 50_000
SEGMENT_COMMITS, SEGMENT_CHANGES = 10_000, 100_000
LAST_SECOND = 253_000_000_000  # in the year 9987; zones and periods still work there
CHANGE_TYPES = {"A": "added", "M": "modified", "D": "deleted", "T": "typechange", "R": "renamed", "C": "copied"}
DATE = re.compile(rb"(-?\d{1,18}) ([+-])(\d+)(\d\d)")
US = 1_000_000

RAW_COMMITS = pl.Schema(
    {
        "commit_sha": pl.String(),
        "parent_count": pl.Int32(),
        "author_name": pl.Binary(),
        "author_email": pl.Binary(),
        "committer_name": pl.Binary(),
        "committer_email": pl.Binary(),
        "authored_at": INSTANT,
        "committed_at": INSTANT,
        "utc_offset_minutes": pl.Int32(),
        "message": pl.String(),
        "message_length": pl.Int64(),
        "files_changed": pl.Int64(),
        **LINES_AND_BYTES,
        "collected_at": INSTANT,
    }
)
RAW_CHANGES = pl.Schema(
    {
        "commit_sha": pl.String(),
        "path": pl.String(),
        "change_type": pl.String(),
        "previous_path": pl.String(),
        **LINES_AND_BYTES,
        "extension": pl.String(),
        "language": pl.String(),
        "is_binary": pl.Boolean(),
        "path_key": pl.Int64(),
    }
)

type Progress = Callable[[int], None]


@dataclass(frozen=True)
class Segment:
    """Commits that were read together: `commits.<name>.parquet` and `changes.<name>.parquet`."""

    name: str
    commits: int

    def commits_file(self, directory: Path) -> Path:
        """The file of its commits."""
        return directory / f"commits.{self.name}.parquet"

    def changes_file(self, directory: Path) -> Path:
        """The file of the paths they changed."""
        return directory / f"changes.{self.name}.parquet"

    @classmethod
    def written(cls, directory: Path, commits: pl.DataFrame, changes: pl.DataFrame) -> "Segment":
        """Write a segment."""
        segment = cls(uuid4().hex, commits.height)
        for frame, path in (
            (commits, segment.commits_file(directory)),
            (changes, segment.changes_file(directory)),
        ):
            frame.lazy().sink_parquet(path, compression="zstd", compression_level=1, sync_on_close="all")
        return segment


@dataclass(frozen=True)
class _Rows:
    """Rows of `RAW_COMMITS` and `RAW_CHANGES`."""

    commits: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=RAW_COMMITS))
    changes: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=RAW_CHANGES))

    @property
    def is_full(self) -> bool:
        return self.commits.height >= SEGMENT_COMMITS or self.changes.height >= SEGMENT_CHANGES

    def with_rows(self, rows: "_Rows") -> "_Rows":
        return _Rows(self.commits.vstack(rows.commits), self.changes.vstack(rows.changes))


@dataclass
class _Segments:
    """Segments, written one after the other, that several threads add rows to."""

    directory: Path
    progress: Progress
    rows: _Rows = field(default_factory=_Rows)
    done: list[Segment] = field(default_factory=list)
    lock: Lock = field(default_factory=Lock)

    def add(self, rows: _Rows) -> None:
        with self.lock:
            self.rows = self.rows.with_rows(rows)
            if self.rows.is_full:
                self.write()
            self.progress(sum(segment.commits for segment in self.done) + self.rows.commits.height)

    def write(self) -> None:
        if self.rows.commits.height:
            self.done.append(Segment.written(self.directory, self.rows.commits, self.rows.changes))
            self.rows = _Rows()


def extract(
    git: Git, shas: Sequence[str], exclude: Sequence[str], directory: Path, collected_at: datetime, progress: Progress
) -> list[Segment]:
    """Read commits and write them as segments; `progress` is told how many are done.

    Raises:
        CodebaseError: git failed or took too long; segments already written are left behind.
    """
    segments = _Segments(directory, progress)
    is_excluded, collected_us = excluding(exclude), round(collected_at.timestamp() * US)

    def read(some: Sequence[str]) -> None:
        for commits in _batches(git, some):
            segments.add(_rows(git, commits, is_excluded, collected_us))

    gits = min(MOST_GITS, os.cpu_count() or 1)
    length = max(1, min(SLICE_COMMITS, -(-len(shas) // (2 * gits))))
    with ThreadPoolExecutor(gits) as pool:
        for _ in pool.map(read, (shas[start : start + length] for start in range(0, len(shas), length))):
            pass
    segments.write()
    return segments.done


def _batches(git: Git, shas: Sequence[str]) -> Iterator[list[Commit]]:
    """Commits in the given order, as many at a time as may be held in memory."""
    command = ("log", "--stdin", "--no-walk=unsorted", f"--format={FORMAT}", *LOG_OPTIONS)
    batch: list[Commit] = []
    changes = 0
    with git.output(*command, stdin="\n".join(shas).encode()) as log:
        for commit in LogReader(log, MOST_CHANGES).commits():
            batch.append(commit)
            changes += len(commit.changes)
            if len(batch) >= COMMITS_AT_ONCE or changes >= CHANGES_AT_ONCE:
                yield batch
                batch, changes = [], 0
    yield batch


def _rows(git: Git, commits: Sequence[Commit], is_excluded: Callable[[str], bool], collected_us: int) -> _Rows:
    recounted(git, commits)
    moved = renames(git, commits)
    of_commits, of_changes = [], []
    for commit in commits:
        changes = [row for change in commit.changes if not is_excluded((row := _change(commit, change, moved))[1])]
        of_commits.append(_commit(commit, changes, collected_us))
        of_changes.extend(changes)
    return _Rows(
        pl.DataFrame(of_commits, RAW_COMMITS, orient="row"), pl.DataFrame(of_changes, RAW_CHANGES, orient="row")
    )


def _commit(commit: Commit, changes: Sequence[tuple[Any, ...]], collected_us: int) -> tuple[Any, ...]:
    authored, offset = instant_of(commit.authored)
    committed, _ = instant_of(commit.committed)
    sums = [sum(row[column] for row in changes) for column in range(4, 8)]
    return (
        *(commit.sha, len(commit.parents), *commit.author, *commit.committer, authored, committed, offset),
        *(commit.message, commit.message_length, len(changes), *sums, collected_us),
    )


def _change(
    commit: Commit, change: FileChange, moved: Mapping[tuple[str, bytes], tuple[str, bytes]]
) -> tuple[Any, ...]:
    status, previous = moved.get((commit.sha, change.path), (change.status, None))
    path = change.path.decode(errors="replace")
    return (
        *(commit.sha, path, CHANGE_TYPES[status], previous if previous is None else previous.decode(errors="replace")),
        *(change.added_lines, change.deleted_lines, change.added_bytes, change.deleted_bytes),
        *(*_kind(path), change.is_binary, _path_key(change.path)),
    )


@lru_cache(maxsize=100_000)
def _kind(path: str) -> tuple[str | None, str | None]:
    return extension_of(path), language_of(path)


@lru_cache(maxsize=100_000)
def _path_key(path: bytes) -> int:
    return int.from_bytes(blake2b(path, digest_size=8).digest()) >> 1


def instant_of(date: bytes) -> tuple[int, int]:
    """An instant (microseconds since 1970) and offset (minutes) of git's raw date; 1970 if it is malformed."""
    match = DATE.fullmatch(date)
    if not match or not 0 <= int(match[1]) <= LAST_SECOND:
        return 0, 0
    minutes = min(int(match[3]) * 60 + int(match[4]), 24 * 60)
    return int(match[1]) * US, -minutes if match[2] == b"-" else minutes


def excluding(patterns: Sequence[str]) -> Callable[[str], bool]:
    """Whether a path is left out: `*` stands for anything, slashes included.

    A pattern without a slash matches a name at any depth; one that ends with a slash matches a directory.
    """
    whole = [f"{pattern}*" if pattern.endswith("/") else pattern for pattern in patterns]
    anywhere = [f"*/{pattern}" for pattern in whole if "/" not in pattern.rstrip("/")]
    if not whole:
        return lambda _: False
    matches = re.compile("|".join(translate(pattern.removeprefix("/")) for pattern in (*whole, *anywhere))).match
    return lambda path: matches(path) is not None


def tree_changes(git: Git, empty_tree: str, commit: str, paths: Sequence[bytes] = ()) -> list[FileChange]:
    """A commit's tree, or some paths of it, as its difference from the empty tree: lines and bytes of each path.

    Raises:
        CodebaseError: git failed or took too long.
    """
    literal = [os.fsdecode(b":(literal)" + path) for path in paths]
    with git.output("diff-tree", "-r", *DIFF_OPTIONS, empty_tree, commit, "--", *literal) as difference:
        return LogReader(difference, MOST_CHANGES).changes(commit)
