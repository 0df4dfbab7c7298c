"""Callers with a JWT, signed with RS256 by a key of a JWKS, from the right issuer and for the right audience.

Claims: `sub` is the caller's name, `scope` (separated by spaces) or `scopes` (a list) the scopes, `orgs` and
`codebases` (lists) the organisations and codebases the caller may see; `*` means all. Without `orgs` the caller sees
no organisation.
"""

import logging
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import anyio.to_thread
import httpx
import jwt

from config import JwtSettings
from util.errors import ConfigurationError
from web.callers import ALL, Caller, Callers

logger = logging.getLogger(__name__)

ALGORITHM = "RS256"
REQUIRED = ["exp", "iss", "aud", "sub"]
LEEWAY_S = 30
KEYS_LAST_S = 300
# An unknown key may be a new one, but strangers must not make us fetch the keys on every request.
SECONDS_BETWEEN_LOOKS = 10
FETCH_TIMEOUT_S = 5
DOTS = 2


class KeysError(ConfigurationError):
    """The signing keys can't be fetched or read."""

    def __init__(self, where: str, reason: str) -> None:
        super().__init__(f"JWT_JWKS is wrong: {where}: {reason}")


class Keys:
    """The keys of a JWKS by id, refreshed every `KEYS_LAST_S` seconds and when a token names an unknown one.

    Raises:
        KeysError: A file is missing or wrong at startup; a URL may be unreachable for a while.
    """

    def __init__(self, where: str) -> None:
        self._where = where
        self._is_address = "://" in where
        self._keys: dict[str | None, Any] = {}
        self._read_at = -float("inf")
        if not self._is_address:
            self._read()

    async def key(self, key_id: str | None) -> Any:
        """The key with an id; None when it is unknown."""
        age = time.monotonic() - self._read_at
        if age > KEYS_LAST_S or (key_id not in self._keys and age > SECONDS_BETWEEN_LOOKS):
            await anyio.to_thread.run_sync(self._read_again)
        return self._keys.get(key_id)

    def _read_again(self) -> None:
        try:
            self._read()
        except KeysError as error:
            logger.error("%s. The previous keys remain valid", error)

    def _read(self) -> None:
        self._read_at = time.monotonic()
        try:
            found = jwt.PyJWKSet.from_json(self._text())
        except (OSError, httpx.HTTPError, httpx.InvalidURL, jwt.PyJWTError, ValueError, AttributeError) as error:
            raise KeysError(self._where, " ".join(str(error).split()) or type(error).__name__) from error
        self._keys = {key.key_id: key.key for key in found.keys if key.key_type == "RSA"}

    def _text(self) -> str:
        if not self._is_address:
            return Path(self._where).read_text(encoding="utf-8")
        return httpx.get(self._where, timeout=FETCH_TIMEOUT_S).raise_for_status().text


class JwtCallers:
    """Looks up callers by JWT; any other credentials are passed on to `others`."""

    def __init__(self, others: Callers, settings: JwtSettings) -> None:
        if not (settings.jwt_jwks and settings.jwt_issuer and settings.jwt_audience):
            raise ConfigurationError("JWTs need all of JWT_JWKS, JWT_ISSUER and JWT_AUDIENCE, or none of them")
        self._others = others
        self._keys = Keys(settings.jwt_jwks)
        self._issuer = settings.jwt_issuer
        self._audience = settings.jwt_audience

    async def caller(self, credentials: bytes) -> Caller | None:
        """The caller with these credentials; None when they are not valid."""
        known = await self._others.caller(credentials)
        if known is not None or credentials.count(b".") != DOTS:
            return known
        try:
            return _caller(await self._claims(credentials))
        except jwt.PyJWTError as error:
            logger.info("Refused a JWT: %s", error)
            return None

    async def _claims(self, token: bytes) -> Mapping[str, Any]:
        key = await self._keys.key(jwt.get_unverified_header(token).get("kid"))
        if key is None:
            raise jwt.InvalidKeyError("its key is not in JWT_JWKS")
        claims: Mapping[str, Any] = jwt.decode(
            token,
            key,
            algorithms=[ALGORITHM],
            issuer=self._issuer,
            audience=self._audience,
            leeway=LEEWAY_S,
            options={"require": REQUIRED},
        )
        return claims


def _caller(claims: Mapping[str, Any]) -> Caller:
    scopes = claims.get("scopes", claims.get("scope", []))
    listed = scopes.split() if isinstance(scopes, str) else scopes
    codebases = frozenset(_texts(claims["codebases"])) if "codebases" in claims else ALL
    return Caller(str(claims["sub"]), frozenset(_texts(listed)), frozenset(_texts(claims.get("orgs", []))), codebases)


def _texts(found: object) -> list[str]:
    """The strings of a list, in lower case; anything else grants nothing."""
    return [each.lower() for each in found if isinstance(each, str)] if isinstance(found, list) else []


def with_jwt(callers: Callers, settings: JwtSettings) -> Callers:
    """Accept JWTs as well if any of their settings is given.

    Raises:
        ConfigurationError: One of them is missing or wrong.
    """
    given = settings.jwt_jwks or settings.jwt_issuer or settings.jwt_audience
    return JwtCallers(callers, settings) if given else callers
