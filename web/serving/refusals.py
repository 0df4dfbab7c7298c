"""Answers to requests that never reach the app because their heads are too large, too slow or malformed."""

import secrets
from collections.abc import Mapping
from http import HTTPStatus

from web.errors import PROBLEM_JSON, Problem
from web.request_id import HEADER as REQUEST_ID
from web.security_headers import DEFAULTS


class RefusedError(Exception):
    """A request is refused before the app sees it."""

    def __init__(self, status: HTTPStatus, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = dict(headers or {})

    def answer(self) -> bytes:
        """The bytes of the answer, after which the connection ends."""
        request_id = secrets.token_hex(16)
        problem = Problem(
            title=self.status.phrase, status=self.status, detail=self.detail, instance="", request_id=request_id
        )
        body = problem.model_dump_json(exclude={"errors"}).encode()
        own = {"Content-Type": PROBLEM_JSON, "Content-Length": str(len(body)), REQUEST_ID: request_id}
        headers = own | self.headers | DEFAULTS | {"Connection": "close"}
        lines = [
            f"HTTP/1.1 {self.status.value} {self.status.phrase}",
            *(f"{name}: {headers[name]}" for name in headers),
        ]
        return "\r\n".join([*lines, "", ""]).encode() + body
