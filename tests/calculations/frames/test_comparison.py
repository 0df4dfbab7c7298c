"""Figures beside those of another period, worked by hand and against a plain twin."""

import math
from collections.abc import Mapping
from typing import Any, Literal

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from calculations.frames.comparison import PARTS, compared, parted

type Row = dict[str, Any]
type Rows = Literal["all", "of_now"]

NAMED = {"name": pl.String(), "count": pl.Int64()}


def frame(rows: list[Row], schema: Mapping[str, pl.DataType]) -> pl.DataFrame:
    """Rows as a frame."""
    return pl.DataFrame(rows, schema=dict(schema))


def parts(table: pl.DataFrame, name: str, row: int = 0) -> tuple[Any, ...]:
    """Value, comparison, change and change in percent of a figure."""
    return tuple(table.row(row, named=True)[column] for column in parted(name))


def totals(now: float, then: float) -> tuple[Any, ...]:
    """The parts of one figure without keys."""
    return parts(compared(pl.DataFrame({"votes": [now]}), pl.DataFrame({"votes": [then]}), ()), "votes")


def test_a_figure_is_set_beside_the_other() -> None:
    """12 after 8: 4 more, half of 8."""
    assert totals(12, 8) == (12, 8, 4, 50.0)


def test_less_is_a_negative_change() -> None:
    """8 after 12: a third less. 0 after 12: all of it."""
    assert totals(8, 12) == (8, 12, -4, -33.3333)
    assert totals(0, 12) == (0, 12, -12, -100.0)


def test_nothing_changes_from_a_figure_to_itself() -> None:
    assert totals(12, 12) == (12, 12, 0, 0.0)


def test_a_base_of_0_has_no_percent() -> None:
    """Not even when both are 0; and no infinity, no NaN."""
    assert totals(12, 0) == (12, 0, 12, None)
    assert totals(0, 0) == (0, 0, 0, None)
    assert totals(0.5, 0.0) == (0.5, 0.0, 0.5, None)


def test_changes_of_decimals_have_no_noise() -> None:
    """0.3 - 0.1 is 0.2, not 0.19999999999999998; two thirds are 66.6667 percent."""
    assert totals(0.3, 0.1) == (0.3, 0.1, 0.2, 200.0)
    assert totals(2.5, 1.5) == (2.5, 1.5, 1.0, 66.6667)


def test_counts_stay_integers() -> None:
    """But percents don't."""
    table = compared(pl.DataFrame({"votes": [12]}), pl.DataFrame({"votes": [8]}), ())
    assert table.schema == {
        "votes": pl.Int64,
        "votes_comparison": pl.Int64,
        "votes_change": pl.Int64,
        "votes_change_pct": pl.Float64,
    }


def test_columns_follow_each_other_figure_by_figure() -> None:
    """Keys first."""
    now = frame([{"name": "a", "count": 1}], NAMED).with_columns(share=pl.lit(0.5))
    table = compared(now, now, ("name",))
    assert table.columns == ["name", *parted("count"), *parted("share")]
    assert parted("count") == ("count", "count_comparison", "count_change", "count_change_pct")
    assert len(parted("count")) == len(PARTS)


def test_rows_meet_by_their_keys_not_their_order() -> None:
    """Ann 3 after 1, Bob 2 after 2."""
    now = frame([{"name": "ann", "count": 3}, {"name": "bob", "count": 2}], NAMED)
    then = frame([{"name": "bob", "count": 2}, {"name": "ann", "count": 1}], NAMED)
    table = compared(now, then, ("name",)).sort("name")
    assert parts(table, "count", 0) == (3, 1, 2, 200.0)
    assert parts(table, "count", 1) == (2, 2, 0, 0.0)


def test_a_row_of_one_period_only_is_0_in_the_other() -> None:
    """Ann is new, Bob is gone."""
    now, then = frame([{"name": "ann", "count": 3}], NAMED), frame([{"name": "bob", "count": 2}], NAMED)
    table = compared(now, then, ("name",)).sort("name")
    assert table["name"].to_list() == ["ann", "bob"]
    assert parts(table, "count", 0) == (3, 0, 3, None)
    assert parts(table, "count", 1) == (0, 2, -2, -100.0)


def test_of_now_keeps_the_rows_of_now() -> None:
    """Row 1 has nothing to be compared with: null, not 0; row 2 of then is left out."""
    schema = {"row": pl.UInt32(), "count": pl.Int64()}
    now = frame([{"row": 0, "count": 3}, {"row": 1, "count": 5}], schema)
    then = frame([{"row": 0, "count": 2}, {"row": 2, "count": 9}], schema)
    table = compared(now, then, ("row",), "of_now").sort("row")
    assert table["row"].to_list() == [0, 1]
    assert parts(table, "count", 0) == (3, 2, 1, 50.0)
    assert parts(table, "count", 1) == (5, None, None, None)


def test_a_null_in_a_key_is_a_key() -> None:
    """A room without a date is the same room in both periods."""
    keys = {"id": pl.Int64(), "at": pl.Date(), "count": pl.Int64()}
    now, then = frame([{"id": 1, "count": 3}], keys), frame([{"id": 1, "count": 2}], keys)
    table = compared(now, then, ("id", "at"))
    assert len(table) == 1
    assert parts(table, "count") == (3, 2, 1, 50.0)


def test_figures_may_be_missing_on_either_side() -> None:
    """Estimations of 5 then, of 8 now: 0 of the other each."""
    table = compared(pl.DataFrame({"of_8": [3]}), pl.DataFrame({"of_5": [2]}), ())
    assert parts(table, "of_8") == (3, 0, 3, None)
    assert parts(table, "of_5") == (0, 2, -2, -100.0)


def test_there_may_be_no_figures_on_either_side() -> None:
    """Such as estimations per value when there are none of any."""
    nothing = pl.DataFrame({"name": ["a"]})
    assert compared(nothing, nothing, ["name"]).to_dicts() == [{"name": "a"}]


def test_a_null_figure_of_a_series_stays_null() -> None:
    """A moving average before its 30th row: unknown, and so is its change."""
    schema = {"row": pl.UInt32(), "mean": pl.Float64()}
    now = frame([{"row": 0, "mean": None}, {"row": 1, "mean": 2.0}], schema)
    then = frame([{"row": 0, "mean": 1.0}, {"row": 1, "mean": None}], schema)
    table = compared(now, then, ("row",), "of_now").sort("row")
    assert parts(table, "mean", 0) == (None, 1.0, None, None)
    assert parts(table, "mean", 1) == (2.0, None, None, None)


def test_empty_tables_have_their_columns() -> None:
    for rows in ("all", "of_now"):
        table = compared(frame([], NAMED), frame([], NAMED), ("name",), rows)
        assert (table.columns, len(table)) == (["name", *parted("count")], 0)


numbers = st.one_of(st.integers(-1000, 1000), st.just(0))
tables = st.lists(
    st.fixed_dictionaries(
        {"kind": st.sampled_from(("a", "b", None)), "number": st.sampled_from((1, 2, None)), "x": numbers, "y": numbers}
    ),
    max_size=8,
    unique_by=lambda row: (row["kind"], row["number"]),
)
SCHEMA = {"kind": pl.String(), "number": pl.Int64(), "x": pl.Int64(), "y": pl.Int64()}


def twin(now: list[Row], then: list[Row], rows: Rows) -> dict[tuple[Any, ...], Row]:
    """The same row by row: parts of x and y by the keys."""
    ours, theirs = ({(row["kind"], row["number"]): row for row in some} for some in (now, then))
    found: dict[tuple[Any, ...], Row] = {}
    for key in ours if rows == "of_now" else ours | theirs:
        found[key] = {}
        for name in ("x", "y"):
            value = ours[key][name] if key in ours else 0
            base = theirs[key][name] if key in theirs else (0 if rows == "all" else None)
            change = None if base is None else value - base
            percent = None if not base or change is None else round(change / base * 100, 4)
            found[key] |= dict(zip(parted(name), (value, base, change, percent), strict=True))
    return found


@given(tables, tables, st.sampled_from(("all", "of_now")))
def test_every_row_is_as_the_twin_has_it(now: list[Row], then: list[Row], rows: Rows) -> None:
    """Keys with nulls, rows of one side only, zeros and negative numbers."""
    table = compared(frame(now, SCHEMA), frame(then, SCHEMA), ("kind", "number"), rows)
    ours = {(row.pop("kind"), row.pop("number")): row for row in table.to_dicts()}
    theirs = twin(now, then, rows)
    assert len(table) == len(theirs)
    assert ours.keys() == theirs.keys()
    for key, row in theirs.items():
        for name, value in row.items():
            ours_is = ours[key][name]
            assert ours_is == value or (value is not None and math.isclose(ours_is, value, abs_tol=1.01e-4)), (
                key,
                name,
            )


@given(tables, st.sampled_from(("all", "of_now")))
def test_a_table_compared_with_itself_has_no_change(rows: list[Row], of: Rows) -> None:
    """Change 0, and 0 percent unless the base is 0."""
    table = compared(frame(rows, SCHEMA), frame(rows, SCHEMA), ("kind", "number"), of)
    assert len(table) == len(rows)
    for row in table.to_dicts():
        for name in ("x", "y"):
            value, base, change, percent = (row[column] for column in parted(name))
            assert (value, change) == (base, 0)
            assert percent == (0 if base else None)
