"""Usage and reliability against their slow twins: zones with shifting clocks, nulls, ties, ranges that cut buckets."""

from typing import Any

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from calculations.llm.events import GROUP_COLUMNS, Selection
from calculations.llm.reliability import reliability
from calculations.llm.usage import SUMMED, usage
from calculations.time.buckets import Buckets, Granularity
from calculations.time.period import Period
from tests.calculations.llm import twin
from tests.calculations.llm.calls import ACME, Call, events, questions

GRANULARITIES: tuple[Granularity, ...] = ("hour", "day", "week", "month")


def started(frame: pl.DataFrame, buckets: Buckets) -> list[dict[str, Any]]:
    """The rows of a series, each with the instant its bucket begins."""
    return [{"start": buckets.edges[row.pop("bucket")], **row} for row in frame.to_dicts()]


@given(questions(), st.sampled_from(GRANULARITIES), st.sampled_from(sorted(GROUP_COLUMNS)))
def test_usage_is_what_adding_call_after_call_gives(
    question: tuple[list[Call], Period], granularity: Granularity, group_by: Any
) -> None:
    calls, period = question
    buckets, by = Buckets.of(period, granularity), GROUP_COLUMNS[group_by]
    found = usage(Selection(ACME, period).of(events(*calls)), buckets, by)
    expected = twin.chosen(calls, period)
    rows = twin.series(expected, granularity, period.zone, by)
    assert started(found.series, buckets) == [row | twin.sums(row.pop("calls")) for row in rows]
    assert found.totals.to_dicts() == [twin.sums(expected)]


@given(questions(), st.sampled_from(GRANULARITIES), st.sampled_from(sorted(GROUP_COLUMNS)))
def test_reliability_is_what_ranking_call_after_call_gives(
    question: tuple[list[Call], Period], granularity: Granularity, group_by: Any
) -> None:
    calls, period = question
    buckets, by = Buckets.of(period, granularity), GROUP_COLUMNS[group_by]
    found = reliability(Selection(ACME, period).of(events(*calls)), buckets, by)
    expected = twin.chosen(calls, period)
    rows = twin.series(expected, granularity, period.zone, by)
    assert started(found.series, buckets) == [row | twin.failures(row.pop("calls")) for row in rows]
    assert found.totals.to_dicts() == [twin.failures(expected)]


@given(questions())
def test_hours_days_weeks_and_months_of_a_range_add_up_to_the_same(question: tuple[list[Call], Period]) -> None:
    calls, period = question
    chosen = Selection(ACME, period).of(events(*calls))
    by_granularity = [usage(chosen, Buckets.of(period, granularity), "model_id") for granularity in GRANULARITIES]
    totals = [found.series.select(SUMMED).sum().row(0) for found in by_granularity if found.series.height]
    assert set(totals) <= {by_granularity[0].totals.row(0)}
