"""Every answer has security headers, and none reveals what the server runs on."""

import pytest

from tests.processes import Server

FORBIDS_ALL = "default-src 'none'; frame-ancestors 'none'"
PATHS = ["/", "/health", "/room/1/stats", "/room/0/stats", "/room/abc/stats", "/nothing", "/openapi.json", "/crash"]


@pytest.mark.server
@pytest.mark.parametrize("path", PATHS)
def test_every_answer_has_them(production: Server, path: str) -> None:
    """Whatever its status is."""
    headers = production.get(path).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Content-Security-Policy"] == FORBIDS_ALL


@pytest.mark.server
def test_refusals_have_them(production: Server) -> None:
    """Without a token, of another method, and unchanged."""
    tag = production.get("/").headers["ETag"]
    unchanged = production.http.get("/", headers={"Authorization": production.token, "If-None-Match": tag})
    answers = [production.http.get("/"), production.http.post("/"), unchanged]
    assert [answer.status_code for answer in answers] == [401, 405, 304]
    assert {answer.headers["Content-Security-Policy"] for answer in answers} == {FORBIDS_ALL}


@pytest.mark.server
def test_no_version_is_revealed(production: Server) -> None:
    """`uvicorn` names itself, and nothing more."""
    assert production.get("/crash").headers.get("Server", "uvicorn") == "uvicorn"
