"""Every answer that compares holds what two questions without a comparison do: one of the period, one of the other."""

import pytest

from tests.routers.v1.api import Api


@pytest.mark.parametrize(
    ("date_range", "compare", "first", "last"),
    [
        ("2026-03-03,2026-03-05", "2026-02-02T10:00:00Z,2026-02-02T12:00:00Z", "02-03T10:00:00Z", "02-03T11:59:59.9"),
        ("2026-03-03T10:00:00Z,2026-03-03T12:00:00Z", "2026-02-02,2026-02-02", "02-03T00:00:00Z", "02-03T23:59:59.9"),
        ("2026-03-03,2026-03-03", "previous_period", "02-24T00:00:00Z", "02-24T23:59:59.9"),
        ("2026-03-03T10:00:00Z,2026-03-03T12:00:00Z", "previous_period", "03-03T08:00:00Z", "03-03T09:59:59.9"),
    ],
    ids=str,
)
def test_what_is_moved_to_the_same_weekday_keeps_its_length(
    api: Api, date_range: str, compare: str, first: str, last: str
) -> None:
    """Tuesday 3 March beside Monday 2 February, which moves by a day: two hours stay two hours, a day a day. Where the
    period before is on its own day, it stays; yesterday would move onto the day itself, and goes to the week before."""
    api.now = api.now.replace(day=20)
    query = api.get("traffic", date_range=date_range, compare=compare, compare_match_day_of_week="true")["query"]
    assert query["comparison"]["first_instant"] == f"2026-{first}"
    assert query["comparison"]["last_instant"].startswith(f"2026-{last}")
