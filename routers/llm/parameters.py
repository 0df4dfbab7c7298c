"""What may be asked about LLM usage."""

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema
from pydantic.alias_generators import to_camel

from calculations.llm.events import GroupBy, Selection, Status
from calculations.llm.percentiles import Percentile
from calculations.time.date_ranges import RANGES, TWO_DATES, period_of
from calculations.time.period import Period
from web.errors import InvalidParameterError
from web.questions.formats import Format
from web.questions.notations import DateRange, TimeZone
from web.validation import Integer

DEFAULT_RANGE = timedelta(hours=168)
MINUTE = timedelta(minutes=1)
# The collector refuses events before the one and, since no clock is that wrong, after the other.
EARLIEST = datetime(2015, 1, 1, tzinfo=UTC)
AHEAD = timedelta(days=1)
WITHOUT_MODEL = "null"
DEFAULT_LIMIT, MOST_ROWS = 10_000, 100_000
LONGEST_CURSOR = 200

_RFC_3339 = re.compile(r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(\.\d+)?(?:([Zz])|([+ -])(\d\d:\d\d))")


def _as_instant(value: object) -> object:
    """An instant in UTC. A plus that was not encoded arrives as a blank."""
    if not isinstance(value, str):
        return value
    if not (found := _RFC_3339.fullmatch(value)):
        raise ValueError("an instant is written as in RFC 3339, with an offset: 2026-03-01T00:00:00Z")
    day, time, fraction, utc, sign, offset = found.groups(default="")
    zone = "Z" if utc else f"{'-' if sign == '-' else '+'}{offset}"
    try:
        return datetime.fromisoformat(f"{day}T{time}{fraction[:7]}{zone}").astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("there is no such instant; one is written 2026-03-01T00:00:00Z") from None


Instant = Annotated[
    AwareDatetime, BeforeValidator(_as_instant), WithJsonSchema({"type": "string", "format": "date-time"})
]


class LlmParameters(BaseModel):
    """What any endpoint may be asked; a parameter it does not have is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_camel)

    def asked(self) -> dict[str, Any]:
        """Every parameter as it was given or is by default."""
        return self.model_dump(by_alias=True)


class NoParameters(LlmParameters):
    """No parameters."""


class OfCalls(LlmParameters):
    """Which calls."""

    start: Instant | None = Field(
        default=None,
        description="First instant of the range (RFC 3339), inclusive; by default 168 hours before its end.",
        examples=["2026-03-01T00:00:00Z"],
    )
    end: Instant | None = Field(default=None, description="End of the range (RFC 3339), exclusive; by default now.")
    date_range: DateRange | None = Field(
        default=None,
        alias="date_range",
        description=f"The range by its name instead: {', '.join(f'`{name}`' for name in RANGES)} or `{TWO_DATES}`, "
        "both inclusive, in local days, today included.",
        examples=["30d"],
    )
    timezone: TimeZone = Field(
        default="UTC",
        description="Time zone (IANA name) in which hours, days, weeks and months begin.",
        examples=["Europe/Berlin"],
    )
    model_id: list[str] = Field(
        default=[],
        description=f"Models to count, repeatable; `{WITHOUT_MODEL}` is none. All by default.",
    )
    status: list[Status] = Field(default=[], description="Statuses to count; repeatable. All by default.")

    def period(self, now: datetime) -> Period:
        """The range, as far as there can be events in it.

        Whole minutes when it ends now: what follows within a minute is the same question.

        Raises:
            InvalidParameterError: It ends before it starts, or is given in two ways.
        """
        if self.date_range is not None:
            if self.start or self.end:
                raise InvalidParameterError("date_range", "`date_range` can't be combined with `start` and `end`.")
            return _possible(period_of(self.date_range, now, EARLIEST.date(), self.timezone), now)
        minute = now.replace(second=0, microsecond=0)
        end = self.end or max(minute + MINUTE, self.start or minute)
        start = self.start or (end if self.end else minute) - DEFAULT_RANGE
        if end < start:
            raise InvalidParameterError("end", f"`end` is {end.isoformat()}, before `start`, {start.isoformat()}.")
        return _possible(Period(start, end, self.timezone), now)

    def selection(self, org_id: str, now: datetime) -> Selection:
        """Which calls of an organisation are selected."""
        models = frozenset(None if model == WITHOUT_MODEL else model for model in self.model_id)
        return Selection(org_id, self.period(now), models, frozenset(self.status))


def _possible(period: Period, now: datetime) -> Period:
    start = min(max(period.start, EARLIEST), now + AHEAD)
    return Period(start, max(start, min(period.end, now + AHEAD)), period.zone)


class SeriesOfCalls(OfCalls):
    """How calls are grouped, and how the answer is written."""

    granularity: Literal["hour", "day", "week", "month"] = Field(
        default="day", description="Length of a bucket; weeks begin on Monday."
    )
    group_by: GroupBy = Field(default="model", description="What the calls of a bucket are grouped by.")
    format: Format | None = Field(
        default=None,
        description="How the answer is written; without it, what the `Accept` header asks for, else `json`. "
        "`csv`, `ndjson` and `parquet` hold the series only.",
    )


class UsageParameters(SeriesOfCalls):
    """Usage of an organisation."""


class ReliabilityParameters(SeriesOfCalls):
    """Reliability of an organisation's calls."""

    percentile: list[Percentile] = Field(
        default=["p50", "p95", "p99"], description="Percentiles of the latency to answer with; repeatable."
    )


class IncidentParameters(OfCalls):
    """The calls of an incident."""

    min_latency_ms: Integer = Field(default=0, ge=0, description="Only calls that took as many milliseconds or more.")
    limit: Integer = Field(
        default=DEFAULT_LIMIT, ge=1, le=MOST_ROWS, description="Maximum number of rows; `X-Next-Cursor` names the next."
    )
    cursor: str | None = Field(
        default=None,
        max_length=LONGEST_CURSOR,
        description="Where to continue: the `X-Next-Cursor` of the previous page, requested with the same parameters.",
    )
    format: Format | None = Field(
        default=None,
        description="How the answer is written; by default what the `Accept` header asks for, else `csv`.",
    )

    def selection(self, org_id: str, now: datetime) -> Selection:
        """With the least latency."""
        chosen = super().selection(org_id, now)
        return Selection(org_id, chosen.period, chosen.models, chosen.statuses, self.min_latency_ms)
