"""Conditional requests: a client that already has the answer is told so before any work is done."""

import hashlib
import re
from collections.abc import Iterable

from fastapi import Request, Response, status

from util.version import VERSION
from web.callers import Caller
from web.errors import Responses

CACHING = {"Cache-Control": "private, no-cache"}
# Answers with a body get it from the compression.
COMPRESSED = "Accept-Encoding"
UNCHANGED: Responses = {
    304: {
        "description": "The client has this answer already: `If-None-Match` names its `ETag`.",
        "headers": {"ETag": {"description": "The answer's tag.", "required": True, "schema": {"type": "string"}}},
    }
}
_TAGS = re.compile(r'(?:W/)?("[^"]*")')


class NotModified(Exception):  # noqa: N818 - not an error
    """The client has this answer already."""

    def __init__(self, headers: dict[str, str]) -> None:
        super().__init__()
        self.headers = headers


def headers_if_changed(request: Request, caller: Caller, facts: Iterable[str], *varying: str) -> dict[str, str]:
    """The headers of an answer that is determined by `facts`, the program's version and the caller's rights.

    Requests with the same tag share one answer, so callers with different rights must get different tags. `varying`
    are the request headers that determined some of the facts.

    Raises:
        NotModified: The client's `If-None-Match` names its tag, or is `*`.
    """
    tag = f'"{hashlib.sha256("\n".join([*facts, VERSION, caller.rights]).encode()).hexdigest()[:32]}"'
    headers = {"ETag": f"W/{tag}", **CACHING, **_vary(*varying)}
    known = ", ".join(request.headers.getlist("if-none-match")).strip()
    if known == "*" or tag in _TAGS.findall(known):
        raise NotModified(headers | _vary(*varying, COMPRESSED))
    return headers


def _vary(*names: str) -> dict[str, str]:
    return {"Vary": ", ".join(names)} if names else {}


async def answer_not_modified(_: Request, unchanged: Exception) -> Response:
    """304, without a body."""
    headers = unchanged.headers if isinstance(unchanged, NotModified) else None
    return Response(status_code=status.HTTP_304_NOT_MODIFIED, headers=headers)
