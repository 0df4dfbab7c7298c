"""`/docs` works without the internet, and under a policy that lets in nothing else."""

import hashlib
import re
from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient

from tests.browser import load
from tests.processes import Server
from web.docs import PARTS, SWAGGER_UI

ADDRESS = re.compile(r"""(?:href|src|url)(?:=|: )["']([^"']+)["']""")


@pytest.mark.server
def test_a_browser_shows_every_endpoint(server: Server) -> None:
    """Without contacting any other host, and without a message in its console."""
    page = load(f"http://127.0.0.1:{server.port}/docs")
    shown = re.findall(r'data-path="([^"]+)"', page.dom)
    assert "/room/{room_id}/stats" in shown
    assert sorted(shown) == sorted(server.http.get("/openapi.json").json()["paths"])
    assert page.console == ""


@pytest.mark.server
def test_the_browser_would_report_what_the_policy_forbids(server: Server) -> None:
    """So its silence about the page means something."""
    page = load(f"http://127.0.0.1:{server.port}/docs/parts/favicon.png")
    assert "Content Security Policy" in page.console


def test_everything_of_the_page_comes_from_here(in_process: Callable[..., TestClient]) -> None:
    """Each address in it is relative, and answered; it asks nobody whether the description is valid."""
    client = in_process()
    page = client.get("/docs").text
    assert '"validatorUrl": null' in page
    assert set(ADDRESS.findall(page)) == {"openapi.json", *(f"docs/parts/{part}" for part in PARTS)}
    assert "//" not in page.replace("<!DOCTYPE", "")
    for address in ADDRESS.findall(page):
        assert client.get(f"/{address}").status_code == 200, address


def test_the_policy_lets_in_scripts_by_hash_only(in_process: Callable[..., TestClient]) -> None:
    policy = in_process().get("/docs").headers["Content-Security-Policy"]
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    assert rules["default-src"] == rules["frame-ancestors"] == "'none'"
    assert re.fullmatch(r"'self' 'sha256-[A-Za-z0-9+/]{43}='", rules["script-src"])
    assert "unsafe" not in policy


def test_a_part_is_sent_once(in_process: Callable[..., TestClient]) -> None:
    """Its tag is weak: it stands for every encoding."""
    client = in_process()
    tag = client.get("/docs/parts/swagger-ui.css").headers["ETag"]
    assert tag.startswith('W/"')
    unchanged = client.get("/docs/parts/swagger-ui.css", headers={"If-None-Match": tag})
    assert (unchanged.status_code, unchanged.headers["ETag"]) == (304, tag)


@pytest.mark.parametrize(
    "path",
    [
        "/redoc",
        "/docs/parts/nothing.js",
        "/docs/parts",
        "/docs/parts/",
        "/docs/parts/README.md",
        "/docs/parts/..%2fdocs.py",
    ],
)
def test_there_are_no_other_pages(in_process: Callable[..., TestClient], path: str) -> None:
    assert in_process().get(path).status_code == 404


def test_the_files_are_those_of_the_package() -> None:
    """By the checksums that stand beside their version."""
    told = re.findall(r"^([0-9a-f]{64})  (\S+)$", (SWAGGER_UI / "README.md").read_text(), re.MULTILINE)
    assert {name for _, name in told} == PARTS
    for checksum, name in told:
        assert hashlib.sha256((SWAGGER_UI / name).read_bytes()).hexdigest() == checksum, name


def test_the_description_can_be_hidden(in_process: Callable[..., TestClient]) -> None:
    """`DOCS=off`: neither page nor description nor files are there."""
    client = in_process(docs=False)
    for path in ("/docs", "/openapi.json", "/docs/parts/swagger-ui.css"):
        assert client.get(path).status_code == 404
    assert client.get("/health").status_code == 200
    assert "/docs" not in client.get("/nothing").json()["detail"]


def test_the_description_names_the_prefix_of_a_proxy(in_process: Callable[..., TestClient]) -> None:
    """So that the page's requests find their way."""
    app = in_process().app
    assert TestClient(app, root_path="/analytics").get("/openapi.json").json()["servers"] == [{"url": "/analytics"}]
    assert "servers" not in TestClient(app).get("/openapi.json").json()
