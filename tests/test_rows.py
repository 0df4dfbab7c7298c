"""The drawn tables that the tests of the calculations are made of."""

from datetime import UTC, datetime
from decimal import Decimal

import polars as pl
import pytest

from read_model.table import INSTANT, Table
from read_model.tables.fpp import ESTIMATIONS, FPP, PAGE_VIEWS, VOTES
from tests.rows import repeated, rows


def test_cells_have_the_types_of_their_columns() -> None:
    """Numbers, decimals, booleans and instants, with and without seconds."""
    drawn = rows(
        VOTES,
        """
        room_id | avg_estimation | was_auto_flip | voted_at
        7       | 2.50           | true          | 2026-03-02 09:00
        8       | 13             | false         | 2026-03-02 09:00:01
        """,
    ).collect()
    assert drawn.select("room_id", "avg_estimation", "was_auto_flip", "voted_at").rows() == [
        (7, Decimal("2.50"), True, datetime(2026, 3, 2, 9, 0, tzinfo=UTC)),
        (8, Decimal("13.00"), False, datetime(2026, 3, 2, 9, 0, 1, tzinfo=UTC)),
    ]


def test_null_and_dash_are_null_and_quotes_are_text() -> None:
    """Two ways to say null, and one to say the empty text."""
    drawn = rows(
        PAGE_VIEWS,
        """
        user_id | source
        null    | -
        zoë     | ""
        """,
    )
    assert drawn.select("user_id", "source").collect().rows() == [(None, None), ("zoë", "")]


@pytest.mark.parametrize("table", FPP.tables, ids=lambda table: table.name)
def test_no_drawing_is_an_empty_table_with_all_columns(table: Table) -> None:
    """Columns and types as declared, no rows."""
    empty = rows(table).collect()
    assert dict(empty.schema) == dict(table.columns)
    assert empty.is_empty()


def test_columns_not_drawn_are_null() -> None:
    """Only the user is drawn."""
    drawn = rows(
        PAGE_VIEWS,
        """
        user_id
        ann
        """,
    ).collect()
    assert drawn.rows(named=True) == [{"user_id": "ann", "route": None, "source": None, "viewed_at": None}]
    assert drawn.schema["viewed_at"] == INSTANT


@pytest.mark.parametrize("drawn", ["nickname\nann", "user_id | room_id\nann", "user_id\nann | 1"])
def test_a_drawing_with_a_slip_is_refused(drawn: str) -> None:
    """A column that does not exist, a cell too few, a cell too many."""
    with pytest.raises(ValueError, match=r"fpp_estimations has no column nickname|zip\(\) argument"):
        rows(ESTIMATIONS, drawn)


def test_repeated_rows() -> None:
    """Two rows three times are six."""
    drawn = pl.LazyFrame({"user_id": ["ann", "bob"]})
    assert sorted(repeated(drawn, 3).collect().rows()) == [
        *(("ann", copy) for copy in range(3)),
        *(("bob", copy) for copy in range(3)),
    ]
