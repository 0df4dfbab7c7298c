"""Checks clients' regular expressions: they must be valid and cheap to compile."""

import re
from collections.abc import Sequence
from functools import lru_cache
from math import prod

import polars as pl
from polars.exceptions import ComputeError

# What the expressions of one filter may cost together: about 50 milliseconds per compilation.
MOST_COST = 25_000
# The cost of any pattern and of its character classes, in characters: letter classes have a thousand ranges.
PATTERN, LETTERS, OTHER_CLASS = 200, 250, 20

_CLASSES = re.compile(r"(\\[wWpP])|\\[dDsS]|\\.|\.|\[", re.DOTALL)
_COUNTS = re.compile(r"\{([0-9]+)(?:,([0-9]*))?\}")
_VERBOSE = re.compile(r"\(\?[a-zA-Z-]*x")


def check_pattern(pattern: str) -> int:
    """Refuse a pattern that the engine can't compile or that is costly; matching takes linear time.

    Returns:
        An upper bound of its cost: its length and classes, times the product of its counted repetitions.

    Raises:
        ValueError: It is not a regular expression, or too costly.
    """
    if _VERBOSE.search(pattern):
        raise ValueError(f"`{_shown(pattern)}` is verbose: write it without the flag x")
    classes = [LETTERS if found[1] else OTHER_CLASS for found in _CLASSES.finditer(pattern)]
    counts = [int(found[2] or found[1]) for found in _COUNTS.finditer(pattern)]
    cost = PATTERN + (len(pattern) + sum(classes)) * prod(max(count, 1) for count in counts)
    if cost > MOST_COST:
        raise ValueError(f"`{_shown(pattern)}` takes too long to compile: repeat less by numbers such as {{100}}")
    _compile(pattern)
    return cost


def check_patterns(patterns: Sequence[str], most_cost: int = MOST_COST) -> int:
    """Refuse patterns that are invalid or costly, alone or combined into the one that is matched.

    Returns:
        What remains of `most_cost`.

    Raises:
        ValueError: One is not a regular expression, together they cost too much, or two name a group alike.
    """
    for pattern in patterns:
        most_cost -= check_pattern(pattern)
        if most_cost < 0:
            raise ValueError("the regular expressions take too long to compile: use fewer of them, or simpler ones")
    _compile(any_of(patterns))
    return most_cost


def any_of(patterns: Sequence[str]) -> str:
    """A pattern that matches whatever any of these matches."""
    return "|".join(f"(?:{pattern})" for pattern in patterns)


@lru_cache(maxsize=1024)
def _compile(pattern: str) -> None:
    try:
        pl.Series([""]).str.contains(pattern)
    except ComputeError as error:
        raise ValueError(f"`{_shown(pattern)}` is not a regular expression ({_reason(error)})") from None


def _reason(error: ComputeError) -> str:
    found = re.search(r"^error: (.*)$|(Compiled regex .*)$", str(error), re.MULTILINE)
    return (found[1] or found[2]).rstrip(".") if found else "it can't be compiled"


def _shown(pattern: str) -> str:
    return pattern if len(pattern) <= 100 else f"{pattern[:100]}…"
