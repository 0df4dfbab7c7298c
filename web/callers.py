"""Who asks, and what they may see: every data request carries a token, and every route names the scope it requires."""

import logging
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Annotated, ClassVar, Protocol

from fastapi import Depends, Request, Security
from fastapi.params import Security as Requirement
from fastapi.security import APIKeyHeader, SecurityScopes

from util.errors import AnalyticsError

logger = logging.getLogger(__name__)

SCHEME = b"bearer "
# Stands for all scopes, organisations or codebases.
EVERYTHING = "*"
ALL = frozenset({EVERYTHING})

_described = APIKeyHeader(
    name="Authorization",
    scheme_name="token",
    description="`Authorization: <token>` or `Authorization: Bearer <token>`. The token needs the scope that each "
    "operation names.",
    auto_error=False,
)


@dataclass(frozen=True)
class Caller:
    """Who makes a request; `organisations` and `codebases` are in lower case, and `*` means all of them.

    `codebases` restricts which codebases of the organisations are visible; all by default.
    """

    name: str
    scopes: frozenset[str]
    organisations: frozenset[str] = frozenset()
    codebases: frozenset[str] = ALL

    def may(self, scope: str) -> bool:
        """Whether the caller has a scope."""
        return _holds(self.scopes, scope)

    def sees(self, organisation: str) -> bool:
        """Whether the caller may see the data of an organisation, in any case."""
        return _holds(self.organisations, organisation.lower())

    def sees_codebase(self, codebase: str) -> bool:
        """Whether the caller may see a codebase of their organisations, in any case."""
        return _holds(self.codebases, codebase.lower())

    @property
    def rights(self) -> str:
        """The caller's rights as a text: callers with equal rights get equal answers."""
        return "|".join(" ".join(sorted(held)) for held in (self.scopes, self.organisations, self.codebases))


def _holds(held: AbstractSet[str], wanted: str) -> bool:
    return EVERYTHING in held or wanted in held


class Callers(Protocol):
    """Looks up callers by their credentials; an app has one as `app.state.callers`."""

    async def caller(self, credentials: bytes) -> Caller | None:
        """The caller with these credentials, the bytes of a token; None if there is none."""


class UnauthorizedError(AnalyticsError):
    """The token is missing or wrong."""

    status = 401
    headers: ClassVar[dict[str, str]] = {"WWW-Authenticate": "Bearer"}

    def __init__(self) -> None:
        super().__init__("Missing or wrong token: send `Authorization: Bearer <ANALYTICS_SECRET_TOKEN>`")


class ScopeMissingError(AnalyticsError):
    """The token is known but lacks a scope."""

    status = 403

    def __init__(self, caller: Caller, scope: str) -> None:
        super().__init__(
            f"The token `{caller.name}` lacks the scope `{scope}`: use one that has it, or add it in TOKENS_FILE"
        )


async def get_caller(request: Request) -> Caller:
    """The caller of a request with exactly one Authorization header that has a known token, bare or as Bearer.

    Raises:
        UnauthorizedError: Anything else.
    """
    callers: Callers = request.app.state.callers
    values = [value for name, value in request.headers.raw if name == b"authorization"]
    caller = await callers.caller(_credentials(values[0])) if len(values) == 1 else None
    if caller is None:
        raise UnauthorizedError
    return caller


CallerDep = Annotated[Caller, Depends(get_caller)]


def requires(*scopes: str) -> Requirement:
    """A dependency that admits callers with all of these scopes; without scopes, everyone with a token.

    Every route or its router declares one; the API description names the scopes.
    """
    return Requirement(_check_scopes, scopes=scopes)


async def _check_scopes(
    caller: CallerDep, required: SecurityScopes, _: Annotated[str | None, Security(_described)]
) -> None:
    """Refuse a caller who lacks a scope.

    Raises:
        ScopeMissingError: They do.
    """
    for scope in required.scopes:
        if not caller.may(scope):
            logger.info("Refused the token %s: it lacks the scope %s", caller.name, scope)
            raise ScopeMissingError(caller, scope)


def _credentials(value: bytes) -> bytes:
    return value[len(SCHEME) :].strip() if value[: len(SCHEME)].lower() == SCHEME else value
