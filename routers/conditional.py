"""Conditional requests: a client that already has the answer is told so before any work."""

import hashlib
import re

from fastapi import Request, Response, status

from routers.dependencies import PeriodDep, SnapshotDep
from util.version import VERSION

CACHING = {"Cache-Control": "private, no-cache"}
# The compression says it of answers with a body.
VARYING = {"Vary": "Accept-Encoding"}
_TAGS = re.compile(r'(?:W/)?("[^"]*")')


class NotModified(Exception):  # noqa: N818 - not an error
    """The client has this answer already."""

    def __init__(self, headers: dict[str, str]) -> None:
        super().__init__()
        self.headers = headers


async def answer_if_changed(request: Request, response: Response, snapshot: SnapshotDep, period: PeriodDep) -> None:
    """Tag the answer by snapshot, query and version; weakly, since it is the same tag however the answer is compressed.

    Raises:
        NotModified: The client's `If-None-Match` names that tag, or is `*`.
    """
    query = f"{request.url.path}?{request.url.query}"
    facts = "\n".join([snapshot.id, query, period.first.isoformat(), period.last.isoformat(), VERSION])
    tag = f'"{hashlib.sha256(facts.encode()).hexdigest()[:32]}"'
    headers = {"ETag": f"W/{tag}", **CACHING}
    known = ", ".join(request.headers.getlist("if-none-match")).strip()
    if known == "*" or tag in _TAGS.findall(known):
        raise NotModified(headers | VARYING)
    response.headers.update(headers)


async def answer_not_modified(_: Request, unchanged: Exception) -> Response:
    """304, without a body."""
    headers = unchanged.headers if isinstance(unchanged, NotModified) else None
    return Response(status_code=status.HTTP_304_NOT_MODIFIED, headers=headers)
