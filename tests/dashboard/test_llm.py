"""The page about LLM usage: shown to those who may see it, with the figures of the organisation they choose."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from tests.calculations.llm.calls import ACME, OTHER_ORG
from tests.dashboard.llm_sample import store_calls
from tests.dashboard.visits import PATIENCE_MS, Visit, assert_same, visiting
from tests.processes import TOKEN, Server, serving
from tests.web.tokens import token_lines, written
from util.clock import utc_now

pytestmark = [pytest.mark.server, pytest.mark.slow]

VIEW = {"date_range": "28d", "timezone": "America/New_York"}


@pytest.fixture(scope="module")
def llm_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with calls only, whose token may read them, but not the calls of an incident."""
    data_dir = tmp_path_factory.mktemp("llm")
    store_calls(data_dir, utc_now())
    lines = token_lines("ann", TOKEN, scopes=["llm:read"], orgs=[ACME, OTHER_ORG])
    tokens = written(data_dir / "tokens.toml", lines)
    with serving(data_dir, ANALYTICS_SECRET_TOKEN="", TOKENS_FILE=tokens) as server:
        yield server


def answered(server: Server, org: str) -> dict[str, Any]:
    """The API's own figures."""
    query = "date_range=28d&timezone=America/New_York"
    usage = server.get(f"/analytics/v1/orgs/{org}/usage?{query}").json()["totals"]
    reliability = server.get(f"/analytics/v1/orgs/{org}/reliability?{query}").json()["totals"]
    names = ("costEstimateCents", "invocations", "unpricedInvocations", "inputTokens", "outputTokens")
    return {f"usage.{name}": usage[name] for name in names} | {
        "reliability.errorRate": reliability["errorRate"],
        "reliability.latencyMs.p95": reliability["latencyMs"]["p95"],
        "reliability.latencyMs.p99": reliability["latencyMs"]["p99"],
    }


def test_it_shows_the_figures_of_the_chosen_organisation(browser: Browser, llm_server: Server) -> None:
    """It is the only page for those who may see nothing else; incidents have a scope of their own."""
    with visiting(browser, llm_server) as visit:
        visit.go(**VIEW, granularity="auto")
        expect(visit.page.locator("nav a")).to_have_count(0)
        assert_shows(visit, llm_server, ACME)
        visit.page.locator("[name=org]").select_option(OTHER_ORG)
        visit.settle()
        assert f"org={OTHER_ORG}" in visit.page.url
        assert_shows(visit, llm_server, OTHER_ORG)
        states = visit.states()
        assert states.pop("incidents") == "error"
        assert set(states.values()) == {"ready"}
        expect(visit.panel("incidents")).to_contain_text("llm:incidents", timeout=PATIENCE_MS)
        assert visit.violations() == []


def assert_shows(visit: Visit, server: Server, org: str) -> None:
    shown, expected = visit.shown(), answered(server, org)
    # Dollars are rounded to cents.
    cost = expected.pop("usage.costEstimateCents")
    dollars = shown.pop("usage.costEstimateCents").removeprefix("$")
    assert abs(float(dollars) * 100 - cost) <= 0.51
    assert_same({name: text.removesuffix(" ms") for name, text in shown.items()}, expected)


def test_the_calls_of_an_incident_can_be_downloaded(browser: Browser, tmp_path: Path) -> None:
    """By whoever has the scope: all that failed, as CSV."""
    store_calls(tmp_path, utc_now())
    tokens = written(
        tmp_path / "tokens.toml", token_lines("ann", TOKEN, scopes=["llm:read", "llm:incidents"], orgs=[ACME])
    )
    with (
        serving(tmp_path, ANALYTICS_SECRET_TOKEN="", TOKENS_FILE=tokens) as server,
        visiting(browser, server) as visit,
    ):
        visit.go(**VIEW, granularity="auto")
        panel = visit.panel("incidents")
        panel.locator("summary").click()
        with visit.page.expect_download(timeout=PATIENCE_MS) as download:
            panel.locator("[data-action=csv]").click()
        lines = Path(download.value.path()).read_text(encoding="utf-8").splitlines()
        assert lines[0].startswith("event_id,org_id,occurred_at")
        assert len(lines) > 50
        assert not any(",success," in line for line in lines)
