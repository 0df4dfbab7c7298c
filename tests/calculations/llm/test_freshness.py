"""When organisations and models were last used, by hand."""

from datetime import UTC, datetime

import pytest

from calculations.llm.freshness import last_event_at, last_events
from tests.calculations.llm.calls import ACME, OTHER_ORG, call, events

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.mark.parametrize("latest", ["2026-03-02 12:03", "2026-03-02 11:00", "2026-02-20 00:00", "2015-01-01 00:00"])
def test_the_last_event_is_found_however_long_ago_it_was(latest: str) -> None:
    found = last_event_at(events(call(latest), call("2015-01-01 00:00"), call(latest)), NOW)
    assert found == datetime.fromisoformat(latest).replace(tzinfo=UTC)


def test_without_events_there_is_no_last_one() -> None:
    assert last_event_at(events(), NOW) is None
    assert last_events(events(), "model_id").is_empty()


def test_each_model_has_its_last_event_and_so_have_calls_without_one() -> None:
    calls = (call("2026-03-02 09:00"), call("2026-03-02 08:00", model_id=None), call("2026-03-02 10:00", model_id="a"))
    rows = last_events(events(*calls, call("2026-03-01 00:00", model_id="a")), "model_id").rows()
    assert [(model, last.hour) for model, last in rows] == [("a", 10), ("gpt-x", 9), (None, 8)]


def test_each_organisation_has_its_last_event() -> None:
    calls = (call("2026-03-02 09:00"), call("2026-03-02 08:00", org_id=OTHER_ORG))
    assert [(org, last.hour) for org, last in last_events(events(*calls), "org_id").rows()] == [
        (ACME, 9),
        (OTHER_ORG, 8),
    ]
