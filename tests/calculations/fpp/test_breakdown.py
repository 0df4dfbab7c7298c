"""Traffic that is filtered or broken down: worked by hand, and against the slow twin."""

from collections import Counter
from itertools import product
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calculations.fpp.attributes import ATTRIBUTES, BORNE, Attributes, is_of_users
from calculations.fpp.breakdown import FIGURES, breakdown, visits_of
from calculations.fpp.selection import Selection
from calculations.fpp.traffic import visits
from calculations.frames.filters import EVERYTHING, parsed_filter
from read_model.table import INSTANT
from tests import asking
from tests.calculations.asking import PERIOD, Rows, attributes_of, filters_on, frames, named, tables_of_rows

BORNE_BY_VIEWS = BORNE["page_views"]


def filtered(rows: Rows, clauses: Any) -> dict[str, Any]:
    """The traffic of a filter, as the service computes it."""
    tables, filter_ = frames(rows), parsed_filter(clauses, ATTRIBUTES)
    of_users = is_of_users(list(filter_.attributes()))
    selection = Selection(attributes=attributes_of(tables), filter=filter_, of_users=of_users)
    return visits_of(tables.page_views, tables.estimations, selection, PERIOD, FIGURES).model_dump()


@given(tables_of_rows(), filters_on(*BORNE_BY_VIEWS))
def test_filtered_traffic_is_the_twins(rows: Rows, clauses: Any) -> None:
    """On users, on rows and on both."""
    assert filtered(rows, clauses) == asking.visits(named(rows), clauses)


@given(tables_of_rows(), filters_on(*BORNE_BY_VIEWS))
def test_figures_alone_are_those_of_all(rows: Rows, clauses: Any) -> None:
    """Page views and visitors are computed in another way."""
    tables, filter_ = frames(rows), parsed_filter(clauses, ATTRIBUTES)
    of_users = is_of_users(list(filter_.attributes()))
    selection = Selection(attributes=attributes_of(tables), filter=filter_, of_users=of_users)
    whole = filtered(rows, clauses)
    for names in (["page_views"], ["visitors"], ["page_views", "visitors"]):
        found = visits_of(tables.page_views, tables.estimations, selection, PERIOD, names)
        assert [getattr(found, name) for name in names] == [whole[name] for name in names]


@given(
    tables_of_rows(),
    filters_on(*BORNE_BY_VIEWS),
    st.lists(st.sampled_from(BORNE_BY_VIEWS), min_size=1, max_size=2, unique=True),
)
def test_a_breakdown_has_the_twins_traffic_of_each_value(rows: Rows, clauses: Any, dimensions: list[str]) -> None:
    """Every combination of values is what a filter on it gives, and no other combination has any traffic."""
    tables, twin = frames(rows), named(rows)
    found = breakdown(
        tables.page_views, tables.estimations, attributes_of(tables), parsed_filter(clauses, ATTRIBUTES), dimensions
    )
    of_users = asking.names(clauses) | set(dimensions) <= set(asking.USER)
    expected = []
    for values in product(*(values_of(twin, name, of_users=of_users) for name in dimensions)):
        also = [["is", name, [value]] for name, value in zip(dimensions, values, strict=True)]
        figures = asking.visits(twin, [*clauses, *also], of_users=of_users)
        if figures["page_views"] or figures["visits"]:
            expected.append(dict(zip(dimensions, values, strict=True)) | figures)
    key = pl.struct(dimensions)
    assert found.sort(key).to_dicts() == sorted(expected, key=lambda row: tuple(row[name] for name in dimensions))


def values_of(twin: asking.Tables, name: str, *, of_users: bool) -> list[str]:
    """All values of an attribute."""
    tables = ["fpp_page_views", *(["fpp_estimations"] if of_users else [])]
    return sorted({asking.attribute(twin, table, row, name) for table in tables for row in twin[table]})


@given(tables_of_rows())
def test_without_a_filter_it_is_all_traffic(rows: Rows) -> None:
    """As computed without attributes."""
    tables = frames(rows)
    found = breakdown(tables.page_views, tables.estimations, attributes_of(tables), EVERYTHING)
    assert found.row(0, named=True) == visits(tables.page_views, tables.estimations, PERIOD).model_dump()


@given(tables_of_rows(), st.sampled_from(BORNE_BY_VIEWS))
def test_page_views_add_up_over_the_values(rows: Rows, name: str) -> None:
    """Each has one value of every attribute."""
    tables = frames(rows)
    found = breakdown(tables.page_views, tables.estimations, attributes_of(tables), EVERYTHING, [name])
    assert found["page_views"].sum() == len(rows["page_views"])


@pytest.mark.parametrize("ids", [[1, 2, 3], [0, 17], [2, 10**12], [-4, 5], []], ids=str)
def test_rooms_are_found_however_their_ids_are_spread(ids: list[int]) -> None:
    """A view in each of three rooms and around them, of which those that exist have names."""
    viewed = [None, -5, -4, 0, 1, 2, 3, 4, 16, 17, 18, 10**12, 10**12 + 1, *ids]
    page_views = pl.LazyFrame(
        {"user_id": ["u"] * len(viewed), "room_id": viewed, "viewed_at": [PERIOD.start] * len(viewed)},
        {"user_id": pl.String, "room_id": pl.Int64, "viewed_at": INSTANT},
    )
    estimations = pl.LazyFrame(schema={"user_id": pl.String, "estimated_at": INSTANT})
    rooms = pl.LazyFrame({"id": ids, "name": [f"room {id_}" for id_ in ids]}, {"id": pl.Int64, "name": pl.String})
    attributes = Attributes(pl.LazyFrame(schema={"id": pl.String}), rooms)
    found = breakdown(page_views, estimations, attributes, dimensions=["room_name"])
    counted = dict(found.select("room_name", "page_views").iter_rows())
    named_views = Counter(f"room {id_}" if id_ in ids else "unknown" for id_ in viewed)
    assert counted == named_views
