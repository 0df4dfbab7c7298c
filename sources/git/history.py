"""Which branches contain which commits, found in one walk over the history."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import compress, repeat

import polars as pl

from sources.git.command import Git
from sources.git.mirror import Heads

GROUPS = pl.Schema({"commit_sha": pl.String, "group": pl.UInt32})
HOLDERS = pl.Schema({"branch": pl.String, "group": pl.UInt32, "is_own": pl.Boolean})
BITS = bytes.maketrans(b"01", b"\0\1")


@dataclass(frozen=True)
class History:
    """The commits of branches. Commits that are on the same set of branches form a group; there are few groups.

    `commits` has `commit_sha` and `group`, each commit once; `holders` has `branch`, `group` and `is_own`, which is
    true if the default branch lacks the group, and for the default branch itself. `forks` are, by branch, the commits
    of the default branch with a child that is the branch's own.
    """

    commits: pl.DataFrame
    holders: pl.DataFrame
    forks: dict[str, set[str]]

    @classmethod
    def of(cls, git: Git, heads: Heads) -> "History":
        """The history of some branches.

        Raises:
            CodebaseError: git failed or took too long.
        """
        walk = _Walk(heads)
        if heads.commits:
            stdin = "".join(f"{head}\n" for head in heads.commits.values()).encode()
            with git.output("rev-list", "--topo-order", "--parents", "--stdin", stdin=stdin) as listed:
                for line in listed:
                    walk.visit(*line.decode().split())
        commits = pl.DataFrame({"commit_sha": walk.shas, "group": walk.groups}, GROUPS)
        return cls(commits, walk.holders(), walk.forks)

    def __contains__(self, commit: str) -> bool:
        return commit in self.commits["commit_sha"]

    def of_branch(self, branch: str | None) -> pl.DataFrame:
        """The commits of a branch: `commit_sha`."""
        held = self.holders.filter(pl.col("branch") == pl.lit(branch, pl.String))
        return self.commits.join(held, on="group", how="semi").select("commit_sha")


class _Walk:
    """Visits commits, each before its parents. A set of branches is an integer with one bit per branch."""

    def __init__(self, heads: Heads) -> None:
        self._branches = sorted(heads.commits)
        self._default = sum(1 << number for number, name in enumerate(self._branches) if name == heads.head)
        self._groups: dict[int, int] = {}
        # For commits not visited yet: the branches they are on, and those of their children that are not on the default
        # branch.
        self._held: dict[str, int] = {}
        self._left: dict[str, int] = {}
        self.shas: list[str] = []
        self.groups: list[int] = []
        self.forks: dict[str, set[str]] = {}
        for number, name in enumerate(self._branches):
            self._add(self._held, heads.commits[name], 1 << number)

    @staticmethod
    def _add(known: dict[str, int], sha: str, branches: int) -> None:
        known[sha] = known.get(sha, 0) | branches

    def visit(self, sha: str, *parents: str) -> None:
        branches, left = self._held.pop(sha), self._left.pop(sha, 0)
        self.shas.append(sha)
        self.groups.append(self._groups.setdefault(branches, len(self._groups)))
        is_of_default = branches & self._default
        if is_of_default:
            for branch in self._names(left):
                self.forks.setdefault(branch, set()).add(sha)
        for parent in parents:
            self._add(self._held, parent, branches)
            if not is_of_default:
                self._add(self._left, parent, branches)

    def holders(self) -> pl.DataFrame:
        """The rows of `HOLDERS`, in order."""
        branches: list[str] = []
        groups: list[int] = []
        for held, group in self._groups.items():
            branches += self._names(held)
            groups += repeat(group, held.bit_count())
        of_default = [group for held, group in self._groups.items() if held & self._default]
        is_own = pl.col("branch").is_in(list(self._names(self._default))) | ~pl.col("group").is_in(of_default)
        rows = pl.DataFrame(
            {"branch": branches, "group": groups}, {name: HOLDERS[name] for name in ("branch", "group")}
        )
        return rows.with_columns(is_own=is_own).sort("branch", "group")

    def _names(self, branches: int) -> Iterator[str]:
        """The branches of a set."""
        lowest_first = f"{branches:b}"[::-1].encode()
        return compress(self._branches, lowest_first.translate(BITS))
