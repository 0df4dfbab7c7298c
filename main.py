"""The read-only server: `uvicorn main:app`, or `python main.py`."""

import logging
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import TYPE_CHECKING

import uvicorn
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette_compress import CompressMiddleware, add_compress_type

import util.allocator  # noqa: F401 - before Polars is loaded
from config import ServerSettings
from read_model.integrity import FileChecks
from read_model.snapshot import published_files
from read_model.tables.fpp import FPP
from read_model.tables.repositories import REPOSITORIES
from routers import dashboard, health, repositories, room, v1
from util.clock import utc_now
from util.error_reporting import flush, start_error_reporting
from util.errors import AnalyticsError, ConfigurationError
from util.logs import configure_logging
from util.version import VERSION
from web import docs
from web.conditional import NotModified, answer_not_modified
from web.errors import CrashGuard, answer_expected, answer_http_error
from web.file_access import FileAccess
from web.limits import Lanes
from web.openapi import Api
from web.request_id import RequestId
from web.request_size import RequestSize
from web.security_headers import SecurityHeaders
from web.server_timing import ServerTiming
from web.shared_work import AnsweredByAnother, SharedWork, answer_shared
from web.tokens import Tokens
from web.validation import answer_invalid

if TYPE_CHECKING:
    app: FastAPI

logger = logging.getLogger(__name__)

READ_MODELS = (FPP, REPOSITORIES)


def create_app(settings: ServerSettings, clock: Callable[[], datetime] = utc_now) -> FastAPI:
    """The server over the read model in `settings.data_dir`; `clock` tells the instant of each request."""
    app = Api(
        title="FPP Analytics",
        version=VERSION,
        description="Figures of Free Planning Poker, computed on demand from the current snapshot of the read model.",
        lifespan=_lifespan,
        docs_url=None,
        redoc_url=None,
    )
    app.state.settings = settings
    app.state.clock = clock
    app.state.callers = Tokens(settings.tokens, settings.tokens_file)
    app.state.file_access = FileAccess()
    app.state.file_checks = FileChecks()
    app.state.lanes = Lanes.of(settings.max_concurrent_queries, settings.query_queue_seconds)
    app.state.shared_work = SharedWork(settings.query_queue_seconds)
    # The last one added is the outermost: every answer has an id, that to a crash included.
    add_compress_type("text/csv")
    add_compress_type("application/x-ndjson")
    # The fastest levels: 280 kB become 38 to 54 kB in about a millisecond. Brotli's own fastest, 0 and 1, would make a
    # stream of short pieces longer.
    app.add_middleware(CompressMiddleware, zstd_level=1, brotli_quality=2, gzip_level=1)
    app.add_middleware(RequestSize)
    app.add_middleware(CrashGuard)
    app.add_middleware(SecurityHeaders)
    app.add_middleware(ServerTiming)
    app.add_middleware(RequestId)
    app.add_exception_handler(AnalyticsError, answer_expected)
    app.add_exception_handler(HTTPException, answer_http_error)
    app.add_exception_handler(RequestValidationError, answer_invalid)
    app.add_exception_handler(NotModified, answer_not_modified)
    app.add_exception_handler(AnsweredByAnother, answer_shared)
    for router, tag in (
        (v1.router, "API"),
        (dashboard.router, "dashboard"),
        (room.router, "dashboard"),
        (repositories.router, "repositories"),
        (health.router, "health"),
    ):
        app.include_router(router, tags=[tag])
    app.include_router(docs.router)
    app.mount(docs.PARTS_PATH, docs.Parts())
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    settings: ServerSettings = app.state.settings
    configure_logging(settings.log_level)
    start_error_reporting(settings, VERSION)
    if bool(settings.bea_base_url) != bool(settings.bea_secret_key):
        logger.warning("The daily mail is off: it needs both BEA_BASE_URL and BEA_SECRET_KEY")
    checks: FileChecks = app.state.file_checks
    with checks.watching(lambda: published_files(settings.data_dir, READ_MODELS)):
        yield
    flush()


def __getattr__(name: str) -> FastAPI:
    """Make `app` when a server asks for it, so that importing this module needs no settings."""
    if name != "app":
        raise AttributeError(f"module 'main' has no attribute {name!r}")
    return configured_app()


def configured_app() -> FastAPI:
    """The server by its settings; ends the process with one line when one is missing or wrong."""
    try:
        return create_app(ServerSettings.load())
    except ConfigurationError as error:
        sys.stderr.write(f"{error}\n")
        raise SystemExit(error.exit_code) from None


def main() -> None:
    """Serve on HOST and PORT."""
    server = configured_app()
    settings: ServerSettings = server.state.settings
    uvicorn.run(server, host=settings.host, port=settings.port, server_header=False)


if __name__ == "__main__":
    main()
