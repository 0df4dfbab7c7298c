"""Small made-up histories, and what a question selects from them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
from hypothesis import strategies as st

from calculations.repositories.history import History, Selection, history
from read_model.table import Table
from read_model.tables.repositories import COMMIT_BRANCHES, COMMITS, FILE_CHANGES

type Row = dict[str, Any]

CODEBASE = "shop"
START = datetime(2026, 3, 28, 22, tzinfo=UTC)
PEOPLE = ("ann@a.b", "bob@a.b", "cem@a.b")
PATHS = ("README", "src/a.py", "src/x/b.py", "src/x/y/c.js", "docs/d")
LANGUAGES: Mapping[str, str | None] = {"src/a.py": "Python", "src/x/b.py": "Python", "src/x/y/c.js": "JavaScript"}
BRANCHES = ("main", "side")
OF_COMMIT = ("codebase_id", "commit_sha", "commit_key", "is_merge", "person", "committed_at")


@dataclass(frozen=True)
class Case:
    """The rows of the tables, and what is selected of them."""

    commits: list[Row]
    changes: list[Row]
    held: list[Row]
    selection: Selection

    def history(self) -> History:
        """The history in the format of the fast calculations."""
        commits, changes = _frame(COMMITS, self.commits), _frame(FILE_CHANGES, self.changes)
        return history(commits, changes, changes, _frame(COMMIT_BRANCHES, self.held), self.selection)

    def selected(self) -> tuple[list[Row], list[Row]]:
        """Commits and changes that count, slowly: merges without lines, unless they are included."""
        held = {row["commit_key"] for row in self.held if row["branch"] == self.selection.branch}
        people, path = self.selection.people, self.selection.path
        changes = [row for row in self.changes if path is None or row["path"].startswith(path)]
        commits = []
        for row in self.commits:
            own = [change for change in changes if change["commit_sha"] == row["commit_sha"]]
            if self.selection.branch is not None and row["commit_key"] not in held:
                continue
            if (people is not None and row["person"] not in people) or (path is not None and not own):
                continue
            counts = row["is_merge"] and self.selection.merges == "exclude"
            commits.append(row | {"own": [] if counts else own, "files_changed": len(own)})
        return commits, [change for row in commits for change in row["own"]]


def _frame(table: Table, rows: list[Row]) -> pl.LazyFrame:
    return pl.LazyFrame([{name: row.get(name) for name in table.columns} for row in rows], dict(table.columns))


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Up to ten commits that change up to three paths each."""
    commits, changes, held = [], [], []
    for number in range(draw(st.integers(0, 10))):
        commit: Row = {
            "codebase_id": CODEBASE,
            "commit_sha": f"sha-{number}",
            "commit_key": number,
            "is_merge": draw(st.booleans()),
            "person": draw(st.sampled_from(PEOPLE)),
            "committed_at": START + timedelta(hours=draw(st.integers(0, 80))),
            "authored_at": START + timedelta(minutes=draw(st.integers(0, 9_000))),
            "utc_offset_minutes": draw(st.sampled_from([0, 330, -210])),
        }
        commit |= {"author_name": commit["person"][:3], "author_email": commit["person"]}
        own = [
            {name: commit[name] for name in OF_COMMIT}
            | {"path": path, "path_key": PATHS.index(path), "language": LANGUAGES.get(path)}
            | {name: draw(st.integers(0, most)) for name, most in COUNTS.items()}
            for path in draw(st.lists(st.sampled_from(PATHS), unique=True, max_size=3))
        ]
        sums = {name: sum(change[name] for change in own) for name in COUNTS}
        commits.append(commit | sums | {"files_changed": len(own)})
        changes += own
        names = draw(st.lists(st.sampled_from(BRANCHES), unique=True))
        held += [{"codebase_id": CODEBASE, "branch": name, "commit_key": commit["commit_key"]} for name in names]
    selection = Selection(
        branch=draw(st.sampled_from([None, "main"])),
        path=draw(st.sampled_from([None, "src/", "src/x"])),
        people=draw(st.sampled_from([None, PEOPLE[:2], ()])),
        merges=draw(st.sampled_from(["exclude", "include"])),
    )
    return Case(commits, changes, held, selection)


COUNTS = {"additions_lines": 150, "deletions_lines": 60, "addition_bytes": 300, "deletion_bytes": 200}
