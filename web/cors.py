"""Which other origins' web pages may read the answers: none unless listed."""

from collections.abc import Sequence
from typing import Any

METHODS = ("GET", "HEAD", "POST")
REQUEST_HEADERS = ("Accept", "Authorization", "Content-Type", "If-None-Match", "X-Request-ID")
ANSWER_HEADERS = ("ETag", "X-Request-ID", "X-Snapshot", "X-Total-Rows")
PREFLIGHT_S = 600


def cors_options(origins: Sequence[str]) -> dict[str, Any]:
    """The options of Starlette's middleware for exact origins."""
    return {
        "allow_origins": origins,
        "allow_methods": METHODS,
        "allow_headers": REQUEST_HEADERS,
        "expose_headers": ANSWER_HEADERS,
        "max_age": PREFLIGHT_S,
    }
