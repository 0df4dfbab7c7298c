"""Consume events from RabbitMQ: a message is acknowledged once its events are durable, so none is lost.

A message has one event, or what an HTTP request may have: an array, `{"events": [...]}` or lines. What is redelivered
after a process was killed counts as duplicates.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import pika
from pika.adapters.blocking_connection import BlockingChannel
from pika.exceptions import AMQPError, ChannelClosedByBroker

from intake import documents, values
from intake.database import DatabaseError
from intake.llm.batches import Batch, Receipt, sift
from intake.llm.events import Event
from util.clock import utc_now
from util.errors import ConfigurationError

logger = logging.getLogger(__name__)

MESSAGES_PER_BATCH = 1_000
LONGEST_WAIT_S = 5.0
LOOK_S = 0.25
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 30.0
NOT_FOUND = 404


class AddressError(ConfigurationError):
    """LLM_AMQP_URL is not the address of a broker."""

    def __init__(self) -> None:
        super().__init__("LLM_AMQP_URL is wrong: it must look like amqp://USER:PASSWORD@HOST:5672/VHOST")


@dataclass
class Message:
    """A message that is not acknowledged yet."""

    tag: int
    body: bytes


@dataclass
class Waiting:
    """Messages to be stored together, and when the first of them came (on the monotonic clock)."""

    messages: list[Message] = field(default_factory=list)
    since: float = 0.0

    def add(self, message: Message) -> None:
        """Add a message."""
        if not self.messages:
            self.since = time.monotonic()
        self.messages.append(message)

    @property
    def is_due(self) -> bool:
        """Whether there are enough messages, or the first one has waited long enough."""
        old_enough = bool(self.messages) and time.monotonic() - self.since >= LONGEST_WAIT_S
        return old_enough or len(self.messages) >= MESSAGES_PER_BATCH


class Consumer:
    """Stores the events of a queue until `stop` is called, across restarts of the broker and the database."""

    def __init__(
        self,
        url: str,
        queue: str,
        parse: Callable[[object, int], Event],
        write: Callable[[Sequence[Batch]], Sequence[Receipt]],
    ) -> None:
        try:
            self._address = pika.URLParameters(url)
        except (ValueError, TypeError, IndexError):
            raise AddressError from None
        self._queue = queue
        self._parse = parse
        self._write = write
        self._stopping = threading.Event()

    def stop(self) -> None:
        """Store what has already been delivered, then end."""
        self._stopping.set()

    def run(self) -> None:
        """Consume until stopped; reconnect to a lost broker."""
        pause = FIRST_PAUSE_S
        while not self._stopping.is_set():
            began = time.monotonic()
            try:
                with pika.BlockingConnection(self._address) as connection:
                    self._consume(connection)
            except (AMQPError, OSError) as error:
                # A connection that lasted for a while was not a failed attempt.
                pause = FIRST_PAUSE_S if time.monotonic() - began > LONGEST_PAUSE_S else min(2 * pause, LONGEST_PAUSE_S)
                logger.warning("The broker is lost (%s); connecting again in %.1f s", _told(error), pause)
                self._stopping.wait(pause)

    def _consume(self, connection: pika.BlockingConnection) -> None:
        channel = declared(connection, self._queue)
        channel.basic_qos(prefetch_count=2 * MESSAGES_PER_BATCH)
        logger.info("Consuming queue %s", self._queue)
        waiting = Waiting()
        for method, _, body in channel.consume(self._queue, inactivity_timeout=LOOK_S):
            if method is not None and body is not None:
                waiting.add(Message(method.delivery_tag, body))
            if waiting.is_due or (waiting.messages and self._stopping.is_set()):
                self._settle(connection, channel, waiting.messages)
                waiting = Waiting()
            if self._stopping.is_set():
                return

    def _settle(self, connection: pika.BlockingConnection, channel: BlockingChannel, messages: list[Message]) -> None:
        """Store messages, then acknowledge them; those without any event are dead-lettered."""
        now = values.microseconds(utc_now())
        batches = [self._batch(message, now) for message in messages]
        if not self._stored(connection, batches):
            return
        for message, batch in zip(messages, batches, strict=True):
            if not batch.events:
                channel.basic_reject(message.tag, requeue=False)
        good = [message.tag for message, batch in zip(messages, batches, strict=True) if batch.events]
        if good:
            # Those rejected above are already settled.
            channel.basic_ack(good[-1], multiple=True)

    def _stored(self, connection: pika.BlockingConnection, batches: list[Batch]) -> bool:
        """Store, however long the database is away; False if told to stop before it came back."""
        pause = FIRST_PAUSE_S
        while True:
            try:
                self._write(batches)
            except DatabaseError as error:
                logger.warning("%s; trying again in %.1f s", error, pause)
                # Sleeps while the connection's heartbeat goes on.
                connection.sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE_S)
                if self._stopping.is_set():
                    return False
            else:
                return True

    def _batch(self, message: Message, now: int) -> Batch:
        found = list(_documents(message.body))
        events, rejections = sift(found, lambda each: self._parse(each, now), origin=f"amqp:{self._queue}")
        return Batch("amqp", self._queue, now, events, rejections)


def _documents(body: bytes) -> Iterator[object]:
    """The documents of a message."""
    whole = documents.parse_line(body)
    if isinstance(whole, documents.Broken) and body.strip().count(b"\n"):
        yield from (documents.parse_line(line) for line in body.split(b"\n") if line.strip())
    elif isinstance(whole, list):
        yield from whole
    elif isinstance(whole, dict) and isinstance(whole.get("events"), list):
        yield from whole["events"]
    else:
        yield whole


def declared(connection: pika.BlockingConnection, queue: str) -> BlockingChannel:
    """A channel to a queue; a missing queue is created: replicated, durable, with a queue for dead letters."""
    channel = connection.channel()
    try:
        channel.queue_declare(queue, passive=True)
    except ChannelClosedByBroker as error:
        if error.reply_code != NOT_FOUND:
            raise
        channel = connection.channel()
        dead = f"{queue}.dead"
        channel.queue_declare(dead, durable=True, arguments={"x-queue-type": "quorum"})
        arguments = {
            "x-queue-type": "quorum",
            "x-dead-letter-exchange": "",
            "x-dead-letter-routing-key": dead,
            "x-dead-letter-strategy": "at-least-once",
            "x-overflow": "reject-publish",
        }
        channel.queue_declare(queue, durable=True, arguments=arguments)
    return channel


def _told(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__
