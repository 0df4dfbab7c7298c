"""LLM calls drawn by tests, and questions about them."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import polars as pl
from hypothesis import strategies as st

from calculations.llm.events import STATUSES, Selection
from calculations.time.period import Period
from read_model.tables.llm import USAGE_EVENTS
from tests.calculations.strategies import SHIFTS

type Call = dict[str, Any]

ACME = "11111111-1111-4111-8111-111111111111"
OTHER_ORG = "22222222-2222-4222-8222-222222222222"
DAY = Period(datetime(2026, 3, 2, tzinfo=UTC), datetime(2026, 3, 3, tzinfo=UTC))
# Code points beyond the basic plane sort behind all others; in UTF-16 they would not.
NAMES = ("gpt-x", "Gpt-x", "zoë", "模型", "😀", "\uffff", "", None)
LARGEST_COST = Decimal("99999999999999.9999")
COSTS = (None, Decimal("0.0000"), Decimal("0.0001"), Decimal("0.3333"), Decimal("12.3450"), LARGEST_COST)
TOKENS = (0, 1, 999, 2**31, 2**53)
LATENCIES = (0, 1, 2, 7, 7, 7, 250, 2_000, 5_000, 2**31, 2**49)


def call(at: str, **given: Any) -> Call:
    """A call of ACME at an instant such as `2026-03-02 09:00` (UTC): successful, of a model, for a cent."""
    when = datetime.fromisoformat(at).replace(tzinfo=UTC)
    plain = {"org_id": ACME, "model_id": "gpt-x", "status": "success", "latency_ms": 100, "cost_estimate": Decimal(1)}
    return plain | {"input_tokens": 10, "output_tokens": 1, "occurred_at": when, "received_at": when} | given


def events(*calls: Call) -> pl.LazyFrame:
    """Calls as rows of the read model, numbered in their order."""
    numbered = [{"id": number, "event_id": f"event-{number}"} | given for number, given in enumerate(calls, 1)]
    columns = USAGE_EVENTS.columns
    return pl.LazyFrame({name: [row.get(name) for row in numbered] for name in columns}, schema=dict(columns))


def of_acme(period: Period = DAY, **filters: Any) -> Selection:
    """A question of ACME."""
    return Selection(ACME, period, **filters)


@st.composite
def questions(draw: st.DrawFn) -> tuple[list[Call], Period]:
    """Calls near a shift of clocks and a period that holds some of them, cutting hours, days and months."""
    zone, shift = draw(st.sampled_from(SHIFTS))
    start = _instant(draw, shift)
    period = Period(start, start + draw(st.sampled_from((0, 1, 5, 29, 24 * 33))) * timedelta(minutes=97), zone)
    instants = [_instant(draw, shift) for _ in range(4)]
    on_edges = (period.start, period.end, period.end - timedelta(microseconds=1))
    return draw(st.lists(_calls((*instants, *on_edges)), max_size=25)), period


def _instant(draw: st.DrawFn, shift: date) -> datetime:
    return datetime(shift.year, shift.month, shift.day, tzinfo=UTC) + timedelta(
        minutes=draw(st.integers(-2 * 1440, 2 * 1440)), microseconds=draw(st.sampled_from((0, 1)))
    )


def _calls(instants: Sequence[datetime]) -> st.SearchStrategy[Call]:
    return st.fixed_dictionaries(
        {
            "org_id": st.sampled_from((ACME, ACME, ACME, OTHER_ORG)),
            "occurred_at": st.sampled_from(instants),
            "model_id": st.sampled_from(NAMES),
            "actor_id": st.sampled_from(NAMES),
            "error_code": st.sampled_from(NAMES),
            "input_tokens": st.sampled_from(TOKENS),
            "output_tokens": st.sampled_from(TOKENS),
            "latency_ms": st.sampled_from(LATENCIES),
            "status": st.sampled_from(STATUSES),
            "cost_estimate": st.sampled_from(COSTS),
        }
    )
