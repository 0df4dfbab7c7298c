"""How far events are known: the pipeline's lag, which is not the silence of an idle organisation."""

from datetime import datetime, timedelta
from typing import Literal

from routers.llm.parameters import LlmParameters
from routers.llm.question import Question
from routers.llm.schemas import Recency

FRESH, STALE = timedelta(seconds=300), timedelta(seconds=600)
UNKNOWN = Recency(status="unknown", last_event_at=None, last_rollup_at=None, lag_seconds=None, event_lag_seconds=None)


def recency[P: LlmParameters](question: Question[P], last_event_at: datetime | None) -> Recency:
    """How far events are known of which this is the last one."""
    if last_event_at is None:
        return UNKNOWN
    known_until = question.snapshot.data_updated_at
    lag = max(question.now - known_until, timedelta(0))
    return Recency(
        status=status_of(lag),
        last_event_at=last_event_at,
        last_rollup_at=known_until,
        lag_seconds=_seconds(lag),
        event_lag_seconds=_seconds(max(question.now - last_event_at, timedelta(0))),
    )


def status_of(lag: timedelta) -> Literal["fresh", "stale", "delayed"]:
    """What a lag is called."""
    if lag < FRESH:
        return "fresh"
    return "stale" if lag < STALE else "delayed"


def _seconds(time: timedelta) -> int:
    """Whole seconds that have passed, so that a lag below a limit is told as one."""
    return time // timedelta(seconds=1)
