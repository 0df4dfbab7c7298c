"""What every error is: problem details, with the id of the request."""

from http.client import responses as phrases
from typing import Any

import httpx
import httpx2

FIELDS = {"type", "title", "status", "detail", "instance", "request_id"}


def problem(answer: httpx.Response | httpx2.Response, status: int) -> dict[str, Any]:
    """The problem in an answer with this status, after checking what all problems have in common."""
    body: dict[str, Any] = answer.json()
    assert answer.status_code == status, body
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert body.keys() == FIELDS | ({"errors"} if status == 422 else set())
    assert (body["type"], body["title"], body["status"]) == ("about:blank", phrases[status], status)
    assert body["request_id"] == answer.headers["X-Request-ID"]
    assert isinstance(body["detail"], str)
    assert body["detail"]
    return body
