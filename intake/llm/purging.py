"""Delete events by age or by organisation, for retention and erasure requests."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Engine, Table, and_, delete, func, select
from sqlalchemy.sql.elements import ColumnElement

from intake.database import explained, reading
from intake.tables import DEAD_LETTERS, USAGE_EVENTS

# Rows per transaction: few enough that writers wait only milliseconds.
IDS_PER_TRANSACTION = 10_000
UNITS = {"d": timedelta(days=1), "h": timedelta(hours=1), "w": timedelta(weeks=1)}
_AGE = re.compile(r"([0-9]{1,6})([dhw])")


def age(text: str) -> timedelta:
    """Parse an age in hours, days or weeks, such as `400d`.

    Raises:
        ValueError: It is not an age.
    """
    found = _AGE.fullmatch(text)
    if not found:
        raise ValueError(f"{text} is not an age: write hours, days or weeks, such as 48h, 400d or 52w")
    return int(found[1]) * UNITS[found[2]]


@dataclass(frozen=True)
class Purged:
    """The number of rows deleted so far."""

    events: int = 0
    dead_letters: int = 0


def purge(engine: Engine, before: int | None, org_id: bytes | None) -> Iterator[Purged]:
    """Delete events that occurred, and dead letters that were received, before an instant; all if it is None.

    `before` is in microseconds since 1970. With `org_id`, only those of this organisation. Small transactions let
    writers through; if interrupted, run it again.

    Raises:
        DatabaseError: The database failed.
    """
    purged = Purged()
    for count in _deleted(engine, USAGE_EVENTS, _matches(USAGE_EVENTS, "occurred_at", before, org_id)):
        purged = Purged(purged.events + count, 0)
        yield purged
    for count in _deleted(engine, DEAD_LETTERS, _matches(DEAD_LETTERS, "received_at", before, org_id)):
        purged = Purged(purged.events, purged.dead_letters + count)
        yield purged
    yield purged


def _matches(table: Table, time: str, before: int | None, org_id: bytes | None) -> ColumnElement[bool]:
    conditions: list[ColumnElement[bool]] = []
    if before is not None:
        conditions.append(table.columns[time] < before)
    if org_id is not None:
        conditions.append(table.columns["org_id"] == org_id)
    return and_(*conditions)


def _deleted(engine: Engine, table: Table, matches: ColumnElement[bool]) -> Iterator[int]:
    """Delete rows by ranges of ids; yields the number deleted from each."""
    with explained(engine.url):
        with reading(engine) as connection:
            first, last = connection.execute(select(func.min(table.c.id), func.max(table.c.id))).one()
        if first is None:
            return
        for start in range(first, last + 1, IDS_PER_TRANSACTION):
            end = start + IDS_PER_TRANSACTION
            within = and_(table.c.id >= start, table.c.id < end, matches)
            with engine.begin() as connection:
                count = connection.execute(delete(table).where(within)).rowcount
            yield count
