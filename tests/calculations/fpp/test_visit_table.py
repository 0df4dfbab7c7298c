"""Visits with codes: worked by hand, and the same however many bits the codes take."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calculations.fpp.packed_keys import ESTIMATED, LOOKED
from calculations.fpp.visit_table import Packing, VisitTable
from read_model.table import INSTANT
from tests.calculations.asking import INSTANTS, START

# User, time, code and whether it is a page view.
type Activity = tuple[str | None, datetime, int, bool]

# Up to 63, 511 and beyond: codes are read in 8 or 32 bits, and times in 64 or 128.
AMOUNTS = (3, 63, 64, 511, 512, 70_000)
ACTIVITIES = st.lists(
    st.tuples(st.sampled_from(("ann", "bob", None)), INSTANTS, st.integers(0, 3), st.booleans()), max_size=12
)


def table_of(activities: Sequence[Activity], packing: Packing) -> VisitTable:
    """The visits of activities, whose codes are counted from the highest one down."""
    schema = {"user_id": pl.String(), "at": INSTANT, "code": pl.UInt32(), "looked": pl.Boolean()}
    rows = pl.DataFrame(activities, schema=schema, orient="row")
    code = pl.when("looked", pl.col("code") > 0).then(packing.codes + 1 - pl.col("code")).otherwise(0)
    key = pl.when("looked").then(packing.key("at", LOOKED, code)).otherwise(packing.key("at", ESTIMATED, pl.lit(0)))
    return VisitTable(rows.select(key=key).to_series().drop_nulls().sort(), packing)


def minute(number: int) -> datetime:
    """A time."""
    return START + timedelta(minutes=number)


def test_two_visits_of_three_codes() -> None:
    """Ann sees 3 and 2 and estimates, and an hour later 3; Bob sees only 3."""
    activities = [
        ("ann", minute(0), 3, True),
        ("ann", minute(2), 2, True),
        ("ann", minute(5), 0, False),
        ("ann", minute(65), 3, True),
        ("bob", minute(1), 3, True),
    ]
    table = table_of(activities, Packing(3))
    counted = table.counted()
    sums = counted.group_by("code").agg(pl.exclude("visitor").sum()).sort("code")
    seconds = pl.col("duration") // 1_000_000
    assert sums.select("code", "visitors", "bounced", "page_views", "visits", seconds, "views").rows() == [
        (1, 2, 1, 3, 3, 310 + 10 + 10, 2 + 1 + 1),
        (2, 1, 0, 1, 1, 310, 2),
    ]
    assert sorted(table.visitors["estimated"]) == [False, True]
    assert sorted(table.durations // 1_000_000) == [10, 10, 310]


@pytest.mark.parametrize("amount", AMOUNTS[1:])
@given(activities=ACTIVITIES)
def test_the_number_of_codes_changes_nothing(amount: int, activities: list[Activity]) -> None:
    """The highest codes of many count what those of a few do."""

    def counted(packing: Packing) -> list[tuple[object, ...]]:
        table = table_of(activities, packing)
        rows = table.counted().with_columns(code=packing.codes + 1 - pl.col("code").cast(pl.Int64))
        estimated = table.visitors["estimated"][rows["visitor"]]
        return sorted(rows.drop("visitor").hstack([estimated]).rows())

    assert counted(Packing(amount)) == counted(Packing(AMOUNTS[0]))


def test_years_lie_between_visits() -> None:
    """As many microseconds as overflow 64 bits together with so many codes."""
    activities = [("ann", START - timedelta(microseconds=1 << 45), 1, True), ("ann", START, 1, True)]
    assert table_of(activities, Packing(AMOUNTS[-1])).durations.to_list() == [10_000_000] * 2
