"""Whether files still hold what was published: disks forget, and hard links carry a damage from snapshot to snapshot."""

import hashlib
import os
import stat
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import polars as pl

from read_model.manifest import File, StoredTable

HASHING_THREADS = 2
# Hashed in some ten milliseconds: a request can wait for it.
SMALL_BYTES = 10_000_000
AGAIN_AFTER_S = 24 * 3600
MOST_REMEMBERED = 10_000

type Published = tuple[Path, StoredTable, File]


def fault_of(path: Path, stored: StoredTable, file: File) -> str | None:
    """What makes a file another one than was published, in words; None when it is the same to the last bit."""
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            return "is no file"
        if found.st_size != file.bytes:
            return f"is damaged: it has {found.st_size:,} bytes, {file.bytes:,} were published"
        with path.open("rb") as content:
            if hashlib.file_digest(content, "sha256").hexdigest() != file.sha256:
                return "is damaged: its bytes are not those that were published"
        # The bytes are right: what the manifest says of them may still be wrong.
        if pl.read_parquet_schema(path) != stored.polars_schema:
            return "has other columns than its manifest says"
    except FileNotFoundError:
        return "is missing"
    except OSError as error:
        return f"can't be read: {error.strerror or error}"
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException):
        return "is no Parquet file"
    return None


def faults_of(files: Iterable[Published]) -> Iterator[tuple[Published, str]]:
    """The files that are not as published, and what is wrong with each."""
    files = list(files)
    with ThreadPoolExecutor(HASHING_THREADS) as pool:
        for published, fault in zip(files, pool.map(lambda each: fault_of(*each), files), strict=True):
            if fault:
                yield published, fault


@dataclass(frozen=True)
class _Identity:
    """A file's content as far as the file system tells, and what it should be. Hard links to it are the same."""

    device: int
    inode: int
    size: int
    modified_ns: int
    sha256: str
    columns: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class _Check:
    """A check of a file, under way or done; `changed_ns` is when its inode had last been touched, links included."""

    verdict: Future[str | None]
    changed_ns: int
    began: float


@dataclass(frozen=True)
class Standing:
    """What is known of the files of a snapshot."""

    checked: int
    pending: int
    faults: Mapping[str, str]

    @property
    def status(self) -> Literal["ok", "checking", "damaged"]:
        """Whether all are known to be as published."""
        return "damaged" if self.faults else "checking" if self.pending else "ok"


class FileChecks:
    """Checks each file before its first use in this process, and remembers what came of it.

    A file is checked again, before its next use, once its size or its time of change is another one. `look_over` also
    finds what the file system doesn't tell: it checks every file daily, and whenever its inode was touched, which a
    new hard link does, but also a change whose time was set back.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._pool = ThreadPoolExecutor(HASHING_THREADS, thread_name_prefix="file-check")
        self._checks: dict[_Identity, _Check] = {}
        self._guard = threading.Lock()

    def faults(self, files: Iterable[Published]) -> dict[str, str]:
        """What is wrong with files that are about to be used, by name; waits for those not checked yet."""
        verdicts = {path.name: self._verdict(path, stored, file) for path, stored, file in files}
        return {name: fault for name, verdict in verdicts.items() if (fault := verdict.result())}

    def standing(self, files: Iterable[Published]) -> Standing:
        """What is known of files without checking any."""
        known = {path.name: self._known(path, stored, file) for path, stored, file in files}
        done = {name: check.verdict.result() for name, check in known.items() if check and check.verdict.done()}
        return Standing(
            checked=len(done),
            pending=len(known) - len(done),
            faults={name: fault for name, fault in done.items() if fault},
        )

    def look_over(self, files: Iterable[Published]) -> dict[str, str]:
        """Check what is due, one file after the other; what is wrong with those, by name."""
        found = {}
        for path, stored, file in files:
            try:
                facts = path.stat()
            except OSError:
                continue  # Its absence is seen by whoever needs it.
            check = self._checks.get(_identity(facts, stored, file))
            if check is None or self._is_due(check, facts):
                fault = self._begin(path, stored, file, facts).verdict.result()
                if fault:
                    found[path.name] = fault
        return found

    def _verdict(self, path: Path, stored: StoredTable, file: File) -> Future[str | None]:
        try:
            facts = path.stat()
        except OSError as error:
            absent: Future[str | None] = Future()
            absent.set_result("is missing" if isinstance(error, FileNotFoundError) else f"can't be read: {error.strerror}")
            return absent
        with self._guard:
            check = self._checks.get(_identity(facts, stored, file))
            if check and (facts.st_size > SMALL_BYTES or check.changed_ns == facts.st_ctime_ns):
                return check.verdict
        return self._begin(path, stored, file, facts).verdict

    def _known(self, path: Path, stored: StoredTable, file: File) -> _Check | None:
        try:
            return self._checks.get(_identity(path.stat(), stored, file))
        except OSError:
            return None

    def _is_due(self, check: _Check, facts: os.stat_result) -> bool:
        return check.changed_ns != facts.st_ctime_ns or self._clock() - check.began >= AGAIN_AFTER_S

    def _begin(self, path: Path, stored: StoredTable, file: File, facts: os.stat_result) -> _Check:
        check = _Check(self._pool.submit(fault_of, path, stored, file), facts.st_ctime_ns, self._clock())
        with self._guard:
            self._checks[_identity(facts, stored, file)] = check
            while len(self._checks) > MOST_REMEMBERED:
                del self._checks[next(iter(self._checks))]
        return check


def _identity(facts: os.stat_result, stored: StoredTable, file: File) -> _Identity:
    return _Identity(
        facts.st_dev, facts.st_ino, facts.st_size, facts.st_mtime_ns, file.sha256, tuple(stored.columns.items())
    )
