"""The parameters of the API, one class per purpose: an endpoint's own are made of those it takes."""

from functools import cache
from typing import Annotated, ClassVar, Literal
from zoneinfo import available_timezones

import polars as pl
from polars.exceptions import ComputeError
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, WithJsonSchema

from calculations.time.date_ranges import COMPARISONS, RANGES, TWO_DATES, parsed_dates
from web.validation import choice_error

# Not a `type`: the description of the API would make a model of it.
Format = Literal["json", "csv", "ndjson", "parquet"]

LONGEST_LIST = 2**31 - 1
MOST_INTERVALS = 100


def _is_date_range(text: str) -> str:
    if text not in RANGES:
        _check_dates(text, RANGES)
    return text


def _is_comparison(text: str) -> str:
    if text not in COMPARISONS:
        _check_dates(text, COMPARISONS)
    return text


def _check_dates(text: str, names: tuple[str, ...]) -> None:
    try:
        parsed_dates(text)
    except ValueError as error:
        raise choice_error(str(error), *names, TWO_DATES) from None


# Listing them walks through the time zones' files.
_zones = cache(available_timezones)


def _is_zone(name: str) -> str:
    if name not in _zones():
        raise ValueError("no such time zone; allowed: IANA names such as UTC, Europe/Berlin, America/New_York")
    try:
        pl.Series([], dtype=pl.Datetime("us", "UTC")).dt.convert_time_zone(name)
    except ComputeError:
        raise ValueError("this time zone can't be computed with; allowed: IANA names such as Europe/Berlin") from None
    return name


def _written(names: tuple[str, ...], format_: str) -> WithJsonSchema:
    """How a period is written, for the description of the API: a name or two dates."""
    day = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
    return WithJsonSchema({"type": "string", "format": format_, "pattern": f"^({'|'.join(names)}|{day},{day})$"})


DateRange = Annotated[str, AfterValidator(_is_date_range), _written(RANGES, "date-range")]
Comparison = Annotated[str, AfterValidator(_is_comparison), _written(COMPARISONS, "comparison")]
TimeZone = Annotated[str, AfterValidator(_is_zone), WithJsonSchema({"type": "string", "format": "time-zone"})]
Order = Annotated[str, WithJsonSchema({"type": "string", "format": "order"})]


class Parameters(BaseModel):
    """What any endpoint may be asked; a parameter it does not have is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class OfSnapshot(Parameters):
    """No parameters."""


class Formatted(Parameters):
    """What the answer is written in."""

    format: Format | None = Field(
        default=None,
        description="How the answer is written; without it, what the `Accept` header asks for, else `json`. "
        "`csv`, `ndjson` and `parquet` hold the rows only; what `meta` says of them is in headers.",
    )


class OfPeriod(Parameters):
    """Which stretch of time the figures are of."""

    # Whether the first bucket counts whole, also what of it lies before the range.
    begins_whole: ClassVar[bool] = False

    date_range: DateRange = Field(
        default="all",
        description=f"The period: {', '.join(f'`{name}`' for name in RANGES)} or `{TWO_DATES}`, both inclusive. "
        "Days are local ones, and today is included; `all` begins with START_DATE, `24h` ends with this minute.",
        examples=["30d", "2026-01-01,2026-03-31"],
    )
    timezone: TimeZone = Field(
        default="UTC",
        description="Time zone (IANA name) in which days, weeks and months begin.",
        examples=["Europe/Berlin"],
    )


class ComparedParameters(OfPeriod):
    """What the figures are compared with."""

    compare: Comparison | None = Field(
        default=None,
        description=f"A period to compare with: {', '.join(f'`{name}`' for name in COMPARISONS)} or `{TWO_DATES}`. "
        "Each figure becomes `{value, comparison, change, change_pct}`. While the period is open, the same "
        "elapsed time is compared.",
        examples=["previous_period"],
    )


class Weekly(Parameters):
    """When weeks begin."""

    week_start: Literal["monday", "sunday"] = Field(default="monday", description="The first day of a week.")


class Cut(Weekly):
    """How a series is cut."""

    granularity: Literal["hour", "day", "week", "month", "quarter", "year", "auto"] = Field(
        default="day", description="Length of a bucket; `auto` takes one that suits the period."
    )


class CutByDays(Weekly):
    """How a series of days is cut."""

    granularity: Literal["day", "week", "month", "quarter", "year", "auto"] = Field(
        default="day", description="Length of a bucket; `auto` takes one that suits the period."
    )


class OnWeekdays(Parameters):
    """Which buckets a series consists of."""

    weekends: Literal["include", "exclude"] = Field(
        default="include",
        description="`exclude` leaves out Saturdays and Sundays, which still belong to running totals. "
        "Only for granularities up to `day`.",
    )


class Listed(Parameters):
    """Which rows of a list."""

    limit: int | None = Field(default=None, ge=1, le=LONGEST_LIST, description="At most so many rows; without it, all.")
    offset: int = Field(default=0, ge=0, le=LONGEST_LIST, description="So many rows are left out at the beginning.")
    order_by: Order | None = Field(
        default=None,
        description="Columns to sort by, separated by commas, each with `:asc` (the default) or `:desc`; "
        "further columns decide between equals.",
        examples=["name:desc"],
    )


class OfEntity(Parameters):
    """Whose activity."""

    entity: Literal["user", "room"] = Field(default="user", description="Who is followed: users or rooms.")


class FiguresParameters(ComparedParameters, Formatted):
    """Figures of a period."""


class ListsParameters(ComparedParameters, Listed, Formatted):
    """Lists of a period; `limit`, `offset` and `order_by` hold for each of them."""


class SeriesParameters(ComparedParameters, Cut, OnWeekdays, Formatted):
    """A series."""


class ReoccurringParameters(ComparedParameters, CutByDays, OnWeekdays, Formatted):
    """The series of those who come back."""


class LifecycleParameters(ComparedParameters, Cut, OfEntity, Formatted):
    """The lifecycle of users or rooms."""

    begins_whole: ClassVar[bool] = True


class RetentionParameters(OfPeriod, Weekly, OfEntity, Formatted):
    """Cohorts of users or rooms."""

    begins_whole: ClassVar[bool] = True

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
