"""Which regular expressions of clients are compiled."""

import pytest

from calculations.frames.patterns import MOST_COST, check_pattern


@pytest.mark.parametrize(
    ("pattern", "cost"),
    [
        ("", 0),
        ("DE|AT", 5),
        (r"^\w{3,50}$", 50 * (250 + 10)),
        (r"\d{4}-\d{2}", 4 * 2 * (2 * 20 + 11)),
        (r"[a-z]+\.", 2 * 20 + 8),
        (r"(\pL{9}){9}", 81 * (250 + 11)),
        (r"\\w{0}", 20 + 6),
        ("x" * 1000, 1000),
    ],
)
def test_what_a_pattern_costs(pattern: str, cost: int) -> None:
    """A base cost, plus its characters and classes multiplied by all counted repetitions."""
    assert check_pattern(pattern) == 200 + cost <= MOST_COST


@pytest.mark.parametrize(
    ("pattern", "told"),
    [
        ("(", "is not a regular expression (unclosed group)"),
        ("(?=x)", "is not a regular expression (look-around"),
        (r"\w{120}", "takes too long to compile"),
        (r"\w" * 120, "takes too long to compile"),
        (r"((\w{10}){10}){10}", "takes too long to compile"),
        (r"(\w{10,}){,20}{2,20}", "takes too long to compile"),
        ("a{" + "9" * 500 + "}", "takes too long to compile"),
        (r"(?x)\w {1 2 0}", "without the flag x"),
        (r"(?i-sx:\w)", "without the flag x"),
    ],
)
def test_what_is_costly_or_wrong_is_refused(pattern: str, told: str) -> None:
    """Also those that would take the engine a tenth of a second: a filter may contain hundreds of them."""
    with pytest.raises(ValueError) as refusal:  # noqa: PT011 - the text is compared below
        check_pattern(pattern)
    assert told in str(refusal.value)
