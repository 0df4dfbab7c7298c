"""How it looks: on phones and screens, light and dark; and what keyboards and screen readers find."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.dashboard.looks import check_looks, violations
from tests.dashboard.visits import Visit, visiting
from tests.processes import Server

pytestmark = [pytest.mark.server, pytest.mark.slow]

VIEW = {"date_range": "91d", "timezone": "UTC", "granularity": "auto", "compare": "previous_period"}
CASES = {
    "full": VIEW,
    "little": VIEW | {"date_range": "yesterday"},
    "none": VIEW | {"date_range": "2001-01-01,2001-01-31"},
}


@pytest.mark.parametrize("case", CASES)
def test_nothing_overlaps_or_is_cut_off(browser: Browser, server: Server, screenshots: Path, case: str) -> None:
    """On phones, tablets and screens, light and dark; axe-core finds nothing serious."""
    with visiting(browser, server) as visit:
        visit.go(**CASES[case])
        check_looks(visit, screenshots, case)
        assert visit.said == []


def test_the_form_and_a_room_are_accessible_too(browser: Browser, server: Server) -> None:
    with visiting(browser, server, signed_in=False) as stranger:
        stranger.page.goto(f"{stranger.origin}/dashboard")
        expect(stranger.page.locator("input[name=token]")).to_be_visible()
        assert violations(stranger) == []
    room = server.get("/v1/rooms?limit=1").json()["data"][0]["id"]
    with visiting(browser, server) as visit:
        visit.go(**VIEW, room=str(room))
        assert violations(visit) == []
        visit.go(**VIEW)
        visit.panel("rooms").locator("[data-action=enlarge]").click()
        visit.settle()
        assert violations(visit) == []


def test_the_theme_is_remembered(browser: Browser, server: Server) -> None:
    """The switch wins over the system, also after a reload."""
    with visiting(browser, server, color_scheme="light") as visit:
        visit.go(**VIEW)
        background = "getComputedStyle(document.body).backgroundColor"
        light = visit.page.evaluate(background)
        visit.page.locator("[data-action=theme]").click()
        dark = visit.page.evaluate(background)
        assert dark != light
        visit.page.reload()
        visit.settle()
        assert visit.page.evaluate(background) == dark


def test_everything_can_be_done_by_keyboard(browser: Browser, server: Server) -> None:
    """Sign in, choose a period, filter by a bar, take the filter away, open a menu and a panel, close both."""
    with visiting(browser, server, signed_in=False) as visit:
        page = visit.page
        page.goto(f"{visit.origin}/dashboard?date_range=91d&timezone=UTC")
        expect(page.locator("input[name=token]")).to_be_focused()
        page.keyboard.type("a-token-for-tests")
        page.keyboard.press("Enter")
        visit.settle()
        tab_to(visit, "[name=date_range]")
        page.keyboard.press("ArrowDown")
        visit.settle()
        assert "date_range=last_week" in page.url
        page.keyboard.press("ArrowUp")
        visit.settle()
        tab_to(visit, "[data-panel='behaviour/sources'] [data-filter]")
        page.keyboard.press("Enter")
        visit.settle()
        expect(page.locator("[data-chip]")).to_have_count(1)
        page.locator("[data-chip] button").focus()
        page.keyboard.press("Enter")
        visit.settle()
        expect(page.locator("[data-chip]")).to_have_count(0)
        tab_to(visit, "[data-panel=historical] summary")
        page.keyboard.press("Enter")
        expect(page.locator("[data-panel=historical] [data-action=csv]")).to_be_visible()
        page.keyboard.press("Escape")
        expect(page.locator("[data-panel=historical] [data-action=csv]")).to_be_hidden()
        expect(page.locator("[data-panel=historical] summary")).to_be_focused()


def tab_to(visit: Visit, selector: str) -> None:
    """Press Tab until an element has the focus; every focused element on the way is visibly focused."""
    target = visit.page.locator(selector).first
    for _ in range(120):
        visit.page.keyboard.press("Tab")
        assert visit.page.evaluate("document.activeElement.checkVisibility()")
        if target.evaluate("(one) => one === document.activeElement"):
            return
    raise AssertionError(f"Tab never reaches {selector}")
