"""A made-up year of LLM usage by three organisations and eight models, with an outage and a price change to find.

Calls follow the working hours of the week. One model has no price, some calls have no model. Prices of `atlas-large`
fall to half 120 days before the end; on a Tuesday five weeks before it, `nova-2` times out from 9 to 16.
"""

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from uuid import UUID

SEED = 12
DAYS = 365
PRICE_CHANGE_DAYS = 120
OUTAGE_BEGINS, OUTAGE_ENDS = time(9), time(16)
SHARE_LOST, TIMEOUT_MS = 0.8, 30_000
SHARE_WITHOUT_MODEL = 0.01
WEEKEND, NIGHT = 0.2, 0.15
WORKING_HOURS = range(8, 19)
PLACES, TOKENS_PER_PRICE = Decimal("0.0001"), 1_000_000

type Event = dict[str, Any]


@dataclass(frozen=True)
class Organisation:
    """An organisation that makes calls: how many on a workday, and by how many actors."""

    id: str
    calls: int
    actors: int


@dataclass(frozen=True)
class Model:
    """A model: its price in cents per million tokens sent and answered (None without a price), and usual latency."""

    name: str
    weight: int
    input_cents: int | None
    output_cents: int | None
    latency_ms: int


@dataclass(frozen=True)
class Changes:
    """What there is to find: the day of the outage, and the first day of the lower prices."""

    outage: date
    cheaper_from: date


ORGANISATIONS = (
    Organisation("0a1f7c52-3c0e-4a5b-9d57-6f2f6f0c1a11", calls=60, actors=12),
    Organisation("5b8e2d90-7f41-4c6e-8a3b-1d9c4e7a2b22", calls=30, actors=7),
    Organisation("c3d94a18-e26f-4b07-b1c8-8e5a0f6d3c33", calls=10, actors=3),
)
MODELS = (
    Model("atlas-large", 22, 300, 1_500, 1_400),
    Model("atlas-mini", 25, 25, 125, 450),
    Model("nova-2", 18, 250, 1_000, 1_100),
    Model("nova-2-fast", 12, 10, 40, 300),
    Model("orbit-70b", 9, 60, 80, 900),
    Model("orbit-8b", 7, 5, 8, 220),
    Model("embed-3", 5, 2, 0, 60),
    Model("in-house-beta", 2, None, None, 700),
)
FAILURES = (
    ("success", None, 965),
    ("error", "upstream_500", 15),
    ("throttled", "rate_limit", 15),
    ("timeout", None, 5),
)


def outage_day(today: date) -> date:
    """The Tuesday five weeks before that of this week; an outage on a workday stands out."""
    return today - timedelta(days=today.weekday() - 1 + 5 * 7)


def usage_events(now: datetime, days: int = DAYS, seed: int = SEED) -> Iterator[Event]:
    """Events in the collector's format, in the order of time: the last `days` days, until `now`."""
    chance = random.Random(seed)  # noqa: S311 - no secret
    today = now.astimezone(UTC).date()
    changes = Changes(outage_day(today), today - timedelta(days=PRICE_CHANGE_DAYS))
    for ago in range(days, -1, -1):
        day = datetime.combine(today - timedelta(days=ago), time(), UTC)
        for instant, organisation in sorted(_calls(day, chance), key=lambda call: call[0]):
            if instant < now:
                yield _event(instant, organisation, changes, chance)


def _calls(day: datetime, chance: random.Random) -> Iterator[tuple[datetime, Organisation]]:
    share = WEEKEND if day.isoweekday() > 5 else 1
    for organisation in ORGANISATIONS:
        for _ in range(round(organisation.calls * share * chance.uniform(0.8, 1.2))):
            hour = chance.choice(WORKING_HOURS) if chance.random() > NIGHT else chance.randrange(24)
            yield day + timedelta(hours=hour, microseconds=chance.randrange(3_600_000_000)), organisation


def _event(instant: datetime, organisation: Organisation, changes: Changes, chance: random.Random) -> Event:
    (model,) = chance.choices(MODELS, [each.weight for each in MODELS])
    status, code, _ = chance.choices(FAILURES, [weight for *_, weight in FAILURES])[0]
    latency = round(model.latency_ms * chance.lognormvariate(0, 0.5))
    is_out = instant.date() == changes.outage and OUTAGE_BEGINS <= instant.time() < OUTAGE_ENDS
    if model.name == "nova-2" and is_out and chance.random() < SHARE_LOST:
        status, code, latency = "timeout", "upstream_timeout", TIMEOUT_MS
    sent = chance.randrange(50, 6_000)
    answered = chance.randrange(10, 1_500) if status == "success" and model.output_cents != 0 else 0
    return {
        "event_id": str(_uuid7(instant, chance)),
        "org_id": organisation.id,
        "occurred_at": instant.isoformat(),
        "model_id": None if chance.random() < SHARE_WITHOUT_MODEL else model.name,
        "actor_id": f"actor-{chance.randrange(organisation.actors) + 1}",
        "input_tokens": sent,
        "output_tokens": answered,
        "latency_ms": latency,
        "status": status,
        "error_code": code,
        "cost_estimate": _cost(model, sent, answered, is_cheaper=instant.date() >= changes.cheaper_from),
        "metadata": {"trace": f"{chance.getrandbits(64):016x}", "region": chance.choice(("eu", "us"))},
    }


def _cost(model: Model, sent: int, answered: int, *, is_cheaper: bool) -> str | None:
    """Cents as decimal text; None without a price."""
    if model.input_cents is None or model.output_cents is None:
        return None
    cents = Decimal(sent * model.input_cents + answered * model.output_cents) / TOKENS_PER_PRICE
    if model.name == "atlas-large" and is_cheaper:
        cents /= 2
    return str(cents.quantize(PLACES, ROUND_HALF_UP))


def _uuid7(instant: datetime, chance: random.Random) -> UUID:
    """An id that begins with the time, the kind that the collector stores fastest."""
    milliseconds = round(instant.timestamp() * 1000)
    return UUID(int=milliseconds << 80 | 7 << 76 | chance.getrandbits(12) << 64 | 2 << 62 | chance.getrandbits(62))


def ndjson(events: Iterator[Event]) -> Iterator[str]:
    """One line per event, as `collector.py import` takes them."""
    return (json.dumps(event) + "\n" for event in events)
