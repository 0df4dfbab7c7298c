"""The raw segments of a codebase: add the commits that are new, drop those that are gone, join what is small."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import uuid4

import polars as pl

from sources.git.command import Git
from sources.git.extraction import RAW_COMMITS, Progress, Segment, extract

# Starting processes takes longer than reading fewer.
COMMITS_PER_PROCESS = 3_000
SLICES_PER_PROCESS = 4
SMALL_COMMITS = 5_000
MOST_SMALL = 8


@dataclass(frozen=True)
class RawCommits:
    """Where the segments of a codebase are, and how further ones are read."""

    git: Git
    exclude: tuple[str, ...]
    directory: Path
    collected_at: datetime

    def brought_to(self, reachable: pl.DataFrame, before: Sequence[Segment], progress: Progress) -> list[Segment]:
        """The segments that hold exactly the commits that branches hold (`commit_sha`), in the order they were read.

        Raises:
            CodebaseError: git failed or took too long.
        """
        known = self.known(before)
        new = reachable.filter(~pl.col("commit_sha").is_in(known["commit_sha"].implode()))["commit_sha"].to_list()
        gone = known.filter(~pl.col("commit_sha").is_in(reachable["commit_sha"].implode()))
        kept = self._without(before, gone) if gone.height else list(before)
        return self._joined([*kept, *self._read(new, progress)])

    def known(self, segments: Iterable[Segment]) -> pl.DataFrame:
        """The commits of some segments: `commit_sha` and the segment's name."""
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
        """One segment of the rows of several, but for some commits."""
        name = uuid4().hex
        target = Segment(name, 0)
        for path, sources in (
            (target.commits_file(self.directory), [segment.commits_file(self.directory) for segment in segments]),
            (target.changes_file(self.directory), [segment.changes_file(self.directory) for segment in segments]),
        ):
            rows = _rows(sources).join(without.lazy(), on="commit_sha", how="anti")
            rows.sink_parquet(path, compression="zstd", compression_level=1, sync_on_close="all")
        return Segment(name, _rows([target.commits_file(self.directory)]).select(pl.len()).collect().item())

    def _read(self, shas: Sequence[str], progress: Progress) -> list[Segment]:
        processes = min(os.cpu_count() or 1, len(shas) // COMMITS_PER_PROCESS)
        if processes < 2:
            return self._extracted(shas, progress) if shas else []
        return self._read_in_processes(shas, processes, progress)

    def _extracted(self, shas: Sequence[str], progress: Progress) -> list[Segment]:
        return extract(self.git, shas, self.exclude, self.directory, self.collected_at, progress)

    def _read_in_processes(self, shas: Sequence[str], processes: int, progress: Progress) -> list[Segment]:
        length = -(-len(shas) // (processes * SLICES_PER_PROCESS))
        slices = [shas[start : start + length] for start in range(0, len(shas), length)]
        context = multiprocessing.get_context("spawn")
        found: dict[int, list[Segment]] = {}
        with ProcessPoolExecutor(processes, context, initializer=_end_with_parent) as pool:
            running = {pool.submit(_extract_slice, self, some): number for number, some in enumerate(slices)}
            try:
                for done in as_completed(running):
                    found[running[done]] = done.result()
                    progress(sum(segment.commits for segments in found.values() for segment in segments))
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
        return [segment for _, segments in sorted(found.items()) for segment in segments]


def _extract_slice(raw: RawCommits, shas: Sequence[str]) -> list[Segment]:
    return raw._extracted(shas, lambda _: None)


def _end_with_parent() -> None:
    """Let this process end when the one that started it does, however that ends; it alone hears of interrupts."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_wait_for_parent, daemon=True).start()


def _wait_for_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _rows(files: list[Path]) -> pl.LazyFrame:
    return pl.scan_parquet(files, glob=False)
