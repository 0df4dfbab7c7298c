"""The calls of an incident, page by page."""

from datetime import UTC, datetime

import pytest

from calculations.llm.incidents import COLUMNS, Page, Place, UnknownPlaceError, page
from tests.calculations.llm.calls import OTHER_ORG, Call, call, events, of_acme

TIED = [call("2026-03-02 09:00") for _ in range(5)]


def pages(calls: list[Call], limit: int) -> list[Page]:
    """All pages of ACME's calls of the day."""
    rows, found, after = events(*calls), list[Page](), None
    while not found or after:
        found.append(page(of_acme().of(rows), rows, after, limit))
        after = found[-1].following
    return found


def test_the_newest_call_comes_first_and_of_equal_times_the_highest_id() -> None:
    (only,) = pages([call("2026-03-02 09:00"), call("2026-03-02 10:00"), call("2026-03-02 09:00")], limit=10)
    assert only.calls["event_id"].to_list() == ["event-2", "event-3", "event-1"]
    assert tuple(only.calls.columns) == COLUMNS
    assert (only.total, only.following) == (3, None)


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 6])
def test_pages_put_together_are_all_calls_also_where_times_are_tied(limit: int) -> None:
    calls = [*TIED, call("2026-03-02 10:00"), call("2026-03-02 08:00"), call("2026-03-02 09:00", org_id=OTHER_ORG)]
    found = pages(calls, limit)
    ids = [event for part in found for event in part.calls["event_id"].to_list()]
    assert ids == ["event-6", *(f"event-{number}" for number in (5, 4, 3, 2, 1)), "event-7"]
    assert {part.total for part in found} == {7}
    assert [part.following is None for part in found] == [False] * (len(found) - 1) + [True]


def test_a_page_that_just_holds_all_is_the_last_one() -> None:
    assert len(pages(TIED, limit=5)) == 1


def test_without_calls_there_is_one_empty_page() -> None:
    (only,) = pages([], limit=5)
    assert (only.calls.height, only.total) == (0, 0)


def test_a_cursor_without_a_call_has_no_page() -> None:
    rows = events(*TIED)
    with pytest.raises(UnknownPlaceError):
        page(of_acme().of(rows), rows, Place(datetime(2026, 3, 2, 9, tzinfo=UTC), "event-9"), 5)
