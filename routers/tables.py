"""The app's tables of a snapshot, as the calculations take them."""

from calculations.fpp.tables import Tables
from read_model.snapshot import Snapshot
from read_model.tables.fpp import ESTIMATIONS, EVENTS, PAGE_VIEWS, ROOMS, USERS, VOTES


def all_tables(snapshot: Snapshot) -> Tables:
    """Every table, for many figures at once.

    Raises:
        TableMissingError: The snapshot lacks a table or a required column.
    """
    estimations, events, page_views, rooms, users, votes = snapshot.tables(
        ESTIMATIONS, EVENTS, PAGE_VIEWS, ROOMS, USERS, VOTES
    )
    return Tables(estimations=estimations, events=events, page_views=page_views, rooms=rooms, users=users, votes=votes)
