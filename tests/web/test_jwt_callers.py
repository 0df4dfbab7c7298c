"""JWTs: only those signed by a known key, from the right issuer, for the right audience, and in time."""

import json
import time
from pathlib import Path
from typing import Any

import anyio
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from config import JwtSettings
from tests.processes import RecordingService, recording_service
from util.errors import ConfigurationError
from web.callers import Caller
from web.jwt_callers import JwtCallers, with_jwt
from web.tokens import Tokens

ISSUER, AUDIENCE = "https://issuer.example/", "fpp-analytics"
KEY, OTHER_KEY = (rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in range(2))


def jwks(*keys: tuple[str, rsa.RSAPrivateKey]) -> str:
    """The public halves of keys."""
    found = [RSAAlgorithm.to_jwk(key.public_key(), as_dict=True) | {"kid": kid, "alg": "RS256"} for kid, key in keys]
    return json.dumps({"keys": found})


def token(key: Any = KEY, kid: str = "one", algorithm: str = "RS256", **changes: Any) -> bytes:
    """A good token, with changes; None leaves a claim out."""
    claims = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "gateway",
        "exp": int(time.time()) + 600,
        "scope": "llm:write llm:read",
        "orgs": ["ABC"],
    } | changes
    present = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode(present, key, algorithm, headers={"kid": kid}).encode()


@pytest.fixture
def settings(tmp_path: Path) -> JwtSettings:
    """The settings for tokens signed by `KEY`."""
    file = tmp_path / "jwks.json"
    file.write_text(jwks(("one", KEY)))
    return JwtSettings(jwt_jwks=str(file), jwt_issuer=ISSUER, jwt_audience=AUDIENCE)


def caller(settings: JwtSettings, credentials: bytes) -> Caller | None:
    """The caller with these credentials."""
    return anyio.run(JwtCallers(Tokens([b"a-secret.of.three-parts"]), settings).caller, credentials)


def test_claims_are_the_rights(settings: JwtSettings) -> None:
    """Scopes as a text or as a list; organisations in lower case; none without the claim."""
    expected = Caller("gateway", frozenset({"llm:write", "llm:read"}), frozenset({"abc"}))
    assert caller(settings, token()) == expected
    assert caller(settings, token(scope=None, scopes=["llm:write", "llm:read"])) == expected
    nobody = caller(settings, token(orgs=None, scope=None))
    assert nobody == Caller("gateway", frozenset())


@pytest.mark.parametrize(
    "wrong",
    [
        {"iss": "https://other.example/"},
        {"aud": "other"},
        {"exp": 1},
        {"exp": None},
        {"sub": None},
        {"iss": None},
        {"aud": None},
        {"nbf": 9_999_999_999},
        {"key": OTHER_KEY},
        {"kid": "two"},
        {"key": "a secret that is long enough for HS256", "algorithm": "HS256"},
        {"key": None, "algorithm": "none"},
    ],
    ids=lambda changes: "-".join(changes),
)
def test_wrong_token_is_nobody(settings: JwtSettings, wrong: dict[str, Any]) -> None:
    """Whatever of it is wrong."""
    assert caller(settings, token(**wrong)) is None


@pytest.mark.parametrize("credentials", [b"", b"..", b"a.b.c", b"\xff.\xff.\xff", token()[:-4]])
def test_garbage_is_nobody(settings: JwtSettings, credentials: bytes) -> None:
    """It raises nothing."""
    assert caller(settings, credentials) is None


def test_tokens_of_the_file_are_known_as_before(settings: JwtSettings) -> None:
    """Also one that looks like a JWT."""
    known = caller(settings, b"a-secret.of.three-parts")
    assert known is not None
    assert known.may("anything:at-all")


def test_keys_of_an_address_are_fetched_when_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A new key is found after a while; while the issuer is unreachable, the known keys remain valid."""
    monkeypatch.setattr("web.jwt_callers.SECONDS_BETWEEN_LOOKS", 0)
    with recording_service() as service:
        settings = JwtSettings(jwt_jwks=f"{service.url}/jwks", jwt_issuer=ISSUER, jwt_audience=AUDIENCE)
        callers = JwtCallers(Tokens(), settings)
        _answer(service, jwks(("one", KEY)))
        assert anyio.run(callers.caller, token())
        assert anyio.run(callers.caller, token(OTHER_KEY, "two")) is None
        _answer(service, jwks(("one", KEY), ("two", OTHER_KEY)))
        assert anyio.run(callers.caller, token(OTHER_KEY, "two"))
        service.answers(500)
        assert anyio.run(callers.caller, token(OTHER_KEY, "three")) is None
        assert anyio.run(callers.caller, token())


def _answer(service: RecordingService, body: str) -> None:
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    service.talks_garbage((head + body).encode())


@pytest.mark.parametrize("missing", ["jwt_jwks", "jwt_issuer", "jwt_audience"])
def test_settings_come_together(settings: JwtSettings, missing: str) -> None:
    """One without the others is a mistake."""
    with pytest.raises(ConfigurationError, match="JWT_JWKS, JWT_ISSUER and JWT_AUDIENCE"):
        with_jwt(Tokens(), settings.model_copy(update={missing: None}))


def test_missing_or_wrong_file_is_reported_at_startup(settings: JwtSettings, tmp_path: Path) -> None:
    """With its name."""
    for content in ("", "{}", "[]", '{"keys": [{"kty": "nonsense"}]}'):
        (tmp_path / "jwks.json").write_text(content)
        with pytest.raises(ConfigurationError, match=r"JWT_JWKS.*jwks\.json"):
            with_jwt(Tokens(), settings)
    with pytest.raises(ConfigurationError, match="nowhere"):
        with_jwt(Tokens(), settings.model_copy(update={"jwt_jwks": "nowhere"}))


def test_without_settings_nothing_changes() -> None:
    """The callers are those that were given."""
    tokens = Tokens()
    assert with_jwt(tokens, JwtSettings()) is tokens
