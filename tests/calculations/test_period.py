"""Days and periods, worked by hand."""

from datetime import UTC, date, datetime

import polars as pl
import pytest

from calculations.period import Period
from read_model.tables import PAGE_VIEWS
from tests.rows import rows


@pytest.mark.parametrize(
    ("instant", "is_since"),
    [
        (datetime(2026, 3, 1, 23, 59, 59, tzinfo=UTC), False),
        (datetime(2026, 3, 2, tzinfo=UTC), True),
        (datetime(2030, 1, 1, tzinfo=UTC), True),
        (None, None),
    ],
)
def test_a_period_begins_at_its_first_midnight_and_is_open_ended(
    instant: datetime | None, is_since: bool | None
) -> None:
    """Midnight is inclusive, and what is later than the last day is since the first all the same."""
    table = pl.DataFrame({"at": [instant]}, schema={"at": pl.Datetime("us", "UTC")})
    period = Period.of_days(date(2026, 3, 2), date(2026, 3, 6))
    assert table.select(period.has_begun("at")).item() is is_since


def test_a_period_contains_its_days() -> None:
    """From the first midnight to the last second of the last day; no instant is in no day."""
    views = rows(
        PAGE_VIEWS,
        """
        viewed_at
        2026-03-01 23:59:59
        2026-03-02 00:00:00
        2026-03-06 23:59:59
        2026-03-07 00:00:00
        null
        """,
    )
    contained = views.select(Period.of_days(date(2026, 3, 2), date(2026, 3, 6)).contains("viewed_at"))
    assert contained.collect().to_series().to_list() == [False, True, True, False, None]
