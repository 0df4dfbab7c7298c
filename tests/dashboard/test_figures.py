"""The dashboard shows the API's figures, for any view."""

import pytest
from playwright.sync_api import Browser, expect

from tests.dashboard.visits import DASH, Visit, assert_same, filters, visiting
from tests.processes import Server

pytestmark = [pytest.mark.server, pytest.mark.slow]

GERMANY = ["is", "country", ["DE"]]
VIEWS = [
    {"date_range": "91d", "timezone": "UTC", "compare": "previous_period"},
    {"date_range": "6mo", "timezone": "America/New_York", "compare": "year_over_year", "filters": filters(GERMANY)},
    {"date_range": "12mo", "timezone": "Asia/Kathmandu", "compare": ""},
    {"date_range": "91d", "timezone": "Europe/Berlin", "compare": "", "filters": filters(["is", "room_name", ["x"]])},
]


def asked(view: dict[str, str]) -> dict[str, str]:
    """A view as parameters of the API."""
    return {name: value for name, value in view.items() if value}


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: "-".join(view.values()))
def test_an_address_shows_its_figures(visit: Visit, view: dict[str, str]) -> None:
    """Also for somebody it was shared with."""
    visit.go(granularity="auto", **view)
    assert_same(visit.shown(), visit.answers(**asked(view)))


def test_choices_change_the_figures_and_back_brings_them_back(visit: Visit) -> None:
    """One entry of the history per choice; the controls follow, too."""
    view = {"date_range": "30d", "timezone": "UTC", "compare": "previous_period"}
    visit.go(granularity="auto", **view)
    before, entries = visit.shown(), visit.page.evaluate("history.length")
    visit.page.locator("[name=date_range]").select_option("6mo")
    visit.settle()
    visit.page.locator("[name=compare]").select_option("year_over_year")
    visit.settle()
    zone = visit.page.locator("[name=timezone]")
    zone.fill("America/New_York")
    zone.press("Enter")
    visit.settle()
    chosen = {"date_range": "6mo", "timezone": "America/New_York", "compare": "year_over_year"}
    assert_same(visit.shown(), visit.answers(**chosen))
    assert visit.page.evaluate("history.length") == entries + 3
    assert visit.page.url.endswith(
        "?date_range=6mo&timezone=America%2FNew_York&granularity=auto&compare=year_over_year"
    )
    for _ in range(3):
        visit.page.go_back()
    visit.settle()
    assert visit.shown() == before
    assert visit.page.locator("[name=date_range]").input_value() == "30d"
    assert zone.input_value() == "UTC"


def test_a_range_of_days_can_be_typed(visit: Visit) -> None:
    visit.go(date_range="30d", timezone="UTC", granularity="auto", compare="")
    visit.page.get_by_text("Custom").click()
    visit.page.locator("[name=from]").fill("2026-02-01")
    visit.page.locator("[name=to]").fill("2026-01-01")
    visit.page.get_by_role("button", name="Apply").click()
    expect(visit.page.get_by_role("alert").get_by_text("in this order")).to_be_visible()
    visit.page.locator("[name=to]").fill("2026-03-31")
    visit.page.locator("[name=to]").press("Enter")
    visit.settle()
    assert visit.page.locator("[name=date_range]").input_value() == "2026-02-01,2026-03-31"
    assert_same(visit.shown(), visit.answers(date_range="2026-02-01,2026-03-31", timezone="UTC"))


def test_a_wrong_zone_is_refused_where_it_was_typed(visit: Visit) -> None:
    visit.go(date_range="30d", timezone="UTC", granularity="auto", compare="")
    zone = visit.page.locator("[name=timezone]")
    zone.fill("Mars/Phobos")
    zone.press("Enter")
    expect(zone).to_have_attribute("aria-invalid", "true")
    assert "timezone=UTC" in visit.page.url


@pytest.mark.parametrize("name", ["location/country", "behaviour/sources", "location/country_city"])
def test_a_click_on_a_bar_filters_everything(visit: Visit, name: str) -> None:
    """It becomes a chip, which removes it again."""
    view = {"date_range": "12mo", "timezone": "UTC"}
    visit.go(granularity="auto", compare="", **view)
    before = visit.shown()
    bar = visit.panel(name).locator("[data-filter]").first
    clause = bar.get_attribute("data-filter")
    bar.click()
    visit.settle()
    expect(visit.page.locator("[data-chip]")).to_have_attribute("data-chip", clause or "")
    assert_same(visit.shown(), visit.answers(**view, filters=f"[{clause}]"))
    visit.page.locator("[data-chip] button").click()
    visit.settle()
    assert visit.shown() == before
    expect(visit.page.locator("[data-chip]")).to_have_count(0)


def test_what_a_filter_cannot_be_applied_to_says_so(visit: Visit) -> None:
    """Votes have no country: dashes, and the API's own reason."""
    visit.go(date_range="91d", timezone="UTC", granularity="auto", compare="", filters=filters(GERMANY))
    assert visit.figure("votes.total_votes") == DASH
    assert visit.states()["rooms"] == "error"
    reason = visit.panel("rooms").get_by_role("status").inner_text()
    assert "country" in reason
    assert visit.states()["location/device"] == "ready"


def test_readers_see_numbers_as_they_write_them(browser: Browser, server: Server) -> None:
    with visiting(browser, server, locale="de-DE") as visit:
        visit.go(date_range="all", timezone="UTC", granularity="auto", compare="previous_period")
        page_views = server.get("/v1/traffic?date_range=all").json()["data"]["page_views"]
        assert visit.figure("traffic.page_views") == f"{page_views:,}".replace(",", ".")
        assert visit.figure("traffic.bounce_rate").endswith("\xa0%")
        assert visit.panel("location/country").get_by_role("button", name="Deutschland").count() == 1
