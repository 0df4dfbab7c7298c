"""The consumer over a real RabbitMQ: whatever is killed, every event is stored once and every bad one is kept."""

import json
import signal
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pika
import pytest
from sqlalchemy import URL

from intake.database import database_url
from intake.llm import queue
from intake.migrating import migrate
from intake.tables import DEAD_LETTERS, INTAKE_TOTALS, USAGE_EVENTS
from tests import postgresql
from tests.intake.collecting import environment, rows
from tests.intake.events import event, event_id, ndjson
from tests.processes import ROOT, Program, finished, running, until
from tests.rabbitmq import Broker, private_broker

pytestmark = [pytest.mark.server, pytest.mark.slow]


@pytest.fixture(scope="module")
def broker() -> Iterator[Broker]:
    """A broker of this module."""
    with private_broker() as started:
        yield started


@pytest.fixture
def url(tmp_path: Path) -> URL:
    """A migrated database."""
    made = database_url(f"sqlite:///{tmp_path}/collector.db")
    migrate(made)
    return made


@pytest.fixture
def name(tmp_path: Path) -> str:
    """A queue of the test's own."""
    return tmp_path.name


def publish(broker: Broker, name: str, messages: Sequence[Any]) -> None:
    """Send messages, JSON unless they are bytes; returns when the broker has them on disk."""
    with broker.connect() as connection:
        channel = queue.declared(connection, name)
        channel.confirm_delivery()
        for message in messages:
            body = message if isinstance(message, bytes) else json.dumps(message).encode()
            channel.basic_publish("", name, body, pika.BasicProperties(delivery_mode=2))


def depth(broker: Broker, name: str) -> int:
    """How many messages a queue has that nobody was given."""
    with broker.connect() as connection:
        return int(connection.channel().queue_declare(name, passive=True).method.message_count)


def consuming(broker: Broker, name: str, url: URL, directory: Path) -> Any:
    """A consumer at work."""
    variables = environment(url, directory, LLM_AMQP_URL=broker.url, LLM_AMQP_QUEUE=name)
    return running([ROOT / "collector.py", "consume"], **variables)


def is_consuming(program: Program) -> bool:
    """Whether it has reached the queue."""
    return "Consuming queue" in program.log


def stored_ids(url: URL) -> list[str]:
    """The ids of the stored events, in order."""
    return sorted(row.event_id.hex() for row in rows(url, USAGE_EVENTS))


def expected(numbers: range) -> list[str]:
    """The ids of events by their numbers."""
    return sorted(event_id(number).replace("-", "") for number in numbers)


def test_every_kind_of_message_is_settled(broker: Broker, name: str, url: URL, tmp_path: Path) -> None:
    """An event, an array, lines, a mixed message; what has no event is dead-lettered, and kept."""
    messages = [
        event(1),
        [event(2), event(3)],
        {"events": [event(4), event(4), {"event_id": "bad"}]},
        ndjson(event(5)) + b"broken\n" + ndjson(event(6)),
        {"event_id": event_id(7)},
        b"\x00\xff",
        event(8),
        b"",
    ]
    publish(broker, name, messages)
    with consuming(broker, name, url, tmp_path) as program:
        until(lambda: len(stored_ids(url)) == 7, "the events")
        until(lambda: depth(broker, f"{name}.dead") == 3, "the dead letters")
        assert program.end() == 0, program.log
    assert stored_ids(url) == expected(range(1, 9))[:6] + expected(range(8, 9))
    assert sorted(row.payload for row in rows(url, DEAD_LETTERS)) == sorted(
        ['{"event_id": "bad"}', "broken", json.dumps({"event_id": event_id(7)}), "\\x00\\xff", ""]
    )
    totals = {row.result: row.events for row in rows(url, INTAKE_TOTALS) if row.source == "amqp"}
    assert totals == {"accepted": 7, "duplicate": 1, "rejected": 5}
    assert depth(broker, name) == 0


def test_end_stores_what_was_delivered(broker: Broker, name: str, url: URL, tmp_path: Path) -> None:
    """SIGTERM before the batch is due: it is stored and acknowledged, and the exit code is 0."""
    publish(broker, name, [event(1)])
    with consuming(broker, name, url, tmp_path) as program:
        until(lambda: is_consuming(program), "the consumer")
        until(lambda: depth(broker, name) == 0, "the message to be delivered")
        assert program.end() == 0, program.log
    assert stored_ids(url) == expected(range(1, 2))
    assert depth(broker, name) == 0


def test_nothing_is_lost_or_doubled_by_kills(broker: Broker, name: str, url: URL, tmp_path: Path) -> None:
    """6,000 events; the consumer is killed twice, the broker once and started again: each event is stored once."""
    publish(broker, name, [[event(number) for number in range(start, start + 20)] for start in range(0, 3000, 20)])
    for life in range(2):
        with consuming(broker, name, url, tmp_path) as program:
            until(lambda: is_consuming(program), "the consumer")
            if life:
                until(lambda: len(stored_ids(url)) > 0, "some events")
            program.end(signal.SIGKILL)
    with consuming(broker, name, url, tmp_path) as program:
        until(lambda: is_consuming(program), "the consumer")
        broker.kill()
        until(lambda: "The broker is lost" in program.log, "the loss to be noticed")
        broker.start()
        publish(broker, name, [event(number) for number in range(2990, 3300)])
        until(lambda: len(stored_ids(url)) == 3300, "all events")
        assert program.end() == 0, program.log
    assert stored_ids(url) == expected(range(3300))
    assert depth(broker, name) == 0


@pytest.mark.database
def test_database_that_goes_away_is_awaited(broker: Broker, name: str, tmp_path: Path) -> None:
    """PostgreSQL ends while events come; after its return, all of them are stored once."""
    postgresql.install()
    with ExitStack() as stack:
        directory = stack.enter_context(postgresql.data_directory())
        with postgresql.running(directory) as server:
            url = database_url(server.url("postgres"))
            migrate(url)
            program = stack.enter_context(consuming(broker, name, url, tmp_path))
            until(lambda: is_consuming(program), "the consumer")
            publish(broker, name, [event(number) for number in range(100)])
            until(lambda: len(stored_ids(url)) == 100, "the first events")
        publish(broker, name, [event(number) for number in range(50, 200)])
        until(lambda: "trying again" in program.log, "the loss to be noticed")
        with postgresql.running(directory, server.port):
            until(lambda: len(stored_ids(url)) == 200, "all events")
            assert program.end() == 0, program.log
            assert depth(broker, name) == 0


def test_missing_address_is_one_line(url: URL, tmp_path: Path) -> None:
    """And a wrong one."""
    for address, says in (("", "LLM_AMQP_URL is missing"), ("rubbish", "LLM_AMQP_URL is wrong")):
        run = finished([ROOT / "collector.py", "consume"], tmp_path, **environment(url, tmp_path, LLM_AMQP_URL=address))
        assert run.returncode == 78, run.stderr
        assert says in run.stderr
        assert "Traceback" not in run.stderr
