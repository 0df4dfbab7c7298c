"""Who asks, and what they may: every data request carries a token, and every route says which scope it requires."""

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
# Among scopes, organisations or codebases: every one of them.
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
    """Who makes a request; `organisations` and `codebases` are in lower case, and `*` stands for all of them.

    `codebases` narrows down what is seen of the organisations; by default, nothing is left out.
    """

    name: str
    scopes: frozenset[str]
    organisations: frozenset[str] = frozenset()
    codebases: frozenset[str] = ALL

    def may(self, scope: str) -> bool:
        """Whether the caller has a scope."""
        return _holds(self.scopes, scope)

    def sees(self, organisation: str) -> bool:
        """Whether the caller may see the data of an organisation; its case does not matter."""
        return _holds(self.organisations, organisation.lower())

    def sees_codebase(self, codebase: str) -> bool:
        """Whether the caller may see a codebase of the organisations they see; its case does not matter."""
        return _holds(self.codebases, codebase.lower())

    @property
    def rights(self) -> str:
        """All that the caller may, as a text: callers of equal rights get equal answers."""
        return "|".join(" ".join(sorted(held)) for held in (self.scopes, self.organisations, self.codebases))


def _holds(held: AbstractSet[str], wanted: str) -> bool:
    return EVERYTHING in held or wanted in held


class Callers(Protocol):
    """What knows callers by their credentials; an app has one as `app.state.callers`."""

    async def caller(self, credentials: bytes) -> Caller | None:
        """Who shows these credentials, the bytes of a token; None for nobody."""


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
    """The caller of a request that has exactly one Authorization header with a known token, bare or as Bearer.

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
    """A dependency that lets callers pass who have all of these scopes; without any, everyone with a token.

    Every route or its router declares one; the description of the API names the scopes.
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
