"""Batches of events for the collector's writer."""

from intake.llm.batches import Batch, sift
from intake.llm.events import parse_event

NOW = 1_780_000_000_000_000  # 2026-05-28T20:26:40Z


def batch(*documents: object, origin: str = "test") -> Batch:
    """Documents as a receiver batches them at `NOW`."""
    return Batch("http", "gateway", NOW, *sift(documents, lambda document: parse_event(document, NOW), origin))
