"""A real browser for what only a browser can tell: Debian's Chromium, without a screen."""

import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass

from tests.processes import HOST

NAMES = ("chromium", "chromium-browser", "google-chrome")
INSTALL_S, LOAD_S = 900, 120
# Time as the page sees it: what it waits for comes at once, so this much passes in a moment.
VIRTUAL_MS = 10_000


class BrowserError(RuntimeError):
    """The browser cannot be had; the message says why and what to do."""


@dataclass(frozen=True)
class Loaded:
    """A page after its scripts ran, and what the browser said about it."""

    dom: str
    console: str


def load(url: str) -> Loaded:
    """Open a page of this machine; every other address is unknown to the browser.

    Raises:
        BrowserError: There is no browser and none can be installed, or it failed.
    """
    with tempfile.TemporaryDirectory() as profile:
        done = _run(
            installed(),
            "--headless",
            "--no-sandbox",  # Root may not have one.
            "--disable-gpu",
            "--disable-background-networking",
            "--disable-dev-shm-usage",
            f"--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE {HOST}",
            f"--user-data-dir={profile}",
            "--enable-logging=stderr",
            f"--virtual-time-budget={VIRTUAL_MS}",
            "--dump-dom",
            url,
            timeout_s=LOAD_S,
        )
    return Loaded(done.stdout, "\n".join(line for line in done.stderr.splitlines() if ":CONSOLE:" in line))


def installed() -> str:
    """The browser's program; installs Debian's `chromium` when there is none."""
    if found := _found():
        return found
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise BrowserError("No Chromium found: install it (Debian: apt-get install chromium)")
    for arguments in (["update"], ["install", "-y", "--no-install-recommends", "chromium"]):
        _run("apt-get", "-q", "-o", "DPkg::Lock::Timeout=120", *arguments, timeout_s=INSTALL_S)
    if found := _found():
        return found
    raise BrowserError(f"apt-get installed chromium, yet none of {', '.join(NAMES)} is in PATH")


def _found() -> str | None:
    return next(filter(None, map(shutil.which, NAMES)), None)


def _run(*command: str, timeout_s: float) -> subprocess.CompletedProcess[str]:
    """Run a command to its end.

    Raises:
        BrowserError: It failed or took too long; the message ends with what it wrote.
    """
    try:
        return subprocess.run(  # noqa: S603 - fixed programs, no shell
            command,
            check=True,
            timeout=timeout_s,
            env=os.environ | {"DEBIAN_FRONTEND": "noninteractive"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        raise BrowserError(f"{error}\n{error.stderr!r}") from error
