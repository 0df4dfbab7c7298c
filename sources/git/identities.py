"""Who is who: identities after `.mailmap`, and the pseudonyms that stand for them."""

import hmac
from collections.abc import Collection
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from secrets import token_bytes

import polars as pl

from sources.git.command import Git

KEY_FILE = "pseudonyms.key"
KEY_BYTES = 32
PSEUDONYM_DIGITS = 16
IDENTITY = pl.Schema({"name": pl.Binary, "email": pl.Binary, "known_name": pl.String, "known_email": pl.String})

type Identity = tuple[bytes, bytes]


def resolved(git: Git, mailmap: str | None, identities: Collection[Identity]) -> pl.DataFrame:
    """Identities as written in commits, beside what `.mailmap` makes of them.

    Args:
        git: The mirror.
        mailmap: The blob of the default branch's `.mailmap`; None without one.
        identities: Names and e-mails as written.

    Returns:
        `name` and `email` (Binary) and `known_name` and `known_email` (String), one row per identity.

    Raises:
        CodebaseError: git failed.
    """
    asked = sorted(set(identities))
    known = _looked_up(git, mailmap, asked) if mailmap and asked else asked
    rows = [
        (*identity, *(part.decode(errors="replace") for part in found))
        for identity, found in zip(asked, known, strict=True)
    ]
    return pl.DataFrame(rows, IDENTITY, orient="row")


def _looked_up(git: Git, mailmap: str, identities: Collection[Identity]) -> list[Identity]:
    contacts = b"".join(b"%s <%s>\n" % identity for identity in identities)
    options = ("-c", f"mailmap.blob={mailmap}", "-c", "mailmap.file=")
    found = git.run("check-mailmap", "--stdin", stdin=contacts, options=options)
    return [_parsed(contact) for contact in found.removesuffix(b"\n").split(b"\n")]


def _parsed(contact: bytes) -> Identity:
    """Parse `Name <email>`; git leaves out the space if there is no name."""
    name, _, email = contact.partition(b"<")
    return name.removesuffix(b" "), email.removesuffix(b">")


@dataclass(frozen=True)
class Pseudonyms:
    """Stand-ins for people where names and e-mails may not be shown: the same in all codebases of this deployment."""

    key: bytes

    @classmethod
    def of(cls, directory: Path) -> "Pseudonyms":
        """Pseudonyms with the key in a directory; a random key is created if there is none."""
        path = directory / KEY_FILE
        if not path.is_file() or path.stat().st_size != KEY_BYTES:
            part = path.with_suffix(".part")
            part.unlink(missing_ok=True)
            part.touch(mode=0o600)
            part.write_bytes(token_bytes(KEY_BYTES))
            part.replace(path)
        return cls(path.read_bytes())

    def of_person(self, person: str) -> str:
        """The pseudonym of a person, who is identified by their e-mail in lower case."""
        digest = hmac.new(self.key, person.encode(), sha256).hexdigest()
        return f"person-{digest[:PSEUDONYM_DIGITS]}"
