"""Plain files, as other programs write them."""

from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from calculations.llm.usage import usage
from calculations.time.buckets import Buckets
from read_model.snapshot import open_snapshot
from read_model.tables.llm import LLM, USAGE_EVENTS
from tests.calculations.llm.calls import DAY, call, events, of_acme

INSTANTS = [
    pl.Datetime("us", "UTC"),
    pl.Datetime("ns", "UTC"),
    pl.Datetime("us"),
    pl.Datetime("us", "Europe/Berlin"),
    pl.Datetime("ms", "UTC"),
]
TIMES = ["occurred_at", "received_at"]


def chosen(data_dir: Path, *changes: pl.Expr) -> pl.LazyFrame:
    """ACME's calls of the day, from a file whose columns are changed."""
    (data_dir / "llm").mkdir()
    calls = [call("2026-03-02 09:00", cost_estimate=Decimal("0.1")) for _ in range(3)]
    events(*calls, call("2026-03-03 00:00")).with_columns(changes).sink_parquet(
        data_dir / "llm/llm_usage_events.parquet"
    )
    return of_acme().of(open_snapshot(data_dir, LLM).scan(USAGE_EVENTS))


@pytest.mark.parametrize("dtype", INSTANTS, ids=str)
def test_instants_of_any_unit_and_zone_are_the_same_instants(tmp_path: Path, dtype: pl.Datetime) -> None:
    found = usage(chosen(tmp_path, pl.col(TIMES).cast(dtype)), Buckets.of(DAY, "hour"), None).series
    assert found.select("bucket", "invocations").rows() == [(9, 3)]


@pytest.mark.parametrize("dtype", INSTANTS[:-1], ids=str)
def test_only_row_groups_of_the_range_are_read(tmp_path: Path, dtype: pl.Datetime) -> None:
    """The scan itself knows the range."""
    plan = chosen(tmp_path, pl.col(TIMES).cast(dtype)).explain()
    assert "FILTER" not in plan
    assert "SELECTION: " in plan
    assert 'col("occurred_at") >= ' in plan.partition("SELECTION: ")[2]


@pytest.mark.parametrize("dtype", [pl.Float64(), pl.Decimal(38, 4), pl.Decimal(10, 1)], ids=str)
def test_costs_are_decimal_whatever_they_are_stored_as(tmp_path: Path, dtype: pl.DataType) -> None:
    """As binary floats, three times 0.1 would be 0.30000000000000004."""
    totals = usage(chosen(tmp_path, pl.col("cost_estimate").cast(dtype)), Buckets.of(DAY, "hour"), None).totals
    assert totals["cost_estimate_cents"].dtype == pl.Decimal(38, 4)
    assert totals["cost_estimate_cents"].item() == Decimal("0.3")
