"""How often calls fail and how long they take, by hand."""

import polars as pl
import pytest

from calculations.llm.percentiles import Percentile, percentiles
from calculations.llm.reliability import reliability
from calculations.time.buckets import Buckets
from tests.calculations.llm.calls import DAY, call, events, of_acme

HOURS = Buckets.of(DAY, "hour")


def test_errors_are_failures_and_so_are_timeouts_and_throttled_calls() -> None:
    """Of four calls three failed, one of them by an error."""
    calls = [call("2026-03-02 09:00", status=status) for status in ("success", "error", "timeout", "throttled")]
    row = reliability(of_acme().of(events(*calls)), HOURS, None).series.row(0, named=True)
    assert (row["error_rate"], row["error_only_rate"]) == (0.75, 0.25)


def test_percentiles_of_the_totals_come_from_calls_not_from_hours() -> None:
    """At 9 one call of 10 ms, at 10 three of 1,000 ms: half of all calls take 1,000 ms."""
    calls = [call("2026-03-02 09:00", latency_ms=10), *[call("2026-03-02 10:00", latency_ms=1_000)] * 3]
    found = reliability(of_acme().of(events(*calls)), HOURS, "model_id", ["p50"])
    assert found.series["p50"].to_list() == [1_000.0, 10.0]
    assert found.totals["p50"].item() == 1_000.0


@pytest.mark.parametrize(
    ("values", "percentile", "expected"),
    [
        ([7], "p99", 7.0),
        ([0, 1], "p50", 0.5),
        # Position 0.95 of 1: 0.95, which is half up 1.0, though the float next to it lies below.
        ([0, 1], "p95", 1.0),
        ([1, 2], "p75", 1.8),
        ([10, 20, 30, 40, 50], "p90", 46.0),
        ([0] * 99 + [100], "p99", 1.0),
        ([3, 3, 3, 4], "p99", 4.0),
    ],
)
def test_percentiles_interpolate_between_ranks(values: list[int], percentile: Percentile, expected: float) -> None:
    found = percentiles(pl.Series(values), pl.Series([0]), pl.Series([len(values)]), [percentile])
    assert found[percentile].to_list() == [expected]


def test_every_percentile_with_one_decimal_is_the_float_of_its_text() -> None:
    """Tenths such as 0.3 are not 0.30000000000000004."""
    tens = pl.Series([tenth * 100 for tenth in range(10_000)])
    found = percentiles(tens // 100, tens.arg_sort().cast(pl.Int64), pl.Series([1] * tens.len()), ["p50"])
    halves = percentiles(pl.Series([0, 1]), pl.Series([0]), pl.Series([2]), ["p75", "p90"])
    assert found["p50"].to_list() == [float(number) for number in range(10_000)]
    assert halves.row(0) == (0.8, 0.9)


def test_latencies_of_any_size_keep_their_group_and_their_bucket() -> None:
    """A latency so long that bucket, group and latency exceed 64 bits together."""
    calls = [call(f"2026-03-02 {hour:02}:00", latency_ms=2**53 - 64 * hour, model_id=str(hour)) for hour in range(24)]
    found = reliability(of_acme().of(events(*calls)), HOURS, "model_id", ["p50"]).series
    assert found.select("bucket", "group").rows() == [(hour, str(hour)) for hour in reversed(range(24))]
    assert found["p50"].to_list() == [float(2**53 - 64 * hour) for hour in reversed(range(24))]


def test_without_calls_rates_and_percentiles_are_unknown() -> None:
    found = reliability(of_acme().of(events()), HOURS, "model_id")
    assert found.series.is_empty()
    assert found.totals.row(0) == (0, 0, 0, 0, 0, None, None, None, None, None)
