"""Store batches of LLM usage in one transaction: each event once, the dead letters, and running totals."""

from collections.abc import Mapping, Sequence
from operator import itemgetter

from sqlalchemy import Connection, bindparam, func, select, update

from intake.inserting import Row, insert_new
from intake.llm.batches import Batch, Receipt
from intake.tables import COLLECTOR_STATE, DEAD_LETTERS, INTAKE_TOTALS, USAGE_EVENTS


def store(connection: Connection, batches: Sequence[Batch]) -> list[Receipt]:
    """Store batches within the connection's transaction; returns a receipt for each, in order.

    Of events with the same organisation and id, the first one is kept, whenever the others come.
    """
    first_id = _reserve(connection, len(batches))
    ids = range(first_id, first_id + len(batches))
    before = connection.scalar(select(func.coalesce(func.max(USAGE_EVENTS.c.id), 0)))
    rows = [
        (*event, batch.received_at, batch_id)
        for batch_id, batch in zip(ids, batches, strict=True)
        for event in batch.events
    ]
    # In the order of the unique index; among equal keys the order they came in, so the first one wins.
    rows.sort(key=itemgetter(0, 1))
    insert_new(connection, USAGE_EVENTS, rows)
    letters = [letter for batch_id, batch in zip(ids, batches, strict=True) for letter in _letters(batch_id, batch)]
    insert_new(connection, DEAD_LETTERS, letters)
    accepted = _accepted(connection, before or 0)
    receipts = [
        Receipt(batch_id, accepted.get(batch_id, 0), len(batch.events) - accepted.get(batch_id, 0))
        for batch_id, batch in zip(ids, batches, strict=True)
    ]
    _count(connection, batches, receipts)
    return receipts


def _reserve(connection: Connection, batches: int) -> int:
    """Reserve ids for a number of batches, and return the first one.

    The update locks the row until the transaction ends, so there is one writer at a time on every database: ids are
    committed in ascending order, and two writers of the same events never wait for each other.
    """
    connection.execute(update(COLLECTOR_STATE).values(last_batch=COLLECTOR_STATE.c.last_batch + batches))
    last: int = connection.execute(select(COLLECTOR_STATE.c.last_batch)).scalar_one()
    return last - batches + 1


def _accepted(connection: Connection, before: int) -> Mapping[int, int]:
    """The number of events each batch added above an id. Drivers disagree on what affected rows are."""
    counted = (
        select(USAGE_EVENTS.c.batch_id, func.count().label("events"))
        .where(USAGE_EVENTS.c.id > before)
        .group_by(USAGE_EVENTS.c.batch_id)
    )
    return {each.batch_id: each.events for each in connection.execute(counted)}


def _letters(batch_id: int, batch: Batch) -> list[Row]:
    return [
        (
            each.digest,
            batch.received_at,
            batch_id,
            batch.source,
            batch.sender,
            each.index,
            each.event_id,
            each.org_id,
            each.reason,
            each.payload,
        )
        for each in batch.rejections
    ]


def _count(connection: Connection, batches: Sequence[Batch], receipts: Sequence[Receipt]) -> None:
    """Add to the totals in the same transaction, so that they are exact whatever happens."""
    counts: dict[tuple[str, str], int] = {}
    for batch, receipt in zip(batches, receipts, strict=True):
        results = {"accepted": receipt.accepted, "duplicate": receipt.duplicates, "rejected": len(batch.rejections)}
        for result, count in results.items():
            key = (batch.source, result)
            counts[key] = counts.get(key, 0) + count
    for (source, result), count in counts.items():
        if count:
            connection.execute(_ADD, {"of_source": source, "of_result": result, "more": count})


_ADD = (
    update(INTAKE_TOTALS)
    .where(INTAKE_TOTALS.c.source == bindparam("of_source"), INTAKE_TOTALS.c.result == bindparam("of_result"))
    .values(events=INTAKE_TOTALS.c.events + bindparam("more"))
)
