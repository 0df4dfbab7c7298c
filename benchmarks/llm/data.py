"""Ten million made-up calls of 50 organisations and 20 models in 90 days, published once, in `benchmarks/.data`."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import numpy as np
import polars as pl

from benchmarks.data import ROOT
from read_model import locking, publishing
from read_model.snapshot import Snapshot, SnapshotError, open_snapshot
from read_model.tables.llm import LLM, USAGE_EVENTS

DATA_DIR = ROOT / "llm-usage"
EVENTS, ORGANISATIONS, MODELS, ACTORS, DAYS = 10_000_000, 50, 20, 500, 90
BATCH = 1_000_000
SEED = 12
END = datetime(2026, 11, 20, tzinfo=UTC)
START = END - timedelta(days=DAYS)
MICROSECONDS = timedelta(days=DAYS) // timedelta(microseconds=1)
# The largest organisation has a seventh of all calls, the smallest a 150th.
STEEPNESS = 0.8
STATUS_SHARES = {"success": 0.95, "error": 0.03, "timeout": 0.01, "throttled": 0.01}


def organisation(rank: int) -> str:
    """The id of the organisation with this rank by calls, from 0."""
    return str(UUID(int=(0xC0FFEE + rank * 0x9E3779B97F4A7C15F39CC0605CEDC835) % 2**128, version=4))


def usage_events() -> Snapshot:
    """The snapshot, made if there is none yet."""
    try:
        return open_snapshot(DATA_DIR, LLM)
    except SnapshotError:
        publish(DATA_DIR)
        return open_snapshot(DATA_DIR, LLM)


def publish(data_dir: Path, events: int = EVENTS) -> None:
    """Publish made-up calls with the code that publishes real ones."""
    home = LLM.directory(data_dir)
    with locking.locked(home), publishing.SnapshotWriter(home) as writer:
        writer.write(USAGE_EVENTS, pl.Schema(USAGE_EVENTS.columns), made(events))
        writer.publish(read_at=END, full_sync_at=END, source="made-up calls")


def made(events: int) -> Iterator[pl.DataFrame]:
    """The calls in the order they were received, in batches."""
    chance = np.random.default_rng(SEED)
    instants = np.sort(chance.integers(0, MICROSECONDS, events))
    for first in range(0, events, BATCH):
        yield _batch(first, instants[first : first + BATCH], chance)


def _batch(
    first: int, instants: np.ndarray[tuple[int], np.dtype[np.int64]], chance: np.random.Generator
) -> pl.DataFrame:
    size = len(instants)
    weights = 1 / np.arange(1, ORGANISATIONS + 1) ** STEEPNESS
    drawn = pl.DataFrame(
        {
            "id": np.arange(first + 1, first + size + 1),
            "instant": instants,
            "org": chance.choice(ORGANISATIONS, size, p=weights / weights.sum()),
            "model": chance.integers(0, MODELS, size),
            "actor": chance.integers(0, ACTORS, size),
            "status": chance.choice(len(STATUS_SHARES), size, p=list(STATUS_SHARES.values())),
            "latency_ms": np.exp(chance.normal(6.5, 0.8, size)).astype(np.int64),
            "input_tokens": chance.integers(10, 4_000, size),
            "output_tokens": chance.integers(1, 1_500, size),
            "random": chance.integers(0, 2**48, size),
        }
    )
    return drawn.select(_columns())


def _columns() -> list[pl.Expr]:
    occurred_at = pl.lit(START).cast(pl.Datetime("us", "UTC")) + pl.duration(microseconds="instant")
    texts: dict[str, tuple[list[str | None], str]] = {
        "org_id": ([*map(organisation, range(ORGANISATIONS))], "org"),
        # One of them is no model.
        "model_id": ([None, *(f"model-{number:02}" for number in range(1, MODELS))], "model"),
        "status": ([*STATUS_SHARES], "status"),
    }
    named = {name: pl.lit(pl.Series(names)).gather(pl.col(code)).alias(name) for name, (names, code) in texts.items()}
    ten_thousandths = pl.col("input_tokens") * 3 + pl.col("output_tokens") * 15
    digits = ten_thousandths.cast(pl.String).str.zfill(5)
    cents = pl.concat_str(digits.str.head(-4), pl.lit("."), digits.str.tail(4)).cast(pl.Decimal(18, 4))
    known = {
        **named,
        "event_id": pl.format(
            "{}-{}", pl.col("id").cast(pl.String).str.zfill(20), pl.col("random").cast(pl.String).str.zfill(15)
        ),
        "occurred_at": occurred_at,
        "received_at": occurred_at + pl.duration(seconds=1),
        "actor_id": pl.format("actor-{}", "actor"),
        "error_code": pl.when(pl.col("status") > 0).then(pl.lit("upstream")),
        "cost_estimate": pl.when(pl.col("model") != 1).then(cents),
        "metadata": pl.concat_str(pl.lit('{"trace":"'), pl.col("random").cast(pl.String), pl.lit('"}')),
        "batch_id": pl.col("id") // 1_000,
    }
    return [known.get(name, pl.col(name)).cast(dtype).alias(name) for name, dtype in USAGE_EVENTS.columns.items()]
