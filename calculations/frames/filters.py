"""Filters: conditions on attributes in Plausible's syntax, for any subject.

A filter is a list of clauses, all of which hold: `["is", "country", ["DE", "AT"]]`, `["or", [clause, …]]`,
`["and", [clause, …]]`, `["not", clause]`.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import and_, or_
from typing import Any, Literal, get_args

import polars as pl

from calculations.frames.patterns import MOST_COST, any_of, check_patterns

type Operator = Literal["is", "is_not", "contains", "contains_not", "matches", "matches_not"]

OPERATORS: tuple[str, ...] = get_args(Operator.__value__)
JUNCTIONS = ("and", "or")
NEGATION = "not"
MOST_CLAUSES = 100
MOST_LEVELS = 10
MOST_VALUES = 1_000
LONGEST_VALUE = 1_000
NEGATED = "_not"


@dataclass(frozen=True)
class Clause:
    """Compares an attribute with values: any of them may match; with a negated operator, none."""

    operator: str
    attribute: str
    values: tuple[str, ...]

    def attributes(self) -> Iterator[str]:
        """The attribute."""
        yield self.attribute

    def written(self) -> list[Any]:
        """The clause as a JSON value."""
        return [self.operator, self.attribute, list(self.values)]

    def expression(self, column: pl.Expr) -> pl.Expr:
        """Whether the clause holds for a column of texts without nulls (Boolean)."""
        holds = _HOLDS[self.operator.removesuffix(NEGATED)](column, self.values)
        return ~holds if self.operator.endswith(NEGATED) else holds


@dataclass(frozen=True)
class Junction:
    """Several filters, all (`and`) or any (`or`) of which must hold."""

    operator: str
    parts: tuple["Filter", ...]

    def attributes(self) -> Iterator[str]:
        """Every attribute, once per mention."""
        for part in self.parts:
            yield from part.attributes()

    def written(self) -> list[Any]:
        """The junction as a JSON value."""
        return [self.operator, [part.written() for part in self.parts]]


@dataclass(frozen=True)
class Negation:
    """Holds when its filter does not."""

    part: "Filter"

    def attributes(self) -> Iterator[str]:
        """Every attribute, once per mention."""
        return self.part.attributes()

    def written(self) -> list[Any]:
        """The negation as a JSON value."""
        return [NEGATION, self.part.written()]


type Filter = Clause | Junction | Negation

# A filter without clauses selects all rows.
EVERYTHING = Junction("and", ())


def combined(filter_: Filter, leaf: Callable[[Filter], pl.Expr | None]) -> pl.Expr:
    """Whether a filter holds (Boolean).

    Args:
        filter_: The filter.
        leaf: Gives the expression for a part of the filter, or None to descend into that part. It is called for every
            part, from the top down, and must give one for every clause.
    """
    known = leaf(filter_)
    if known is not None:
        return known
    if isinstance(filter_, Negation):
        return ~combined(filter_.part, leaf)
    if isinstance(filter_, Clause):
        raise TypeError(f"there is no expression for {filter_.written()}")
    parts = [combined(part, leaf) for part in filter_.parts]
    return reduce(and_, parts, pl.lit(value=True)) if filter_.operator == "and" else reduce(or_, parts)


def parsed_filter(clauses: object, attributes: tuple[str, ...]) -> Junction:
    """A filter from its JSON value.

    Args:
        clauses: The list of clauses.
        attributes: The allowed attributes.

    Raises:
        ValueError: It is not a filter; the message says which part is wrong and what is allowed.
    """
    budget = _Budget()
    if not isinstance(clauses, list):
        raise ValueError('filters are a list of clauses such as [["is","country",["DE"]]]')
    return Junction("and", tuple(_parsed(clause, attributes, budget, 1) for clause in clauses))


class _Budget:
    """How many clauses a filter may still have, and what its regular expressions may still cost."""

    def __init__(self) -> None:
        self._left = MOST_CLAUSES
        self._cost_left = MOST_COST

    def spend(self) -> None:
        self._left -= 1
        if self._left < 0:
            raise ValueError(f"there are more than {MOST_CLAUSES} clauses")

    def compile(self, patterns: Sequence[str]) -> None:
        self._cost_left = check_patterns(patterns, self._cost_left)


def _parsed(clause: object, attributes: tuple[str, ...], budget: _Budget, level: int) -> Filter:
    budget.spend()
    if level > MOST_LEVELS:
        raise ValueError(f"clauses are nested more than {MOST_LEVELS} deep")
    if not isinstance(clause, list) or not clause or not isinstance(clause[0], str):
        raise ValueError(f"{_shown(clause)} is not a clause: write [operator, attribute, [values]]")
    operator, *rest = clause
    if operator in JUNCTIONS:
        return Junction(operator, _parsed_parts(clause, attributes, budget, level))
    if operator == NEGATION:
        if len(rest) != 1:
            raise ValueError(f"{_shown(clause)} is wrong: `not` takes one clause")
        return Negation(_parsed(rest[0], attributes, budget, level + 1))
    return _parsed_clause(clause, attributes, budget)


def _parsed_parts(clause: list[Any], attributes: tuple[str, ...], budget: _Budget, level: int) -> tuple[Filter, ...]:
    if len(clause) != 2 or not isinstance(clause[1], list) or not clause[1]:
        raise ValueError(f"{_shown(clause)} is wrong: `{clause[0]}` takes a list of at least one clause")
    return tuple(_parsed(part, attributes, budget, level + 1) for part in clause[1])


def _parsed_clause(clause: list[Any], attributes: tuple[str, ...], budget: _Budget) -> Clause:
    operator, *rest = clause
    if operator not in OPERATORS:
        allowed = ", ".join((*OPERATORS, *JUNCTIONS, NEGATION))
        raise ValueError(f"{_shown(operator)} is not an operator; allowed: {allowed}")
    if len(rest) != 2 or not isinstance(rest[0], str) or not isinstance(rest[1], list) or not rest[1]:
        raise ValueError(f"{_shown(clause)} is wrong: write [operator, attribute, [values]] with at least one value")
    attribute, values = rest
    if attribute not in attributes:
        raise ValueError(f"{_shown(attribute)} is not an attribute; allowed: {', '.join(attributes)}")
    if len(values) > MOST_VALUES:
        raise ValueError(f"{attribute} is compared with more than {MOST_VALUES} values")
    texts = tuple(_text(value) for value in values)
    if operator.startswith("matches"):
        budget.compile(texts)
    return Clause(operator, attribute, texts)


def _text(value: object) -> str:
    """A value as text: `5` becomes "5", `true` becomes "true"."""
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, str | int):
        raise ValueError(f"{_shown(value)} is not a value: write a text, a whole number, true or false")
    text = str(value)
    if len(text) > LONGEST_VALUE:
        raise ValueError(f"a value is longer than {LONGEST_VALUE} characters")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("a value holds half of a surrogate pair, which is not text") from None
    return text


def _shown(part: object) -> str:
    text = f"`{part}`" if isinstance(part, str) else str(part)
    return text if len(text) <= 100 else f"{text[:100]}…"


def _is(column: pl.Expr, values: tuple[str, ...]) -> pl.Expr:
    return column.is_in(list(values))


def _contains(column: pl.Expr, values: tuple[str, ...]) -> pl.Expr:
    # `contains_any` searches for all values at once; for a single value, `contains` is faster.
    return column.str.contains_any(list(values)) if len(values) > 1 else column.str.contains(values[0], literal=True)


def _matches(column: pl.Expr, values: tuple[str, ...]) -> pl.Expr:
    return column.str.contains(any_of(values))


_HOLDS: Mapping[str, Callable[[pl.Expr, tuple[str, ...]], pl.Expr]] = {
    "is": _is,
    "contains": _contains,
    "matches": _matches,
}
