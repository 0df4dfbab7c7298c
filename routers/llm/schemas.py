"""The answers about LLM usage as types, for the description of the API and where they are small."""

from datetime import datetime
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from calculations.frames.arithmetic import NotAdditive
from web.questions.answers import Meta


class Camel(BaseModel):
    """Fields are written as clients of such services know them."""

    model_config = ConfigDict(frozen=True, alias_generator=to_camel, serialize_by_alias=True, validate_by_name=True)


class CallsMeta(Meta, frozen=True):
    """Of which data the figures are, and of which range."""

    start: AwareDatetime = Field(description="First instant of the range (UTC), inclusive.")
    end: AwareDatetime = Field(description="End of the range (UTC), exclusive.")
    timezone: str = Field(description="Time zone in which the buckets begin.")


class Recency(Camel):
    """How far the events are known."""

    status: Literal["fresh", "stale", "delayed", "unknown"] = Field(
        description="`fresh` while `lagSeconds` is under 300, `stale` under 600, else `delayed`; `unknown` without any."
    )
    last_event_at: AwareDatetime | None = Field(description="When the last event occurred; null without events.")
    last_rollup_at: AwareDatetime | None = Field(
        description="The instant up to which the read model knows everything; null without events."
    )
    lag_seconds: NotAdditive[int | None] = Field(description="Time since `lastRollupAt`, in seconds.")
    event_lag_seconds: NotAdditive[int | None] = Field(description="Time since `lastEventAt`, in seconds.")


class ModelRecency(Recency):
    """How far the events of one model are known."""

    model_id: str | None = Field(description="The model; null is calls without one.")


class FreshnessAnswer(Recency):
    """How far the events of an organisation are known, and those of each of its models."""

    org_id: str = Field(description="The organisation.")
    entries: list[ModelRecency] = Field(description="One per model, by code points, null last.")
    meta: Meta = Field(description="Of which data the answer is.")


class StatusCounts(Camel):
    """Calls by their status."""

    success: int = Field(ge=0, description="Number of successful calls.")
    error: int = Field(ge=0, description="Number of calls that ended with an error.")
    timeout: int = Field(ge=0, description="Number of calls that took too long.")
    throttled: int = Field(ge=0, description="Number of calls that were refused for their rate.")


class UsageFigures(Camel):
    """Sums over calls."""

    invocations: int = Field(ge=0, description="Number of calls.")
    input_tokens: int = Field(ge=0, description="Number of tokens sent to the models.")
    output_tokens: int = Field(ge=0, description="Number of tokens the models answered.")
    cost_estimate_cents: float = Field(
        ge=0,
        description="Cost of the priced calls in cents, exact to 4 decimals: read it as a decimal.",
    )
    unpriced_invocations: int = Field(ge=0, description="Number of calls whose cost is not known.")
    status_counts: StatusCounts = Field(description="The calls by status.")


class Latency(Camel):
    """Percentiles of latencies, interpolated linearly between ranks; only the requested ones."""

    p50: NotAdditive[float | None] = Field(default=None, description="Median latency, in milliseconds.")
    p75: NotAdditive[float | None] = Field(default=None, description="75th percentile, in milliseconds.")
    p90: NotAdditive[float | None] = Field(default=None, description="90th percentile, in milliseconds.")
    p95: NotAdditive[float | None] = Field(default=None, description="95th percentile, in milliseconds.")
    p99: NotAdditive[float | None] = Field(default=None, description="99th percentile, in milliseconds.")


class ReliabilityFigures(Camel):
    """Failures and latencies of calls."""

    invocations: int = Field(ge=0, description="Number of calls.")
    error_rate: NotAdditive[float | None] = Field(
        ge=0, le=1, description="Share of calls with another status than `success`, 0 to 1; null without calls."
    )
    error_only_rate: NotAdditive[float | None] = Field(
        ge=0, le=1, description="Share of calls with status `error`, 0 to 1; null without calls."
    )
    status_counts: StatusCounts = Field(description="The calls by status.")
    latency_ms: Latency = Field(description="Percentiles of the latencies of all calls, whatever their status.")


class OfGroup(Camel):
    """Which calls a row of a series is of: it has the field of `groupBy`, and none of the others."""

    bucket_start: AwareDatetime = Field(description="First instant of the bucket, with the offset of the time zone.")
    model_id: str | None = Field(default=None, description="The model; null is calls without one.")
    actor_id: str | None = Field(default=None, description="Who called; null is calls without an actor.")
    status: str | None = Field(default=None, description="The status of the calls.")
    error_code: str | None = Field(default=None, description="The error code of the calls; null is none.")


class UsageRow(UsageFigures, OfGroup):
    """The usage of one bucket and group."""


class ReliabilityRow(ReliabilityFigures, OfGroup):
    """The reliability of one bucket and group."""


class SeriesAnswer(Camel):
    """What answers with a series have in common."""

    org_id: str = Field(description="The organisation.")
    granularity: Literal["hour", "day", "week", "month"] = Field(description="Length of a bucket.")
    freshness: Recency = Field(description="How far the events of the organisation are known.")
    meta: CallsMeta = Field(description="Of which data the answer is.")


class UsageAnswer(SeriesAnswer):
    """The usage of an organisation."""

    series: list[UsageRow] = Field(description="One row per bucket and group with calls, the newest bucket first.")
    totals: UsageFigures = Field(description="The same over the whole range.")


class ReliabilityAnswer(SeriesAnswer):
    """The reliability of an organisation's calls."""

    series: list[ReliabilityRow] = Field(
        description="One row per bucket and group with calls, the newest bucket first."
    )
    totals: ReliabilityFigures = Field(description="The same over all calls of the range.")


class Incident(BaseModel, frozen=True):
    """One call of a model."""

    event_id: str = Field(description="Its id, which is unique within the organisation.")
    org_id: str = Field(description="The organisation.")
    occurred_at: AwareDatetime = Field(description="When it occurred.")
    received_at: AwareDatetime = Field(description="When the collector received it.")
    model_id: str | None = Field(description="The model, if known.")
    actor_id: str | None = Field(description="Who called, if known.")
    input_tokens: int = Field(ge=0, description="Number of tokens sent to the model.")
    output_tokens: int = Field(ge=0, description="Number of tokens the model answered.")
    latency_ms: int = Field(ge=0, description="How long it took, in milliseconds.")
    status: str = Field(description="How it ended.")
    error_code: str | None = Field(description="What went wrong, if known.")
    cost_estimate_cents: float | None = Field(ge=0, description="Cost in cents, with 4 decimals; null without a price.")
    metadata: str | None = Field(description="What else was sent with it: a JSON object as text.")


class IncidentsAnswer(Camel):
    """The calls of an incident."""

    org_id: str = Field(description="The organisation.")
    events: list[Incident] = Field(description="The calls of this page, the newest first.")
    meta: CallsMeta = Field(description="Of which data the answer is.")


class Organisation(Camel):
    """An organisation the token may see."""

    org_id: str = Field(description="Its id.")
    last_event_at: datetime | None = Field(description="When its last event occurred; null without events.")


class OrganisationsAnswer(Camel):
    """The organisations the token may see."""

    orgs: list[Organisation] = Field(description="The organisations, by id.")
    meta: Meta = Field(description="Of which data the answer is.")


class ReadyAnswer(Camel):
    """Whether questions can be answered."""

    status: Literal["ready", "degraded"] = Field(description="`ready` when they can.")
    components: dict[str, str] = Field(description="What that depends on, and how it is.")
    timestamp: AwareDatetime = Field(description="The instant of the answer (UTC).")
