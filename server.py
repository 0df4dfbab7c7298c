"""Assembles the read-only server: `create_app` from given settings, `configured_app` from those of the process."""

import gc
import logging
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware

from config import GuessableTokenError, ServerSettings
from read_model.integrity import FileChecks
from read_model.snapshot import published_files
from read_model.tables.fpp import FPP
from read_model.tables.llm import LLM
from read_model.tables.repositories import REPOSITORIES
from routers import dashboard, health, llm, me, metrics, repositories, room, v1
from routers.dashboard_page import add_dashboard
from routers.examples import EXAMPLES
from util.clock import utc_now
from util.error_reporting import flush, start_error_reporting
from util.errors import AnalyticsError, ConfigurationError
from util.logs import configure_logging
from util.version import VERSION
from web.conditional import NotModified, answer_not_modified
from web.cors import cors_options
from web.delivery import AnswersUnderWay, Delivery
from web.docs import add_docs
from web.errors import CrashGuard, answer_expected, answer_http_error
from web.file_access import FileAccess
from web.head import Head
from web.limits import Lanes
from web.openapi import Api
from web.questions.notations import time_zones
from web.request_id import RequestId
from web.request_size import RequestSize
from web.security_headers import SecurityHeaders
from web.server_timing import ServerTiming
from web.serving.connections import Limits
from web.serving.server import guarded, is_reachable_from_outside
from web.shared_work import AnsweredByAnother, SharedWork, answer_shared
from web.tokens import Tokens
from web.validation import answer_invalid

logger = logging.getLogger(__name__)

BYTES_PER_MB = 1_000_000
READ_MODELS = (FPP, LLM, REPOSITORIES)


def create_app(settings: ServerSettings, clock: Callable[[], datetime] = utc_now) -> FastAPI:
    """The server of the read models in `settings.data_dir`; `clock` gives the time of each request."""
    app = Api(
        examples=EXAMPLES,
        title="FPP Analytics",
        version=VERSION,
        description="Figures of Free Planning Poker, computed on demand from the current snapshot of the read model.",
        lifespan=_lifespan,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
    )
    app.state.settings = settings
    app.state.clock = clock
    app.state.read_models = READ_MODELS
    app.state.callers = Tokens(settings.tokens, settings.tokens_file)
    app.state.file_access = FileAccess()
    app.state.file_checks = FileChecks()
    app.state.lanes = Lanes.of(settings.max_concurrent_queries, settings.query_queue_seconds)
    app.state.shared_work = SharedWork(settings.query_queue_seconds)
    # The last one added is the outermost: every answer has an id, even that to a crash.
    app.add_middleware(Delivery, under_way=AnswersUnderWay(settings.answer_budget_mb * BYTES_PER_MB))
    app.add_middleware(RequestSize)
    app.add_middleware(CrashGuard)
    app.add_middleware(SecurityHeaders)
    app.add_middleware(ServerTiming)
    app.add_middleware(Head)
    if settings.origins:
        app.add_middleware(CORSMiddleware, **cors_options(settings.origins))
    app.add_middleware(RequestId)
    app.add_exception_handler(AnalyticsError, answer_expected)
    app.add_exception_handler(HTTPException, answer_http_error)
    app.add_exception_handler(RequestValidationError, answer_invalid)
    app.add_exception_handler(NotModified, answer_not_modified)
    app.add_exception_handler(AnsweredByAnother, answer_shared)
    for router, tag in (
        (v1.router, "API"),
        (me.router, "API"),
        (dashboard.router, "dashboard"),
        (room.router, "dashboard"),
        (llm.router, "LLM usage"),
        (repositories.router, "repositories"),
        (health.router, "health"),
        (metrics.router, "metrics"),
    ):
        app.include_router(router, tags=[tag])
    add_dashboard(app)
    if settings.docs:
        add_docs(app)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    settings: ServerSettings = app.state.settings
    configure_logging(settings.log_level)
    start_error_reporting(settings.fpp_analytics_sentry_dsn, settings.sentry_environment, VERSION)
    if bool(settings.bea_base_url) != bool(settings.bea_secret_key):
        logger.warning("The daily mail is off: it needs both BEA_BASE_URL and BEA_SECRET_KEY")
    if settings.has_guessable_token:
        _refuse_guessable_token()
        logger.warning("A token of ANALYTICS_SECRET_TOKEN can be guessed: make one with `openssl rand -hex 32`")
    # These take a while, and no request should have to wait for them.
    time_zones()
    if settings.docs:
        app.openapi()
    # Objects created so far stay: scanning them for garbage would delay all requests by a tenth of a second.
    gc.collect()
    gc.freeze()
    checks: FileChecks = app.state.file_checks
    with checks.watching(lambda: published_files(settings.data_dir, READ_MODELS)):
        async with guarded(_limits(settings)):
            yield
    flush()


def _refuse_guessable_token() -> None:
    """End the process with one line if other machines can reach the server; only now is its address known."""
    if is_reachable_from_outside():
        error = GuessableTokenError()
        sys.stderr.write(f"{error}\n")
        sys.stderr.flush()
        # uvicorn would log a traceback, and end with a code of its own.
        os._exit(error.exit_code)


def _limits(settings: ServerSettings) -> Limits:
    return Limits(
        connections=settings.max_connections,
        request_s=settings.request_timeout_seconds,
        write_s=settings.write_timeout_seconds,
        shutdown_s=settings.graceful_shutdown_seconds,
    )


def configured_app() -> FastAPI:
    """The server as configured; ends the process with one line if a setting is missing or wrong."""
    try:
        return create_app(ServerSettings.load())
    except ConfigurationError as error:
        sys.stderr.write(f"{error}\n")
        raise SystemExit(error.exit_code) from None
