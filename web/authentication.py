"""Who may ask: every data request carries the secret token."""

import hmac
from collections.abc import Iterable, Mapping
from typing import ClassVar

from fastapi import Request, Security
from fastapi.security import APIKeyHeader

from util.errors import AnalyticsError
from web.dependencies import SettingsDep

SCHEME = b"bearer "

_described = APIKeyHeader(
    name="Authorization",
    scheme_name="token",
    description="`Authorization: <token>` or `Authorization: Bearer <token>`.",
    auto_error=False,
)


class UnauthorizedError(AnalyticsError):
    """The token is missing or wrong."""

    status = 401
    headers: ClassVar[Mapping[str, str]] = {"WWW-Authenticate": "Bearer"}

    def __init__(self) -> None:
        super().__init__("Missing or wrong token: send `Authorization: Bearer <ANALYTICS_SECRET_TOKEN>`")


async def require_token(request: Request, settings: SettingsDep, _: str | None = Security(_described)) -> None:
    """Let a request pass that has exactly one Authorization header with an accepted token, bare or as Bearer.

    Raises:
        UnauthorizedError: Anything else.
    """
    values = [value for name, value in request.headers.raw if name == b"authorization"]
    if len(values) != 1 or not _is_accepted(_credentials(values[0]), settings.tokens):
        raise UnauthorizedError


def _is_accepted(given: bytes, tokens: Iterable[bytes]) -> bool:
    # Compared with all of them, so that the time it takes says nothing of which one it was.
    return any([hmac.compare_digest(given, token) for token in tokens])  # noqa: C419 - `any` of a generator stops early


def _credentials(value: bytes) -> bytes:
    return value[len(SCHEME) :].strip() if value[: len(SCHEME)].lower() == SCHEME else value
