"""Traffic per value of one or two attributes, and traffic of selected page views.

A filter and dimensions on users alone select users and all their activities. Any others select page views, and the
visits that contain one of them, as a whole: a visit is never cut.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod

import polars as pl

from calculations.fpp.attributes import (
    ROOM,
    ROOM_KEY,
    SOURCE,
    USER,
    Attributes,
    is_of_users,
    labelled_sources,
    labelled_values,
)
from calculations.fpp.packed_keys import user_hash
from calculations.fpp.selection import NO_CODES, Selection
from calculations.fpp.traffic import Visits, visits
from calculations.fpp.visit_table import Packing, VisitTable
from calculations.frames.arithmetic import quotient
from calculations.frames.collecting import collect, each_of
from calculations.frames.filters import EVERYTHING, Filter
from calculations.time.period import Period

FIGURES = tuple(Visits.model_fields)
US_PER_S = 1_000_000
# Positions per integer in a table that is looked up by position.
SPARSEST = 16
NOTHING = dict.fromkeys(FIGURES, 0)
SUMS = ("visitors", "bounced", "page_views", "visits", "duration", "views")


@dataclass(frozen=True, eq=False)
class Dimension:
    """The values of an attribute as numbers.

    Attributes:
        name: The attribute.
        key: The expression that determines a row's value.
        labelled: `key` and the attribute under its name (String); the null key stands for all others.
    """

    name: str
    key: pl.Expr
    labelled: pl.DataFrame

    @cached_property
    def labels(self) -> pl.Series:
        """All values, in no particular order: the number of a value is its index."""
        return self.labelled[self.name].unique()

    @cached_property
    def numbered(self) -> pl.DataFrame:
        """`key` and the `number` (UInt32) of its value, sorted by key; the null key is first."""
        number = pl.col(self.name).cast(pl.Enum(self.labels)).to_physical().cast(pl.UInt32)
        return self.labelled.select("key", number=number).sort("key")

    @property
    def others(self) -> int:
        """The number of the value of unknown keys."""
        number: int = self.numbered["number"][0]
        return number

    @property
    def number(self) -> pl.Expr:
        """The number of a row's value (UInt32)."""
        known = self.numbered.drop_nulls("key")
        keys, numbers = known["key"], known["number"]
        if keys.dtype == pl.String:
            # Looking a string up as an Enum takes a quarter of the time.
            found = pl.lit(numbers).gather(self.key.cast(pl.Enum(keys), strict=False).to_physical())
        elif is_dense(keys):
            by_key = pl.repeat(self.others, keys[-1] + 1, dtype=pl.UInt32, eager=True).scatter(keys, numbers)
            found = pl.lit(by_key).gather(pl.when(self.key.is_between(0, keys[-1])).then(self.key))
        else:
            found = self.key.replace_strict(keys, numbers, default=self.others, return_dtype=pl.UInt32)
        return found.fill_null(self.others)

    def numbers(self, keys: pl.Series) -> pl.Series:
        """The numbers of the values of sorted keys (UInt32); merging two sorted columns is the cheapest way."""
        known = self.numbered.drop_nulls("key")
        walked = keys.to_frame("at").join_asof(known, left_on="at", right_on="key", coalesce=False)
        found = pl.when(pl.col("at") == pl.col("key")).then(pl.col("number")).otherwise(self.others)
        return walked.select(found.alias(self.name)).to_series()


@dataclass(frozen=True, eq=False)
class Cuts:
    """Dimensions of page views; `code` numbers the combinations of their values, from 1 on."""

    dimensions: Sequence[Dimension]

    @property
    def combinations(self) -> int:
        """The number of possible combinations."""
        return prod(len(dimension.labels) for dimension in self.dimensions)

    @property
    def code(self) -> pl.Expr:
        """The number of a page view's combination (UInt32)."""
        code: pl.Expr = pl.lit(0, pl.UInt32)
        for dimension in self.dimensions:
            code = code * len(dimension.labels) + dimension.number
        return code + 1

    def labels(self) -> list[pl.Expr]:
        """The values that the column `code` stands for, one expression per attribute."""
        found, rest = [], pl.col("code") - 1
        for dimension in reversed(self.dimensions):
            found.append(pl.lit(dimension.labels).gather(rest % len(dimension.labels)).alias(dimension.name))
            rest = rest // len(dimension.labels)
        return found


def breakdown(
    page_views: pl.LazyFrame,
    estimations: pl.LazyFrame,
    attributes: Attributes,
    filter_: Filter = EVERYTHING,
    dimensions: Sequence[str] = (),
) -> pl.DataFrame:
    """Visitors and visits per combination of values that occurs.

    Args:
        page_views: The rows of a period, unfiltered.
        estimations: Likewise.
        attributes: The attributes of users and rooms.
        filter_: On attributes that page views have.
        dimensions: Attributes that page views have; without any, the result is one row.

    Returns:
        In no particular order: `dimensions` (String) and the fields of `Visits` (Int64 and Float64).
    """
    of_users = is_of_users([*filter_.attributes(), *dimensions])
    cuts = Cuts([_of_rows(name, page_views, attributes) for name in dimensions if name not in USER])
    packing = NO_CODES if of_users else Packing(cuts.combinations)
    people = [_of_users(name, attributes, packing) for name in dimensions if name in USER]
    selection = Selection(attributes=attributes, filter=filter_, of_users=of_users)
    tables = selection.visits(page_views, estimations, packing=packing, code=cuts.code)
    nobodys = selection.page_views(page_views).filter(pl.col("user_id").is_null())
    # Grouping no rows by a constant still gives one group.
    counted = nobodys.group_by(code=cuts.code).agg(page_views=pl.len()).filter(pl.col("page_views") > 0)
    alone = collect(counted).with_columns(pl.lit(each.others, pl.UInt32).alias(each.name) for each in people)
    sums = each_of(tables, lambda table: _summed([_counted(table, people)], people))
    summed = _summed([*sums, alone], people)
    if not dimensions and summed.is_empty():
        summed = pl.DataFrame({"code": 1} | dict.fromkeys(SUMS, 0))
    labels = [*(pl.lit(each.labels).gather(pl.col(each.name)).alias(each.name) for each in people), *cuts.labels()]
    views = "page_views" if of_users else "views"
    return summed.with_columns(labels).select(*dimensions, *_figures(views))


def visits_of(
    page_views: pl.LazyFrame, estimations: pl.LazyFrame, selection: Selection, period: Period, names: Collection[str]
) -> Visits:
    """The selected traffic of a period.

    Args:
        page_views: The rows.
        estimations: The rows.
        selection: Which of them, and which visits, count.
        period: Their period.
        names: The fields to compute; others may be 0.
    """
    if set(names) <= {"page_views", "visitors"}:
        viewers = pl.lit(0) if "visitors" not in names else user_hash().drop_nulls().n_unique()
        counted = collect(selection.page_views(page_views).select(page_views=pl.len(), visitors=viewers))
        return Visits(**NOTHING | counted.row(0, named=True))
    if selection.of_users:
        users = selection.attributes.selected(estimations, "estimations", selection.filter)
        return visits(selection.page_views(page_views), users, period)
    row = breakdown(page_views, estimations, selection.attributes, selection.filter).row(0, named=True)
    return Visits(**row)


def is_dense(keys: pl.Series) -> bool:
    """Whether sorted integers (no nulls) are at least 0 and dense enough to be looked up by position."""
    return not keys.is_empty() and keys[0] >= 0 and keys[-1] < SPARSEST * len(keys)


def _of_rows(name: str, page_views: pl.LazyFrame, attributes: Attributes) -> Dimension:
    """An attribute of page views or rooms."""
    if name in ROOM:
        return Dimension(name, ROOM_KEY, attributes.labelled_rooms([name]))
    labelled = labelled_sources(page_views) if name in SOURCE else labelled_values(page_views, name, "page_views")
    return Dimension(name, pl.col(name), labelled)


def _of_users(name: str, attributes: Attributes, packing: Packing) -> Dimension:
    """An attribute of users, by the bits of their hash that the packing keeps."""
    labelled = attributes.labelled_users([name]).with_columns(key=packing.shortened(pl.col("key")))
    return Dimension(name, pl.col("user"), labelled)


def _counted(table: VisitTable, people: Sequence[Dimension]) -> pl.DataFrame:
    """The counts, with the numbers of the values of `people`."""
    counted = table.counted()
    return counted.hstack([each.numbers(table.visitors["user"])[counted["visitor"]] for each in people])


def _summed(parts: Sequence[pl.DataFrame], people: Sequence[Dimension]) -> pl.DataFrame:
    """`SUMS` (Int64) by `code` and the numbers of the values of `people`; columns missing from a part are 0."""
    rows = pl.concat([part.lazy() for part in parts], how="diagonal_relaxed")
    return collect(rows.group_by("code", *(each.name for each in people)).agg(pl.col(SUMS).sum().cast(pl.Int64)))


def _figures(views: str) -> list[pl.Expr]:
    """The fields of `Visits` from `SUMS`; `views` are those of the visits."""
    sum_of = {name: pl.col(name) for name in SUMS}
    return [
        *(sum_of[name] for name in ("visitors", "visits", "page_views")),
        quotient(sum_of[views], sum_of["visits"]).alias("views_per_visit"),
        quotient(sum_of["bounced"], sum_of["visitors"]).alias("bounce_rate"),
        quotient(sum_of["duration"], sum_of["visits"] * US_PER_S).alias("visit_duration"),
    ]
