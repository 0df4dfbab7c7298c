"""Make the daily report from a snapshot."""

from datetime import date, datetime
from typing import Literal

from calculations.fpp.daily_report import daily_report
from calculations.fpp.tables import Tables
from read_model.snapshot import Snapshot
from read_model.tables.fpp import PAGE_VIEWS, ROOMS, USERS, VOTES
from reports.daily import Document, notices


def made(
    snapshot: Snapshot,
    day: date,
    zone: str,
    now: datetime,
    first_day: date,
    freshness: Literal["ok", "stale", "dead"],
) -> Document:
    """The report of a local day as it is known at an instant; `first_day` is START_DATE."""
    page_views, rooms, users, votes = (snapshot.scan(table) for table in (PAGE_VIEWS, ROOMS, USERS, VOTES))
    known_until = min(now, snapshot.data_updated_at)
    tables = Tables(page_views=page_views, rooms=rooms, users=users, votes=votes)
    told = notices(day, zone, known_until, freshness, first_day)
    return Document(daily_report(tables, day, zone, known_until), zone, told)
