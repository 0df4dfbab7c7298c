"""The parameters of the app's own endpoints."""

from typing import ClassVar, Literal

from pydantic import Field

from calculations.time.buckets import Granularity
from calculations.time.period import Period
from web.questions.parameters import (
    ComparedParameters,
    Cut,
    CutByDays,
    Formatted,
    OfPeriod,
    OnWeekdays,
    Parameters,
    Weekly,
)

MOST_INTERVALS = 100


class OfEntity(Parameters):
    """Whose activity."""

    entity: Literal["user", "room"] = Field(default="user", description="Who is followed: users or rooms.")


class ReoccurringParameters(ComparedParameters, CutByDays, OnWeekdays, Formatted):
    """The series of those who come back."""


class LifecycleParameters(ComparedParameters, Cut, OfEntity, Formatted):
    """The lifecycle of users or rooms."""

    begins_whole: ClassVar[bool] = True


class RetentionParameters(OfPeriod, Weekly, OfEntity, Formatted):
    """Cohorts of users or rooms."""

    begins_whole: ClassVar[bool] = True
    cut_by: ClassVar[str | None] = "period"

    period: Literal["day", "week", "month"] = Field(default="week", description="Length of a cohort and an interval.")
    total_intervals: int = Field(
        default=11, ge=1, le=MOST_INTERVALS, description="Intervals per cohort, the first one (0) included."
    )
    retention_type: Literal["first_time", "recurring"] = Field(
        default="first_time",
        description="`first_time`: who is active for the first time ever; "
        "`recurring`: everyone active in the interval.",
    )
    cumulative: bool = Field(
        default=False, description="Count who is active in an interval or any later one, instead of in it."
    )

    def bucket_length(self, _period: Period) -> Granularity:
        """That of a cohort."""
        return self.period

    @property
    def cells_per_bucket(self) -> int:
        """One per interval."""
        return self.total_intervals
