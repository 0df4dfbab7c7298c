"""Who may ask: exactly one Authorization header with the token, bare or as Bearer."""

import hashlib
from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr

from tests.processes import TOKEN, Server

RIGHT = TOKEN.encode()
WRONG = {
    "absent": b"",
    "empty": b"Authorization:\r\n",
    "blank": b"Authorization:    \r\n",
    "basic": b"Authorization: Basic YTphLXRva2VuLWZvci10ZXN0cw==\r\n",
    "basic with the token": b"Authorization: Basic " + RIGHT + b"\r\n",
    "scheme alone": b"Authorization: Bearer\r\n",
    "scheme and blank": b"Authorization: Bearer \r\n",
    "another token": b"Authorization: Bearer wrong\r\n",
    "another bare token": b"Authorization: wrong\r\n",
    "with a suffix": b"Authorization: Bearer " + RIGHT + b"x\r\n",
    "with a second word": b"Authorization: Bearer " + RIGHT + b" x\r\n",
    "with a prefix": b"Authorization: x" + RIGHT + b"\r\n",
    "cut off": b"Authorization: Bearer " + RIGHT[:-1] + b"\r\n",
    "in capitals": b"Authorization: Bearer " + RIGHT.upper() + b"\r\n",
    "scheme twice": b"Authorization: Bearer Bearer " + RIGHT + b"\r\n",
    "scheme without blank": b"Authorization: Bearer" + RIGHT + b"\r\n",
    "right and wrong": b"Authorization: Bearer " + RIGHT + b"\r\nAuthorization: wrong\r\n",
    "right twice": 2 * (b"Authorization: Bearer " + RIGHT + b"\r\n"),
    "a list": b"Authorization: Bearer " + RIGHT + b", Bearer " + RIGHT + b"\r\n",
    "latin-1": b"Authorization: Bearer \xf6\xff\r\n",
    "utf-8": b"Authorization: Bearer \xc3\xb6\xf0\x9f\x83\x8f\r\n",
    "a non-ASCII suffix": b"Authorization: Bearer " + RIGHT + b"\xa0\r\n",
    "7 kB long": b"Authorization: Bearer " + RIGHT * 420 + b"\r\n",
    "another header": b"X-Authorization: Bearer " + RIGHT + b"\r\n",
}
DATA_PATHS = ["/", "/daily-analytics", "/room/1/stats"]


@pytest.mark.server
@pytest.mark.parametrize("header", WRONG.values(), ids=WRONG.keys())
def test_a_wrong_authorization_is_401(server: Server, header: bytes) -> None:
    """With the challenge the standard asks for, and a text that says what to send."""
    answer = server.get_raw("/room/1/stats", header)
    assert answer.status == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert b"ANALYTICS_SECRET_TOKEN" in answer.body
    assert RIGHT not in answer.body


@pytest.mark.server
@pytest.mark.parametrize("bad", [b"\0", b"\x01", b"\x7f"])
def test_a_control_character_is_refused(server: Server, bad: bytes) -> None:
    """By the parser or by us."""
    assert server.get_raw("/", b"Authorization: Bearer " + RIGHT + bad + b"\r\n").status in (400, 401)


@pytest.mark.server
def test_a_header_of_a_megabyte_is_refused(server: Server) -> None:
    """The parser may refuse it first; the server goes on."""
    answer = server.get_raw("/", b"Authorization: Bearer " + b"x" * 1_000_000 + b"\r\n")
    assert answer.status in (400, 401, 431)
    assert server.http.get("/health").status_code == 200


@pytest.mark.server
@pytest.mark.parametrize("path", DATA_PATHS)
def test_every_data_path_needs_the_token(server: Server, path: str) -> None:
    assert server.http.get(path).status_code == 401


@pytest.mark.server
@pytest.mark.parametrize("path", ["/room/0/stats", "/room/abc/stats"])
def test_the_token_is_checked_before_anything_else(server: Server, path: str) -> None:
    """A caller without a token does not learn what else is wrong with the request."""
    assert server.http.get(path).status_code == 401


@pytest.mark.server
@pytest.mark.parametrize("path", DATA_PATHS)
def test_the_token_is_checked_even_without_data(bare_server: Server, path: str) -> None:
    assert bare_server.http.get(path).status_code == 401


@pytest.mark.server
@pytest.mark.parametrize("path", DATA_PATHS)
@pytest.mark.parametrize("form", ["{}", "Bearer {}", "bearer {}", "BEARER {}", "Bearer  {}"])
def test_the_token_is_accepted_bare_and_as_bearer(server: Server, path: str, form: str) -> None:
    """The scheme's case does not matter, says RFC 9110."""
    answer = server.http.get(path, headers={"Authorization": form.format(TOKEN)})
    assert answer.status_code == 200


@pytest.mark.parametrize("form", [b"", b"Bearer "])
def test_a_token_may_have_any_letters(in_process: Callable[..., TestClient], form: bytes) -> None:
    """It is compared as the bytes of its UTF-8."""
    client = in_process(analytics_secret_token=SecretStr("schlüssel-🃏"))
    answer = client.get("/room/1/stats", headers={b"Authorization": form + "schlüssel-🃏".encode()})
    assert answer.status_code == 200


@pytest.mark.parametrize("token", ["the-new-token", "schlüssel-🃏", "the-old-token"])
def test_each_of_several_tokens_is_accepted(in_process: Callable[..., TestClient], token: str) -> None:
    """While one replaces another; blanks around the commas are none of theirs."""
    client = in_process(analytics_secret_token=SecretStr(" the-new-token, schlüssel-🃏 ,the-old-token"))
    assert status(client, token.encode()) == 200


@pytest.mark.parametrize(
    "wrong", [b"", b",", b"first,second", b"first, second", b"first,", b",first", b"firstsecond", b"third"]
)
def test_nothing_else_than_one_of_several_tokens_is_accepted(
    in_process: Callable[..., TestClient], wrong: bytes
) -> None:
    """Neither their list nor what is between them."""
    client = in_process(analytics_secret_token=SecretStr("first,second"))
    assert status(client, wrong) == 401


def test_every_token_is_compared(in_process: Callable[..., TestClient], monkeypatch: pytest.MonkeyPatch) -> None:
    """Also after one fits: the time it takes does not say which."""
    compared: list[bytes] = []

    def compare(given: bytes, token: bytes) -> bool:
        compared.append(token)
        return given == token

    monkeypatch.setattr("web.tokens.hmac.compare_digest", compare)
    client = in_process(analytics_secret_token=SecretStr("first,second,third"))
    for token in (b"first", b"third", b"wrong"):
        compared.clear()
        status(client, token)
        assert compared == [hashlib.sha256(secret).digest() for secret in (b"first", b"second", b"third")]


def status(client: TestClient, token: bytes) -> int:
    """What a request with this token is answered."""
    return client.get("/room/1/stats", headers={b"Authorization": token}).status_code
