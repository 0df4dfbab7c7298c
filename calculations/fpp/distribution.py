"""How a measure is distributed: percentiles and a histogram."""

from collections.abc import Sequence
from math import ceil, floor

import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from calculations.fpp.visit_table import VisitTable
from calculations.frames.arithmetic import DECIMALS, NotAdditive
from calculations.frames.collecting import each_of

PERCENTILES = {"p50": 0.5, "p75": 0.75, "p90": 0.9, "p95": 0.95, "p99": 0.99}
BINS = 20
WIDTHS = tuple(step * 10**power for power in range(16) for step in (1, 2, 5))
US_PER_S = 1_000_000


class Bin(BaseModel):
    """A bin of a histogram."""

    model_config = ConfigDict(frozen=True, validate_by_name=True, serialize_by_alias=True)

    first: float = Field(alias="from", description="The least value in it, in the unit of the measure.")
    to: float = Field(description="Where it ends, in the unit of the measure: no longer in it, except in the last one.")
    n: int = Field(ge=0, description="How many values lie in it.")


class Distribution(BaseModel, frozen=True):
    """Percentiles interpolate linearly between ranks; null where there are no values. The unit is that of the measure:
    seconds for durations."""

    n: int = Field(ge=0, description="How many values there are.")
    p50: NotAdditive[float | None] = Field(description="The median, in the unit of the measure.")
    p75: NotAdditive[float | None] = Field(description="75th percentile, in the unit of the measure.")
    p90: NotAdditive[float | None] = Field(description="90th percentile, in the unit of the measure.")
    p95: NotAdditive[float | None] = Field(description="95th percentile, in the unit of the measure.")
    p99: NotAdditive[float | None] = Field(description="99th percentile, in the unit of the measure.")
    histogram: list[Bin] = Field(description="At most 20 bins of one width from the least value on; none without any.")


def distribution(values: pl.Series) -> Distribution:
    """The distribution of numbers; nulls are left out."""
    # Percentiles of what is known to be sorted take no time; a cast forgets it.
    known = values.drop_nulls().sort()
    found = {name: known.quantile(share, "linear") for name, share in PERCENTILES.items()}
    return Distribution(
        n=len(known),
        histogram=histogram(known.cast(pl.Float64)),
        **{name: None if value is None else round(value, DECIMALS) for name, value in found.items()},
    )


def histogram(values: pl.Series) -> list[Bin]:
    """At most `BINS` bins that cover all values.

    They are equally wide, 1, 2 or 5 times a power of ten, and the first one begins with a multiple of that width.

    Args:
        values: Numbers (Float64), sorted, without nulls.
    """
    if values.is_empty():
        return []
    least, most = float(values[0]), float(values[-1])
    width = next(width for width in WIDTHS if (most - floor(least / width) * width) / width <= BINS)
    begin = floor(least / width) * width
    count = max(1, ceil((most - begin) / width))
    edges = pl.Series([begin + number * width for number in range(count + 1)], dtype=pl.Float64)
    below = values.search_sorted(edges, side="left").cast(pl.Int64).to_list()
    below[-1] = len(values)
    return [
        Bin(first=edges[number], to=edges[number + 1], n=below[number + 1] - below[number]) for number in range(count)
    ]


def visit_durations(tables: Sequence[VisitTable]) -> pl.Series:
    """The duration of each selected visit, in seconds (Float64)."""
    return pl.concat(each_of(tables, lambda visits: visits.selected(visits.durations))) / US_PER_S


def views_per_visit(tables: Sequence[VisitTable]) -> pl.Series:
    """The number of page views of each selected visit (UInt32)."""
    return pl.concat(each_of(tables, lambda visits: visits.selected(visits.views)))
