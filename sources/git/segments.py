"""The raw segments of a codebase: add new commits, drop those that are gone, merge small segments."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import uuid4

import polars as pl

from sources.git.command import Git
from sources.git.extraction import RAW_COMMITS, Progress, Segment, extract

SMALL_COMMITS = 5_000
MOST_SMALL = 8


@dataclass(frozen=True)
class RawCommits:
    """The directory of a codebase's segments, and how further ones are read."""

    git: Git
    exclude: tuple[str, ...]
    directory: Path
    collected_at: datetime

    def brought_to(self, reachable: pl.DataFrame, before: Sequence[Segment], progress: Progress) -> list[Segment]:
        """The segments that hold exactly the reachable commits (`commit_sha`), in the order they were read.

        Raises:
            CodebaseError: git failed or took too long.
        """
        known = self.known(before)
        new = reachable.filter(~pl.col("commit_sha").is_in(known["commit_sha"].implode()))["commit_sha"].to_list()
        gone = known.filter(~pl.col("commit_sha").is_in(reachable["commit_sha"].implode()))
        kept = self._without(before, gone) if gone.height else list(before)
        read = extract(self.git, new, self.exclude, self.directory, self.collected_at, progress)
        return self._joined([*kept, *read])

    def known(self, segments: Iterable[Segment]) -> pl.DataFrame:
        """The commits of some segments: `commit_sha` and the name of the segment."""
        empty = pl.DataFrame(schema={"commit_sha": pl.String, "segment": pl.String}).lazy()
        held = [
            _rows([segment.commits_file(self.directory)]).select("commit_sha", segment=pl.lit(segment.name))
            for segment in segments
        ]
        return pl.concat([empty, *held]).collect()

    def commits(self, segments: Sequence[Segment]) -> pl.LazyFrame:
        """The rows of `RAW_COMMITS` of some segments."""
        if not segments:
            return pl.LazyFrame(schema=RAW_COMMITS)
        return _rows([segment.commits_file(self.directory) for segment in segments])

    def _without(self, segments: Sequence[Segment], gone: pl.DataFrame) -> list[Segment]:
        touched = set(gone["segment"])
        kept = (
            self._written([segment], gone.select("commit_sha")) if segment.name in touched else segment
            for segment in segments
        )
        return [segment for segment in kept if segment.commits]

    def _joined(self, segments: Sequence[Segment]) -> list[Segment]:
        small = [segment for segment in segments if segment.commits < SMALL_COMMITS]
        if len(small) <= MOST_SMALL:
            return list(segments)
        large = [segment for segment in segments if segment not in small]
        return [*large, self._written(small, pl.DataFrame(schema={"commit_sha": pl.String}))]

    def _written(self, segments: Sequence[Segment], without: pl.DataFrame) -> Segment:
        """One segment with the rows of several, except those of some commits."""
        name = uuid4().hex
        target = Segment(name, 0)
        for path, sources in (
            (target.commits_file(self.directory), [segment.commits_file(self.directory) for segment in segments]),
            (target.changes_file(self.directory), [segment.changes_file(self.directory) for segment in segments]),
        ):
            rows = _rows(sources).join(without.lazy(), on="commit_sha", how="anti")
            rows.sink_parquet(path, compression="zstd", compression_level=1, sync_on_close="all")
        return Segment(name, _rows([target.commits_file(self.directory)]).select(pl.len()).collect().item())


def _rows(files: list[Path]) -> pl.LazyFrame:
    return pl.scan_parquet(files, glob=False)
