"""Files of tokens for tests."""

import hashlib
from collections.abc import Sequence
from pathlib import Path


def sha256_of(token: str) -> str:
    """The hash of a token, in the format of TOKENS_FILE."""
    return hashlib.sha256(token.encode()).hexdigest()


def token_lines(name: str, token: str, scopes: Sequence[str], **rights: Sequence[str]) -> str:
    """A `[[token]]` of TOKENS_FILE; `rights` are `orgs` and `codebases`."""
    lines = ["[[token]]", f'name = "{name}"', f'sha256 = "{sha256_of(token)}"', f"scopes = {list(scopes)}"]
    return "\n".join([*lines, *(f"{right} = {list(values)}" for right, values in rights.items()), ""])


def written(path: Path, *tokens: str) -> Path:
    """A file of tokens."""
    path.write_text("\n".join(tokens), encoding="utf-8")
    return path


def readers_file(directory: Path, *tokens: str) -> Path:
    """A file of tokens named after themselves, each with its own organisation: none may share an answer."""
    return written(
        directory / "tokens.toml", *(token_lines(token, token, ["fpp:read"], orgs=[token]) for token in tokens)
    )


def with_token(token: str) -> dict[str, str]:
    """The header that a token is sent in."""
    return {"Authorization": f"Bearer {token}"}
