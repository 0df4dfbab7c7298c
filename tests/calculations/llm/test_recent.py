"""The gauges of the last minutes, worked by hand."""

from datetime import UTC, datetime

from calculations.llm.recent import recent
from tests.calculations.llm.calls import ACME, OTHER_ORG, call, events

UNTIL = datetime(2026, 1, 1, 0, 5, tzinfo=UTC)


def test_the_last_fifteen_minutes_count_also_across_new_year() -> None:
    """From 23:50 on, until 00:05 itself: two calls, one of which failed."""
    calls = (
        call("2025-12-31 23:49:59.999999"),
        call("2025-12-31 23:50", status="error"),
        call("2026-01-01 00:04:59", latency_ms=300),
        call("2026-01-01 00:05"),
    )
    assert recent(events(*calls), UNTIL).rows() == [(ACME, 2, 0.5, 290.0, 298.0)]


def test_all_but_the_busiest_organisations_are_counted_as_other() -> None:
    """Two calls of ACME, one each of two others, of which only the busiest one is named."""
    third = OTHER_ORG.replace("2", "3")
    calls = [call("2026-01-01 00:00", org_id=org, latency_ms=ms) for org, ms in ((third, 10), (OTHER_ORG, 20))]
    found = recent(events(*calls, call("2026-01-01 00:00"), call("2026-01-01 00:01")), UNTIL, most=1)
    assert found.select("org_id", "invocations", "p95").rows() == [(ACME, 2, 100.0), ("other", 2, 19.5)]


def test_organisations_without_calls_have_no_gauges() -> None:
    assert recent(events(call("2025-12-31 09:00")), UNTIL).is_empty()
