"""Bring one codebase up to date: ask the remote, fetch, read the commits that are new, write what has changed."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import polars as pl

from read_model.manifest import File
from read_model.table import Table
from read_model.tables.repositories import BRANCHES, COMMIT_BRANCHES, TREE
from sources.git.branches import COLUMNS, branch_table
from sources.git.command import Git
from sources.git.configuration import Codebase
from sources.git.errors import GitError
from sources.git.extraction import Segment, excluding
from sources.git.history import History
from sources.git.identities import Pseudonyms
from sources.git.mirror import EMPTY_TREES, SHA256_DIGITS, Heads, Mirror
from sources.git.parts import Parts, commit_key, publish_segment
from sources.git.segments import RawCommits
from sources.git.state import Extracted, StoredSegment
from sources.git.tree import COLUMNS as TREE_COLUMNS
from sources.git.tree import moved_tree_table, primary_language, tree_table
from util.crash_points import crash_point

MIRROR, RAW, GIT_CONFIG = "mirror.git", "raw", "gitconfig"

# Called with the name of the phase and the number of commits done in it.
type ShowPhase = Callable[[str, int], None]


@dataclass(frozen=True)
class Limits:
    """How much time and disk space one codebase may use."""

    seconds: float
    megabytes: int


@dataclass(frozen=True)
class Workplace:
    """One codebase, its own directory, and what it shares with the others."""

    codebase: Codebase
    directory: Path
    parts_directory: Path
    token: str | None
    limits: Limits
    pseudonyms: Pseudonyms
    show: ShowPhase

    def update(self, before: Extracted | None, now: Callable[[], datetime], *, afresh: bool = False) -> Extracted:
        """Extract the current state of the remote.

        Args:
            before: What was extracted by the last run that succeeded; the files it names are not changed.
            now: The clock.
            afresh: Rebuild the mirror and read every commit again.

        Raises:
            CodebaseError: The remote or git failed.
        """
        began, started = now(), time.monotonic()
        if before and (afresh or not self._is_intact(before)):
            before = None
        mirror = self._mirror(started)
        if afresh:
            mirror.remove()
        mirror.prepare()
        self.show("asking", 0)
        remote = mirror.remote_heads()
        if before and not mirror.is_shallow and self._is_current(before, remote):
            elapsed = round(time.monotonic() - started, 3)
            return before.model_copy(update={"generated_at": now(), "generation_seconds": elapsed})
        self.show("fetching", 0)
        mirror.fetch(remote)
        crash_point("after the fetch")
        try:
            return _Update(self, mirror.git, mirror.heads(remote), before, began).extracted(now, started)
        except GitError:
            # The mirror may be damaged: the next run rebuilds it.
            mirror.remove()
            raise

    def _mirror(self, started: float) -> Mirror:
        git = Git(
            self.directory / MIRROR,
            self.directory / GIT_CONFIG,
            started + self.limits.seconds,
            self.limits.megabytes << 20,
        )
        return Mirror(git, self.codebase, self.token)

    @property
    def raw_directory(self) -> Path:
        """Where the raw segments are."""
        return self.directory / RAW

    @property
    def parts(self) -> Parts:
        """Where the parts are."""
        return Parts(self.parts_directory, str(self.codebase.id))

    def _is_current(self, before: Extracted, remote: Heads) -> bool:
        """Whether neither the remote nor the way it is configured has changed."""
        return (
            before.remote == remote.commits
            and before.default_branch == remote.default_branch(self.codebase)
            and before.branches == self.codebase.branches
            and before.exclude == self.codebase.exclude
        )

    def _is_intact(self, before: Extracted) -> bool:
        files = [file for stored in before.segments for file in stored.parts.values()] + list(before.parts.values())
        raw = before.raw_files(self.raw_directory)
        return all(path.is_file() for path in raw) and all(map(self.parts.holds, files))


@dataclass(frozen=True)
class _Update:
    """One update of a codebase whose mirror was fetched."""

    workplace: Workplace
    git: Git
    every: Heads
    before: Extracted | None
    began: datetime

    @property
    def codebase(self) -> Codebase:
        return self.workplace.codebase

    def extracted(self, now: Callable[[], datetime], started: float) -> Extracted:
        heads = self.every.selected(self.codebase)
        shallow = self._shallow()
        self.workplace.raw_directory.mkdir(parents=True, exist_ok=True)
        raw = RawCommits(self.git, self.codebase.exclude, self.workplace.raw_directory, self.began)
        history = History.of(self.git, heads)
        segments = raw.brought_to(history.commits, self._usable(shallow), self._progress)
        crash_point("after the segments")
        self.workplace.show("publishing", sum(segment.commits for segment in segments))
        default_head = heads.commits.get(heads.head or "")
        mailmap = self._blob(default_head, ".mailmap")
        tree, language = self._tree(default_head, history)
        return Extracted(
            exclude=self.codebase.exclude,
            branches=self.codebase.branches,
            default_branch=heads.head,
            remote=dict(self.every.commits),
            heads=dict(heads.commits),
            shallow=shallow,
            mailmap=mailmap,
            segments=tuple(self._published(segments, mailmap)),
            parts=self._whole_tables(heads, history, raw.commits(segments)) | {TREE.name: tree},
            primary_language=language,
            generated_at=now(),
            generation_seconds=round(time.monotonic() - started, 3),
        )

    def _progress(self, commits: int) -> None:
        self.workplace.show("reading", commits)

    def _shallow(self) -> tuple[str, ...]:
        path = self.git.repository / "shallow"
        return tuple(sorted(path.read_text(encoding="ascii").split())) if path.is_file() else ()

    def _usable(self, shallow: tuple[str, ...]) -> list[Segment]:
        """The segments that were read by the current extraction rules."""
        if self.before is None or self.before.exclude != self.codebase.exclude or self.before.shallow != shallow:
            return []
        return [stored.segment for stored in self.before.segments]

    def _blob(self, commit: str | None, path: str) -> str | None:
        """The blob at a path of a commit's tree; None where there is none."""
        if commit is None:
            return None
        listed = self.git.run("ls-tree", "-z", commit, "--", path).decode(errors="replace")
        _, _, found = listed.partition("\t")[0].partition(" blob ")
        return found or None

    def _published(self, segments: Iterable[Segment], mailmap: str | None) -> Iterable[StoredSegment]:
        before = self.before.segments if self.before and self.before.mailmap == mailmap else ()
        known = {stored.segment: stored for stored in before}
        place = self.workplace
        for segment in segments:
            if segment in known:
                yield known[segment]
            else:
                parts = publish_segment(segment, place.raw_directory, place.parts, self.git, mailmap, place.pseudonyms)
                yield StoredSegment(segment=segment, parts=parts)

    def _tree(self, commit: str | None, history: History) -> tuple[File, str | None]:
        """The part that shows the default branch's tree, and the language most of it is written in."""
        before = self.before if self.before and self.before.exclude == self.codebase.exclude else None
        known_commit = before.default_head if before else None
        if before and known_commit == commit:
            return before.parts[TREE.name], before.primary_language
        rows = pl.DataFrame(schema=TREE_COLUMNS)
        if commit is not None:
            empty_tree, is_excluded = EMPTY_TREES[len(commit) == SHA256_DIGITS], excluding(self.codebase.exclude)
            # The mirror may lack a commit that no branch holds any more.
            if known_commit and known_commit in history:
                known = self._rows_before(TREE, TREE_COLUMNS)
                rows = moved_tree_table(known, self.git, empty_tree, known_commit, commit, is_excluded)
            else:
                rows = tree_table(self.git, empty_tree, commit, is_excluded)
        return self.workplace.parts.write(TREE, rows.lazy()), primary_language(rows)

    def _whole_tables(self, heads: Heads, history: History, commits: pl.LazyFrame) -> dict[str, File]:
        parts, unselected = self.workplace.parts, self.every.commits.keys() - heads.commits.keys()
        dated = commits.select("commit_sha", "committed_at")
        branches = branch_table(self.git, heads, history, dated, self._rows_before(BRANCHES, COLUMNS), unselected)
        held = history.holders.lazy().join(
            history.commits.lazy().with_columns(commit_key=commit_key()), on="group", maintain_order="left"
        )
        return {
            COMMIT_BRANCHES.name: parts.write(COMMIT_BRANCHES, held),
            BRANCHES.name: parts.write(BRANCHES, branches.lazy()),
        }

    def _rows_before(self, table: Table, columns: pl.Schema) -> pl.DataFrame:
        """What was extracted before of a table that is written as a whole."""
        if self.before is None or table.name not in self.before.parts:
            return pl.DataFrame(schema=columns)
        return self.workplace.parts.rows([self.before.parts[table.name]]).select(columns.names()).collect()
