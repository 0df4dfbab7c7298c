"""Small disks and missing permissions: a file system of a few hundred kilobytes, and root without its privileges."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.processes import PATIENCE_S, ROOT, clean_environment

PAGE = 4096
FILLER = "filler"


@dataclass(frozen=True)
class Disk:
    """A mounted tmpfs."""

    directory: Path

    def remount(self, options: str) -> None:
        """Change its size, or whether it is writable."""
        _mount("-o", f"remount,{options}", self.directory)

    @property
    def free_pages(self) -> int:
        """Pages that can still be written."""
        return os.statvfs(self.directory).f_bavail

    def fill(self, leaving_pages: int) -> None:
        """Fill it up to this many free pages, with one file."""
        filler = self.directory / FILLER
        filler.unlink(missing_ok=True)
        filler.write_bytes(bytes(PAGE * (self.free_pages - leaving_pages)))

    def make_room(self) -> None:
        """Remove the file of `fill`."""
        (self.directory / FILLER).unlink()


@contextmanager
def small_disk(directory: Path, size_kb: int) -> Iterator[Disk]:
    """Mount a tmpfs at a new directory; skips the test where that is not permitted."""
    directory.mkdir(parents=True)
    try:
        _mount("-t", "tmpfs", "-o", f"size={size_kb}k", "none", directory)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"A small disk needs the right to mount a tmpfs: {error}")
    try:
        yield Disk(directory)
    finally:
        subprocess.run(["umount", "--lazy", str(directory)], check=True)  # noqa: S603, S607 - the system's own


def _mount(*arguments: object) -> None:
    subprocess.run(["mount", *map(str, arguments)], check=True, capture_output=True)  # noqa: S603, S607 - the system's own


def finished_without_privileges(
    arguments: Sequence[object], cwd: Path, **environment: object
) -> subprocess.CompletedProcess[str]:
    """Run `python ARGUMENTS` to its end, subject to the permissions of files even as root."""
    if os.geteuid() == 0 and not shutil.which("setpriv"):
        pytest.skip("Root is subject to the permissions of files only by setpriv, which is missing")
    drop = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if os.geteuid() == 0 else []
    return subprocess.run(  # noqa: S603 - the tests' own arguments
        [*drop, sys.executable, *map(str, arguments)],
        cwd=cwd,
        env=clean_environment(PYTHONPATH=ROOT, **environment),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
