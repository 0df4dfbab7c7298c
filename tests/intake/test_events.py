"""Which documents are events: every field's rule, at its bounds, and the sentence that names a fault."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intake.documents import NotJsonError, parse
from intake.llm.events import Event, parse_event
from intake.values import InvalidValueError
from tests.intake.batches import NOW
from tests.intake.events import ORG, event


def parsed(**changes: Any) -> Event:
    """The event of a good document with changes."""
    return parse_event(parse(json.dumps(event(**changes)).encode()), NOW)


def sent(field: str, written: str) -> Event:
    """The event of a good document in which a field is written so."""
    document = json.dumps({name: value for name, value in event().items() if name != field})
    return parse_event(parse(f'{document[:-1]}, "{field}": {written}}}'.encode()), NOW)


@pytest.mark.parametrize("field", ["model_id", "actor_id", "error_code", "cost_estimate", "metadata"])
def test_nullable_field_may_be_null_or_left_out(field: str) -> None:
    """Both are null."""
    document = event()
    del document[field]
    assert getattr(parse_event(document, NOW), field) is None
    assert getattr(parsed(**{field: None}), field) is None


@pytest.mark.parametrize(
    "field", ["event_id", "org_id", "occurred_at", "input_tokens", "output_tokens", "latency_ms", "status"]
)
def test_required_field_may_be_neither(field: str) -> None:
    """Left out it is missing, and null is no value of its kind."""
    document = event()
    del document[field]
    with pytest.raises(InvalidValueError, match=f"{field} is missing"):
        parse_event(document, NOW)
    with pytest.raises(InvalidValueError, match=f"{field} is null"):
        parsed(**{field: None})


@pytest.mark.parametrize(
    ("field", "written"),
    [
        ("event_id", '"not-a-uuid"'),
        ("event_id", '"0196a000000070008000000000000001"'),
        ("event_id", "7"),
        ("org_id", f'" {ORG}"'),
        ("occurred_at", '"2026-03-02T09:00:00"'),
        ("occurred_at", '"2026-03-02"'),
        ("occurred_at", '"2026-02-30T09:00:00Z"'),
        ("occurred_at", '"2026-W10-1T09:00:00Z"'),
        ("occurred_at", "1772442000"),
        ("occurred_at", '"2014-12-31T23:59:59.999999Z"'),
        ("occurred_at", '"2026-05-28T20:31:40.000001Z"'),
        ("input_tokens", "-1"),
        ("input_tokens", "9007199254740993"),
        ("input_tokens", "1.0"),
        ("input_tokens", '"1"'),
        ("input_tokens", "true"),
        ("output_tokens", "1e3"),
        ("latency_ms", "-1"),
        ("status", '"Success"'),
        ("status", '"ok"'),
        ("status", "[]"),
        ("model_id", "7"),
        ("model_id", '"' + "x" * 129 + '"'),
        ("actor_id", '"a\\u0000b"'),
        ("actor_id", '"\\ud800"'),
        ("error_code", '"' + "x" * 65 + '"'),
        ("cost_estimate", "-0.1"),
        ("cost_estimate", '"-1"'),
        ("cost_estimate", "0.12345"),
        ("cost_estimate", "1.00000000000000000000000000000000000001"),
        ("cost_estimate", "100000000000000"),
        ("cost_estimate", "1e400"),
        ("cost_estimate", '"1,5"'),
        ("cost_estimate", '"NaN"'),
        ("cost_estimate", '""'),
        ("cost_estimate", '"٣"'),
        ("cost_estimate", "true"),
        ("metadata", "[]"),
        ("metadata", '"{}"'),
        ("metadata", '{"a": 1e400}'),
        ("metadata", '{"a": "\\udfff"}'),
        ("metadata", '{"a": {"b": 1, "b": 2}}'),
        ("metadata", '{"a": "' + "x" * 4090 + '"}'),
    ],
)
def test_wrong_value_is_refused_by_name(field: str, written: str) -> None:
    """The sentence begins with the field."""
    with pytest.raises(InvalidValueError, match=f"^{field} "):
        sent(field, written)


@pytest.mark.parametrize(
    ("written", "stored"),
    [
        ("0", 0),
        ("0.1", 1000),
        ("0.30000000000000000", 3000),
        ("12345678901234.5678", 123456789012345678),
        ('"99999999999999.9999"', 10**18 - 1),
        ("1e-4", 1),
        ('"1.5E+2"', 1_500_000),
        ('"007.10"', 71_000),
    ],
)
def test_money_is_exact(written: str, stored: int) -> None:
    """Numbers and texts alike, in 1/10,000 cents; trailing zeros are no places."""
    assert sent("cost_estimate", written).cost_estimate == stored


@given(st.decimals(min_value=0, max_value=Decimal("99999999999999.9999"), places=4))
def test_money_of_any_amount_is_exact(amount: Decimal) -> None:
    """Written as a number or as a text, it is ten thousand times the amount."""
    exact = int(amount * 10_000)
    assert sent("cost_estimate", f"{amount:f}").cost_estimate == exact
    assert sent("cost_estimate", f'"{amount:f}"').cost_estimate == exact


@pytest.mark.parametrize(
    ("written", "microsecond"),
    [
        ("2026-03-02T09:00:00Z", 1_772_442_000_000_000),
        ("2026-03-02t09:00:00.5z", 1_772_442_000_500_000),
        ("2026-03-02 14:30:00.123456+05:30", 1_772_442_000_123_456),
        ("2026-03-02T09:00:00.1234569Z", 1_772_442_000_123_456),
        ("2015-01-01T00:00:00Z", 1_420_070_400_000_000),
        ("2026-05-28T20:31:40Z", NOW + 300_000_000),
    ],
)
def test_instant_is_stored_in_utc(written: str, microsecond: int) -> None:
    """Offsets are applied, finer fractions truncated to microseconds; five minutes ahead are still accepted."""
    assert parsed(occurred_at=written).occurred_at == microsecond


def test_metadata_of_4096_bytes_is_the_largest() -> None:
    """Counted in UTF-8 and without blanks: an ü takes two bytes."""
    largest = {"a": "ü" * 2044}
    assert len(json.dumps(largest, ensure_ascii=False, separators=(",", ":")).encode()) == 4096
    assert parsed(metadata=largest).metadata == json.dumps(largest, ensure_ascii=False, separators=(",", ":"))
    with pytest.raises(InvalidValueError, match="4,097 bytes"):
        parsed(metadata={"a": "ü" * 2044 + "x"})


def test_unknown_field_is_refused() -> None:
    """A misspelt name would silently lose its value."""
    with pytest.raises(InvalidValueError, match='"cost" is not a field of an event'):
        parsed(cost=1)


def test_field_given_twice_is_refused() -> None:
    """Neither of the two values is taken."""
    with pytest.raises(InvalidValueError, match='"status" is given twice'):
        sent("status", '"success", "status": "error"')


@pytest.mark.parametrize("document", [None, 3, "text", [], 1.5, True])
def test_document_that_is_no_object_is_refused(document: object) -> None:
    """It is shown."""
    with pytest.raises(InvalidValueError, match="an event is an object"):
        parse_event(document, NOW)


@pytest.mark.parametrize("text", [b"", b"{", b"NaN", b"[Infinity]", b"\xff", b"[" * 100_000, b'{"a":1} {}', b"'a'"])
def test_invalid_json_is_explained(text: bytes) -> None:
    """Nor are Python's own extensions JSON."""
    with pytest.raises(NotJsonError):
        parse(text)


def test_huge_integer_is_a_number() -> None:
    """Python would not read it; here it is only too large for its field."""
    with pytest.raises(InvalidValueError, match=r"^input_tokens "):
        sent("input_tokens", "9" * 5000)
