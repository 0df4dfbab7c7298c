"""What a filter selects of page views and visits.

One on users alone selects users and all they did. Any other selects page views, and of visits those that contain one of
them, whole: a visit is never cut by a filter.
"""

from dataclasses import dataclass

import polars as pl

from calculations.fpp.attributes import Attributes
from calculations.fpp.packed_keys import ESTIMATED, LOOKED, shares_of_users
from calculations.fpp.visit_table import Packing, VisitTable
from calculations.frames.collecting import collect
from calculations.frames.filters import EVERYTHING, Filter
from calculations.time.buckets import Buckets

NONE, ONE = pl.lit(0, pl.UInt32), pl.lit(1, pl.UInt32)
NO_CODES, ONE_CODE = Packing(0), Packing(1)


@dataclass(frozen=True, eq=False, kw_only=True)
class Selection:
    """A filter on attributes of page views; `of_users`: it selects users, and all they did."""

    attributes: Attributes
    filter: Filter
    of_users: bool

    def page_views(self, page_views: pl.LazyFrame) -> pl.LazyFrame:
        """The page views it selects."""
        return self.attributes.selected(page_views, "page_views", self.filter)

    def visits(
        self,
        page_views: pl.LazyFrame,
        estimations: pl.LazyFrame,
        *,
        packing: Packing = ONE_CODE,
        code: pl.Expr = ONE,
        buckets: Buckets | None = None,
    ) -> list[VisitTable]:
        """The visits in which what is selected has a code, in shares of the users.

        Args:
            page_views: The rows of a period.
            estimations: Likewise.
            packing: With room for the codes; of selected users, everything counts alike, and it has none.
            code: Of a page view, from 1 on; what is not selected gets 0.
            buckets: What to cut visits by.
        """
        if self.of_users:
            page_views = self.page_views(page_views)
            estimations = self.attributes.selected(estimations, "estimations", self.filter)
            packing, code = NO_CODES, NONE
        elif self.filter != EVERYTHING:
            code = pl.when(self.attributes.holds(page_views, "page_views", self.filter)).then(code).otherwise(0)
        keys = [
            page_views.select(key=packing.key("viewed_at", LOOKED, code)),
            estimations.select(key=packing.key("estimated_at", ESTIMATED, NONE)),
        ]
        # Sorted as one column: Polars sorts that on all cores.
        ordered = collect(pl.concat(keys)).get_column("key").drop_nulls().sort()
        return [VisitTable(share, packing, buckets) for share in shares_of_users(ordered, packing.low_bits)]
