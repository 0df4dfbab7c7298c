"""A question about LLM usage: who asks what about which organisation, of which snapshot, and when."""

from collections import Counter
from collections.abc import AsyncIterator, Callable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Annotated, get_origin

import anyio.to_thread
import polars as pl
from fastapi import Depends, Query, Request, Response
from fastapi.params import Depends as Dependency

from calculations.llm.events import Selection
from calculations.time.buckets import Buckets
from config import ServerSettings
from read_model.freshness import freshness
from read_model.snapshot import Snapshot
from read_model.table import Between
from read_model.tables.llm import LLM, USAGE_EVENTS
from routers.llm.parameters import LlmParameters, NoParameters, OfCalls, SeriesOfCalls
from routers.llm.route import get_organisation
from routers.llm.schemas import CallsMeta
from web.callers import EVERYTHING, Caller, CallerDep
from web.computing import turn_to_compute
from web.conditional import headers_if_changed
from web.dependencies import NowDep, SettingsDep, snapshot_of
from web.errors import InvalidParameterError
from web.questions.answers import Meta
from web.questions.formats import Format, format_of

# Up to this long, what happened in a range is found without reading much.
SHORT = timedelta(days=2)
LlmSnapshotDep = Annotated[Snapshot, Depends(snapshot_of(LLM))]


@dataclass(frozen=True)
class Question[P: LlmParameters]:
    """What is asked; `org_id` is empty where no single organisation is asked about."""

    request: Request
    caller: Caller
    org_id: str
    parameters: P
    snapshot: Snapshot
    settings: ServerSettings
    now: datetime

    @property
    def all_events(self) -> pl.LazyFrame:
        """Events of all organisations."""
        return self.snapshot.scan(USAGE_EVENTS)

    @property
    def organisation(self) -> pl.LazyFrame:
        """All events of the organisation."""
        return self.all_events.filter(pl.col("org_id") == self.org_id)

    def events_of(self, organisations: AbstractSet[str]) -> pl.LazyFrame:
        """Events of some organisations, or of all."""
        if EVERYTHING in organisations:
            return self.all_events
        return self.all_events.filter(pl.col("org_id").is_in(organisations))

    @property
    def meta(self) -> Meta:
        """Of which data the answer is."""
        known = freshness(
            self.snapshot,
            self.now,
            stale_after=timedelta(seconds=self.settings.health_stale_seconds),
            dead_after=timedelta(seconds=self.settings.health_dead_seconds),
        )
        return Meta(
            snapshot=self.snapshot.id,
            data_updated_at=self.snapshot.data_updated_at,
            age_seconds=known.age_seconds or 0,
            freshness=known.status,
            exact=True,
            notices=[],
            total_rows=None,
        )

    @property
    def facts(self) -> dict[str, str]:
        """What `meta` says of the data, as headers for formats that hold rows only."""
        told = self.meta
        return {
            "X-Snapshot": told.snapshot,
            "X-Data-Updated-At": told.data_updated_at.isoformat(),
            "X-Age-Seconds": str(told.age_seconds),
            "X-Freshness": told.freshness,
        }


@dataclass(frozen=True)
class CallsQuestion[P: OfCalls](Question[P]):
    """A question about some of the calls of an organisation."""

    default_format: Format = "json"

    @cached_property
    def selection(self) -> Selection:
        """The selected calls.

        Raises:
            InvalidParameterError: Their range is invalid.
        """
        return self.parameters.selection(self.org_id, self.now)

    @property
    def calls(self) -> pl.LazyFrame:
        """Their rows."""
        period = self.selection.period
        within = Between("occurred_at", period.start, period.end)
        return self.selection.of(self.snapshot.scan(USAGE_EVENTS, within))

    @property
    def format(self) -> Format:
        """What to write the answer in."""
        asked: Format | None = getattr(self.parameters, "format", None)
        return asked or format_of(self.request.headers.get("accept", ""), self.default_format)

    @property
    def meta(self) -> CallsMeta:
        """With the range."""
        period, known_until = self.selection.period, self.snapshot.data_updated_at
        is_open = period.end > known_until
        notices = [f"The range is still open: calls are counted up to {known_until.isoformat()}."] if is_open else []
        whole = super().meta.model_dump() | {"notices": notices}
        return CallsMeta(**whole, start=period.start, end=period.end, timezone=period.zone)

    @cached_property
    def headers(self) -> dict[str, str]:
        """The headers of the answer.

        Raises:
            NotModified: The client has this answer already.
        """
        period = self.selection.period
        facts = [self.snapshot.id, self.org_id, self.request.url.path, str(self.parameters), self.format]
        facts += [period.start.isoformat(), period.end.isoformat(), self.meta.freshness]
        return headers_if_changed(self.request, self.caller, facts, "Accept")


def buckets_of[P: SeriesOfCalls](question: CallsQuestion[P]) -> Buckets:
    """The buckets of a series."""
    return Buckets.of(question.selection.period, question.parameters.granularity)


def asked[P: OfCalls](parameters: type[P], default_format: Format = "json") -> Dependency:
    """A dependency that gives a `CallsQuestion` to a route that computes its answer, when it is its turn."""

    async def ask(
        request: Request,
        response: Response,
        caller: CallerDep,
        org_id: Annotated[str, Depends(get_organisation)],
        snapshot: LlmSnapshotDep,
        settings: SettingsDep,
        now: NowDep,
        values: Annotated[parameters, Query()],  # type: ignore[valid-type] # known by now
    ) -> AsyncIterator[CallsQuestion[P]]:
        _refuse_repeated(request, parameters)
        question = CallsQuestion(request, caller, org_id, values, snapshot, settings, now, default_format)
        headers = await anyio.to_thread.run_sync(lambda: question.headers)
        response.headers.update(headers)
        period = question.selection.period
        is_cheap, is_shared = period.end - period.start <= SHORT, question.format == "json"
        async with turn_to_compute(request, caller, headers, is_cheap=is_cheap, is_shared=is_shared):
            yield question

    return Dependency(ask, scope="function")


def _refuse_repeated(request: Request, parameters: type[LlmParameters]) -> None:
    repeatable = {field.alias for field in parameters.model_fields.values() if get_origin(field.annotation) is list}
    for name, times in Counter(name for name, _ in request.query_params.multi_items()).items():
        if times > 1 and name not in repeatable:
            raise InvalidParameterError(name, f"`{name}` is given {times} times; once is allowed.")


def untagged(organisation: Callable[..., object]) -> Dependency:
    """A dependency that gives a `Question` without parameters, whose answer ages by the second and has no tag."""

    async def ask(
        request: Request,
        caller: CallerDep,
        org_id: Annotated[str, Depends(organisation)],
        snapshot: LlmSnapshotDep,
        settings: SettingsDep,
        now: NowDep,
        values: Annotated[NoParameters, Query()],
    ) -> AsyncIterator[Question[LlmParameters]]:
        question = Question(request, caller, org_id, values, snapshot, settings, now)
        async with turn_to_compute(request, caller, {}, is_cheap=False, is_shared=False):
            yield question

    return Dependency(ask, scope="function")
