"""Divide, round, label and count, worked by hand."""

from decimal import Decimal

import polars as pl
import pytest

from calculations.frames.arithmetic import as_map, average, counts, sums_and_counts, total_per_label

CITIES = pl.LazyFrame(
    {"country": ["DE", None, "AT", "DE", "DE"], "city": ["Köln", None, "Wien", "Bonn", "Köln"]},
)


@pytest.mark.parametrize(
    ("total", "count", "expected"),
    [(0, 0, 0), (5, 0, 0), (0, 3, 0), (2, 3, 0.67), (1, 3, 0.33), (Decimal("0.60"), 2, 0.3), (2**40, 2**10, 2**30)],
)
def test_average_has_two_decimals_and_is_zero_over_nothing(total: float | Decimal, count: int, expected: float) -> None:
    """Two thirds are 0.67; nothing over nothing is 0, never NaN."""
    result = average(total, count)
    assert result == expected
    assert isinstance(result, float)


def test_sums_are_exact_and_counts_leave_out_nulls() -> None:
    """2³¹-1 twice is 4,294,967,294, 0.1 three times is 0.3; one of four is null."""
    table = pl.LazyFrame(
        {
            "size": [2**31 - 1, None, 2**31 - 1, 0],
            "fraction": [0.1, 0.1, None, 0.1],
            "price": [Decimal("0.10")] * 3 + [None],
        },
        schema={"size": pl.Int32(), "fraction": pl.Float64(), "price": pl.Decimal(3, 2)},
    )
    found = table.select(sums_and_counts(["price", "size", "fraction"])).collect().row(0, named=True)
    assert found == {
        "size_sum": 4_294_967_294,
        "size_count": 3,
        "fraction_sum": Decimal("0.3"),
        "fraction_count": 3,
        "price_sum": Decimal("0.3"),
        "price_count": 3,
    }


def test_sums_of_an_empty_column_are_zero() -> None:
    """Of no rows, and of nulls only."""
    for values in ([], [None]):
        for dtype in (pl.Int16(), pl.Decimal(4, 2), pl.Float32()):
            table = pl.LazyFrame({"amount": values}, schema={"amount": dtype})
            assert table.select(sums_and_counts(["amount"])).collect().rows() == [(0, 0)]


def test_counts_are_fully_ordered_and_null_is_unknown() -> None:
    """Three of five are DE; then the tie of AT and unknown by name."""
    assert counts(CITIES, "country").collect().rows() == [("DE", 3), ("AT", 1), ("unknown", 1)]


def test_counts_of_two_labels_are_ordered_by_both() -> None:
    """Köln twice, then by country and city."""
    assert counts(CITIES, "country", "city").collect().rows() == [
        ("DE", "Köln", 2),
        ("AT", "Wien", 1),
        ("DE", "Bonn", 1),
        ("unknown", "unknown", 1),
    ]


def test_a_missing_label_counts_with_the_word_unknown() -> None:
    """A row of each makes 2, which is more than the 1 of AT; as a number, 7 is the label "7"."""
    countries = pl.LazyFrame({"country": ["AT", None, "unknown"], "number": [7, None, 7]})
    assert counts(countries, "country").collect().rows() == [("unknown", 2), ("AT", 1)]
    assert counts(countries, "number").collect().rows() == [("7", 2), ("unknown", 1)]


def test_null_and_the_word_unknown_are_one_label() -> None:
    """2 under null and 3 under the word are 5."""
    counted = pl.LazyFrame({"name": [None, "unknown"], "count": [2, 3]})
    assert total_per_label(counted, "name").collect().rows() == [("unknown", 5)]


def test_a_map_keeps_the_order() -> None:
    """b before a, as in the frame."""
    assert list(as_map(pl.DataFrame({"name": ["b", "a"], "count": [2, 1]})).items()) == [("b", 2), ("a", 1)]
