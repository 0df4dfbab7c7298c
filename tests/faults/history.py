"""The history check: compares what was published with what was read.

Writers log every snapshot with its figures, readers log every answer; `judged` compares the two afterwards. Instants
other than `data_updated_at` are those of `time.monotonic()`, which the processes of one machine share.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from typing import Any

type Figures = Mapping[str, int]

# The figure of the dashboard that counts each table's rows.
TABLE_FIGURES = ("estimations", "events", "page_views", "rooms", "votes", "users")


def dashboard_figures(data: Mapping[str, Any]) -> Figures:
    """The number of rows of each table behind an answer of `GET /`."""
    return {
        "estimations": sum(data["votes"]["estimation_counts"].values()),
        "events": sum(data["behaviour"]["events"].values()),
        "page_views": data["traffic"]["page_views"],
        "rooms": data["historical"][-1]["acc_rooms"],
        "votes": data["votes"]["total_votes"],
        "users": sum(data["location_and_user_agent"]["device"].values()),
    }


@dataclass(frozen=True)
class Committed:
    """A transaction, committed between `begun` and `done`, after which every table has `rows` rows."""

    rows: int
    begun: float
    done: float


@dataclass(frozen=True)
class Published:
    """A snapshot that became current between `begun` and `done`."""

    data_updated_at: datetime
    figures: Figures
    begun: float
    done: float


@dataclass(frozen=True)
class Read:
    """An answer with some of the figures; `data_updated_at` is None if the answer lacks it."""

    reader: str
    asked: float
    answered: float
    figures: Figures
    data_updated_at: datetime | None = None


@dataclass
class History:
    """The log of writers and readers; appending is safe from any thread."""

    committed: list[Committed] = field(default_factory=list)
    published: list[Published] = field(default_factory=list)
    reads: list[Read] = field(default_factory=list)

    @property
    def verdict(self) -> "Verdict":
        """Judge the history so far."""
        return judged(self.published, self.reads, self.committed)


@dataclass
class Verdict:
    """The faults of a history. `lost` and `doubled` count rows, the others answers or snapshots."""

    reads: int = 0
    snapshots: int = 0
    lost: int = 0
    doubled: int = 0
    mixed: int = 0
    back: int = 0
    unknown: int = 0
    examples: list[str] = field(default_factory=list)

    def assert_sound(self) -> None:
        """Every answer is one published snapshot, none older than the one that was current when it was requested."""
        assert not self.examples, "\n".join(self.examples[:10])
        assert (self.lost, self.doubled, self.mixed, self.back, self.unknown) == (0, 0, 0, 0, 0)


def judged(published: Sequence[Published], reads: Iterable[Read] = (), committed: Sequence[Committed] = ()) -> Verdict:
    """Find what is lost, doubled, mixed, going back or of unknown origin.

    An answer is correct if its figures, and its time if it has one, are those of one snapshot that was not yet replaced
    at the time of the request, had begun to be published by the time of the answer, and is not older than the one that
    the same reader saw before. A snapshot is correct if all its tables show the state after the same transaction, which
    is neither older than the last one committed before the run nor began after the run.
    """
    judge = _Judge(sorted(published, key=lambda each: each.begun))
    if committed:
        judge.compare(sorted(committed, key=lambda each: each.rows))
    for read in sorted(reads, key=lambda each: each.asked):
        judge.hear(read)
    return judge.verdict


class _Judge:
    """Judges answers by snapshots, which are in order of publication and named by their index."""

    def __init__(self, snapshots: Sequence[Published]) -> None:
        self.snapshots = snapshots
        self.verdict = Verdict(snapshots=len(snapshots))
        self._done = [each.done for each in snapshots]
        self._at: defaultdict[datetime, list[int]] = defaultdict(list)
        self._with: defaultdict[tuple[str, int], list[int]] = defaultdict(list)
        self._seen: dict[str, int] = {}
        for number, each in enumerate(snapshots):
            self._at[each.data_updated_at].append(number)
            for figure in each.figures.items():
                self._with[figure].append(number)
        for before, after in pairwise(snapshots):
            if after.data_updated_at < before.data_updated_at:
                self.verdict.back += 1
                self._note(f"data_updated_at went back: {before} before {after}")

    def compare(self, committed: Sequence[Committed]) -> None:
        """Judge the snapshots by the commits at the source."""
        for snapshot in self.snapshots:
            least = max((each.rows for each in committed if each.done <= snapshot.begun), default=0)
            most = max((each.rows for each in committed if each.begun <= snapshot.done), default=0)
            counts = set(snapshot.figures.values())
            lost, doubled = max(least - min(counts), 0), max(max(counts) - most, 0)
            mixed = not lost and not doubled and (len(counts) > 1 or counts.isdisjoint(each.rows for each in committed))
            self.verdict.lost += lost
            self.verdict.doubled += doubled
            self.verdict.mixed += mixed
            if lost or doubled or mixed:
                self._note(f"not a state of the source with {least} to {most} rows per table: {snapshot}")

    def hear(self, read: Read) -> None:
        """Judge one answer; those of one reader must come in order."""
        self.verdict.reads += 1
        matching = [number for number in self._candidates(read) if self._matches(read, number)]
        first = max(bisect_right(self._done, read.asked) - 1, self._seen.get(read.reader, 0))
        possible = [number for number in matching if number >= first and self._begun(number, read)]
        if possible:
            self._seen[read.reader] = possible[0]
        elif not matching:
            self._tell_apart(read, first)
        elif max(matching) < first:
            self.verdict.back += 1
            self._note(f"older than the current one: {read}, then {self.snapshots[first]}")
        else:
            self.verdict.unknown += 1
            self._note(f"answered before it was published: {read}, {self.snapshots[matching[0]]}")

    def _candidates(self, read: Read) -> Sequence[int]:
        if read.data_updated_at is not None:
            return self._at.get(read.data_updated_at, [])
        return self._with.get(next(iter(read.figures.items())), [])

    def _matches(self, read: Read, number: int) -> bool:
        figures = self.snapshots[number].figures
        return all(figures[name] == value for name, value in read.figures.items())

    def _begun(self, number: int, read: Read) -> bool:
        return self.snapshots[number].begun <= read.answered

    def _tell_apart(self, read: Read, current: int) -> None:
        """Distinguish a mixture of snapshots from lost and doubled rows."""
        if read.data_updated_at is not None and not self._candidates(read):
            self.verdict.unknown += 1
            self._note(f"a time that was never published: {read}")
            return
        expected = self.snapshots[self._at[read.data_updated_at][0] if read.data_updated_at else current]
        if len(read.figures) > 1 and all(figure in self._with for figure in read.figures.items()):
            self.verdict.mixed += 1
            self._note(f"mixed of several snapshots: {read}, expected {expected}")
            return
        for name, value in read.figures.items():
            self.verdict.lost += max(expected.figures[name] - value, 0)
            self.verdict.doubled += max(value - expected.figures[name], 0)
        self._note(f"rows lost or doubled: {read}, expected {expected}")

    def _note(self, example: str) -> None:
        self.verdict.examples.append(example)
