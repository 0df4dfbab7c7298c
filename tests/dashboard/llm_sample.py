"""Made-up LLM calls for the dashboard's page about them."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random

from tests.calculations.llm.calls import ACME, OTHER_ORG, Call, events

MODELS = ("gpt-x", "sonnet-y", None)
STATUSES = ("success",) * 9 + ("error", "timeout", "throttled")
DAYS, CALLS_A_DAY = 20, 30


def store_calls(data_dir: Path, now: datetime) -> None:
    """Put three weeks of two organisations' calls into a read model of flat files."""
    path = data_dir / "llm" / "llm_usage_events.parquet"
    path.parent.mkdir(parents=True)
    draw = Random(1)  # noqa: S311 - nothing to guess
    begun = now - timedelta(days=DAYS)
    events(
        *(_call(draw, begun + timedelta(days=DAYS) * draw.random()) for _ in range(DAYS * CALLS_A_DAY))
    ).sink_parquet(path)


def _call(draw: Random, at: datetime) -> Call:
    status = draw.choice(STATUSES)
    return {
        "org_id": draw.choice((ACME, ACME, OTHER_ORG)),
        "occurred_at": at.astimezone(UTC),
        "received_at": at.astimezone(UTC),
        "model_id": draw.choice(MODELS),
        "actor_id": draw.choice(("ann", "bob")),
        "input_tokens": draw.randrange(100, 4_000),
        "output_tokens": draw.randrange(10, 900),
        "latency_ms": draw.randrange(80, 4_000),
        "status": status,
        "error_code": None if status == "success" else "E42",
        "cost_estimate": None if draw.random() < 0.1 else Decimal(draw.randrange(1, 90_000)) / 10_000,
    }
