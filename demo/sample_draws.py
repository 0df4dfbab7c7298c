"""Draws and index arithmetic the sample is built with, over whole columns at once."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

type Ints = npt.NDArray[np.int64]
type Floats = npt.NDArray[np.float64]
type Bools = npt.NDArray[np.bool_]


def between(rng: np.random.Generator, low: float, high: float, amount: int) -> Ints:
    """`amount` whole numbers spread evenly over `low`..`high`."""
    return rng.uniform(low, high, amount).astype(np.int64)


def weighted(rng: np.random.Generator, weights: Sequence[float], amount: int) -> Ints:
    """`amount` positions in `weights`, each as likely as its weight."""
    cumulated = np.cumsum(weights)
    positions: Ints = np.searchsorted(cumulated, rng.random(amount) * cumulated[-1], side="right")
    return positions


def apportioned(rng: np.random.Generator, total: int, weights: Floats) -> Ints:
    """`total` things dealt out at random, in proportion to `weights`."""
    return rng.multinomial(total, weights / weights.sum()).astype(np.int64)


def starts(counts: Ints) -> Ints:
    """Where each group begins when groups of these sizes are laid end to end."""
    return np.cumsum(counts) - counts


def owners(counts: Ints) -> Ints:
    """The group of each member: 2, 1, 3 gives 0 0 1 2 2 2."""
    return np.repeat(np.arange(len(counts)), counts)


def places_in_group(counts: Ints) -> Ints:
    """The place of each member in its group: 2, 1, 3 gives 0 1 0 0 1 2."""
    return np.arange(counts.sum()) - np.repeat(starts(counts), counts)


def labels[Label: (str, int)](
    choices: Sequence[Label | None], positions: Ints, dtype: type[pl.DataType] = pl.String
) -> pl.Series:
    """The choice at each position, as a column."""
    return pl.Series(choices, dtype=dtype).gather(positions)


def drawn(rng: np.random.Generator, choices: Sequence[tuple[Any, float]], amount: int) -> pl.Series:
    """A column of `amount` words drawn from pairs (word or null, weight)."""
    return labels([word for word, _ in choices], weighted(rng, [weight for _, weight in choices], amount))
