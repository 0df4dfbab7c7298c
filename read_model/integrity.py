"""Whether files still hold what was published: disks decay, and hard links pass damage on to later snapshots."""

import hashlib
import logging
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import polars as pl

from read_model.manifest import File, StoredTable

logger = logging.getLogger(__name__)

HASHING_THREADS = 2
# Hashing this much takes about ten milliseconds: a request can wait for it.
SMALL_BYTES = 10_000_000
AGAIN_AFTER_S = 24 * 3600
MOST_REMEMBERED = 10_000
LOOK_EVERY_S = 1.0

type Published = tuple[Path, StoredTable, File]


def fault_of(path: Path, stored: StoredTable, file: File) -> str | None:
    """How a file differs from what was published, in words; None when it is the same to the last bit."""
    try:
        return _fault_of_content(path, stored, file)
    except OSError as error:
        return _absence(error)


def _fault_of_content(path: Path, stored: StoredTable, file: File) -> str | None:
    size = path.stat().st_size
    if size != file.bytes:
        return f"is damaged: it has {size:,} bytes, {file.bytes:,} were published"
    with path.open("rb") as content:
        if hashlib.file_digest(content, "sha256").hexdigest() != file.sha256:
            return "is damaged: its bytes are not those that were published"
    try:
        # The bytes are right: what the manifest says of them may still be wrong.
        if pl.read_parquet_schema(path) != stored.polars_schema:
            return "has columns other than its manifest says"
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException):
        return "is not a Parquet file"
    return None


def _absence(error: OSError) -> str:
    return "is missing" if isinstance(error, FileNotFoundError) else f"can't be read: {error.strerror or error}"


def faults_of(files: Iterable[Published]) -> Iterator[tuple[Published, str]]:
    """The files that differ from what was published, and what is wrong with each."""
    files = list(files)
    with ThreadPoolExecutor(HASHING_THREADS) as pool:
        for published, fault in zip(files, pool.map(lambda each: fault_of(*each), files), strict=True):
            if fault:
                yield published, fault


@dataclass(frozen=True)
class _Identity:
    """What a file contains, as far as the file system tells, and what it should. Hard links to it are equal."""

    device: int
    inode: int
    size: int
    modified_ns: int
    sha256: str
    columns: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class _Check:
    """A check of a file, under way or done; `changed_ns` is when its inode last changed, new links included."""

    verdict: Future[str | None]
    changed_ns: int
    began: float

    @property
    def is_sound(self) -> bool:
        """Whether it was completed. A file that could not be read, as when its snapshot was just removed, may be
        readable under another name."""
        return self.verdict.done() and self.verdict.exception() is None


@dataclass(frozen=True)
class Standing:
    """What is known of the files of a snapshot."""

    checked: int
    pending: int
    faults: Mapping[str, str]

    @property
    def status(self) -> Literal["ok", "checking", "damaged"]:
        """Whether all are known to be what was published."""
        return "damaged" if self.faults else "checking" if self.pending else "ok"


class FileChecks:
    """Checks each file before its first use in this process, and remembers the outcome.

    A file whose size or modification time changed is checked again before its next use. `look_over` also finds what
    the file system doesn't show: it checks every file daily, and whenever its inode changed, be it by a new hard link
    or by a write whose time was set back.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._pool = ThreadPoolExecutor(HASHING_THREADS, thread_name_prefix="file-check")
        self._checks: dict[_Identity, _Check] = {}
        self._guard = threading.Lock()

    def faults(self, files: Iterable[Published]) -> dict[str, str]:
        """What is wrong with files that are about to be used, by name; waits for pending checks."""
        begun = [(each, self._check(each)) for each in files]
        return {each[0].name: fault for each, check in begun if (fault := _fault(check, each))}

    def standing(self, files: Iterable[Published]) -> Standing:
        """What is known about files, without checking any."""
        known = {each[0].name: self._known(each) for each in files}
        done = {name: check.verdict.result() for name, check in known.items() if check and check.is_sound}
        return Standing(
            checked=len(done),
            pending=len(known) - len(done),
            faults={name: fault for name, fault in done.items() if fault},
        )

    def look_over(self, files: Iterable[Published]) -> dict[str, str]:
        """Check the files that are due, one after the other; returns what is wrong with them, by name."""
        found = {}
        for published in files:
            path = published[0]
            with suppress(OSError):  # Whoever needs the file will report that it is gone.
                facts = path.stat()
                check = self._checks.get(_identity(facts, published))
                is_due = check is None or self._is_due(check, facts)
                if is_due and (fault := _fault(self._begin(published, facts), published)):
                    found[path.name] = fault
        return found

    @contextmanager
    def watching(self, find: Callable[[], Iterable[Published]]) -> Iterator[None]:
        """Keep looking over the files that `find` finds, in the background."""
        ended = threading.Event()

        def watch() -> None:
            while not ended.wait(LOOK_EVERY_S):
                try:
                    for name, fault in self.look_over(find()).items():
                        logger.error("%s %s: it is not served, and the updater's next run replaces it", name, fault)
                except Exception:
                    # One failure must not end the watch.
                    logger.exception("The files could not be looked over")

        threading.Thread(target=watch, name="file-watch", daemon=True).start()
        try:
            yield
        finally:
            ended.set()

    def _check(self, published: Published) -> _Check | OSError:
        try:
            facts = published[0].stat()
        except OSError as error:
            return error
        check = self._checks.get(_identity(facts, published))
        is_known = check and (check.is_sound or not check.verdict.done())
        if check and is_known and (facts.st_size > SMALL_BYTES or check.changed_ns == facts.st_ctime_ns):
            return check
        return self._begin(published, facts)

    def _known(self, published: Published) -> _Check | None:
        try:
            return self._checks.get(_identity(published[0].stat(), published))
        except OSError:
            return None

    def _is_due(self, check: _Check, facts: os.stat_result) -> bool:
        return check.changed_ns != facts.st_ctime_ns or self._clock() - check.began >= AGAIN_AFTER_S

    def _begin(self, published: Published, facts: os.stat_result) -> _Check:
        identity = _identity(facts, published)
        with self._guard:
            check = self._checks.get(identity)
            # Another thread may have begun it meanwhile.
            if check is None or check.verdict.done():
                verdict = self._pool.submit(_fault_of_content, *published)
                self._checks[identity] = check = _Check(verdict, facts.st_ctime_ns, self._clock())
            while len(self._checks) > MOST_REMEMBERED:
                del self._checks[next(iter(self._checks))]
        return check


def _fault(check: _Check | OSError, published: Published) -> str | None:
    """The outcome of a file's check, once it is done."""
    try:
        return _absence(check) if isinstance(check, OSError) else check.verdict.result()
    except OSError:
        # The check began under another name of the same file, in a snapshot that was removed meanwhile.
        return fault_of(*published)


def _identity(facts: os.stat_result, published: Published) -> _Identity:
    _, stored, file = published
    return _Identity(
        facts.st_dev, facts.st_ino, facts.st_size, facts.st_mtime_ns, file.sha256, tuple(stored.columns.items())
    )
