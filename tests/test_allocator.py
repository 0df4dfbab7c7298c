"""The allocator's setting, in separate processes: it takes effect only if Polars is loaded after it."""

import subprocess
import sys

import pytest

from tests.processes import ROOT, TOKEN, clean_environment
from util.allocator import SETTING, VARIABLE

# Records what is set when Polars is imported.
WATCHED = f"""
import os
import sys

class Watch:
    def find_spec(self, name, *_):
        if name == "polars":
            print(os.environ.get({VARIABLE!r}))

sys.meta_path.insert(0, Watch())
import {{entry_point}}
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


@pytest.mark.parametrize("entry_point", ["main", "demo.__main__"])
def test_it_is_set_before_polars_is_loaded(entry_point: str) -> None:
    """By whoever imports `main`, as uvicorn does, and by the demo."""
    watched = WATCHED.format(entry_point=entry_point)
    assert output(watched, ANALYTICS_SECRET_TOKEN=TOKEN) == (SETTING, "")


def test_a_setting_of_ones_own_is_kept() -> None:
    """From the environment."""
    watched = WATCHED.format(entry_point="main")
    assert output(watched, ANALYTICS_SECRET_TOKEN=TOKEN, **{VARIABLE: "narenas:2"}) == ("narenas:2", "")


def test_polars_understands_it() -> None:
    """Its allocator complains of what it does not know, and only of that."""
    allocate = "import polars; polars.int_range(10_000_000, eager=True)"
    assert output(f"from util.allocator import keep_freed_memory; keep_freed_memory(); {allocate}") == ("", "")
    _, complaint = output(allocate, **{VARIABLE: "no_such_thing:1"})
    assert "no_such_thing" in complaint
