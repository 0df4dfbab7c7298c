"""A browser for each module of tests, and tabs on the sample."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.browser import installed
from tests.dashboard.visits import Visit, visiting
from tests.processes import HOST, Server


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium, which can reach only this machine.

    It is closed with its module: while Playwright runs, no other test of this process can have an event loop.
    """
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(
            executable_path=installed(),
            args=[
                "--no-sandbox",  # Root may not have one.
                "--disable-gpu",
                "--disable-background-networking",
                f"--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE {HOST}",
            ],
        )


@pytest.fixture
def visit(browser: Browser, server: Server) -> Iterator[Visit]:
    """A signed-in tab on the sample."""
    with visiting(browser, server) as opened:
        yield opened


@pytest.fixture(scope="session")
def screenshots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where screenshots go for a person to look at; pytest shows the path when a test that takes them fails."""
    return tmp_path_factory.mktemp("screenshots")
