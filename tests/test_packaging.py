"""What is shipped: the wheel and the image hold every part of the program, and nothing secret."""

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from pathspec import GitIgnoreSpec

from tests.fresh_clone import git_files, uv
from tests.imports import imports
from tests.processes import ROOT

ENTRY_POINTS = ("main.py", "update_readmodel.py", "collector.py", "cli/main.py")
SECRETS = (
    ".env",
    ".env.production",
    "settings/tokens.toml",
    "tokens.toml",
    "production.env",
    "ca.pem",
    "deploy/server.key",
    "repositories.yaml",
    ".git/config",
    "data/current/fpp_users.parquet",
    "collected/collector.db",
    "collected/collector.db-wal",
    "tests/processes.py",
    ".venv/pyvenv.cfg",
)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> frozenset[str]:
    """The files of the wheel."""
    directory = tmp_path_factory.mktemp("wheel")
    uv("build", "--wheel", "--quiet", "--out-dir", directory, cwd=ROOT)
    (built,) = directory.glob("*.whl")
    with zipfile.ZipFile(built) as archive:
        return frozenset(name for name in archive.namelist() if ".dist-info/" not in name)


def own_modules(file: Path, seen: set[Path]) -> Iterator[Path]:
    """The modules of this project that a file imports, directly or not."""
    for name in imports(file):
        path = ROOT.joinpath(*name.split("."))
        for found in (path.with_suffix(".py"), path / "__init__.py", path.parent.with_suffix(".py")):
            if found.is_file() and found not in seen:
                seen.add(found)
                yield found
                yield from own_modules(found, seen)


def test_the_wheel_has_every_module_that_is_imported(wheel: frozenset[str]) -> None:
    """A new package needs no line anywhere."""
    seen: set[Path] = set()
    needed = {file for entry in ENTRY_POINTS for file in (ROOT / entry, *own_modules(ROOT / entry, seen))}
    assert len(needed) > 100
    assert {file.relative_to(ROOT).as_posix() for file in needed} - wheel == set()


def test_the_wheel_has_every_file_beside_its_modules(wheel: frozenset[str]) -> None:
    """Pages, scripts, templates: whatever git knows of in a folder that is shipped."""
    folders = {name.partition("/")[0] for name in wheel if "/" in name} - {"data"}
    known = {
        name for name in git_files() if name.partition("/")[0] in folders and not name.startswith("dashboard/build/")
    }
    assert {name for name in known if not Path(name).name.startswith(".")} - wheel == set()


def test_the_wheel_has_nothing_of_the_developers(wheel: frozenset[str]) -> None:
    parts = {name.partition("/")[0] for name in wheel}
    assert not parts & {"benchmarks", "demo", "deploy", "docs", "tests", ".env"}


def test_the_image_gets_the_whole_wheel_and_no_secret(wheel: frozenset[str]) -> None:
    """Docker's patterns are those of git with a slash before them."""
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    patterns = [re.sub(r"^(!?)", r"\1/", line) for line in lines if line and not line.startswith("#")]
    ignored = GitIgnoreSpec.from_lines(patterns)
    needed = {*wheel, "pyproject.toml", "uv.lock", ".python-version", "README.md", "LICENSE"} - {"data/.gitkeep"}
    assert {name for name in needed if ignored.match_file(name)} == set()
    assert {name for name in SECRETS if not ignored.match_file(name)} == set()


def test_the_image_is_made_of_pinned_versions() -> None:
    """Of Python and uv; everything else is in `uv.lock`."""
    dockerfile = (ROOT / "Dockerfile").read_text()
    assert re.search(r"^FROM python:\d+\.\d+\.\d+-slim-\w+$", dockerfile, re.MULTILINE)
    assert re.search(r"pip install --no-cache-dir uv==[\d.]+ ", dockerfile)


def test_compose_names_what_exists() -> None:
    """Scripts, ports and volumes."""
    dockerfile, compose = (ROOT / "Dockerfile").read_text(), (ROOT / "compose.yaml").read_text()
    scripts = set(re.findall(r"\b\w+\.py\b", dockerfile + compose))
    assert scripts == {"main.py", "update_readmodel.py", "collector.py"}
    parsed = yaml.safe_load(compose)
    assert parsed["services"].keys() == {"server", "updater", "collector"}
    assert {service["build"] for service in parsed["services"].values()} == {"."}
    published = [port for service in parsed["services"].values() for port in service.get("ports", [])]
    assert published == ["127.0.0.1:5100:5100", "127.0.0.1:5101:5101"]
    mounted = {volume.partition(":")[0] for service in parsed["services"].values() for volume in service["volumes"]}
    assert mounted == {*parsed["volumes"], "./settings"}
    assert parsed["services"]["server"]["volumes"][0].endswith(":ro")
