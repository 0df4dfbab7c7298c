"""Prices of models, for events that come without a cost: a YAML list such as

    - model: gpt-4o*            # a pattern: * is any text, ? any character
      from: 2026-01-01          # first day (UTC) of this price
      input: 250                # cents per million input tokens
      output: 1000.5            # cents per million output tokens

If several patterns match a model, the first one in the file with a price on that day counts.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Context, Decimal, InvalidOperation
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from intake import values
from intake.llm.events import PriceOf, unpriced
from util.errors import ConfigurationError

PER_TOKENS = 1_000_000
KEYS = frozenset({"model", "from", "input", "output"})
_EXACT = Context(prec=60)


@dataclass(frozen=True)
class Price:
    """The price of a model from an instant on, in 1/10,000 cents per million tokens."""

    since: int
    input: Decimal
    output: Decimal

    def cost(self, input_tokens: int, output_tokens: int) -> int | None:
        """The cost of a call in 1/10,000 cents, rounded half up; None if it is too large to be stored."""
        total = _EXACT.add(_EXACT.multiply(self.input, input_tokens), _EXACT.multiply(self.output, output_tokens))
        rounded = int(_EXACT.divide(total, PER_TOKENS).to_integral_value(ROUND_HALF_UP, _EXACT))
        return rounded if rounded < values.MONEY_LIMIT else None


class PricesError(ConfigurationError):
    """LLM_PRICES can't be read or understood."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"LLM_PRICES is wrong: {path}: {reason}")


class Prices:
    """The prices of a file.

    Raises:
        PricesError: It can't be read or understood.
    """

    def __init__(self, path: Path) -> None:
        # By pattern, the latest price first.
        self._patterns: dict[str, list[Price]] = {}
        for number, entry in enumerate(_entries(path), start=1):
            model, price = _price(path, number, entry)
            others = self._patterns.setdefault(model, [])
            if any(other.since == price.since for other in others):
                raise PricesError(path, f"entry {number}: {model} has another price from {entry['from']} on")
            others.append(price)
        for prices in self._patterns.values():
            prices.sort(key=lambda price: price.since, reverse=True)
        self._fitting: Callable[[str], Sequence[Sequence[Price]]] = lru_cache(10_000)(self._find)

    def cost(self, model: str | None, occurred_at: int, input_tokens: int, output_tokens: int) -> int | None:
        """The cost of a call in 1/10,000 cents; None if the model had no price then."""
        if model is None:
            return None
        for prices in self._fitting(model):
            for price in prices:
                if price.since <= occurred_at:
                    return price.cost(input_tokens, output_tokens)
        return None

    def _find(self, model: str) -> Sequence[Sequence[Price]]:
        return [prices for pattern, prices in self._patterns.items() if fnmatchcase(model, pattern)]


def _entries(path: Path) -> list[Any]:
    try:
        # Every scalar stays text: a float would already have lost digits.
        found = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)  # noqa: S506 - it makes no objects
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise PricesError(path, " ".join(str(error).split())) from error
    if not isinstance(found, list):
        raise PricesError(path, "it is not a list of prices")
    return found


def _price(path: Path, number: int, entry: Any) -> tuple[str, Price]:
    if not isinstance(entry, Mapping) or set(entry) != KEYS:
        raise PricesError(path, f"entry {number} needs {', '.join(sorted(KEYS))}, and nothing else")
    if not all(isinstance(value, str) for value in entry.values()):
        raise PricesError(path, f"entry {number}: a value is a list or a mapping")
    try:
        since = values.microseconds(datetime.combine(date.fromisoformat(entry["from"]), datetime.min.time(), UTC))
        return entry["model"], Price(since, _amount(entry["input"]), _amount(entry["output"]))
    except ValueError as error:
        raise PricesError(path, f"entry {number}: {error}") from None


def _amount(text: str) -> Decimal:
    try:
        amount = Decimal(text)
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or not 0 <= amount < values.LARGEST_AMOUNT or len(text) > values.LONGEST_NUMBER:
        most = f"{values.LARGEST_AMOUNT:,}"
        raise ValueError(f"{text[: values.LONGEST_NUMBER]!a} is not a price: cents per million tokens, 0 to {most}")
    return amount.scaleb(values.MONEY_SCALE, _EXACT)


def prices(path: Path | None) -> PriceOf:
    """The function that prices events: by the prices of a file, or `unpriced` without one.

    Raises:
        PricesError: The file can't be read or understood.
    """
    return unpriced if path is None else Prices(path).cost
