"""The parameters of endpoints, one mixin class per purpose, and what each means for a question.

`Parameters` defines the behaviour without a parameter; a class that has the parameter overrides it.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Annotated, Any, ClassVar, Literal, cast

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from calculations.time.buckets import Granularity, WeekStart
from calculations.time.date_ranges import (
    COMPARISONS,
    RANGES,
    REALTIME,
    TWO_DATES,
    TWO_INSTANTS,
    automatic,
    compared_period,
    is_of_days,
    on_same_weekday,
    period_of,
)
from calculations.time.period import MICROSECOND, Period
from web.errors import InvalidParameterError
from web.questions.formats import Format, format_of
from web.questions.notations import Comparison, DateRange, TimeZone
from web.validation import Integer, as_integer

LONGEST_LIST = 2**31 - 1
# Periods up to this long need few rows to be read.
SHORT = timedelta(days=2)
UP_TO_A_DAY = ("minute", "hour", "day")
Order = Annotated[str, WithJsonSchema({"type": "string", "format": "order"})]


class Span(BaseModel, frozen=True):
    """The first and last instant of a period."""

    first_instant: AwareDatetime = Field(description="Its first instant (UTC).")
    last_instant: AwareDatetime = Field(description="Its last instant (UTC), still in it.")


@dataclass(frozen=True)
class Meaning:
    """What parameters mean at an instant."""

    format: Format
    granularity: Granularity
    period: Period
    comparison: Period | None


class Parameters(BaseModel):
    """The base of all parameters; unknown ones are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    # Whether the figures are of a period that the client chooses.
    has_period: ClassVar[bool] = False
    # Whether they may be compared with those of another period.
    is_comparable: ClassVar[bool] = False
    # Whether the first and the last bucket are counted in full, including what lies outside the range.
    has_whole_buckets: ClassVar[bool] = False
    # Request headers that affect the answer, besides the parameters.
    varies_by: ClassVar[tuple[str, ...]] = ()
    # Whether the answer says how fresh the data are.
    tells_freshness: ClassVar[bool] = True
    # The parameter that sets the length of buckets; None for answers without buckets.
    cut_by: ClassVar[str | None] = None

    @classmethod
    def meaning_fields(cls) -> dict[str, Any]:
        """The fields that an answer's `query` has besides the parameters themselves, by name."""
        return {}

    def asked_format(self, _accept: str) -> Format:
        """The format of the answer, for a client that sends this `Accept` header."""
        return "json"

    def check(self) -> None:
        """Check parameters against each other.

        Raises:
            InvalidParameterError: Parameters that are valid on their own do not go together.
        """

    def asked_period(self, now: datetime, first_day: date, _known_until: datetime) -> Period:
        """The period of the figures."""
        return period_of("all", now, first_day, "UTC")

    def asked_comparison(self, _period: Period) -> Period | None:
        """The whole period to compare with, if any."""
        return None

    @property
    def compares_with_previous(self) -> bool:
        """Whether the comparison is the period directly before."""
        return False

    def bucket_length(self, _period: Period) -> Granularity:
        """The length of a bucket, for a period.

        Raises:
            InvalidParameterError: Weekends are to be left out of buckets longer than a day.
        """
        return "day"

    @property
    def first_weekday(self) -> WeekStart:
        """The first day of a week."""
        return "monday"

    @property
    def shows_weekends(self) -> bool:
        """Whether a series has buckets on Saturdays and Sundays."""
        return True

    @property
    def has_bom(self) -> bool:
        """Whether CSV begins with a byte order mark."""
        return False

    @property
    def cells_per_bucket(self) -> int:
        """The number of rows per bucket in an answer."""
        return 1

    def is_cheap(self, _period: Period, _comparison: Period | None) -> bool:
        """Whether the answer takes little time and memory, however much data there is."""
        return False

    def meant(self, _meaning: Meaning) -> dict[str, object]:
        """Every parameter as it was understood, and its meaning."""
        return dict(self)


class OfSnapshot(Parameters):
    """No parameters."""


class Bare(Parameters):
    """No parameters, for answers without an envelope."""

    tells_freshness: ClassVar[bool] = False


class Formatted(Parameters):
    """The format of the answer."""

    varies_by: ClassVar[tuple[str, ...]] = ("Accept",)

    format: Format | None = Field(
        default=None,
        description="The format of the answer; by default the one that the `Accept` header prefers, else `json`. "
        "`csv`, `ndjson` and `parquet` hold only rows; the facts of `meta` are in headers.",
    )
    bom: bool = Field(
        default=False,
        description="Begin CSV with a byte order mark, by which Excel recognises UTF-8; no other format has it.",
    )

    @property
    def has_bom(self) -> bool:
        """As requested."""
        return self.bom

    def asked_format(self, accept: str) -> Format:
        """The requested one, or the one the client prefers."""
        return self.format or format_of(accept)

    def meant(self, meaning: Meaning) -> dict[str, object]:
        """With the format that was chosen."""
        return super().meant(meaning) | {"format": meaning.format}


class OfPeriod(Parameters):
    """The period of the figures."""

    has_period: ClassVar[bool] = True

    date_range: DateRange = Field(
        default="all",
        description=f"The period: {', '.join(f'`{name}`' for name in RANGES)}, `{TWO_DATES}` (both inclusive) or "
        f"`{TWO_INSTANTS}` (the second one exclusive). Days are local, and today is included; `all` begins with "
        "START_DATE, `24h` ends with this minute, `realtime` is the last 30 minutes for which there are data, by "
        "minute.",
        examples=["7d", "2026-01-01,2026-03-31"],
    )
    timezone: TimeZone = Field(
        default="UTC",
        description="Time zone (IANA name) in which days, weeks and months begin.",
        examples=["Europe/Berlin"],
    )

    @classmethod
    def meaning_fields(cls) -> dict[str, Any]:
        """The instants of the period."""
        return super().meaning_fields() | {name: (field.annotation, field) for name, field in Span.model_fields.items()}

    def asked_period(self, now: datetime, first_day: date, known_until: datetime) -> Period:
        """The period of the range."""
        return period_of(
            self.date_range, now, first_day, self.timezone, known_until=known_until, week_start=self.first_weekday
        )

    def is_cheap(self, period: Period, comparison: Period | None) -> bool:
        """If little of the tables is read; counting whole buckets reads all earlier rows."""
        is_short = all(part is None or part.end - part.start <= SHORT for part in (period, comparison))
        return is_short and not self.has_whole_buckets

    def meant(self, meaning: Meaning) -> dict[str, object]:
        """With the instants of the period."""
        return super().meant(meaning) | instants(meaning.period)


class ComparedParameters(OfPeriod):
    """The period to compare with."""

    is_comparable: ClassVar[bool] = True

    compare: Comparison | None = Field(
        default=None,
        description=f"A period to compare with: {', '.join(f'`{name}`' for name in COMPARISONS)}, `{TWO_DATES}` or "
        f"`{TWO_INSTANTS}`. Each figure becomes `{{value, comparison, change, change_pct}}`. While the period is open, "
        "the same elapsed time is compared.",
        examples=["previous_period"],
    )
    compare_match_day_of_week: bool = Field(
        default=False,
        description="Move the period to compare with to the nearest one that begins on the same weekday; without "
        "`compare`, it changes nothing.",
    )

    @classmethod
    def meaning_fields(cls) -> dict[str, Any]:
        """With the instants of the other period."""
        comparison = Field(description="The period to compare with; null without one.")
        return super().meaning_fields() | {"comparison": (Span | None, comparison)}

    def asked_comparison(self, period: Period) -> Period | None:
        """The period of `compare`."""
        if self.compare is None:
            return None
        base = compared_period(self.compare, self.date_range, period)
        if not self.compare_match_day_of_week:
            return base
        compared = self.date_range if self.compare in COMPARISONS else self.compare
        return on_same_weekday(base, period, of_days=is_of_days(compared))

    @property
    def compares_with_previous(self) -> bool:
        """As `compare` says, unless the weekday moves it."""
        return self.compare == "previous_period" and not self.compare_match_day_of_week

    def meant(self, meaning: Meaning) -> dict[str, object]:
        """With the instants of the other period."""
        comparison = meaning.comparison and instants(meaning.comparison)
        return super().meant(meaning) | {"comparison": comparison}


class Weekly(Parameters):
    """The first day of weeks."""

    week_start: Literal["monday", "sunday"] = Field(default="monday", description="The first day of a week.")

    @property
    def first_weekday(self) -> WeekStart:
        """The requested one."""
        return self.week_start


class Cut(Weekly):
    """The buckets of a series."""

    cut_by: ClassVar[str | None] = "granularity"
    # The shortest granularity that `auto` may choose.
    shortest_auto: ClassVar[Granularity] = "minute"

    granularity: Literal["minute", "hour", "day", "week", "month", "quarter", "year", "auto"] = Field(
        default="day",
        description="Length of a bucket; `auto` chooses one to suit the period. By default, `realtime` is by minute.",
    )

    def bucket_length(self, period: Period) -> Granularity:
        """The requested one, or one that suits the period and its weekends."""
        is_auto = self.granularity == "auto" or self._is_live
        length = self._suitable(period) if is_auto else cast("Granularity", self.granularity)
        if not self.shows_weekends and length not in UP_TO_A_DAY:
            message = f"`weekends` is `exclude`, but a {length} has weekends; allowed: include."
            raise InvalidParameterError("weekends", message, ["include"])
        return length

    def _suitable(self, period: Period) -> Granularity:
        length = automatic(period)
        if length in ("minute", "hour"):
            return length if self.shortest_auto == "minute" else self.shortest_auto
        return length if self.shows_weekends else "day"

    @property
    def _is_live(self) -> bool:
        """Whether the range is `realtime` and no granularity is requested."""
        return getattr(self, "date_range", None) == REALTIME and "granularity" not in self.model_fields_set

    def meant(self, meaning: Meaning) -> dict[str, object]:
        """With the granularity that was chosen."""
        return super().meant(meaning) | {"granularity": meaning.granularity}


class CutByDays(Cut):
    """The buckets of a series of days."""

    shortest_auto: ClassVar[Granularity] = "day"

    granularity: Literal["day", "week", "month", "quarter", "year", "auto"] = Field(
        default="day", description="Length of a bucket; `auto` chooses one that suits the period."
    )


class OnWeekdays(Parameters):
    """Which buckets a series consists of."""

    weekends: Literal["include", "exclude"] = Field(
        default="include",
        description="`exclude` leaves out Saturdays and Sundays, which still belong to running totals. "
        "Only for granularities up to `day`.",
    )

    @property
    def shows_weekends(self) -> bool:
        """Unless they are excluded."""
        return self.weekends == "include"


class Listed(Parameters):
    """Which rows of a list."""

    # The bounds come before the validator, otherwise the OpenAPI schema would lack them.
    limit: Annotated[int, Field(ge=1, le=LONGEST_LIST), BeforeValidator(as_integer)] | None = Field(
        default=None, description="Maximum number of rows; all by default.", examples=[40]
    )
    offset: Integer = Field(
        default=0, ge=0, le=LONGEST_LIST, description="Number of rows to skip at the beginning.", examples=[40]
    )
    order_by: Order | None = Field(
        default=None,
        description="Columns to sort by, separated by commas, each with `:asc` (the default) or `:desc`, in any case; "
        "`-votes` means `votes:desc`. Further columns break ties.",
        examples=["name:desc"],
    )

    @classmethod
    def sorted_by(cls, *columns: str) -> Any:
        """The field `order_by` of a list with these columns; compared columns have further parts."""
        field = cls.model_fields["order_by"]
        sortable = f"Columns: {', '.join(columns)}; when compared, also with _comparison, _change and _change_pct."
        return Field(
            default=None,
            description=f"{field.description} {sortable}",
            examples=[f"{columns[-1]}:desc"],
            json_schema_extra={"x-sortable": list(columns)},
        )


class Searched(Parameters):
    """Which entries of a list."""

    search: str | None = Field(
        default=None,
        max_length=100,
        description="Only entries whose name contains this text, in any case.",
        examples=["team"],
    )


class FiguresParameters(ComparedParameters, Formatted):
    """Figures of a period."""


class ListsParameters(ComparedParameters, Listed, Formatted):
    """Lists of a period; `limit`, `offset` and `order_by` hold for each of them."""


class SeriesParameters(ComparedParameters, Cut, OnWeekdays, Formatted):
    """A series of figures."""


def instants(period: Period) -> dict[str, object]:
    """The fields of a `Span`."""
    return {"first_instant": period.start, "last_instant": period.end - MICROSECOND}
