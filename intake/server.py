"""Assembles the collector's server: `create_app` from given settings, `configured_app` from those of the process."""

import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from prometheus_client import CollectorRegistry, Histogram
from sqlalchemy import Engine
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from config import CollectorSettings
from intake import operations
from intake.backlog import Backlog
from intake.database import configured_url, open_engine
from intake.llm import gateways, routes
from intake.llm.intake import Intake
from intake.llm.prices import prices
from intake.llm.storing import store
from intake.migrating import require_head
from intake.operations import Totals
from intake.writer import Writer
from util.clock import utc_now
from util.error_reporting import flush, start_error_reporting
from util.errors import AnalyticsError, ConfigurationError
from util.logs import configure_logging
from util.version import VERSION
from web.docs import add_docs
from web.errors import CrashGuard, answer_expected, answer_http_error
from web.jwt_callers import with_jwt
from web.openapi import Api
from web.request_id import RequestId
from web.security_headers import SecurityHeaders
from web.server_timing import ServerTiming
from web.serving.connections import Limits
from web.serving.server import guarded
from web.tokens import Tokens
from web.validation import answer_invalid

CLIENTS = Limits(connections=1000, request_s=30, write_s=10, shutdown_s=30)


def create_app(settings: CollectorSettings, clock: Callable[[], datetime] = utc_now) -> FastAPI:
    """The collector with the database in `settings`; `clock` gives the time of each request.

    Raises:
        AnalyticsError: A setting is wrong, or the database is not ready.
    """
    if settings.tokens_file is None and settings.jwt_jwks is None:
        raise ConfigurationError("TOKENS_FILE is missing: make a token with `uv run python collector.py token new`")
    engine = open_engine(configured_url(settings))
    require_head(engine)
    app = Api(
        examples={"answers": {}, "problems": {}},
        title="FPP Analytics collector",
        version=VERSION,
        description="Accepts events; what it acknowledges is on disk.",
        lifespan=_lifespan,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
    )
    app.state.settings = settings
    app.state.engine = engine
    app.state.callers = with_jwt(Tokens(path=settings.tokens_file), settings)
    app.state.registry = CollectorRegistry()
    app.state.registry.register(Totals(engine))
    app.state.llm = _llm_intake(settings, engine, app.state.registry, clock)
    # The last one added is the outermost: every answer has an id, even that to a crash.
    app.add_middleware(CrashGuard)
    app.add_middleware(SecurityHeaders)
    app.add_middleware(ServerTiming)
    app.add_middleware(RequestId)
    app.add_exception_handler(AnalyticsError, answer_expected)
    app.add_exception_handler(HTTPException, answer_http_error)
    app.add_exception_handler(RequestValidationError, answer_invalid)
    app.include_router(routes.router, tags=["LLM usage"])
    app.include_router(gateways.router, tags=["LLM usage"])
    app.include_router(operations.router, tags=["operations"])
    add_docs(app)
    return app


def _llm_intake(
    settings: CollectorSettings, engine: Engine, registry: CollectorRegistry, clock: Callable[[], datetime]
) -> Intake:
    seconds = Histogram(
        "analytics_ingestion_batch_seconds", "Time from receiving a batch to its commit.", registry=registry
    )
    return Intake(
        writer=Writer(engine, store),
        backlog=Backlog(settings.intake_bytes),
        price_of=prices(settings.llm_prices),
        clock=clock,
        batch_seconds=seconds,
        longest_wait_s=settings.intake_seconds,
    )


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    settings: CollectorSettings = app.state.settings
    intake: Intake = app.state.llm
    configure_logging(settings.log_level)
    start_error_reporting(settings.fpp_analytics_sentry_dsn, settings.sentry_environment, VERSION)
    intake.writer.start()
    async with guarded(CLIENTS):
        yield
        await run_in_threadpool(intake.writer.stop)
    flush()


def configured_app() -> FastAPI:
    """The collector as configured; ends the process with one line if it can't work."""
    try:
        return create_app(CollectorSettings.load())
    except AnalyticsError as error:
        sys.stderr.write(f"{error}\n")
        raise SystemExit(error.exit_code) from None
