"""The tokens a process accepts: those in ANALYTICS_SECRET_TOKEN, which have every scope, and those in TOKENS_FILE.

TOKENS_FILE is TOML and holds only hashes, never the tokens themselves:

    [[token]]
    name = "grafana"
    sha256 = "…"              # hex of the token's SHA-256
    scopes = ["llm:read"]     # "*" is every scope
    orgs = ["*"]              # organisations; none by default
    codebases = ["owner/name"]  # of these organisations; all by default
"""

import hashlib
import hmac
import logging
import os
import time
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Self

import anyio.to_thread
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from util.errors import ConfigurationError
from web.callers import ALL, Caller

logger = logging.getLogger(__name__)

SECONDS_BETWEEN_LOOKS = 1.0
LARGEST_FILE = 1_000_000

type Hash = bytes
# What identifies a version of the file: modification time, size and inode.
type Version = tuple[int, int, int]

_Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._@-]{0,63}$")]
_Scope = Annotated[str, StringConstraints(pattern=r"^(\*|[a-z]+:[a-z-]+)$")]
_Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-fA-F]{64}$")]
_Right = Annotated[str, StringConstraints(min_length=1, to_lower=True)]


class Token(BaseModel):
    """One `[[token]]` of TOKENS_FILE."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: _Name = Field(description="Who has the token; its name in logs and errors.")
    sha256: _Sha256 = Field(description="Hex of the SHA-256 of the token.")
    scopes: frozenset[_Scope] = Field(description="What it may do; `*` is every scope.")
    orgs: frozenset[_Right] = Field(default=frozenset(), description="Whose data it may see; `*` is everyone's.")
    codebases: frozenset[_Right] = Field(default=ALL, description="Codebases of these organisations it may see.")

    @property
    def caller(self) -> Caller:
        """The holder of the token."""
        return Caller(self.name, self.scopes, self.orgs, self.codebases)


class _File(BaseModel):
    """The whole of TOKENS_FILE."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    token: tuple[Token, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _tells_tokens_apart(self) -> Self:
        names = Counter(token.name for token in self.token)
        hashes = Counter(token.sha256.lower() for token in self.token)
        twice = [name for name, count in names.items() if count > 1]
        twice += [token.name for token in self.token if hashes[token.sha256.lower()] > 1]
        if twice:
            raise ValueError(f"each name and each sha256 must be unique; `{twice[0]}` is not")
        return self


class TokensFileError(ConfigurationError):
    """TOKENS_FILE can't be read or understood."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"TOKENS_FILE is wrong: {path}: {reason}")


class Tokens:
    """Looks up callers by token. A changed TOKENS_FILE is read again within a second; a broken one changes nothing.

    Raises:
        TokensFileError: The file is missing or wrong at startup.
    """

    def __init__(self, secrets: Iterable[bytes] = (), path: Path | None = None) -> None:
        self._own = list(_almighty(secrets))
        self._path = path
        self._version = None if path is None else _version(path)
        self._known = self._own + ([] if path is None else _read(path))
        self._looked_at = time.monotonic()
        self._is_looking = False

    async def caller(self, credentials: bytes) -> Caller | None:
        """The holder of a token; None when it is unknown."""
        await self._look()
        given = hashlib.sha256(credentials).digest()
        # Compare with all of them, so that the time taken does not reveal which one matched.
        fitting = [who for known, who in self._known if hmac.compare_digest(given, known)]
        return fitting[0] if fitting else None

    async def _look(self) -> None:
        """Read the file again if it changed. One request checks at a time, so that a stalled disk blocks no others."""
        if self._path is None or self._is_looking or time.monotonic() - self._looked_at < SECONDS_BETWEEN_LOOKS:
            return
        self._is_looking = True
        try:
            await anyio.to_thread.run_sync(self._reload, self._path)
        finally:
            self._looked_at = time.monotonic()
            self._is_looking = False

    def _reload(self, path: Path) -> None:
        version = _version(path)
        if version == self._version:
            return
        self._version = version
        try:
            self._known = self._own + _read(path)
        except TokensFileError as error:
            logger.error("%s. The previous tokens remain valid", error)
        else:
            logger.info("Read %s again: %d tokens", path, len(self._known))


def _almighty(secrets: Iterable[bytes]) -> Iterator[tuple[Hash, Caller]]:
    for number, secret in enumerate(secrets, start=1):
        name = "ANALYTICS_SECRET_TOKEN" if number == 1 else f"ANALYTICS_SECRET_TOKEN {number}"
        yield hashlib.sha256(secret).digest(), Caller(name, scopes=ALL, organisations=ALL)


def _version(path: Path) -> Version | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _read(path: Path) -> list[tuple[Hash, Caller]]:
    """The tokens of a file.

    Raises:
        TokensFileError: It is missing, too large, not TOML, or does not describe tokens.
    """
    try:
        with path.open("rb") as file:
            text = file.read(LARGEST_FILE + 1)
        if len(text) > LARGEST_FILE:
            raise TokensFileError(path, f"it is larger than {LARGEST_FILE:,} bytes")
        content = _File.model_validate(tomllib.loads(text.decode()))
    except OSError as error:
        raise TokensFileError(path, f"it can't be read ({error.strerror})") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise TokensFileError(path, f"it is not TOML ({error})") from error
    except ValidationError as error:
        raise TokensFileError(path, _explained(error)) from error
    return [(bytes.fromhex(token.sha256), token.caller) for token in content.token]


def _explained(error: ValidationError) -> str:
    """The first error, without the value: somebody may have put a token where its hash belongs."""
    fault = error.errors(include_input=False, include_url=False)[0]
    where = " ".join(f"number {part + 1}" if isinstance(part, int) else f"`{part}`" for part in fault["loc"])
    return f"{where}: {fault['msg'].removeprefix('Value error, ')}".removeprefix(": ")
