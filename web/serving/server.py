"""How the app finds the uvicorn that serves it, and gives it limits that hold however it was started."""

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

# After the grace for clients, uvicorn gets this long to end what it cancels, and the process to report its errors.
LAST_STEPS_S = 1.0


def serving_uvicorn() -> uvicorn.Server | None:
    """The uvicorn of this process, known by its signal handler; None while there is none, and under other servers."""
    server = getattr(signal.getsignal(signal.SIGTERM), "__self__", None)
    return server if isinstance(server, uvicorn.Server) else None


def is_reachable_from_outside() -> bool:
    """Whether other machines may reach this process's uvicorn, as far as its configuration tells."""
    server = serving_uvicorn()
    if server is None or server.config.uds is not None:
        return False
    return server.config.fd is not None or not is_loopback(server.config.host)


def is_loopback(host: str) -> bool:
    """Whether an address to listen on is of this machine alone."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@asynccontextmanager
async def guarded(limits: Limits) -> AsyncIterator[None]:
    """Hold the clients of this process's uvicorn to limits; enter before it accepts the first one."""
    server = serving_uvicorn()
    if server is None:
        logger.warning("The app is not served by uvicorn: its limits on clients do not apply")
        yield
        return
    config = server.config
    connections = Connections(limits, config.timeout_keep_alive)
    # uvicorn makes each connection's protocol with it; `--http` has chosen another one before the app was loaded.
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
    """Once the server is told to end, or ends, see that its process does, whatever a thread or a report waits for."""
    try:
        while not server.should_exit:
            await asyncio.sleep(SWEEP_S)
    finally:
        watchdog = threading.Timer((server.config.timeout_graceful_shutdown or 0) + LAST_STEPS_S, _end)
        watchdog.daemon = True
        watchdog.start()


def _end() -> None:
    logger.error("The shutdown took too long and the process was ended: see GRACEFUL_SHUTDOWN_SECONDS")
    os._exit(128 + signal.SIGTERM)
