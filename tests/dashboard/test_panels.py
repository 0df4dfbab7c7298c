"""Each panel: what it shows, what can be done with it, and what happens when its request fails."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Route, expect

from tests.dashboard.visits import DASH, PATIENCE_MS, Visit, visiting
from tests.processes import TOKEN, Server, serving
from tests.served import Sample

pytestmark = [pytest.mark.server, pytest.mark.slow]

PANELS = {
    *("historical", "reoccurring", "retention", "lifecycle", "rhythm", "rooms", "votes/estimation_counts"),
    *(f"behaviour/{name}" for name in ("sources", "routes", "events")),
    *(f"location/{name}" for name in ("country", "device", "os", "browser", "country_region", "country_city")),
}
VIEW = {"date_range": "12mo", "timezone": "UTC", "granularity": "auto", "compare": "previous_period"}
MINUTE_MS = 60_000


@pytest.fixture(scope="module")
def full(browser: Browser, server: Server) -> Iterator[Visit]:
    """A year, with all panels shown, for tests that don't change it."""
    with visiting(browser, server) as opened:
        opened.go(**VIEW)
        yield opened


def test_every_panel_is_shown_by_the_rules(full: Visit) -> None:
    """Nothing from elsewhere, nothing forbidden, nothing in the console, little to load; all live."""
    assert full.states() == dict.fromkeys(PANELS, "ready")
    assert full.said == []
    assert full.violations() == []
    assert {request.url.split("/")[2] for request in full.asked if not request.url.startswith("data:")} == {
        full.origin.removeprefix("http://")
    }
    expect(full.page.locator(".live")).to_contain_text("Now: ")
    sizes = [request.sizes()["responseBodySize"] for request in full.asked if "/dashboard" in request.url]
    assert sum(sizes) < 400_000


def test_every_panel_has_a_name_a_table_and_its_call(full: Visit) -> None:
    """The call answers, and is shown as text without the token; what may be cut off has a title."""
    for name in PANELS:
        panel = full.panel(name)
        assert panel.get_by_role("heading").inner_text()
        assert panel.locator("table th").count() > 1
        assert panel.locator("table td").count() > 0
        call = panel.get_attribute("data-call") or ""
        assert full.server.get(call).status_code == 200, name
        assert (panel.locator("code").text_content() or "") == f"GET {call}"
        for chart in panel.locator("[role=img]").all():
            assert chart.get_attribute("aria-label")
        for bar in panel.locator("[data-filter]").all():
            assert bar.get_attribute("title")


def test_a_table_holds_the_numbers_of_the_call(full: Visit) -> None:
    panel = full.panel("historical")
    panel.locator("[data-action=table]").click()
    cells = panel.locator("tbody tr").first.locator("td").all_inner_texts()
    panel.locator("[data-action=table]").click()
    row = full.server.get(panel.get_attribute("data-call") or "").json()["data"][0]
    assert cells[:2] == [f"{row['visitors']['value']:,}", f"{row['visitors']['comparison']:,}"]


@pytest.mark.parametrize("name", ["historical", "behaviour/sources", "retention", "rooms", "location/country"])
def test_a_panel_can_be_downloaded(full: Visit, name: str) -> None:
    """As the API's CSV, and as a picture."""
    panel = full.panel(name)
    found: dict[str, bytes] = {}
    for format_ in ("csv", "png"):
        panel.locator("summary").click()
        with full.page.expect_download(timeout=PATIENCE_MS) as download:
            panel.locator(f"[data-action={format_}]").click()
        assert download.value.suggested_filename.endswith(f".{format_}")
        found[format_] = Path(download.value.path()).read_bytes()
        full.page.keyboard.press("Escape")
    assert found["csv"] == full.server.get(f"{panel.get_attribute('data-call')}&format=csv").content
    assert list(csv.reader(io.StringIO(found["csv"].decode())))[1]
    assert found["png"].startswith(b"\x89PNG")
    assert len(found["png"]) > 5_000
    assert full.said + full.violations() == []


def test_a_panel_can_be_enlarged(full: Visit) -> None:
    """Escape puts it back, and the focus where it was."""
    panel = full.panel("location/device")
    panel.locator("[data-action=enlarge]").click()
    expect(full.page.get_by_role("dialog").locator("[data-panel='location/device']")).to_be_visible()
    full.page.keyboard.press("Escape")
    expect(full.page.get_by_role("dialog")).to_have_count(0)
    expect(panel.locator("[data-action=enlarge]")).to_be_focused()


def test_rooms_are_sorted_and_lead_to_their_page(visit: Visit) -> None:
    visit.go(**VIEW)
    rooms = visit.panel("rooms")
    rooms.get_by_role("button", name="Estimations").click()
    visit.settle()
    expect(rooms.locator("th[aria-sort=descending]")).to_have_text("Estimations")
    top = visit.server.get(rooms.get_attribute("data-call") or "").json()["data"][0]
    assert "order_by=estimations%3Adesc" in (rooms.get_attribute("data-call") or "")
    link = rooms.locator("tbody a").first
    expect(link).to_have_text(top["name"])
    link.click()
    expect(visit.page.get_by_role("heading", level=1)).to_have_text(f"Room {top['name']}", timeout=PATIENCE_MS)
    visit.settle()
    assert visit.figure(f"rooms/{top['id']}.votes") == f"{top['votes']:,}"
    visit.page.go_back()
    visit.settle()
    assert visit.states()["rooms"] == "ready"


def test_people_and_teams_can_be_told_apart(visit: Visit) -> None:
    visit.go(**VIEW)
    retention = visit.panel("retention")
    retention.get_by_text("Teams").click()
    visit.settle()
    assert "entity=room" in (retention.get_attribute("data-call") or "")
    assert "entity=user" in (visit.panel("lifecycle").get_attribute("data-call") or "")


def test_one_failing_answer_leaves_the_others_alone(visit: Visit) -> None:
    """The panel says what happened, and tries again when told to."""

    def fail(route: Route) -> None:
        route.fulfill(status=500, json={"detail": "The server failed on this request"})

    visit.page.route("**/v1/lifecycle*", fail)
    visit.go(**VIEW)
    assert visit.states() == dict.fromkeys(PANELS, "ready") | {"lifecycle": "error"}
    panel = visit.panel("lifecycle")
    expect(panel.get_by_role("status")).to_contain_text("The server failed on this request")
    visit.page.unroute("**/v1/lifecycle*")
    panel.locator("[data-action=retry]").click()
    visit.settle()
    assert visit.states()["lifecycle"] == "ready"


def test_a_busy_server_is_asked_again(visit: Visit) -> None:
    """After the time it says."""
    refused: list[str] = []

    def refuse_once(route: Route) -> None:
        if refused:
            route.continue_()
            return
        refused.append(route.request.url)
        route.fulfill(status=503, headers={"Retry-After": "0"}, json={"detail": "The server is busy"})

    visit.page.route("**/v1/rhythm*", refuse_once)
    visit.go(**VIEW)
    assert refused
    assert visit.states()["rhythm"] == "ready"


def test_a_lost_server_is_reported_and_found_again(visit: Visit) -> None:
    """The previous figures stay; one click is enough when the server is back."""
    visit.page.clock.install()
    visit.go(**VIEW)
    before = visit.shown()
    visit.page.route("**/v1/**", lambda route: route.abort())
    visit.page.clock.run_for(2 * MINUTE_MS)
    alert = visit.page.get_by_role("alert").filter(has_text="does not answer")
    expect(alert).to_be_visible(timeout=PATIENCE_MS)
    assert visit.shown() == before
    assert set(visit.states().values()) == {"ready"}
    visit.page.unroute("**/v1/**")
    alert.get_by_role("button", name="Try again").click()
    expect(alert).to_be_hidden(timeout=PATIENCE_MS)


def test_it_refreshes_by_itself_with_conditional_requests(browser: Browser, server: Server) -> None:
    """Every minute, and is told that nothing changed."""
    with visiting(browser, server) as visit:
        visit.page.clock.install()
        visit.go(**VIEW)
        visit.asked.clear()
        visit.page.clock.run_for(MINUTE_MS + 15_000)
        visit.settle()
        conditional = [request for request in visit.asked if request.header_value("If-None-Match")]
        assert len(conditional) >= len(PANELS)


def test_a_period_without_anything_says_so(visit: Visit) -> None:
    """Zeros, and a sentence in each panel."""
    visit.go(**VIEW | {"date_range": "2001-01-01,2001-01-31", "compare": ""})
    states = visit.states()
    assert {name for name, state in states.items() if state != "empty"} == set()
    assert visit.figure("traffic.visitors") == visit.figure("votes.total_votes") == "0"
    assert visit.said == []


def test_a_server_without_data_says_what_to_do(browser: Browser, bare_server: Server) -> None:
    with visiting(browser, bare_server) as visit:
        visit.page.goto(f"{visit.origin}/dashboard")
        alert = visit.page.get_by_role("alert").filter(has_text="update_readmodel.py")
        expect(alert).to_be_visible(timeout=PATIENCE_MS)
        visit.settle()
        assert alert.is_visible()
        assert visit.figure("traffic.visitors") == DASH


def test_old_data_are_reported(browser: Browser, sampled: Sample) -> None:
    """At the top, in words; the figures are shown nevertheless."""
    with serving(sampled.data_dir, HEALTH_STALE_SECONDS=1) as server, visiting(browser, server) as visit:
        visit.go(**VIEW)
        expect(visit.page.get_by_role("alert").filter(has_text="The data are stale")).to_be_visible()
        assert visit.states()["historical"] == "ready"


def test_the_call_can_be_copied(browser: Browser, server: Server) -> None:
    with visiting(browser, server, permissions=["clipboard-read", "clipboard-write"]) as visit:
        visit.go(**VIEW)
        panel = visit.panel("rhythm")
        panel.locator("summary").click()
        panel.locator("[data-action=call]").click()
        expect(panel.locator("[data-action=call]")).to_have_text("Copied")
        copied: Any = visit.page.evaluate("navigator.clipboard.readText()")
        assert copied == visit.origin + (panel.get_attribute("data-call") or "")
        assert TOKEN not in copied
