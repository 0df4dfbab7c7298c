"""What the routes of LLM usage share: the writer, the backlog, the prices and the clock."""

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import Depends, Request
from prometheus_client import Histogram

from intake import values
from intake.backlog import Backlog
from intake.database import DatabaseError
from intake.llm.batches import Batch, Receipt
from intake.llm.events import Event, PriceOf, parse_event
from intake.values import InvalidValueError
from intake.writer import Writer
from web.callers import Caller

logger = logging.getLogger(__name__)

SCOPE = "llm:write"


@dataclass(frozen=True)
class Intake:
    """Takes LLM events from a request to the disk."""

    writer: Writer[Batch, Receipt]
    backlog: Backlog
    price_of: PriceOf
    clock: Callable[[], datetime]
    batch_seconds: Histogram
    longest_wait_s: float

    def now(self) -> int:
        """The current time in microseconds since 1970."""
        return values.microseconds(self.clock())

    async def commit(self, batch: Batch) -> Receipt:
        """Store a batch; it is durable when this returns.

        Raises:
            DatabaseError: It could not be stored in time; sending it again is harmless.
        """
        if batch.rejections:
            logger.info(
                "Rejected %d of %d events of the token %s; the first: %s",
                len(batch.rejections),
                len(batch),
                batch.sender,
                batch.rejections[0].reason,
            )
        began = time.perf_counter()
        receipt = self.writer.submit(batch, len(batch))
        try:
            async with asyncio.timeout(self.longest_wait_s):
                return await asyncio.shield(asyncio.wrap_future(receipt))
        except TimeoutError:
            raise DatabaseError(
                f"The database took longer than {self.longest_wait_s:g} s to commit: send the events again; those that"
                " were stored after all will count as duplicates"
            ) from None
        finally:
            self.batch_seconds.observe(time.perf_counter() - began)


async def get_intake(request: Request) -> Intake:
    """The intake of this process."""
    intake: Intake = request.app.state.llm
    return intake


IntakeDep = Annotated[Intake, Depends(get_intake)]


def parser_of(caller: Caller, now: int, price_of: PriceOf) -> Callable[[object], Event]:
    """A parser for the events of a caller, which rejects those of organisations they have no right to."""
    seen: dict[bytes, bool] = {}

    def parse(document: object) -> Event:
        event = parse_event(document, now, price_of)
        if event.org_id not in seen:
            seen[event.org_id] = caller.sees(values.uuid_text(event.org_id))
        if not seen[event.org_id]:
            raise InvalidValueError(f"org_id is {values.uuid_text(event.org_id)}, to which this token has no right")
        return event

    return parse
