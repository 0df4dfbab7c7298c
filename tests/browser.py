"""A real browser for what only a browser can check: Debian's Chromium, headless."""

import subprocess
import tempfile
from dataclasses import dataclass

from tests.private_programs import ensured_program
from tests.processes import HOST

NAMES = ("chromium", "chromium-browser", "google-chrome")
LOAD_S = 120
# Virtual time in the page: timers fire at once, so this takes only a moment.
VIRTUAL_MS = 10_000


class BrowserError(RuntimeError):
    """There is no usable browser; the message says why and what to do."""


@dataclass(frozen=True)
class Loaded:
    """A page after its scripts ran, and the browser's messages about it."""

    dom: str
    console: str


def load(url: str) -> Loaded:
    """Open a local page; no other host resolves.

    Raises:
        BrowserError: There is no browser and none can be installed, or it failed.
    """
    with tempfile.TemporaryDirectory() as profile:
        done = _run(
            installed(),
            "--headless",
            "--no-sandbox",  # Chromium refuses its sandbox to root.
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
    """The path of the browser; Debian's `chromium` is installed if it is missing."""
    return ensured_program("chromium", *NAMES)


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
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        raise BrowserError(f"{error}\n{error.stderr!r}") from error
