"""The hours of a week, against plain Python."""

from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from calculations.fpp.rhythm import rhythm
from tests.calculations.asking import Rows, frames, tables_of_rows

ZONES = st.sampled_from(("UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe"))


@given(tables_of_rows(most=20), ZONES)
def test_every_hour_of_every_weekday_is_counted(rows: Rows, zone: str) -> None:
    """As clocks there show it: 168 rows in order."""
    tables = frames(rows)
    found = rhythm(tables.page_views, tables.votes, zone).to_dicts()
    expected = []
    for weekday in range(1, 8):
        for hour in range(24):
            views, votes = (
                [row for row in rows[kind] if slot(row[time], zone) == (weekday, hour)]
                for kind, time in (("page_views", "viewed_at"), ("votes", "voted_at"))
            )
            visitors = {row["user_id"] for row in views} - {None}
            counts = {"page_views": len(views), "visitors": len(visitors), "votes": len(votes)}
            expected.append({"weekday": weekday, "hour": hour, **counts})
    assert found == expected


def slot(instant: object, zone: str) -> tuple[int, int]:
    """The local weekday and hour of an instant."""
    local = instant.astimezone(ZoneInfo(zone))  # type: ignore[attr-defined]
    return local.isoweekday(), local.hour


def test_only_what_is_asked_for_is_counted() -> None:
    """Quiet hours are there."""
    tables = frames({name: [] for name in ("users", "rooms", "page_views", "events", "estimations", "votes")})
    assert rhythm(None, tables.votes, "UTC").columns == ["weekday", "hour", "votes"]
    assert rhythm(tables.page_views, None, "UTC").shape == (168, 4)
