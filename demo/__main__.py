"""`make demo`: the server over made-up samples of every subject, without any database server."""

from util.allocator import keep_freed_memory

keep_freed_memory()  # Polars reads it when it is loaded.

import errno
import logging
import os
import re
import socket
import sys
from collections.abc import Mapping
from pathlib import Path

import uvicorn
from pydantic import SecretStr

from config import ServerSettings
from demo.collecting import collect_recent_calls
from demo.publishing import recent_sample
from demo.repositories import publish_repositories
from demo.sample_rhythm import FIRST_DAY
from server import create_app
from util.clock import utc_now
from util.errors import EXIT_OK, EXIT_UNAVAILABLE, AnalyticsError, ConfigurationError

DATA_DIR = Path("data") / "demo"
HOST = "127.0.0.1"
PORT = "5100"
LAST_PORT = 65535
TOKEN = "free-planning-poker-demo"  # noqa: S105 - it guards made-up data on this machine only

TEXT = """
FPP Analytics serves a made-up sample of {rows:,} rows.

  address    {url}
  dashboard  {url}/dashboard
  token      {token}

Try:
  curl {url}/health
  curl -H "Authorization: Bearer {token}" {url}/
  curl -H "Authorization: Bearer {token}" "{url}/v1/traffic?date_range=30d&compare=previous_period"
  curl -H "Authorization: Bearer {token}" {url}/analytics/v1/orgs
  curl -H "Authorization: Bearer {token}" {url}/analytics/codebases

Stop it with Ctrl-C.
"""


class PortTakenError(AnalyticsError):
    """The port can't be used."""

    exit_code = EXIT_UNAVAILABLE

    def __init__(self, port: int, reason: str) -> None:
        super().__init__(f"Port {port} {reason}: stop what uses it, or choose another with `make demo PORT=5101`")


def main(environment: Mapping[str, str] = os.environ) -> int:
    """Serve the sample until interrupted; returns the exit code."""
    try:
        serve(listen(chosen_port(environment)))
    except AnalyticsError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    except KeyboardInterrupt:
        print("Stopped.")  # noqa: T201 - a command
    return EXIT_OK


def chosen_port(environment: Mapping[str, str]) -> int:
    """The port of the environment, or the usual one.

    Raises:
        ConfigurationError: It is not a port.
    """
    text = environment.get("PORT") or PORT
    if not re.fullmatch(r"[0-9]{1,5}", text) or not 1 <= int(text) <= LAST_PORT:
        raise ConfigurationError(
            f"PORT is wrong: it should be a number from 1 to {LAST_PORT}, as in `make demo PORT=5101`"
        )
    return int(text)


def listen(port: int) -> socket.socket:
    """A socket bound to the port, so that a taken one is noticed before any work.

    Raises:
        PortTakenError: Another program listens there, or this one may not.
    """
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
    except OSError as error:
        listener.close()
        reason = "is taken" if error.errno == errno.EADDRINUSE else f"can't be used ({error.strerror})"
        raise PortTakenError(port, reason) from error
    return listener


def serve(listener: socket.socket) -> None:
    """Make the sample if need be, say how to use it, and serve it until interrupted."""
    with listener:
        now = utc_now()
        manifest = recent_sample(DATA_DIR, now)
        collect_recent_calls(DATA_DIR, now)
        publish_repositories(DATA_DIR, now)
        rows = sum(table.rows for table in manifest.tables.values())
        url = f"http://{HOST}:{listener.getsockname()[1]}"
        print(TEXT.format(rows=rows, url=url, token=TOKEN), flush=True)  # noqa: T201 - a command
        # Keep out the settings of a real deployment: no mail about made-up figures, no error reports from a demo.
        settings = ServerSettings(
            analytics_secret_token=SecretStr(TOKEN),
            data_dir=DATA_DIR,
            start_date=FIRST_DAY.date(),
            bea_base_url=None,
            fpp_analytics_sentry_dsn=None,
        )
        uvicorn.Server(uvicorn.Config(create_app(settings), log_level=logging.WARNING)).run(sockets=[listener])


if __name__ == "__main__":
    sys.exit(main())
