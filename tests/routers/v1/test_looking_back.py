"""Figures of a bucket that count rows outside of it: moving averages, and who has come back."""

from collections.abc import Callable
from datetime import UTC, date, datetime

from read_model.tables.fpp import ESTIMATIONS, PAGE_VIEWS
from tests.routers.v1.api import Api

type ApiOver = Callable[..., Api]


def test_minutes_without_weekends_are_averaged_over_friday(api_over: ApiOver) -> None:
    """On Monday 2 March at 00:00, the 29 minutes before are the last ones of Friday: 3 views in 30."""
    views = "viewed_at\n2026-02-27 23:30\n2026-02-27 23:31\n2026-02-28 12:00\n2026-03-02 00:00\n2026-03-02 00:00:59"
    api = api_over({PAGE_VIEWS: views})
    asked = {"date_range": "2026-03-02T00:00:00Z,2026-03-02T00:02:00Z", "granularity": "minute", "weekends": "exclude"}
    rows = api.data("historical", metrics="ma_page_views", **asked)
    assert [row["ma_page_views"] for row in rows] == [0.1, 0.07]


def test_a_row_ahead_of_the_clock_counts_in_the_mean_of_its_day_too(api_over: ApiOver) -> None:
    """At 12:30 there are views of 12:29 and 12:45: the day has 2, and so has its mean of 30 days."""
    api = api_over({PAGE_VIEWS: "viewed_at\n2026-03-05 12:29\n2026-03-05 12:45\n2026-03-06 00:00"})
    (row,) = api.data("historical", date_range="today", metrics="page_views,ma_page_views")
    assert (row["page_views"], row["ma_page_views"]) == (2, 0.07)


def test_a_row_ahead_of_the_clock_counts_among_those_who_came_back(api_over: ApiOver) -> None:
    """Ann's second day is today at 12:45, Bob's is tomorrow; at the end of the range, which is today's, Ann is back."""
    drawn = """
        user_id | room_id | estimated_at
        ann     | 1       | 2026-03-03 09:00
        ann     | 1       | 2026-03-05 12:45
        bob     | 2       | 2026-03-03 09:00
        bob     | 2       | 2026-03-06 00:00
        """
    api = api_over({ESTIMATIONS: drawn})
    for asked in ({"date_range": "today"}, {"date_range": "2026-03-01,2026-03-31", "granularity": "month"}):
        (row,) = api.data("reoccurring", **asked)
        assert (row["reoccurring_users"], row["reoccurring_rooms"]) == (1, 1)


def test_a_range_that_ends_within_a_day_counts_who_came_back_until_then(api_over: ApiOver) -> None:
    """Ann's second day begins at 12:00; a range until then ends without her."""
    api = api_over(
        {ESTIMATIONS: "user_id | estimated_at\nann | 2026-03-01 09:00\nann | 2026-03-02 12:00"},
        now=datetime(2026, 3, 20, tzinfo=UTC),
        start_date=date(2026, 2, 2),
    )
    for end, back in (("12:00:00", 0), ("12:00:01", 1)):
        (row,) = api.data("reoccurring", date_range=f"2026-03-02T00:00:00Z,2026-03-02T{end}Z")
        assert row["reoccurring_users"] == back
