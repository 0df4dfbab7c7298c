"""Build the daily report from a snapshot."""

from datetime import date, datetime, timedelta

from calculations.fpp.daily_report import daily_report
from calculations.fpp.tables import Tables
from calculations.frames.collecting import collecting_with
from calculations.time.period import Period
from config import ReadingSettings
from read_model.freshness import freshness
from read_model.snapshot import Snapshot
from read_model.tables.fpp import PAGE_VIEWS, ROOMS, USERS, VOTES
from reports.daily import Document, notices


def made(snapshot: Snapshot, day: date, zone: str, now: datetime, settings: ReadingSettings) -> Document:
    """The report of a local day as it is known at an instant."""
    page_views, rooms, users, votes = (snapshot.scan(table) for table in (PAGE_VIEWS, ROOMS, USERS, VOTES))
    tables = Tables(page_views=page_views, rooms=rooms, users=users, votes=votes)
    known_until = min(now, snapshot.data_updated_at)
    with collecting_with(snapshot.engine):
        report = daily_report(tables, day, zone, known_until)
    state = freshness(
        snapshot,
        now,
        stale_after=timedelta(seconds=settings.health_stale_seconds),
        dead_after=timedelta(seconds=settings.health_dead_seconds),
    )
    return Document(report, zone, tuple(notices(Period.of_days(day, day, zone), known_until, state.status)))
