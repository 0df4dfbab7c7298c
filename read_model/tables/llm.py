"""The tables of LLM usage: one row per call of a model, as the collector accepted it."""

import polars as pl

from read_model.model import ReadModel
from read_model.table import INSTANT, Append, Table

USAGE_EVENTS = Table(
    "llm_usage_events",
    key="id",
    grows=Append(by="id", time="received_at"),
    columns={
        "id": pl.Int64(),
        "event_id": pl.String(),
        "org_id": pl.String(),
        "occurred_at": INSTANT,
        "model_id": pl.String(),
        "actor_id": pl.String(),
        "input_tokens": pl.Int64(),
        "output_tokens": pl.Int64(),
        "latency_ms": pl.Int64(),
        "status": pl.String(),
        "error_code": pl.String(),
        # Cents; null when the call has no price.
        "cost_estimate": pl.Decimal(18, 4),
        # A JSON object; null when none was sent.
        "metadata": pl.String(),
        "received_at": INSTANT,
        "batch_id": pl.Int64(),
    },
)

LLM = ReadModel("llm", (USAGE_EVENTS,))
