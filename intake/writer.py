"""The one writer of a process: a thread that commits all waiting batches together.

A commit waits for the disk, whatever its size. So batches that arrive during one commit share the next one: many small
requests become few large transactions, and none is answered before its own is durable.
"""

import logging
import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass

import stamina
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import InterfaceError, OperationalError

from intake.database import DatabaseError, explained

logger = logging.getLogger(__name__)

LARGEST_GROUP = 5_000
ATTEMPTS = 4
FIRST_WAIT_S, LONGEST_WAIT_S = 0.1, 2.0
# A lost connection, a lock timeout, a full disk: not the fault of what is written.
PASSING = (OperationalError, InterfaceError)


@dataclass(frozen=True)
class _Job[Batch, Receipt]:
    batch: Batch
    size: int
    receipt: Future[Receipt]


class Writer[Batch, Receipt]:
    """Stores batches with `store`, each completely or not at all."""

    def __init__(self, engine: Engine, store: Callable[[Connection, Sequence[Batch]], Sequence[Receipt]]) -> None:
        self._engine = engine
        self._store = store
        self._waiting: queue.SimpleQueue[_Job[Batch, Receipt] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)

    def start(self) -> None:
        """Start taking batches."""
        self._thread.start()

    def stop(self) -> None:
        """Commit what is waiting, then end."""
        self._waiting.put(None)
        self._thread.join()
        self._engine.dispose()

    @property
    def is_alive(self) -> bool:
        """Whether batches are being taken."""
        return self._thread.is_alive()

    def submit(self, batch: Batch, size: int) -> Future[Receipt]:
        """Store a batch of `size` rows. The future gets the receipt once it is durable, or a `DatabaseError`."""
        job = _Job[Batch, Receipt](batch, size, Future())
        self._waiting.put(job)
        return job.receipt

    def write(self, batches: Sequence[Batch]) -> Sequence[Receipt]:
        """Store batches in one transaction, in the caller's thread.

        Retries after an error that may pass; what was committed after all is not stored twice.

        Raises:
            DatabaseError: The database failed.
        """
        with explained(self._engine.url):
            for attempt in stamina.retry_context(
                on=PASSING, attempts=ATTEMPTS, timeout=None, wait_initial=FIRST_WAIT_S, wait_max=LONGEST_WAIT_S
            ):
                with attempt, self._engine.begin() as connection:
                    return self._store(connection, batches)
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _run(self) -> None:
        while group := self._group():
            self._settle(group)

    def _group(self) -> list[_Job[Batch, Receipt]]:
        """All waiting batches, at least one; none if the writer is to end."""
        group, size = [], 0
        job = self._waiting.get()
        while job is not None:
            group.append(job)
            size += job.size
            if size >= LARGEST_GROUP:
                return group
            try:
                job = self._waiting.get_nowait()
            except queue.Empty:
                return group
        if group:
            self._waiting.put(None)
        return group

    def _settle(self, group: Sequence[_Job[Batch, Receipt]]) -> None:
        """Store a group and notify everyone who waits for it; no batch fails because of another one."""
        try:
            receipts = self.write([job.batch for job in group])
        except Exception as error:
            if len(group) > 1 and not isinstance(error.__cause__, PASSING):
                for job in group:
                    self._settle([job])
                return
            if not isinstance(error, DatabaseError):
                logger.exception("The writer failed")
            for job in group:
                job.receipt.set_exception(error)
        else:
            for job, receipt in zip(group, receipts, strict=True):
                job.receipt.set_result(receipt)
