"""Percentiles and histograms: by hand, and against the twin."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calculations.fpp.attributes import ATTRIBUTES, BORNE, is_of_users
from calculations.fpp.distribution import BINS, PERCENTILES, Bin, distribution, views_per_visit, visit_durations
from calculations.fpp.selection import Selection
from calculations.frames.filters import parsed_filter
from tests import asking
from tests.calculations.asking import Rows, attributes_of, filters_on, frames, named, tables_of_rows

NUMBERS = st.lists(st.one_of(st.integers(0, 40), st.integers(-5, 100_000), st.none()), max_size=30)


@given(NUMBERS)
def test_percentiles_are_the_twins(numbers: list[int | None]) -> None:
    """Interpolated linearly, nulls left out."""
    known = sorted(number for number in numbers if number is not None)
    found = distribution(pl.Series(numbers, dtype=pl.Int64))
    assert found.n == len(known)
    for name, share in PERCENTILES.items():
        value = getattr(found, name)
        if known:
            assert value == pytest.approx(asking.percentile(known, share), abs=0.0051)
        else:
            assert value is None


@given(NUMBERS)
def test_bins_hold_every_value_once(numbers: list[int | None]) -> None:
    """From inclusive, to exclusive, in the last one inclusive; all of one width, without a gap."""
    known = [number for number in numbers if number is not None]
    bins = distribution(pl.Series(numbers, dtype=pl.Int64)).histogram
    assert sum(each.n for each in bins) == len(known)
    assert len(bins) <= BINS
    assert len({each.to - each.first for each in bins}) <= 1
    for number, each in enumerate(bins):
        is_last = number == len(bins) - 1
        assert each.n == sum(each.first <= value < each.to or (is_last and value == each.to) for value in known)
        assert is_last or each.to == bins[number + 1].first


def test_four_values() -> None:
    """Of 1, 2, 3 and 10 the median lies between 2 and 3, and 90 % between 3 and 10; nine bins of 1."""
    found = distribution(pl.Series([10, 1, 3, 2]))
    assert (found.n, found.p50, found.p75, found.p90, found.p95, found.p99) == (4, 2.5, 4.75, 7.9, 8.95, 9.79)
    assert [each.n for each in found.histogram] == [1, 1, 1, 0, 0, 0, 0, 0, 1]
    assert found.histogram[-1] == Bin(first=9, to=10, n=1)


def test_equal_values_are_one_bin() -> None:
    """And of none there is none."""
    assert distribution(pl.Series([7, 7])).histogram == [Bin(first=7, to=8, n=2)]
    assert distribution(pl.Series([], dtype=pl.Int16)).model_dump() == {
        "n": 0,
        **dict.fromkeys(PERCENTILES),
        "histogram": [],
    }


@given(tables_of_rows(), filters_on(*BORNE["page_views"]))
def test_measures_are_of_whole_visits(rows: Rows, clauses: object) -> None:
    """Of those that the filter selects."""
    tables, filter_, twin = frames(rows), parsed_filter(clauses, ATTRIBUTES), named(rows)
    of_users = is_of_users(list(filter_.attributes()))
    selection = Selection(attributes=attributes_of(tables), filter=filter_, of_users=of_users)
    found = selection.visits(tables.page_views, tables.estimations)
    expected = asking.selected_visits(twin, clauses, of_users=of_users)
    assert sorted(visit_durations(found)) == sorted(asking.length(visit) for visit in expected)
    views = [sum(table == "fpp_page_views" for _, table, _ in visit) for visit in expected]
    assert sorted(views_per_visit(found)) == sorted(views)
