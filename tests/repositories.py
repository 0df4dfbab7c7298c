"""Git repositories for tests: built by git itself, from the files each commit changes."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from read_model.snapshot import open_snapshot
from read_model.table import Table
from read_model.tables.repositories import CODEBASES, REPOSITORIES
from read_model.updating import Job, Outcome
from sources.git.codebase import Limits
from sources.git.configuration import load_configuration
from sources.git.update import RepositoriesUpdater

ANN, BOB = "Ann <ann@example.org>", "Bob <bob@example.org>"
START_S = 1_700_000_000
FILE, EXECUTABLE, LINK, SUBMODULE = "100644", "100755", "120000", "160000"
NEUTRAL = {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1", "LC_ALL": "C"}
# Columns whose values another run does not reproduce.
OF_THE_RUN = ("collected_at", "generated_at", "generation_seconds", "attempted_at", "pseudonym")


@dataclass(frozen=True)
class File:
    """A file as a commit leaves it."""

    content: bytes
    mode: str = FILE


@dataclass
class Repository:
    """A repository that grows by whole commits, without a work tree."""

    path: Path
    seconds: int = START_S

    @classmethod
    def new(cls, path: Path, *options: str) -> "Repository":
        """An empty repository, whose HEAD is `main`."""
        path.mkdir(parents=True)
        repository = cls(path)
        repository.git("init", "-q", "--bare", "-b", "main", *options)
        return repository

    def git(self, *arguments: str, stdin: bytes = b"") -> bytes:
        """The output of a git command."""
        command = ["git", "--git-dir", str(self.path), *arguments]
        done = subprocess.run(command, input=stdin, check=True, capture_output=True, env=_environment())  # noqa: S603 - no shell
        return done.stdout

    def commit(
        self,
        changes: Mapping[str | bytes, bytes | File | None] | None = None,
        *,
        branch: str = "main",
        message: bytes = b"change",
        author: str | bytes = ANN,
        committer: str | bytes | None = None,
        seconds: int | None = None,
        zone: str = "+0000",
        parents: Sequence[str] | None = None,
        encoding: str | None = None,
    ) -> str:
        """Add a commit to a branch and return its id; a change of None deletes.

        `parents` replace the branch's head as its parents; an empty list makes it a root commit.
        """
        self.seconds += 60
        when = self.seconds if seconds is None else seconds
        head = self.head(branch)
        known = ([head] if head else []) if parents is None else list(parents)
        by = _bytes(author)
        lines = [
            b"commit refs/heads/" + branch.encode(),
            b"author %s %d %s" % (by, when, zone.encode()),
            b"committer %s %d %s" % (_bytes(committer or by), when, zone.encode()),
        ]
        if encoding:
            lines.append(b"encoding " + encoding.encode())
        lines.append(b"data %d\n%s" % (len(message), message))
        lines += [b"%s %s" % (b"merge" if n else b"from", parent.encode()) for n, parent in enumerate(known)]
        stream = b"\n".join([*lines, *(_change(path, change) for path, change in (changes or {}).items()), b""])
        if parents is not None and not parents:
            stream = b"reset refs/heads/%s\n\n" % branch.encode() + stream
        self.git("fast-import", "--quiet", "--force", "--date-format=raw-permissive", stdin=stream)
        return self.head(branch) or ""

    def commit_all(self, history: Sequence[Mapping[str | bytes, bytes | File | None]]) -> None:
        """Add many commits to an empty `main` with one `git fast-import`."""
        by = ANN.encode()
        stream = b"".join(
            b"commit refs/heads/main\ncommitter %s %d +0000\ndata 1\nx\n%s\n"
            % (by, self.seconds + 60 * number, b"\n".join(_change(path, change) for path, change in changes.items()))
            for number, changes in enumerate(history)
        )
        self.git("fast-import", "--quiet", stdin=stream)

    def head(self, branch: str = "main") -> str | None:
        """The commit a branch points at."""
        return self.git("for-each-ref", "--format=%(objectname)", f"refs/heads/{branch}").decode().strip() or None

    def point(self, branch: str, commit: str) -> None:
        """Make or move a branch."""
        self.git("update-ref", f"refs/heads/{branch}", commit)

    def delete(self, branch: str) -> None:
        """Delete a branch."""
        self.git("update-ref", "-d", f"refs/heads/{branch}")

    def commits(self) -> list[str]:
        """The commits of all branches."""
        return self.git("rev-list", "--branches").decode().split()


def _bytes(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode()


def _environment() -> dict[str, str]:
    return NEUTRAL | {"PATH": os.environ["PATH"]}


def _change(path: str | bytes, change: bytes | File | None) -> bytes:
    quoted = b'"' + b"".join(b"\\%03o" % byte for byte in _bytes(path)) + b'"'
    if change is None:
        return b"D " + quoted
    file = change if isinstance(change, File) else File(change)
    if file.mode == SUBMODULE:
        return b"M 160000 %s %s" % (file.content, quoted)
    return b"M %s inline %s\ndata %d\n%s" % (file.mode.encode(), quoted, len(file.content), file.content)


@dataclass(frozen=True)
class Deployment:
    """A configuration and a data directory, and the updater over them."""

    directory: Path

    @property
    def data_dir(self) -> Path:
        """The data directory."""
        return self.directory / "data"

    def configure(self, *codebases: Mapping[str, object], organization: str = "acme") -> None:
        """Write REPOSITORIES_FILE."""
        self.directory.mkdir(exist_ok=True)
        lines = [f"organization_id: {organization}", "codebases:"]
        for codebase in codebases:
            lines += [f"  {'-' if not n else ' '} {name}: {value}" for n, (name, value) in enumerate(codebase.items())]
        (self.directory / "repositories.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")

    def watch(self, repository: Repository, **settings: object) -> None:
        """Configure one codebase, `acme/shop`."""
        self.configure({"owner": "acme", "name": "shop", "url": str(repository.path), **settings})

    def run(self, job: Job | None = None, *, seconds: float = 60, megabytes: int = 100, **tokens: str) -> Outcome:
        """Run the updater once."""
        configuration = load_configuration(self.directory / "repositories.yaml")
        updater = RepositoriesUpdater(configuration, self.data_dir, Limits(seconds, megabytes), tokens)
        return updater.run(job or Job())

    def rows(self, table: Table) -> pl.DataFrame:
        """A published table."""
        return open_snapshot(self.data_dir, REPOSITORIES).scan(table).collect()

    def codebases(self) -> list[dict[str, Any]]:
        """The rows of the table of codebases."""
        return self.rows(CODEBASES).to_dicts()

    def tables(self) -> dict[str, pl.DataFrame]:
        """All published tables in a fixed order, without values that differ in a fresh extraction."""
        return {table.name: comparable(self.rows(table)) for table in REPOSITORIES.tables}


def comparable(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows in a fixed order, without values that depend on the time of extraction and without deleted branches."""
    if "deleted" in rows.columns:
        rows = rows.filter(~pl.col("deleted"))
    kept = rows.select(name for name in rows.columns if name not in OF_THE_RUN).unique()
    return kept.sort(kept.columns)
