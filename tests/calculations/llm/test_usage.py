"""What an organisation uses and spends, by hand."""

from decimal import Decimal

from calculations.llm.usage import usage
from calculations.time.buckets import Buckets
from tests.calculations.llm.calls import DAY, OTHER_ORG, call, events, of_acme

HOURS = Buckets.of(DAY, "hour")


def test_tokens_and_cents_are_added_up_per_hour_and_model() -> None:
    """At 9 two calls of gpt-x: 10 + 5 tokens in, 0.1 + 0.2 cents, which is exactly 0.3."""
    calls = (
        call("2026-03-02 09:00", input_tokens=10, cost_estimate=Decimal("0.1")),
        call("2026-03-02 09:59:59", input_tokens=5, cost_estimate=Decimal("0.2")),
        call("2026-03-02 10:00", model_id="other"),
    )
    later, earlier = usage(of_acme().of(events(*calls)), HOURS, "model_id").series.to_dicts()
    assert (later["bucket"], later["group"]) == (10, "other")
    assert (earlier["bucket"], earlier["group"], earlier["invocations"]) == (9, "gpt-x", 2)
    assert (earlier["input_tokens"], earlier["cost_estimate_cents"]) == (15, Decimal("0.3000"))


def test_a_call_without_a_price_costs_nothing_and_is_counted_as_unpriced() -> None:
    calls = (call("2026-03-02 09:00", cost_estimate=None), call("2026-03-02 09:00", cost_estimate=Decimal("0.0001")))
    totals = usage(of_acme().of(events(*calls)), HOURS, None).totals.row(0, named=True)
    assert (totals["cost_estimate_cents"], totals["unpriced_invocations"]) == (Decimal("0.0001"), 1)


def test_costs_are_exact_where_binary_floats_are_not() -> None:
    """A thousand times the largest cost: as a binary float it would be rounded to whole cents."""
    calls = [call("2026-03-02 09:00", cost_estimate=Decimal("99999999999999.9999"))] * 1_000
    totals = usage(of_acme().of(events(*calls)), HOURS, None).totals
    assert totals["cost_estimate_cents"].item() == Decimal("99999999999999999.9000")


def test_calls_without_a_model_are_a_group_of_their_own_after_the_others() -> None:
    calls = [call("2026-03-02 09:00", model_id=model) for model in (None, "😀", "b", "", "\uffff", "B", None)]
    found = usage(of_acme().of(events(*calls)), HOURS, "model_id").series
    assert found["group"].to_list() == ["", "B", "b", "\uffff", "😀", None]
    assert found["invocations"].to_list() == [1, 1, 1, 1, 1, 2]


def test_statuses_are_counted_and_may_be_the_groups_themselves() -> None:
    calls = [call("2026-03-02 09:00", status=status) for status in ("success", "error", "error", "throttled")]
    found = usage(of_acme().of(events(*calls)), HOURS, "status").series
    assert found.select("group", "success", "error", "timeout", "throttled").rows() == [
        ("error", 0, 2, 0, 0),
        ("success", 1, 0, 0, 0),
        ("throttled", 0, 0, 0, 1),
    ]


def test_only_what_is_selected_counts() -> None:
    """The range begins at midnight and ends before the next; other organisations, models, statuses are left out."""
    calls = (
        call("2026-03-01 23:59:59.999999"),
        call("2026-03-02 00:00"),
        call("2026-03-02 01:00", org_id=OTHER_ORG),
        call("2026-03-02 02:00", model_id=None),
        call("2026-03-02 03:00", model_id="other"),
        call("2026-03-02 04:00", status="timeout", latency_ms=99),
        call("2026-03-03 00:00"),
    )
    for filters, expected in (
        ({}, [0, 2, 3, 4]),
        ({"models": frozenset({None, "gpt-x"})}, [0, 2, 4]),
        ({"models": frozenset({"other"})}, [3]),
        ({"models": frozenset({None})}, [2]),
        ({"statuses": frozenset({"timeout", "error"})}, [4]),
        ({"min_latency_ms": 100}, [0, 2, 3]),
    ):
        found = usage(of_acme(**filters).of(events(*calls)), HOURS, None).series
        assert found["bucket"].to_list() == expected[::-1]


def test_without_calls_there_is_no_series_and_the_totals_are_zero() -> None:
    found = usage(of_acme().of(events()), HOURS, "model_id")
    assert found.series.is_empty()
    assert found.totals.row(0) == (0, 0, 0, Decimal("0.0000"), 0, 0, 0, 0, 0)
