"""How the app finds the uvicorn server it runs in, and sets its limits, however it was started."""

import asyncio
import logging
import os
import signal
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from ipaddress import ip_address

import uvicorn

from web.serving.connections import SWEEP_S, Connections, Limits
from web.serving.protocol import GuardedProtocol

logger = logging.getLogger(__name__)

# After the grace period for clients, uvicorn gets this long to cancel tasks, and the process to report its errors.
LAST_STEPS_S = 1.0


def serving_uvicorn() -> uvicorn.Server | None:
    """The uvicorn server of this process, found by its signal handler; None before the start and on other servers."""
    server = getattr(signal.getsignal(signal.SIGTERM), "__self__", None)
    return server if isinstance(server, uvicorn.Server) else None


def is_reachable_from_outside() -> bool:
    """Whether other machines may reach this process's uvicorn, judging by its configuration."""
    server = serving_uvicorn()
    if server is None or server.config.uds is not None:
        return False
    return server.config.fd is not None or not is_loopback(server.config.host)


def is_loopback(host: str) -> bool:
    """Whether an address to listen on can be reached from this machine only."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@asynccontextmanager
async def guarded(limits: Limits) -> AsyncIterator[None]:
    """Apply limits to the clients of this process's uvicorn; enter before it accepts the first one."""
    server = serving_uvicorn()
    if server is None:
        logger.warning("The app is not served by uvicorn: its limits on clients do not apply")
        yield
        return
    config = server.config
    connections = Connections(limits, config.timeout_keep_alive)
    # uvicorn creates each connection's protocol with it; `--http` chose another one before the app was loaded.
    config.http_protocol_class = partial(GuardedProtocol, connections)  # type: ignore[assignment]
    if config.timeout_graceful_shutdown is None:
        config.timeout_graceful_shutdown = limits.shutdown_s  # type: ignore[assignment]  # any number will do
    watches = [asyncio.create_task(connections.sweep()), asyncio.create_task(_end_in_time(server))]
    try:
        yield
    finally:
        for watch in watches:
            watch.cancel()
            with suppress(asyncio.CancelledError):
                await watch


async def _end_in_time(server: uvicorn.Server) -> None:
    """Once the server is told to stop, or stops, make sure that its process ends, even if a thread or report hangs."""
    try:
        while not server.should_exit:
            await asyncio.sleep(SWEEP_S)
    finally:
        watchdog = threading.Timer((server.config.timeout_graceful_shutdown or 0) + LAST_STEPS_S, _end)
        watchdog.daemon = True
        watchdog.start()


def _end() -> None:
    logger.error("The shutdown took too long and the process was terminated: see GRACEFUL_SHUTDOWN_SECONDS")
    os._exit(128 + signal.SIGTERM)
