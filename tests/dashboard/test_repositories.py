"""The page about git repositories: all of them side by side, and a single one with its filters."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Browser, expect

from demo.repositories import GENERATED_ID, PEOPLE, publish_repositories
from tests.dashboard.looks import check_looks
from tests.dashboard.visits import PATIENCE_MS, Visit, assert_same, filters, visiting
from tests.processes import TOKEN, Server, serving
from tests.web.tokens import token_lines, written
from util.clock import utc_now

pytestmark = [pytest.mark.server, pytest.mark.slow]

NAMER, POKER = "a-token-that-may-name-people", "a-token-for-planning-poker"
PERIOD = {"date_range": "all", "timezone": "UTC"}
VIEW = {"page": "repositories", "granularity": "week", "compare": "", **PERIOD}
OF_CODEBASE = VIEW | {"codebase": GENERATED_ID}
PANELS = ("activity", "activity/lines", "ownership", "contributors", "files", "rhythm", "branches")
FIGURES = (
    *("total_commits", "total_contributors", "total_churn", "additions_lines", "deletions_lines", "total_branches"),
    *("current_sloc", "total_files"),
)


@pytest.fixture(scope="module")
def code_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with the demo's generated repository only; the usual token may not name people."""
    data_dir = tmp_path_factory.mktemp("repositories")
    publish_repositories(data_dir, utc_now(), with_own_history=False)
    tokens = written(
        data_dir / "tokens.toml",
        token_lines("reader", TOKEN, ["repositories:read"], orgs=["demo"]),
        token_lines("namer", NAMER, ["repositories:read", "repositories:people"], orgs=["demo"]),
        token_lines("poker", POKER, ["fpp:read"], orgs=["demo"]),
    )
    with serving(data_dir, ANALYTICS_SECRET_TOKEN="", TOKENS_FILE=tokens) as server:
        yield server


def answered(server: Server, address: str, **parameters: str) -> dict[str, Any]:
    """The API's own figures for the headlines."""
    data = server.get(f"{address}?{urlencode(PERIOD | parameters)}").json()["data"]
    return {f"{address.rsplit('/', 1)[1]}.{name}": data[name] for name in FIGURES}


def of_codebase(server: Server, **parameters: str) -> dict[str, Any]:
    return answered(server, f"/codebases/{GENERATED_ID}/analytics/overview", **parameters)


def sign_in(visit: Visit, token: str, view: dict[str, str]) -> None:
    visit.page.goto(f"{visit.origin}/dashboard?{urlencode(view)}")
    visit.page.locator("input[name=token]").fill(token)
    visit.page.keyboard.press("Enter")


def test_a_codebase_is_reached_from_the_overview_and_left_again(browser: Browser, code_server: Server) -> None:
    with visiting(browser, code_server) as visit:
        visit.go(**VIEW)
        expect(visit.page.locator("nav a")).to_have_count(0)
        assert_same(visit.shown(), answered(code_server, "/analytics/summary"))
        visit.panel("codebases").get_by_role("button", name="Lines changed").click()
        visit.settle()
        assert "order_by=total_churn%3Adesc" in (visit.panel("codebases").get_attribute("data-call") or "")
        visit.page.get_by_role("link", name="demo/planning-poker").click()
        visit.settle()
        expect(visit.page.get_by_role("heading", level=1)).to_have_text("demo/planning-poker", timeout=PATIENCE_MS)
        assert f"codebase={GENERATED_ID}" in visit.page.url
        assert_same(visit.shown(), of_codebase(code_server))
        visit.page.get_by_role("link", name="All codebases").click()
        visit.settle()
        assert visit.states() == {"codebases": "ready"}
        visit.page.go_back()
        visit.settle()
        assert_same(visit.shown(), of_codebase(code_server))


def test_every_panel_has_a_name_a_table_and_its_call(browser: Browser, code_server: Server) -> None:
    """Nothing forbidden, nothing in the console; no name, but a pseudonym for each."""
    with visiting(browser, code_server) as visit:
        visit.go(**OF_CODEBASE)
        # The demo's commits change one file each.
        assert visit.states() == {**dict.fromkeys(PANELS, "ready"), "files/pairs": "empty"}
        for name in PANELS:
            panel = visit.panel(name)
            assert panel.locator("table th").count() > 1
            assert panel.locator("table td").count() > 0
            call = panel.get_attribute("data-call") or ""
            assert code_server.get(call).status_code == 200
            assert (panel.locator("code").text_content() or "") == f"GET {call}"
        assert visit.violations() == visit.said == []
        text = visit.page.locator(".panels").inner_html()
        assert not any(part in text for person in PEOPLE for part in person.rstrip(">").split(" <"))
        expect(visit.panel("contributors").locator("[data-filter]", has_text="person-")).to_have_count(len(PEOPLE))


def test_a_click_filters_and_a_chip_takes_it_away(browser: Browser, code_server: Server) -> None:
    """One path at a time: the next one replaces it; a person besides; another page begins without them."""
    with visiting(browser, code_server) as visit:
        visit.go(**OF_CODEBASE)
        visit.panel("ownership").get_by_role("button", name="src/votes").click()
        visit.settle()
        assert_same(visit.shown(), of_codebase(code_server, path="src/votes/"))
        visit.panel("files").locator("[data-filter]").first.click()
        visit.settle()
        expect(visit.page.locator("[data-chip]")).to_have_count(1)
        path = visit.panel("files").locator("[data-filter]").first.inner_text()
        assert_same(visit.shown(), of_codebase(code_server, path=path))
        author = visit.panel("contributors").locator("[data-filter]").first
        person = author.inner_text()
        author.click()
        visit.settle()
        assert_same(visit.shown(), of_codebase(code_server, path=path, author=person))
        visit.panel("branches").get_by_role("button", name="main").click()
        visit.settle()
        expect(visit.page.locator("[data-chip]")).to_have_count(3)
        assert "branch=main" in (visit.panel("rhythm").get_attribute("data-call") or "")
        for _ in range(3):
            visit.page.locator("[data-chip] button").first.click()
            visit.settle()
        assert_same(visit.shown(), of_codebase(code_server))
        visit.go(**OF_CODEBASE, filters=filters(["is", "path", ["src/"]]))
        visit.page.get_by_role("link", name="All codebases").click()
        visit.settle()
        expect(visit.page.locator("[data-chip]")).to_have_count(0)


def test_people_are_named_to_those_who_may_see_names(browser: Browser, code_server: Server) -> None:
    with visiting(browser, code_server, signed_in=False) as visit:
        sign_in(visit, NAMER, OF_CODEBASE)
        visit.settle()
        for person in PEOPLE:
            expect(visit.panel("contributors")).to_contain_text(person.split(" <")[0])


def test_the_page_is_for_its_readers(browser: Browser, code_server: Server, server: Server) -> None:
    """It is hidden without the scope, and where there are no repositories."""
    with visiting(browser, code_server, signed_in=False) as visit:
        sign_in(visit, POKER, VIEW)
        expect(visit.page.locator("[data-panel=historical]")).to_be_attached(timeout=PATIENCE_MS)
        expect(visit.page.locator("[data-panel=codebases]")).to_have_count(0)
    with visiting(browser, server) as visit:
        visit.go(**VIEW)
        expect(visit.page.locator("nav")).not_to_contain_text("Repositories")


def test_an_unknown_codebase_is_reported_in_every_panel(browser: Browser, code_server: Server) -> None:
    with visiting(browser, code_server) as visit:
        visit.go(**VIEW | {"codebase": "00000000-0000-0000-0000-000000000000"})
        assert set(visit.states().values()) == {"error"}
        expect(visit.panel("activity")).to_contain_text("No codebase has the id")


@pytest.mark.parametrize("name", ["codebases", "codebase", "quiet"])
def test_looks(browser: Browser, code_server: Server, screenshots: Path, name: str) -> None:
    view = {"codebases": VIEW, "codebase": OF_CODEBASE, "quiet": OF_CODEBASE | {"date_range": "2001-01-01,2001-01-31"}}
    with visiting(browser, code_server) as visit:
        visit.go(**view[name])
        check_looks(visit, screenshots, f"repositories-{name}")
