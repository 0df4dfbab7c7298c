"""Signing in and out: the token is asked for, explained when wrong, and kept in the tab alone."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.dashboard.visits import PATIENCE_MS, Visit, visiting
from tests.processes import TOKEN, Server, serving
from tests.served import Sample
from tests.web.tokens import token_lines

pytestmark = [pytest.mark.server, pytest.mark.slow]

LLM_TOKEN = "a-token-without-the-scope-of-figures"  # noqa: S105 - it guards made-up data


@pytest.fixture
def stranger(browser: Browser, server: Server) -> Iterator[Visit]:
    """A tab that has no token."""
    with visiting(browser, server, signed_in=False) as opened:
        opened.page.goto(f"{opened.origin}/dashboard?date_range=7d")
        yield opened


def sign_in(visit: Visit, token: str) -> None:
    visit.page.locator("input[name=token]").fill(token)
    visit.page.locator("input[name=token]").press("Enter")


def test_a_wrong_token_is_explained(stranger: Visit) -> None:
    """And may be put right."""
    token = stranger.page.locator("input[name=token]")
    assert token.get_attribute("type") == "password"
    sign_in(stranger, "not-the-token")
    alert = stranger.page.get_by_role("alert")
    expect(alert).to_contain_text("token", timeout=PATIENCE_MS)
    expect(token).to_have_attribute("aria-invalid", "true")
    assert stranger.page.evaluate("sessionStorage.getItem('token')") is None
    sign_in(stranger, TOKEN)
    stranger.settle()


def test_no_token_is_asked_for(stranger: Visit) -> None:
    sign_in(stranger, " ")
    expect(stranger.page.get_by_role("alert")).to_have_text("Enter the token.")


def test_the_token_stays_in_the_tab(stranger: Visit) -> None:
    """Not in the page's URL, nor in that of a request, nor in what outlives the tab; signing out forgets it."""
    sign_in(stranger, TOKEN)
    stranger.settle()
    assert stranger.page.evaluate("sessionStorage.getItem('token')") == TOKEN
    assert stranger.page.evaluate("JSON.stringify(localStorage) + document.cookie") == "{}"
    assert [request.url for request in stranger.asked if TOKEN in request.url] == []
    assert TOKEN not in stranger.page.url + stranger.page.content()
    assert "date_range=7d" in stranger.page.url
    stranger.page.locator("[data-action=sign-out]").click()
    expect(stranger.page.locator("input[name=token]")).to_be_visible(timeout=PATIENCE_MS)
    assert stranger.page.evaluate("sessionStorage.length") == 0


def test_a_token_that_is_no_longer_accepted_signs_out(stranger: Visit) -> None:
    sign_in(stranger, TOKEN)
    stranger.settle()
    stranger.page.route("**/v1/traffic*", lambda route: route.fulfill(status=401, json={"detail": "no"}))
    stranger.page.locator("[name=date_range]").select_option("28d")
    expect(stranger.page.get_by_role("alert")).to_contain_text("no longer accepted", timeout=PATIENCE_MS)


def test_without_the_scope_no_page_is_shown(browser: Browser, sampled: Sample, tmp_path: Path) -> None:
    tokens = tmp_path / "tokens.toml"
    tokens.write_text(token_lines("gateway", LLM_TOKEN, ["llm:write"]), encoding="utf-8")
    with (
        serving(sampled.data_dir, TOKENS_FILE=tokens) as server,
        visiting(browser, server, signed_in=False) as visit,
    ):
        visit.page.goto(f"{visit.origin}/dashboard")
        sign_in(visit, LLM_TOKEN)
        expect(visit.page.get_by_role("alert")).to_contain_text("may not see any page", timeout=PATIENCE_MS)
