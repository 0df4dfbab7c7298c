"""Metrics for Prometheus, which are open unless METRICS_TOKEN is set."""

import hmac

import anyio.to_thread
from fastapi import Request, Response
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from web.callers import UnauthorizedError


async def may_scrape(request: Request) -> None:
    """Require METRICS_TOKEN if it is set.

    Raises:
        UnauthorizedError: The request does not have it.
    """
    token = request.app.state.settings.metrics_token
    if token is None:
        return
    wanted = f"Bearer {token.get_secret_value()}".encode()
    given = [value for name, value in request.headers.raw if name == b"authorization"]
    if len(given) != 1 or not hmac.compare_digest(given[0], wanted):
        raise UnauthorizedError


async def exposed(registry: CollectorRegistry) -> Response:
    """The metrics of a registry, collected outside the event loop."""
    text = await anyio.to_thread.run_sync(generate_latest, registry)
    return Response(text, media_type=CONTENT_TYPE_LATEST)
