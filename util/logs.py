"""Logging: one line per event on standard error, instants in UTC."""

import logging
import time


def configure_logging(level: str) -> None:
    """Send every log record of this process to standard error."""
    formatter = logging.Formatter("%(asctime)sZ %(levelname)s %(name)s: %(message)s", "%Y-%m-%dT%H:%M:%S")
    formatter.converter = time.gmtime
    handler = logging.StreamHandler()
    handler.setFormatter(formatter)
    logging.basicConfig(level=level, handlers=[handler], force=True)
    # httpx logs whole URLs at INFO; the heartbeat's carries a token.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    # Alembic logs the database at every access.
    logging.getLogger("alembic.runtime.migration").setLevel(logging.WARNING)
    logging.getLogger("uvicorn.access").addFilter(_without_query)


def _without_query(record: logging.LogRecord) -> bool:
    """Remove the query, which may name people, from the record of a request; keep every record."""
    match record.args:
        case (client, method, str(path), *further):
            record.args = (client, method, path.partition("?")[0], *further)
    return True
