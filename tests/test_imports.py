"""The layers: which part of the program may import which, and what no process may load."""

import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.imports import imports
from tests.processes import ROOT, TOKEN, clean_environment

SUBJECTS = frozenset({"fpp", "llm", "repositories", "calls", "catalogue"})
# What each part may import of this project, besides itself. A dotted name allows that part of a package only.
ALLOWED: Mapping[str, frozenset[str]] = {
    "util": frozenset(),
    "config": frozenset({"util"}),
    "calculations": frozenset(),
    "read_model": frozenset({"util"}),
    # The collector declares its tables once, for whoever writes them and for whoever reads them.
    "sources": frozenset({"config", "intake.database", "intake.tables", "read_model", "util"}),
    "web": frozenset({"calculations.frames", "calculations.time", "config", "read_model", "util"}),
    "routers": frozenset({"calculations", "config", "read_model", "util", "web"}),
    "intake": frozenset({"config", "util", "web"}),
    "cli": frozenset({"calculations", "config", "read_model", "util"}),
    "server": frozenset({"config", "read_model", "routers", "util", "web"}),
    "main": frozenset({"config", "server", "util"}),
    "update_readmodel": frozenset({"config", "read_model", "sources", "util"}),
    "collector": frozenset({"config", "intake", "util", "web"}),
}
# Parts that know no subject: neither the app's tables nor anybody else's.
WITHOUT_SUBJECT = ("read_model", "sources.mysql", "util", "web", "calculations.frames", "calculations.time")
# A calculation gets its rows, its clock and its settings as arguments.
OUTSIDE_WORLD = frozenset({"os", "pathlib", "shutil", "socket", "subprocess", "tempfile", "time", "httpx", "fastapi"})
DATABASES = frozenset({"alembic", "mysql", "pika", "psycopg", "pygit2", "sqlalchemy", "sqlite3"})


def modules(part: str) -> Iterator[tuple[str, Path]]:
    """The modules of a part by name; none of a part that is not there."""
    path = ROOT / part
    files = sorted(path.rglob("*.py")) if path.is_dir() else [path.with_suffix(".py")]
    for file in files:
        if file.exists():
            relative = file.relative_to(ROOT).with_suffix("")
            yield ".".join(relative.parts).removesuffix(".__init__"), file


def subject_of(module: str) -> str | None:
    """The subject that a module belongs to, if any."""
    return next((part for part in module.split(".") if part in SUBJECTS), None)


@pytest.mark.parametrize("part", ALLOWED)
def test_parts_import_only_what_lies_below_them(part: str) -> None:
    """Nothing imports upward: a folder tells what its code is allowed to use."""
    own = frozenset({part}) | ALLOWED[part]
    for module, file in modules(part):
        for imported in imports(file):
            if imported.split(".")[0] in ALLOWED:
                assert any(f"{imported}.".startswith(f"{name}.") for name in own), f"{module} imports {imported}"


@pytest.mark.parametrize("part", WITHOUT_SUBJECT)
def test_plumbing_knows_no_subject(part: str) -> None:
    """The read model's machinery and the web's serve every subject alike; only `read_model.tables` names one."""
    for module, file in modules(part.replace(".", "/")):
        if not module.startswith("read_model.tables"):
            assert not [imported for imported in imports(file) if subject_of(imported)], module


@pytest.mark.parametrize("part", ["calculations", "routers", "read_model", "sources"])
def test_no_subject_imports_another(part: str) -> None:
    """Changing one subject requires no knowledge of another."""
    for module, file in modules(part):
        subject = subject_of(module)
        for imported in imports(file) if subject else ():
            assert subject_of(imported) in {subject, None}, f"{module} imports {imported}"


def test_calculations_are_given_the_world_as_arguments() -> None:
    """They open no file, read no clock and know nothing of HTTP."""
    for module, file in modules("calculations"):
        assert not OUTSIDE_WORLD & {imported.split(".")[0] for imported in imports(file)}, module


@pytest.mark.server
def test_server_loads_no_database() -> None:
    """Not even indirectly: `import main` in a process of its own loads no driver, no ORM and no git library."""
    program = "import main, sys; print(*sorted({name.split('.')[0] for name in sys.modules}))"
    variables = clean_environment() | {"ANALYTICS_SECRET_TOKEN": TOKEN}
    command = [sys.executable, "-c", program]
    loaded = subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True, check=True)  # noqa: S603 - fixed
    assert not DATABASES & set(loaded.stdout.split())
