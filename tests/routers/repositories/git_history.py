"""A repository as git shows it: the commits with what they did to each path, the branches and the tree."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

from tests.repositories import Repository
from tests.sources.git.counting import changes_of, empty_tree

type Row = dict[str, Any]
type Parameters = Mapping[str, str]

LANGUAGES = {"py": "Python", "js": "JavaScript", "md": "Markdown", "txt": "Text"}
STALE = timedelta(days=30)


def language_of(path: str) -> str | None:
    """The language of those paths that the repository has."""
    return "Makefile" if path == "Makefile" else LANGUAGES.get(path.rpartition(".")[2])


@dataclass(frozen=True)
class Change:
    """What a commit did to a path."""

    path: str
    added: int
    deleted: int
    added_bytes: int
    deleted_bytes: int

    @property
    def bytes(self) -> int:
        """Of the lines added or deleted."""
        return self.added_bytes + self.deleted_bytes


@dataclass(frozen=True)
class Commit:
    """A commit, its author after `.mailmap`."""

    sha: str
    is_merge: bool
    name: str
    email: str
    authored: datetime
    committed: datetime
    changes: tuple[Change, ...]

    @property
    def person(self) -> str:
        """Who made it."""
        return self.email.lower()


@dataclass(frozen=True)
class Made:
    """Some commits with those of their changes that count."""

    commits: list[tuple[Commit, list[Change]]]
    includes_merges: bool

    def within(self, start: datetime, end: datetime) -> "Made":
        """Those of a period."""
        return Made([made for made in self.commits if start <= made[0].committed < end], self.includes_merges)

    def counted(self, commit: Commit, changes: list[Change]) -> list[Change]:
        """The changes whose lines count."""
        return [] if commit.is_merge and not self.includes_merges else changes

    @property
    def pairs(self) -> list[tuple[Commit, Change]]:
        """The changes whose lines count, each with its commit."""
        return [(commit, change) for commit, changes in self.commits for change in self.counted(commit, changes)]

    @property
    def people(self) -> set[str]:
        """Whoever made a commit."""
        return {commit.person for commit, _ in self.commits}


class Oracle:
    """A repository as git shows it."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        fields = "%H%x00%P%x00%aN%x00%aE%x00%aI%x00%ct"
        logged = repository.git("log", "--branches", f"--format={fields}").decode().splitlines()
        self.commits = [self._commit(*line.split("\0")) for line in logged]
        self.branches = repository.git("for-each-ref", "--format=%(refname:short)", "refs/heads").decode().split()
        self.held = {name: set(repository.git("rev-list", name).decode().split()) for name in self.branches}

    def _commit(self, sha: str, parents: str, name: str, email: str, authored: str, committed: str) -> Commit:
        changes = tuple(Change(*change) for change in changes_of(self._repository, sha))
        instant = datetime.fromtimestamp(int(committed), UTC)
        return Commit(sha, " " in parents, name, email, datetime.fromisoformat(authored), instant, changes)

    @cached_property
    def names(self) -> dict[str, tuple[str, str]]:
        """The name and e-mail of each person's latest commit."""
        in_order = sorted(self.commits, key=lambda commit: (commit.committed, commit.sha))
        return {commit.person: (commit.name, commit.email) for commit in in_order}

    def selected(self, parameters: Parameters) -> Made:
        """The commits that parameters select, of all time."""
        branch, author, path = (parameters.get(name) for name in ("branch", "author", "path"))
        chosen = []
        for commit in self.commits:
            changes = [change for change in commit.changes if path is None or change.path.startswith(path)]
            if branch is not None and commit.sha not in self.held.get(branch, ()):
                continue
            if (author is not None and commit.person != author.lower()) or (path is not None and not changes):
                continue
            chosen.append((commit, changes))
        return Made(chosen, parameters.get("merges") == "include")

    def tree(self) -> Row:
        """The size of the default branch's tree."""
        changes = [Change(*change) for change in changes_of(self._repository, "main", empty_tree(self._repository))]
        return {
            "current_sloc": sum(change.added_bytes for change in changes) // 50,
            "total_lines": sum(change.added for change in changes),
            "total_files": len(changes),
        }

    def branch_rows(self, now: datetime) -> list[Row]:
        """The branches, in order of their last commits."""
        found = {commit.sha: commit for commit in self.commits}
        rows = []
        for name in self.branches:
            head = self._repository.head(name) or ""
            own = [found[sha] for sha in (self.held[name] if name == "main" else self.held[name] - self.held["main"])]
            is_old = found[head].committed < now - STALE
            plain = "default" if name == "main" else "stale" if is_old else "active"
            rows.append(
                {
                    "name": name,
                    "is_default": name == "main",
                    "head": head,
                    "divergence": self._base(head),
                    "created": min((commit.committed for commit in own), default=None),
                    "last_commit": found[head].committed,
                    "status": plain if own else "merged",
                    "commits": len(self.held[name]),
                    "own_commits": len(own),
                    "churn": sum(c.added + c.deleted for commit in own if not commit.is_merge for c in commit.changes),
                    "contributors": len({commit.person for commit in own}),
                }
            )
        return sorted(rows, key=lambda row: (-row["last_commit"].timestamp(), row["name"]))

    def _base(self, head: str) -> str | None:
        roots = {
            commit: set(self._repository.git("rev-list", "--max-parents=0", commit).split())
            for commit in ("main", head)
        }
        if not roots["main"] & roots[head]:
            return None
        return self._repository.git("merge-base", "main", head).decode().strip()
