"""Events in the database: once each, exact, the same on SQLite, PostgreSQL and MariaDB."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from sqlalchemy import Engine, select

from intake.llm.storing import store
from intake.tables import DEAD_LETTERS, INTAKE_TOTALS, USAGE_EVENTS
from intake.writer import Writer
from tests.intake.batches import NOW, batch
from tests.intake.events import ORG, OTHER_ORG, event

HIGHEST = "99999999999999.9999"


def stored(engine: Engine) -> list[Any]:
    """The events in the database, in the order of their ids."""
    with engine.connect() as connection:
        return list(connection.execute(select(USAGE_EVENTS).order_by(USAGE_EVENTS.c.id)))


def test_repeat_is_ignored_and_counted(engine: Engine) -> None:
    """Two new ones, one of them twice in the batch; then one of these with a third: the first version stays."""
    writer = Writer(engine, store)
    (first,) = writer.write([batch(event(1), event(2), event(1, input_tokens=7))])
    (second,) = writer.write([batch(event(2, input_tokens=8), event(3))])
    assert (first.accepted, first.duplicates) == (2, 1)
    assert (second.accepted, second.duplicates) == (1, 1)
    assert [row.input_tokens for row in stored(engine)] == [120, 120, 120]
    assert second.batch_id == first.batch_id + 1


def test_same_id_in_two_organisations_is_two_events(engine: Engine) -> None:
    """The key is both; the case of the organisation does not matter."""
    (receipt,) = Writer(engine, store).write([batch(event(), event(org_id=OTHER_ORG), event(org_id=ORG.upper()))])
    assert (receipt.accepted, receipt.duplicates) == (2, 1)


def test_batches_of_one_transaction_are_counted_separately(engine: Engine) -> None:
    """Each batch of a group has its own number and counts; the earlier one has the shared event."""
    receipts = Writer(engine, store).write([batch(event(1), event(2)), batch(event(2), event(3)), batch()])
    assert [(each.accepted, each.duplicates) for each in receipts] == [(2, 0), (1, 1), (0, 0)]
    assert len({each.batch_id for each in receipts}) == 3


def test_values_come_back_as_they_were_sent(engine: Engine) -> None:
    """The extremes of every field, and characters beyond the basic plane."""
    extreme = event(
        occurred_at="2015-01-01T00:00:00.000001+00:00",
        model_id="🦄" * 128,
        actor_id=None,
        input_tokens=2**53,
        error_code="",
        cost_estimate=HIGHEST,
        metadata={"ü": "\0", "long": "x" * 4000},
    )
    Writer(engine, store).write([batch(extreme)])
    (row,) = stored(engine)
    assert row.org_id.hex() == ORG.replace("-", "")
    assert row.occurred_at == 1_420_070_400_000_001
    assert row.model_id == "🦄" * 128
    assert row.actor_id is None
    assert row.input_tokens == 2**53
    assert row.error_code == ""
    assert row.cost_estimate == 10**18 - 1
    assert row.metadata == '{"ü":"\\u0000","long":"' + "x" * 4000 + '"}'
    assert row.received_at == NOW


def test_rejected_events_are_kept_with_their_reason(engine: Engine) -> None:
    """The document, its position and the ids it claims; repeated from the same origin, it is kept once."""
    bad = event(5, status="ok", model_id="a\0b")
    writer = Writer(engine, store)
    for _ in range(2):
        (receipt,) = writer.write([batch(event(4), bad, 3, origin="file:a.ndjson")])
    with engine.connect() as connection:
        letters = list(connection.execute(select(DEAD_LETTERS).order_by(DEAD_LETTERS.c.id)))
    assert (receipt.accepted, receipt.duplicates) == (0, 1)
    assert [letter.position for letter in letters] == [1, 2]
    assert letters[0].event_id == bad["event_id"]
    assert letters[0].org_id.hex() == ORG.replace("-", "")
    assert "model_id has a NUL character" in letters[0].reason
    assert "a\\u0000b" in letters[0].payload
    assert letters[1].payload == "3"


def test_totals_count_every_result(engine: Engine) -> None:
    """Two accepted, one duplicate, one rejected, over two transactions."""
    writer = Writer(engine, store)
    writer.write([batch(event(1), event(2))])
    writer.write([batch(event(1), {})])
    with engine.connect() as connection:
        totals = {row.result: row.events for row in connection.execute(select(INTAKE_TOTALS)) if row.source == "http"}
    assert totals == {"accepted": 2, "duplicate": 1, "rejected": 1}


def test_concurrent_writers_keep_every_event_once(engine: Engine) -> None:
    """Four writers send overlapping thirds of 400 events in different orders: 400 rows, and all counts add up."""
    numbers = list(range(400))
    shares = [numbers, numbers[::-1], numbers[::2] * 2, numbers[200:]]

    def bring(share: list[int]) -> tuple[int, int]:
        writer = Writer(engine, store)
        parts = [share[start : start + 50] for start in range(0, len(share), 50)]
        receipts = [writer.write([batch(*(event(number) for number in part))])[0] for part in parts]
        return sum(each.accepted for each in receipts), sum(each.duplicates for each in receipts)

    with ThreadPoolExecutor(4) as threads:
        counts = list(threads.map(bring, shares))
    rows = stored(engine)
    assert len(rows) == len({row.event_id for row in rows}) == 400
    assert sum(accepted for accepted, _ in counts) == 400
    assert sum(map(sum, counts)) == sum(map(len, shares))


def test_ids_ascend_with_batches(engine: Engine) -> None:
    """A later batch has higher ids, and an id is not used again after its row is gone."""
    writer = Writer(engine, store)
    writer.write([batch(event(1), event(2))])
    with engine.begin() as connection:
        connection.execute(USAGE_EVENTS.delete())
    writer.write([batch(event(3))])
    (row,) = stored(engine)
    assert row.id > 2
