"""TOKENS_FILE: hashes, scopes and organisations, read again when it changes."""

import logging
from pathlib import Path

import anyio
import pytest

from tests.web.tokens import sha256_of, token_lines, written
from util.errors import EXIT_CONFIG
from web import tokens
from web.callers import Caller
from web.tokens import Tokens, TokensFileError

GOOD = token_lines("ci", "secret", ["fpp:read"])


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "tokens.toml"


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A change is looked for by every request."""
    monkeypatch.setattr(tokens, "SECONDS_BETWEEN_LOOKS", 0)


def caller(known: Tokens, token: str) -> Caller | None:
    """Who has a token."""
    return anyio.run(known.caller, token.encode())


def test_a_token_has_the_rights_of_its_lines(path: Path) -> None:
    """Organisations and codebases in any case; without lines of them, no organisation and every codebase."""
    written(
        path,
        token_lines("ci", "secret", ["llm:read", "llm:write"], orgs=["ACME", "b"], codebases=["Acme/App"]),
        token_lines("bare", "other", ["fpp:read"]),
    )
    known = Tokens((), path)
    ci, bare = caller(known, "secret"), caller(known, "other")
    assert ci is not None
    assert bare is not None
    assert ci.name == "ci"
    assert [ci.may(scope) for scope in ("llm:read", "llm:write", "fpp:read")] == [True, True, False]
    assert [ci.sees(organisation) for organisation in ("acme", "Acme", "B", "c")] == [True, True, True, False]
    assert [ci.sees_codebase(codebase) for codebase in ("acme/APP", "acme/other")] == [True, False]
    assert not bare.sees("acme")
    assert bare.sees_codebase("acme/app")
    assert caller(known, "third") is None


def test_a_star_is_everything(path: Path) -> None:
    star = caller(Tokens((), written(path, token_lines("all", "secret", ["*"], orgs=["*"]))), "secret")
    assert star is not None
    assert star.may("any:scope")
    assert star.sees("anyone")


def test_the_tokens_of_the_environment_may_do_everything(path: Path) -> None:
    """Beside those of the file."""
    known = Tokens([b"first", b"second"], written(path, GOOD))
    for token in ("first", "second"):
        found = caller(known, token)
        assert found is not None
        assert found.may("any:scope")
        assert found.sees("anyone")
    assert caller(known, "secret") is not None


def test_neither_a_hash_nor_nothing_is_a_token(path: Path) -> None:
    """A reader of the file can't use its contents as a token."""
    known = Tokens((), written(path, GOOD))
    assert caller(known, sha256_of("secret")) is None
    assert caller(known, "") is None


def test_a_changed_file_is_read_again(path: Path) -> None:
    """One token comes, another goes."""
    known = Tokens((), written(path, GOOD))
    written(path, token_lines("new", "fresh", ["fpp:read"]))
    assert caller(known, "fresh") is not None
    assert caller(known, "secret") is None


def test_the_file_is_checked_once_a_second(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "SECONDS_BETWEEN_LOOKS", 3600)
    known = Tokens((), written(path, GOOD))
    written(path, token_lines("new", "fresh", ["fpp:read"]))
    assert caller(known, "fresh") is None
    monkeypatch.setattr(tokens, "SECONDS_BETWEEN_LOOKS", 0)
    assert caller(known, "fresh") is not None


@pytest.mark.parametrize("change", ["broken", "gone"])
def test_a_broken_file_leaves_the_previous_tokens(path: Path, change: str, caplog: pytest.LogCaptureFixture) -> None:
    """It is said once, and a file that is good again counts at once."""
    known = Tokens((), written(path, GOOD))
    if change == "gone":
        path.unlink()
    else:
        written(path, "[[token]")
    with caplog.at_level(logging.INFO):
        assert [caller(known, "secret") is not None for _ in range(3)] == [True, True, True]
    assert len(caplog.records) == 1
    assert "TOKENS_FILE is wrong" in caplog.text
    written(path, token_lines("new", "fresh", ["fpp:read"]))
    assert caller(known, "fresh") is not None


HASH = sha256_of("secret")
FAULTS = {
    "not TOML": ("[[token]", "not TOML"),
    "not UTF-8": (b"\xff", "not TOML"),
    "no token": ("", "`token`"),
    "no hash": ('[[token]]\nname = "a"\nscopes = []\n', "`token` number 1 `sha256`"),
    "a token for its hash": ('[[token]]\nname = "a"\nsha256 = "5309-secret"\nscopes = []\n', "`sha256`"),
    "no scopes": (f'[[token]]\nname = "a"\nsha256 = "{HASH}"\n', "`scopes`"),
    "no scope": (f'[[token]]\nname = "a"\nsha256 = "{HASH}"\nscopes = ["5309"]\n', "`scopes`"),
    "no list": (f'[[token]]\nname = "a"\nsha256 = "{HASH}"\nscopes = []\norgs = "5309"\n', "`orgs`"),
    "unknown key": (f'{GOOD}\norganisations = ["a"]\n', "`organisations`"),
    "a name with a line break": (f'[[token]]\nname = "a\\nb"\nsha256 = "{HASH}"\nscopes = []\n', "`name`"),
    "a name twice": (GOOD + token_lines("ci", "other", ["fpp:read"]), "`ci`"),
    "a hash twice": (GOOD + token_lines("other", "secret", ["fpp:read"]), "`ci`"),
}


@pytest.mark.parametrize(("content", "told"), FAULTS.values(), ids=FAULTS.keys())
def test_a_wrong_file_prevents_the_start(path: Path, content: str | bytes, told: str) -> None:
    """One line says what is wrong and where, and shows no value: it may be a token."""
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(TokensFileError) as caught:
        Tokens((), path)
    line = str(caught.value)
    assert caught.value.exit_code == EXIT_CONFIG
    assert str(path) in line
    assert told in line
    assert "5309" not in line
    assert "\n" not in line


def test_a_missing_file_prevents_the_start(path: Path) -> None:
    with pytest.raises(TokensFileError, match="can't be read"):
        Tokens((), path)
