"""The page without a browser: what is served, and what is vendored."""

import hashlib
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from tests.processes import ROOT

PAGE = ROOT / "dashboard" / "page"
VENDORED = PAGE / "vendor"


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_the_page_is_there_for_everyone(in_process: Callable[..., TestClient], method: str) -> None:
    """It has no data in it, so it needs no token."""
    answer = in_process().request(method, "/dashboard", headers={"Authorization": ""})
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    assert bool(answer.content) == (method == "GET")


def test_its_policy_lets_in_nothing_but_its_own_files(in_process: Callable[..., TestClient]) -> None:
    policy = in_process().get("/dashboard").headers["Content-Security-Policy"]
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    assert "unsafe" not in policy
    assert rules["default-src"] == rules["frame-ancestors"] == "'none'"
    assert rules["script-src"] == rules["style-src"] == rules["connect-src"] == "'self'"
    assert rules["require-trusted-types-for"] == "'script'"


def test_a_part_is_sent_once(in_process: Callable[..., TestClient]) -> None:
    client = in_process()
    tag = client.get("/dashboard/app.js").headers["ETag"]
    assert tag.startswith('W/"')
    assert client.get("/dashboard/app.js", headers={"If-None-Match": tag}).status_code == 304


@pytest.mark.parametrize("path", ["nothing.js", "..%2fbuild/build.mjs", "vendor/", ""])
def test_nothing_else_is_served(in_process: Callable[..., TestClient], path: str) -> None:
    assert in_process().get(f"/dashboard/{path}").status_code == 404


def test_what_is_vendored_is_what_was_built() -> None:
    """By the checksums that the build wrote."""
    sums = [line.split() for line in (VENDORED / "SHA256SUMS").read_text(encoding="ascii").splitlines()]
    assert [name for _, name in sums] == ["charts.js", "world.json"]
    for checksum, name in sums:
        assert hashlib.sha256((VENDORED / name).read_bytes()).hexdigest() == checksum


def test_what_is_vendored_has_its_licence() -> None:
    for name in ("LICENSE-echarts.txt", "NOTICE-echarts.txt", "LICENSE-world-atlas.txt"):
        assert (VENDORED / name).stat().st_size > 100


def own_scripts() -> list[Path]:
    return sorted(path for path in PAGE.rglob("*.js") if VENDORED not in path.parents)


@pytest.mark.parametrize("script", own_scripts(), ids=lambda path: path.name)
def test_no_script_writes_markup(script: Path) -> None:
    """The policy would stop it, in the reader's browser only."""
    text = script.read_text(encoding="utf-8")
    assert not any(word in text for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("))


def test_every_script_is_loaded_at_once() -> None:
    """Not one after the other, as they import each other; the charts come last, when the first one is drawn."""
    page = (PAGE / "index.html").read_text(encoding="utf-8")
    loaded = re.findall(r'(?:href|src)="dashboard/([^"]+\.js)"', page)
    assert sorted(loaded) == [str(script.relative_to(PAGE)) for script in own_scripts()]
