"""Prices: which one counts for a call, what it comes to, and what is not a price list."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from intake.llm.prices import Prices, PricesError, prices

PRICES = """
- {model: gpt-4o-mini, from: 2026-01-01, input: 15, output: 60}
- {model: gpt-4o*, from: 2025-01-01, input: 250, output: 1000}
- {model: gpt-4o*, from: 2026-03-01, input: 200, output: 800.5}
- {model: "gpt-??", from: 2025-01-01, input: 1, output: 1}
- {model: "*", from: 2026-06-01, input: 0, output: 0}
"""
MILLION = 1_000_000
SPRING = datetime(2026, 3, 1, tzinfo=UTC)


def listed(directory: Path, text: str) -> Path:
    """A file of prices."""
    path = directory / "prices.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def at(instant: datetime, microseconds: int = 0) -> int:
    """An instant in microseconds since 1970."""
    return int(instant.timestamp()) * MILLION + microseconds


@pytest.mark.parametrize(
    ("model", "occurred_at", "cents"),
    [
        # The first pattern in the file that fits, not the longest or the last.
        ("gpt-4o-mini", at(SPRING), 75),
        # It had no price yet: the next pattern that fits.
        ("gpt-4o-mini", at(datetime(2025, 12, 31, 23, 59, 59, tzinfo=UTC), 999_999), 1_250),
        ("gpt-4o-mini", at(datetime(2026, 1, 1, tzinfo=UTC)), 75),
        # Days begin at midnight in UTC, and the latest price of a pattern that has begun counts.
        ("gpt-4o", at(SPRING) - 1, 1_250),
        ("gpt-4o", at(SPRING), 1_000.5),
        ("gpt-4o-2024-08-06", at(SPRING), 1_000.5),
        ("gpt-5x", at(SPRING), 2),
        ("gpt-5xl", at(SPRING), None),
        ("GPT-4o", at(SPRING), None),
        ("GPT-4o", at(datetime(2026, 6, 1, tzinfo=UTC)), 0),
        ("gpt-4o", at(datetime(2024, 12, 31, tzinfo=UTC)), None),
        (None, at(datetime(2026, 6, 1, tzinfo=UTC)), None),
    ],
)
def test_the_first_fitting_pattern_with_a_price_counts(
    tmp_path: Path, model: str | None, occurred_at: int, cents: float | None
) -> None:
    """Of a million tokens each way, in 1/10,000 cents."""
    found = Prices(listed(tmp_path, PRICES)).cost(model, occurred_at, MILLION, MILLION)
    assert found == (None if cents is None else round(cents * 10_000))


@pytest.mark.parametrize(
    ("price", "tokens", "expected"),
    [
        # 1/10,000 cents, rounded half up.
        ("0.0499", 1_000, 0),
        ("0.05", 1_000, 1),
        ("0.15", 1_000, 2),
        ("0.1499999999999999999999", 1_000, 1),
        # Digits that a float would lose.
        ("123456789.1234", MILLION, 1_234_567_891_234),
        ("0", MILLION, 0),
        # Beyond 18 digits, which is what the database holds.
        ("99999999999999.9999", MILLION, 999_999_999_999_999_999),
        ("99999999999999.9999", MILLION + 1, None),
    ],
)
def test_costs_are_exact(tmp_path: Path, price: str, tokens: int, expected: int | None) -> None:
    """Of input tokens alone, and of output tokens alone."""
    path = listed(tmp_path, f"- {{model: m, from: 2026-01-01, input: {price}, output: {price}}}")
    assert Prices(path).cost("m", at(SPRING), tokens, 0) == expected
    assert Prices(path).cost("m", at(SPRING), 0, tokens) == expected


def test_without_a_file_nothing_has_a_price() -> None:
    """Not even for nothing."""
    assert prices(None)("gpt-4o", at(SPRING), 0, 0) is None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("model: m", "it is not a list of prices"),
        ("- [", "while parsing"),
        ("- m", "entry 1 needs from, input, model, output, and nothing else"),
        ("- {model: m, from: 2026-01-01, input: 1}", "entry 1 needs"),
        ("- {model: m, from: 2026-01-01, input: 1, output: 1, cached: 1}", "entry 1 needs"),
        (
            "- {model: m, from: 2026-01-01, input: 1, output: 1}\n- {model: m, from: soon, input: 1, output: 1}",
            "entry 2: Invalid isoformat string: 'soon'",
        ),
        ("- {model: m, from: 2026-01-01, input: free, output: 1}", "entry 1: 'free' is not a price: cents per million"),
        ("- {model: m, from: 2026-01-01, input: -1, output: 1}", "entry 1: '-1' is not a price"),
        ("- {model: m, from: 2026-01-01, input: NaN, output: 1}", "entry 1: 'NaN' is not a price"),
        ("- {model: m, from: 2026-01-01, input: 1e999999, output: 1}", "entry 1: '1e999999' is not a price"),
        ("- {model: m, from: 2026-01-01, input: [1], output: 1}", "entry 1: a value is a list or a mapping"),
        ("- {model: [m], from: 2026-01-01, input: 1, output: 1}", "entry 1: a value is a list or a mapping"),
        (
            2 * "- {model: m, from: 2026-01-01, input: 1, output: 1}\n",
            "entry 2: m has another price from 2026-01-01 on",
        ),
    ],
)
def test_a_wrong_list_is_refused_with_its_place(tmp_path: Path, text: str, reason: str) -> None:
    """And with the setting that names it."""
    path = listed(tmp_path, text)
    with pytest.raises(PricesError) as refused:
        Prices(path)
    assert str(refused.value).startswith(f"LLM_PRICES is wrong: {path}: ")
    assert reason in str(refused.value)
    assert "\n" not in str(refused.value)
