"""The collector's state: /health for load balancers and people, /metrics for Prometheus."""

from collections.abc import Iterator
from typing import Literal

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, Metric
from prometheus_client.registry import Collector
from pydantic import BaseModel, Field
from sqlalchemy import Engine, select
from starlette.concurrency import run_in_threadpool

from intake.database import DatabaseError, explained, reading
from intake.llm.intake import IntakeDep
from intake.migrating import require_head
from intake.tables import INTAKE_TOTALS
from util.errors import AnalyticsError
from util.version import VERSION
from web.errors import REFUSED, UNAVAILABLE
from web.metrics import exposed, may_scrape

router = APIRouter()


class Health(BaseModel, frozen=True):
    """Whether the collector can accept events."""

    status: Literal["ok", "failed"] = Field(description="`failed` when events would be refused.")
    database: str = Field(description="`ok`, or what is wrong with the database.")
    writer: Literal["ok", "ended"] = Field(description="Whether the thread that commits is running.")
    version: str = Field(description="Version of this program.")


class Totals(Collector):
    """The events from all sources, as counted in the database: exact across restarts and processes."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def collect(self) -> Iterator[Metric]:
        """The counters.

        Raises:
            DatabaseError: The database failed.
        """
        events = CounterMetricFamily(
            "analytics_ingestion_events", "Events by source and result.", labels=["source", "result"]
        )
        conflicts = CounterMetricFamily(
            "analytics_ingestion_dedupe_conflicts", "Events that were stored already, from any source."
        )
        with explained(self._engine.url), reading(self._engine) as connection:
            counts = connection.execute(select(INTAKE_TOTALS)).all()
        for source, result, count in sorted(counts):
            events.add_metric([source, result], count)
        conflicts.add_metric([], sum(count for _, result, count in counts if result == "duplicate"))
        yield events
        yield conflicts

    def describe(self) -> list[Metric]:
        """Nothing: registering must not query the database."""
        return []


@router.get("/health", responses={503: {"model": Health, "description": "Events would be refused."}})
async def get_health(request: Request, intake: IntakeDep) -> JSONResponse:
    """Whether the collector can accept events. Needs no token and reveals nothing about them."""
    database = await run_in_threadpool(_database_state, request.app.state.engine)
    writer: Literal["ok", "ended"] = "ok" if intake.writer.is_alive else "ended"
    is_well = database == writer == "ok"
    health = Health(status="ok" if is_well else "failed", database=database, writer=writer, version=VERSION)
    return JSONResponse(health.model_dump(), 200 if is_well else 503)


def _database_state(engine: Engine) -> str:
    try:
        require_head(engine)
    except DatabaseError:
        return "the database does not answer"
    except AnalyticsError:
        return "the database is not at the revision this version needs"
    return "ok"


@router.get(
    "/metrics",
    response_class=PlainTextResponse,
    responses={**REFUSED, **UNAVAILABLE},
    dependencies=[Depends(may_scrape)],
)
async def get_metrics(request: Request) -> Response:
    """Metrics for Prometheus. Needs a token only if METRICS_TOKEN is set."""
    registry: CollectorRegistry = request.app.state.registry
    return await exposed(registry)
