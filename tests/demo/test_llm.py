"""The made-up year of LLM usage: what is hidden in it can be found from the answers alone."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from uuid import UUID

import polars as pl
import pytest

from calculations.llm.events import Selection
from calculations.llm.reliability import reliability
from calculations.llm.usage import usage
from calculations.time.buckets import Buckets
from calculations.time.period import Period
from demo.llm import DAYS, MODELS, ORGANISATIONS, PRICE_CHANGE_DAYS, Event, outage_day, usage_events
from tests.routers.llm.stored import as_rows

NOW = datetime(2026, 11, 20, 9, 40, tzinfo=UTC)
TODAY = NOW.replace(hour=0, minute=0)


@pytest.fixture(scope="module")
def year() -> list[Event]:
    return list(usage_events(NOW))


@pytest.fixture(scope="module")
def rows(year: list[Event]) -> pl.LazyFrame:
    return as_rows(year)


def test_it_is_the_same_every_time_and_in_order(year: list[Event]) -> None:
    times = [event["occurred_at"] for event in year]
    assert all(one <= other for one, other in pairwise(map(datetime.fromisoformat, times)))
    assert times[0] < (NOW - timedelta(days=DAYS - 1)).isoformat() < times[-1] < NOW.isoformat()
    assert list(usage_events(NOW, days=3)) == list(usage_events(NOW, days=3))


def test_every_event_is_one_the_collector_takes(year: list[Event]) -> None:
    assert len({event["event_id"] for event in year}) == len(year) > 20_000
    assert {UUID(event["event_id"]).version for event in year} == {7}
    assert {event["org_id"] for event in year} == {organisation.id for organisation in ORGANISATIONS}
    assert {event["model_id"] for event in year} == {*(model.name for model in MODELS), None}
    costs = [Decimal(event["cost_estimate"]) for event in year if event["cost_estimate"] is not None]
    assert {cost.as_tuple().exponent for cost in costs} == {-4}
    assert 0 < len(year) - len(costs) < len(year) / 10


def test_the_outage_is_found_in_the_days_of_its_model(rows: pl.LazyFrame) -> None:
    period = Period(TODAY - timedelta(days=60), TODAY)
    chosen = Selection(ORGANISATIONS[0].id, period, frozenset({"nova-2"})).of(rows)
    buckets = Buckets.of(period, "day")
    worst = reliability(chosen, buckets, None).series.sort("timeout", descending=True).row(0, named=True)
    assert buckets.edges[worst["bucket"]].date() == outage_day(TODAY.date())
    assert worst["error_rate"] > 0.3


def test_the_price_change_is_found_in_the_cost_per_token(rows: pl.LazyFrame) -> None:
    """Half as many cents for a token from that day on."""
    change = TODAY - timedelta(days=PRICE_CHANGE_DAYS)
    spans = (Period(change - timedelta(days=60), change), Period(change, change + timedelta(days=60)))
    before, after = (_cents_per_token(rows, span) for span in spans)
    assert before / after == pytest.approx(2, rel=0.1)


def _cents_per_token(events: pl.LazyFrame, period: Period) -> float:
    chosen = Selection(ORGANISATIONS[0].id, period, frozenset({"atlas-large"})).of(events)
    totals = usage(chosen, Buckets.of(period, "month"), None).totals.row(0, named=True)
    return float(totals["cost_estimate_cents"]) / float(totals["input_tokens"] + 5 * totals["output_tokens"])
