"""Shares of the users: what is counted in each of them adds up."""

from typing import Any
from unittest.mock import patch

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calculations.fpp import packed_keys
from calculations.fpp.attributes import ATTRIBUTES, is_of_users
from calculations.fpp.breakdown import breakdown
from calculations.fpp.distribution import views_per_visit, visit_durations
from calculations.fpp.funnel import funnel
from calculations.fpp.funnel_steps import parsed_steps
from calculations.fpp.packed_keys import shares_of_users
from calculations.fpp.selection import Selection
from calculations.fpp.visitors import visitors_per_bucket
from calculations.frames.filters import parsed_filter
from calculations.time.buckets import Buckets
from tests.calculations.asking import PERIOD, Rows, attributes_of, filters_on, frames, tables_of_rows


@pytest.mark.parametrize(
    ("share", "shares"),
    [
        (1, [[10, 11, 12], [20], [30, 31]]),
        (2, [[10, 11, 12], [20, 30, 31]]),
        (3, [[10, 11, 12], [20, 30, 31]]),
        (4, [[10, 11, 12], [20, 30, 31]]),
        (5, [[10, 11, 12], [20, 30, 31]]),
        (6, [[10, 11, 12, 20, 30, 31]]),
    ],
)
def test_users_are_never_cut(share: int, shares: list[list[int]]) -> None:
    """Three users, whose numbers lie above four bits, and two threads that shall have equally much to do."""
    keys = pl.Series([0x10, 0x11, 0x12, 0x20, 0x30, 0x31], dtype=pl.UInt128)
    with patch.object(packed_keys, "SHARE", share), patch.object(pl, "thread_pool_size", lambda: 2):
        assert [[int(f"{key:x}") for key in part] for part in shares_of_users(keys, 4)] == shares


def test_the_last_of_all_users_is_one_too() -> None:
    """No number above it fits."""
    keys = pl.Series([(1 << 128) - 2, (1 << 128) - 1], dtype=pl.UInt128)
    with patch.object(packed_keys, "SHARE", 1):
        assert [len(share) for share in shares_of_users(keys, 64)] == [2]


def test_of_nothing_there_is_one_share() -> None:
    """Without rows."""
    assert [len(share) for share in shares_of_users(pl.Series([], dtype=pl.UInt128), 4)] == [0]


@given(tables_of_rows(), filters_on("country", "route"), st.booleans())
def test_figures_are_the_same_in_shares_and_as_a_whole(rows: Rows, clauses: Any, strict: bool) -> None:
    """All that is counted user by user."""

    def figures() -> list[Any]:
        tables, filter_ = frames(rows), parsed_filter(clauses, ATTRIBUTES)
        page_views, estimations, attributes = tables.page_views, tables.estimations, attributes_of(tables)
        of_users = is_of_users(list(filter_.attributes()))
        selection = Selection(attributes=attributes, filter=filter_, of_users=of_users)
        visits = selection.visits(page_views, estimations)
        dimensions = ["country", "route"]
        return [
            breakdown(page_views, estimations, attributes, filter_, dimensions).sort(dimensions).rows(),
            visitors_per_bucket(page_views, estimations, selection, Buckets.of(PERIOD, "day")).rows(),
            sorted(visit_durations(visits)),
            sorted(views_per_visit(visits)),
            funnel(tables, attributes, parsed_steps("page_view,return:1d"), order="strict" if strict else "sequential"),
        ]

    with patch.object(packed_keys, "SHARE", 1):
        in_shares = figures()
    assert in_shares == figures()
