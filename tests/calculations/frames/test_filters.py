"""How filters are read, and what is refused."""

from typing import Any

import polars as pl
import pytest

from calculations.frames.filters import MOST_CLAUSES, MOST_LEVELS, Clause, parsed_filter

ATTRIBUTES = ("country", "room")
CLAUSE = ["is", "country", ["DE"]]


def nested(levels: int) -> Any:
    """A clause within so many negations."""
    clause: Any = CLAUSE
    for _ in range(levels):
        clause = ["not", clause]
    return clause


@pytest.mark.parametrize(
    "clauses",
    [
        [],
        [CLAUSE],
        [["or", [CLAUSE, ["not", ["contains_not", "room", ["1", "2"]]]]]],
        [["and", [["matches", "country", ["^(D|A)"]]]]],
        [nested(MOST_LEVELS - 1)],
        [CLAUSE] * MOST_CLAUSES,
    ],
    ids=lambda clauses: str(clauses)[:40],
)
def test_a_filter_is_written_as_it_was_read(clauses: Any) -> None:
    """Operators, nesting and values."""
    assert parsed_filter(clauses, ATTRIBUTES).written() == ["and", clauses]


def test_numbers_and_booleans_are_texts() -> None:
    """As the attributes are."""
    assert parsed_filter([["is", "room", [5, True, False]]], ATTRIBUTES).written() == [
        "and",
        [["is", "room", ["5", "true", "false"]]],
    ]


@pytest.mark.parametrize(
    ("clauses", "told"),
    [
        ({}, "filters are a list of clauses"),
        ("is", "filters are a list of clauses"),
        (["is"], "is not a clause"),
        ([[]], "is not a clause"),
        ([[["is"]]], "is not a clause"),
        ([["is"]], "at least one value"),
        ([["is", "country"]], "at least one value"),
        ([["is", "country", []]], "at least one value"),
        ([["is", "country", "DE"]], "at least one value"),
        ([["is", ["country"], ["DE"]]], "at least one value"),
        ([["is", "country", ["DE"], 1]], "at least one value"),
        ([["equals", "country", ["DE"]]], "`equals` is not an operator; allowed: is, is_not, contains"),
        ([["IS", "country", ["DE"]]], "is not an operator"),
        ([["is", "planet", ["DE"]]], "`planet` is not an attribute; allowed: country, room"),
        ([["is", "country", [None]]], "is not a value"),
        ([["is", "country", [1.5]]], "is not a value"),
        ([["is", "country", [["DE"]]]], "is not a value"),
        ([["is", "country", ["\ud800"]]], "half of a surrogate pair"),
        ([["is", "country", ["x" * 1001]]], "longer than 1000 characters"),
        ([["is", "country", ["x"] * 1001]], "more than 1000 values"),
        ([["matches", "country", ["("]]], "not a regular expression (unclosed group)"),
        ([["matches_not", "country", ["(?=x)"]]], "not a regular expression (look-around"),
        ([["matches", "country", ["(x{1000}){1000}"]]], "`(x{1000}){1000}` takes too long to compile"),
        ([["matches", "country", [r"\w{60}"]], ["matches_not", "room", [r"\w{60}"]]], "use fewer of them"),
        ([["matches", "country", [str(number) for number in range(200)]]], "use fewer of them"),
        ([["matches", "country", ["(?P<a>x)", "(?P<a>y)"]]], "not a regular expression (duplicate capture group name)"),
        ([["and"]], "`and` takes a list of at least one clause"),
        ([["or", []]], "`or` takes a list of at least one clause"),
        ([["or", CLAUSE]], "is not a clause"),
        ([["not"]], "`not` takes one clause"),
        ([["not", CLAUSE, CLAUSE]], "`not` takes one clause"),
        ([nested(MOST_LEVELS)], "nested more than 10 deep"),
        ([CLAUSE] * (MOST_CLAUSES + 1), "more than 100 clauses"),
        ([["or", [CLAUSE] * MOST_CLAUSES]], "more than 100 clauses"),
    ],
    ids=lambda part: str(part)[:40],
)
def test_an_invalid_filter_is_explained(clauses: object, told: str) -> None:
    """What is wrong, and what is allowed."""
    with pytest.raises(ValueError) as refusal:  # noqa: PT011 - the text is compared below
        parsed_filter(clauses, ATTRIBUTES)
    assert told in str(refusal.value)


@pytest.mark.parametrize(
    ("patterns", "found"),
    [
        (["^a", "c$"], ["abc", "ab", "bc"]),
        (["(?i)A", "C"], ["abc", "ab"]),
        (["x|^b", "y|z"], ["bc"]),
        (["", "x"], ["abc", "ab", "bc", ""]),
        (["[)]", "[(]"], []),
    ],
)
def test_several_patterns_are_matched_each_for_itself(patterns: list[str], found: list[str]) -> None:
    """Neither flags nor alternatives of one affect the next."""
    (clause,) = parsed_filter([["matches", "country", patterns]], ATTRIBUTES).parts
    assert isinstance(clause, Clause)
    names = pl.Series("country", ["abc", "ab", "bc", ""])
    assert names.to_frame().filter(clause.expression(pl.col("country")))["country"].to_list() == found


@pytest.mark.parametrize(
    ("values", "found"),
    [(["b"], ["abc", "a.b"]), (["c", "."], ["abc", "a.b", "C."]), (["", "x"], ["abc", "a.b", "C.", ""]), (["B"], [])],
)
def test_values_are_contained_as_they_are(values: list[str], found: list[str]) -> None:
    """In exact case; dots are dots, and nothing is in everything."""
    (clause,) = parsed_filter([["contains", "country", values]], ATTRIBUTES).parts
    assert isinstance(clause, Clause)
    names = pl.Series("country", ["abc", "a.b", "C.", ""])
    assert names.to_frame().filter(clause.expression(pl.col("country")))["country"].to_list() == found
