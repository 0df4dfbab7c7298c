"""The allocator's setting, in processes of their own: it counts only when Polars is loaded after it."""

import subprocess
import sys

from tests.processes import ROOT, clean_environment
from util.allocator import SETTING, VARIABLE

# Tells what is set when Polars is imported.
WATCHED = f"""
import os
import sys

class Watch:
    def find_spec(self, name, *_):
        if name == "polars":
            print(os.environ.get({VARIABLE!r}))

sys.meta_path.insert(0, Watch())
import main
"""


def output(code: str, **environment: str) -> tuple[str, str]:
    """What a program writes to standard output and to standard error."""
    done = subprocess.run(  # noqa: S603 - our own code
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=clean_environment(**environment),
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip(), done.stderr.strip()


def test_the_server_sets_it_before_polars_is_loaded() -> None:
    """Whoever imports `main`, as uvicorn does."""
    assert output(WATCHED) == (SETTING, "")


def test_a_setting_of_ones_own_is_kept() -> None:
    """From the environment."""
    assert output(WATCHED, **{VARIABLE: "narenas:2"}) == ("narenas:2", "")


def test_polars_understands_it() -> None:
    """Its allocator complains of what it does not know, and only of that."""
    allocate = "import polars; polars.int_range(10_000_000, eager=True)"
    assert output(f"import util.allocator; {allocate}") == ("", "")
    _, complaint = output(allocate, **{VARIABLE: "no_such_thing:1"})
    assert "no_such_thing" in complaint
