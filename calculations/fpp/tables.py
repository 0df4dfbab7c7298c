"""The app's tables as one value, for figures that read several of them."""

from dataclasses import dataclass, field

import polars as pl


@dataclass(frozen=True, kw_only=True, eq=False)
class Tables:
    """The app's tables, or some of their rows. Tables that a figure does not read may be left out."""

    estimations: pl.LazyFrame = field(default_factory=pl.LazyFrame)
    events: pl.LazyFrame = field(default_factory=pl.LazyFrame)
    page_views: pl.LazyFrame = field(default_factory=pl.LazyFrame)
    rooms: pl.LazyFrame = field(default_factory=pl.LazyFrame)
    users: pl.LazyFrame = field(default_factory=pl.LazyFrame)
    votes: pl.LazyFrame = field(default_factory=pl.LazyFrame)
