"""One writer at a time: the lock on a read model's directory."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from read_model.publishing import writing_to
from read_model.snapshot import SNAPSHOTS
from util.clock import utc_now
from util.errors import EXIT_BUSY, AnalyticsError

LOCK = ".lock"
# Files hold user ids and cities: only their owner and group may read them.
NOT_FOR_OTHERS = 0o027
# Whoever can open the lock file can hold the lock.
OWNER_ONLY = 0o600
PROC_LOCKS = Path("/proc/locks")
UPDATER = "the updater with pid"
STRANGER = "a process that is not an updater"
LONGEST_NOTE = 200


class BusyError(AnalyticsError):
    """Another process holds the lock."""

    exit_code = EXIT_BUSY

    def __init__(self, home: Path, holder: str) -> None:
        super().__init__(f"Another updater is at work in {home}: this run is skipped. Its {LOCK} is held by {holder}")


@contextmanager
def locked(home: Path) -> Iterator[None]:
    """Lock a read model's directory for one writer; the lock ends with the process, however that ends.

    What is written inside the block can be read by its owner and group only, or by fewer if the umask says so.

    Raises:
        BusyError: Another process holds it; the message says which, as far as that is known, and since when.
        CannotWriteError: The directory can't be created or written; raised before anything is read.
    """
    with ExitStack() as held:
        held.enter_context(_private_files())
        with writing_to(home):
            (home / SNAPSHOTS).mkdir(parents=True, exist_ok=True)
            lock = _opened(home / LOCK)
            held.callback(os.close, lock)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise BusyError(home, _holder(lock)) from None
            _note(lock, f"{UPDATER} {os.getpid()}")
        yield
        os.ftruncate(lock, 0)


@contextmanager
def _private_files() -> Iterator[None]:
    before = os.umask(0o777)
    os.umask(before | NOT_FOR_OTHERS)
    try:
        yield
    finally:
        os.umask(before)


def _opened(path: Path) -> int:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, OWNER_ONLY)
    with suppress(PermissionError):  # Only its owner may; earlier versions let others read it.
        os.fchmod(descriptor, OWNER_ONLY)
    return descriptor


def _note(lock: int, holder: str) -> None:
    """Write down who holds the lock from now on."""
    with suppress(OSError):  # On a full disk, the run itself reports a clearer error.
        os.ftruncate(lock, 0)
        os.pwrite(lock, f"{holder} since {utc_now():%Y-%m-%d %H:%M:%S} UTC".encode(), 0)


def _holder(lock: int) -> str:
    """Who holds the lock, and since when, as far as that is known.

    An updater leaves a note. Without one, something else holds it: then the first run that is skipped notes that.
    """
    note = os.pread(lock, LONGEST_NOTE, 0).decode(errors="replace")
    if not note:
        _note(lock, f"{STRANGER}, at least")
    if note.startswith(UPDATER):
        return note
    return f"{note or STRANGER}{_suspects(lock)}"


def _suspects(lock: int) -> str:
    """The processes of this machine that hold a lock on a file with the same inode number; empty if none is known."""
    inode = str(os.fstat(lock).st_ino)
    pids = []
    with suppress(OSError):  # Only Linux has this list.
        for line in PROC_LOCKS.read_text().splitlines():
            _, kind, *_, pid, place, _, _ = line.split()
            if kind == "FLOCK" and place.rpartition(":")[2] == inode:
                pids.append(pid)
    return f", maybe pid {' or '.join(pids)}" if pids else ""
