"""A reader of the dashboard: a tab of a real browser, with its downloads, messages and requests."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, Request, expect

from tests.processes import HOST, PATIENCE_S, TOKEN, Server

PATIENCE_MS = PATIENCE_S * 1000
DASH = "–"  # noqa: RUF001 - what a figure that is not known looks like
# Records every violation of the policy, from the first line of the page on.
WATCH = """
window.violations = [];
addEventListener("securitypolicyviolation", (event) =>
  violations.push(`${event.violatedDirective} ${event.blockedURI}`),
);
"""
SIGNED_IN = f"sessionStorage.setItem('token', '{TOKEN}')"


@dataclass
class Visit:
    """A tab on a server's dashboard."""

    page: Page
    server: Server
    said: list[str] = field(default_factory=list)
    asked: list[Request] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("console", self._note)
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("request", lambda request: self.asked.append(request))

    def _note(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.said.append(message.text)

    @property
    def origin(self) -> str:
        """The server's address."""
        return f"http://{HOST}:{self.server.port}"

    def go(self, **parameters: str) -> None:
        """Open the dashboard with a view in its address, and wait until all is shown."""
        self.page.goto(f"{self.origin}/dashboard?{urlencode(parameters)}")
        self.settle()

    def settle(self) -> None:
        """Wait until nothing is loading."""
        expect(self.page.locator("[data-panel]").first).to_be_attached(timeout=PATIENCE_MS)
        expect(self.page.locator("[data-state=loading], [aria-busy=true]")).to_have_count(0, timeout=PATIENCE_MS)

    def panel(self, name: str) -> Locator:
        """A panel by its name."""
        return self.page.locator(f'[data-panel="{name}"]')

    def figure(self, name: str) -> str:
        """The text of a headline figure."""
        return self.page.locator(f'[data-figure="{name}"]').inner_text()

    def states(self) -> dict[str, str]:
        """The state of each panel."""
        found: dict[str, str] = self.page.eval_on_selector_all(
            "[data-panel]", "all => Object.fromEntries(all.map((one) => [one.dataset.panel, one.dataset.state]))"
        )
        return found

    def shown(self) -> dict[str, str]:
        """The headline figures by name."""
        found: dict[str, str] = self.page.eval_on_selector_all(
            "[data-figure]", "all => Object.fromEntries(all.map((one) => [one.dataset.figure, one.textContent]))"
        )
        return found

    def violations(self) -> list[str]:
        """The violations of the page's policy."""
        found: list[str] = self.page.evaluate("window.violations")
        return found

    def answers(self, **parameters: str) -> dict[str, Any]:
        """The API's own figures for the headlines: values and changes by name, None for what is refused."""
        figures: dict[str, Any] = {}
        for endpoint, fields in HEADLINES.items():
            answer = self.server.get(f"/v1/{endpoint}?{urlencode(parameters)}")
            for name in fields:
                figure: Any = answer.json()["data"][name] if answer.status_code == 200 else None
                is_compared = isinstance(figure, dict)
                figures[f"{endpoint}.{name}"] = figure["value"] if is_compared else figure
                if is_compared:
                    figures[f"{endpoint}.{name}.change_pct"] = figure["change_pct"]
        return figures


HEADLINES = {
    "traffic": ("visitors", "visits", "page_views", "bounce_rate", "visit_duration"),
    "votes": ("total_votes", "total_estimations", "avg_estimations_per_vote"),
}


def number(text: str) -> float | None:
    """A figure as English readers see it, in the API's unit; None for a dash."""
    if text == DASH:
        return None
    found = re.fullmatch(r"([+-]?[\d,]+(?:\.\d+)?)(%| min| sec)?", text)
    assert found, text
    value = float(found[1].replace(",", ""))
    return value * 60 if found[2] == " min" else value


def assert_same(shown: Mapping[str, str], answered: Mapping[str, Any]) -> None:
    """The page shows the API's figures, as exactly as their text can."""
    assert shown.keys() == answered.keys()
    for name, value in answered.items():
        seen = number(shown[name])
        if value is None:
            assert seen is None, (name, seen)
            continue
        in_percent = name.lower().endswith("rate")
        assert seen is not None, name
        rounding = 3 if name.endswith("duration") else 0.051 if "%" in shown[name] else 0.0051
        assert abs(seen - (value * 100 if in_percent else value)) <= rounding, (name, seen, value)


def filters(*clauses: object) -> str:
    """Filters as the address has them."""
    return json.dumps(clauses, separators=(",", ":"))


@contextmanager
def visiting(browser: Browser, server: Server, *, signed_in: bool = True, **options: Any) -> Iterator[Visit]:
    """A new tab in a fresh browser profile."""
    given = {"locale": "en-US", "timezone_id": "Europe/Berlin", "viewport": {"width": 1440, "height": 900}} | options
    context = browser.new_context(**given)
    context.add_init_script(WATCH + (SIGNED_IN if signed_in else ""))
    try:
        yield Visit(context.new_page(), server)
    finally:
        context.close()
