"""Events in the read model, as the collector and an update would put them there."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl

from read_model import locking, publishing
from read_model.tables.llm import LLM, USAGE_EVENTS

BATCH = 1_000
DELAY = timedelta(seconds=3)


def as_rows(events: Iterable[dict[str, Any]]) -> pl.LazyFrame:
    """Events as rows of the read model, received three seconds after they occurred."""
    rows = [row | _given(number, row) for number, row in enumerate(events)]
    columns = USAGE_EVENTS.columns
    return pl.LazyFrame({name: [row[name] for row in rows] for name in columns}, schema=dict(columns))


def _given(number: int, event: dict[str, Any]) -> dict[str, Any]:
    occurred_at = datetime.fromisoformat(event["occurred_at"]).astimezone(UTC)
    cost, metadata = event["cost_estimate"], event["metadata"]
    return {
        "id": number + 1,
        "batch_id": number // BATCH + 1,
        "occurred_at": occurred_at,
        "received_at": occurred_at + DELAY,
        "cost_estimate": None if cost is None else Decimal(cost),
        "metadata": None if metadata is None else json.dumps(metadata),
    }


def publish(events: Iterable[dict[str, Any]], data_dir: Path, now: datetime) -> None:
    """Publish events as a snapshot of `now`."""
    home = LLM.directory(data_dir)
    with locking.locked(home), publishing.SnapshotWriter(home) as writer:
        rows = as_rows(events).collect()
        writer.write(USAGE_EVENTS, rows.schema, [rows])
        writer.publish(read_at=now, full_sync_at=now, source="made-up events")
