"""REPOSITORIES_FILE: which codebases there are, and where."""

import ipaddress
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit
from uuid import NAMESPACE_URL, UUID, uuid5

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from util.errors import ConfigurationError
from util.strict_yaml import Mapping, YamlError, load_yaml

SCP_LIKE = re.compile(r"[\w.-]+@[\w.-]+:[^:]+")
CONTROL = re.compile(r"[\x00-\x1f\x7f]")

REASONS = {
    "string_type": "it must be text",
    "string_too_short": "it is empty",
    "string_pattern_mismatch": "it has a character that is not allowed",
    "tuple_type": "it must be a list",
    "uuid_type": "it must be a UUID",
    "uuid_parsing": "it must be a UUID",
}

type Word = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]


def _is_reachable(url: str) -> str:
    has_blanks = " " in url and not url.startswith("/")
    if url.startswith("-") or "::" in url or CONTROL.search(url) or has_blanks:
        raise ValueError("it is neither an https or ssh URL nor a path")
    try:
        parts = urlsplit(url)
    except ValueError:
        raise ValueError("it is not a URL") from None
    if parts.scheme in {"http", "https", "ssh"} and not parts.hostname:
        raise ValueError("it has no host")
    if parts.scheme in {"http", "https"} and (parts.username is not None or parts.password is not None):
        raise ValueError("it contains a user or password: put the token in a variable and name it in `token_env`")
    if parts.scheme == "http" and not _is_loopback(parts.hostname or ""):
        raise ValueError("http is for this machine only: use https")
    if parts.scheme not in {"", "http", "https", "ssh", "file"} and not SCP_LIKE.fullmatch(url):
        raise ValueError(f"`{parts.scheme}` is not supported: use https, ssh or a path")
    if parts.scheme == "ssh" and parts.password is not None:
        raise ValueError("it contains a password: use an ssh key")
    return url


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class Codebase(BaseModel):
    """One repository. `id` is derived from `url` by default, so it stays the same when owner or name change."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    organization_id: Word
    owner: Word
    name: Word
    provider: Word = "git"
    url: Annotated[str, StringConstraints(min_length=1, max_length=2000), AfterValidator(_is_reachable)]
    id: UUID
    default_branch: Word | None = None
    branches: tuple[Word, ...] = ()
    exclude: tuple[Word, ...] = ()
    token_env: Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")] | None = None

    @property
    def display_name(self) -> str:
        """`owner/name`."""
        return f"{self.owner}/{self.name}"

    @property
    def protocol(self) -> str:
        """The transport, by git's name for it: https, http, ssh or file."""
        if SCP_LIKE.fullmatch(self.url):
            return "ssh"
        return urlsplit(self.url).scheme or "file"


class Configuration(BaseModel):
    """The file as a whole."""

    model_config = ConfigDict(frozen=True)

    organization_id: str
    codebases: tuple[Codebase, ...] = Field(default=())


def load_configuration(path: Path) -> Configuration:
    """The codebases of a file; local paths in it are relative to its directory.

    Raises:
        ConfigurationError: It can't be read, or something in it is wrong; the message names the line.
    """
    document = load_yaml(path)
    if not isinstance(document, Mapping):
        raise YamlError(path, 1, "it must have `organization_id` and `codebases`")
    if unknown := sorted(document.keys() - {"organization_id", "codebases"}):
        raise YamlError(path, document.lines[unknown[0]], f"`{unknown[0]}` is unknown: organization_id, codebases")
    organization = _organization(path, document)
    listed = document.get("codebases") or []
    if not isinstance(listed, list):
        raise YamlError(path, document.lines["codebases"], "`codebases` must be a list")
    entries = list(_entries(path, organization, listed))
    _refuse_twins(path, entries)
    return Configuration(organization_id=organization, codebases=tuple(codebase for codebase, _ in entries))


def _organization(path: Path, document: Mapping) -> str:
    named = document.get("organization_id")
    if named is None:
        raise YamlError(path, document.line, "`organization_id` is missing: name the organisation of the codebases")
    try:
        return TypeAdapter(Word).validate_python(named)
    except ValidationError as error:
        line = document.lines["organization_id"]
        raise YamlError(path, line, f"`organization_id` is wrong: {_reason(error.errors()[0])}") from None


def _entries(path: Path, organization: str, listed: Iterable[Any]) -> Iterator[tuple[Codebase, int]]:
    """Each codebase with the line it begins on."""
    for number, entry in enumerate(listed, start=1):
        if not isinstance(entry, Mapping):
            raise ConfigurationError(f"{path}: entry {number} of `codebases` must have owner, name and url")
        yield _codebase(path, organization, entry), entry.line


def _codebase(path: Path, organization: str, entry: Mapping) -> Codebase:
    given: dict[str, Any] = {name: value for name, value in entry.items() if value is not None}
    url = given.get("url")
    if isinstance(url, str) and _is_local(url):
        given["url"] = url = str((path.parent / url.removeprefix("file://")).resolve())
    if isinstance(url, str):
        given.setdefault("id", uuid5(NAMESPACE_URL, normalized(url)))
    try:
        return Codebase(**(given | {"organization_id": organization}))
    except ValidationError as error:
        # Without a URL, no id can be derived either.
        fault = next(fault for fault in error.errors() if fault["loc"][:1] != ("id",) or url)
        name = str(fault["loc"][0])
        raise YamlError(path, entry.lines.get(name, entry.line), f"`{name}` {_fault(fault)}") from None


def _fault(fault: ErrorDetails) -> str:
    """What is wrong with a key of a codebase."""
    if fault["type"] == "missing":
        return "is missing"
    if fault["type"] == "extra_forbidden":
        return f"is unknown: a codebase has {', '.join(sorted(Codebase.model_fields.keys() - {'organization_id'}))}"
    return f"is wrong: {_reason(fault)}"


def _reason(fault: ErrorDetails) -> str:
    return REASONS.get(fault["type"], fault["msg"].removeprefix("Value error, "))


def _is_local(url: str) -> bool:
    scheme, has_scheme, _ = url.partition("://")
    return bool(url) and "::" not in url and not SCP_LIKE.fullmatch(url) and (not has_scheme or scheme == "file")


def normalized(url: str) -> str:
    """A URL without the parts that make no difference to where it leads."""
    scheme, found, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    if not found:
        return url.rstrip("/").removesuffix(".git")
    return f"{scheme.lower()}://{host.lower()}{slash}{path}".rstrip("/").removesuffix(".git")


def _refuse_twins(path: Path, entries: Iterable[tuple[Codebase, int]]) -> None:
    seen: dict[tuple[str, str], int] = {}
    for codebase, line in entries:
        for key in (("id", str(codebase.id)), ("url", normalized(codebase.url))):
            if key in seen:
                # Equal URLs give equal ids: report the URL, which is what the user wrote.
                name = "url" if ("url", normalized(codebase.url)) in seen else "id"
                raise YamlError(path, line, f"the codebase has the same `{name}` as the one on line {seen[key]}")
        for key in (("id", str(codebase.id)), ("url", normalized(codebase.url))):
            seen[key] = line
