"""How a table of a read model is declared: its key, how it grows, and the columns the calculations need."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import polars as pl

INSTANT = pl.Datetime("us", "UTC")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Between:
    """Rows whose `column` lies between two instants: from `start` (inclusive) to `end` (exclusive)."""

    column: str
    start: datetime
    end: datetime


@dataclass(frozen=True)
class Append:
    """Rows are only ever added: those older than the overlap are settled, younger ones are read again.

    `by` is a column that follows the order of insertion: an auto-increment id or, if keys have no order, a time. A
    source may have other names for its key and its time.
    """

    by: str
    time: str


@dataclass(frozen=True)
class Reload:
    """Rows change in place: the table is small, and every run reads it whole."""


@dataclass(frozen=True)
class Table:
    """One table: its key, how it grows, and the columns the calculations need.

    `columns` are required at the source, with types of the kind given here; the source may have more.
    """

    name: str
    key: str
    grows: Append | Reload
    columns: Mapping[str, pl.DataType] = field(default_factory=dict, hash=False)


def microseconds(instant: datetime) -> int:
    """The microseconds of an instant since 1970."""
    return (instant - EPOCH) // timedelta(microseconds=1)
