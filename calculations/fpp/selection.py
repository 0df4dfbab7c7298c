"""The page views and visits that a filter selects.

A filter on users alone selects users and all their activities. Any other selects page views, and the visits that
contain one of them, as a whole: a filter never cuts a visit.
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
    """A filter on attributes of page views; `of_users` if it selects users and all their activities."""

    attributes: Attributes
    filter: Filter
    of_users: bool

    def page_views(self, page_views: pl.LazyFrame) -> pl.LazyFrame:
        """The selected page views."""
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
        """The visits, with the codes of selected page views, in shares of the users.

        Args:
            page_views: The rows of a period.
            estimations: Likewise.
            packing: With room for the codes; none when users are selected, because all their activities count alike.
            code: The code of a page view, from 1 on; page views that are not selected get 0.
            buckets: Buckets to cut visits at.
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
        # Polars sorts a single column on all cores.
        ordered = collect(pl.concat(keys)).get_column("key").drop_nulls().sort()
        return [VisitTable(share, packing, buckets) for share in shares_of_users(ordered, packing.low_bits)]
