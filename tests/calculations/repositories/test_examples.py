"""Examples worked by hand, one per rule."""

from datetime import UTC, datetime

import polars as pl
import pytest

from calculations.repositories.branches import branches
from calculations.repositories.files import MOST_TOGETHER, hot_spots, pairs
from calculations.repositories.history import History, Selection, history
from calculations.repositories.ownership import ownership
from calculations.repositories.people import names, people_behind, pseudonyms
from calculations.repositories.totals import codebases, totals
from read_model.tables.repositories import (
    BRANCHES,
    CODEBASES,
    COMMIT_BRANCHES,
    COMMITS,
    FILE_CHANGES,
    PEOPLE,
    TREE,
)
from tests.rows import rows

NOW = datetime(2026, 3, 31, tzinfo=UTC)
SHOWN = pl.LazyFrame({"person": list("abcd"), "email": list("abcd"), "name": list("ABCD")})

AUTHORS = rows(COMMITS, "commit_key | person\n1 | a\n2 | b\n3 | c\n4 | d")


def all_of(commits: pl.LazyFrame, changes: pl.LazyFrame) -> History:
    return history(commits, changes, changes, rows(COMMIT_BRANCHES), Selection())


def test_the_absence_factor_is_the_fewest_who_did_half() -> None:
    """`a` did 40, `b` 30, `c` 20 and `d` 10 of 100: `a` alone did less than half, `a` and `b` more."""
    changes = rows(
        FILE_CHANGES,
        """
        commit_key | path_key | path  | is_merge | addition_bytes | deletion_bytes
        1          | 1        | s/x   | false    | 30             | 10
        2          | 2        | s/y   | false    | 30             | 0
        3          | 3        | s/z   | false    | 0              | 20
        4          | 4        | s/z/w | false    | 10             | 0
        """,
    )
    areas = ownership(all_of(AUTHORS, changes), SHOWN, "directory", 1, "UTC")
    [area], [owned] = areas.figures.to_dicts(), areas.owners(areas.figures["area"]).to_dicts()
    assert (area["area"], area["contributor_absence_factor"]) == ("s", 2)
    assert owned["primary_owner"] == {"email": "a", "name": "A", "share": 0.4}


def test_one_who_did_exactly_half_is_enough() -> None:
    changes = rows(
        FILE_CHANGES,
        """
        commit_key | path_key | path | is_merge | addition_bytes | deletion_bytes
        1          | 1        | x    | false    | 50             | 0
        2          | 1        | x    | false    | 25             | 0
        3          | 1        | x    | false    | 25             | 0
        """,
    )
    [area] = ownership(all_of(AUTHORS, changes), SHOWN, "directory", 2, "UTC").figures.to_dicts()
    assert (area["area"], area["contributor_absence_factor"]) == ("root", 1)


def test_ten_people_are_shown_and_ties_are_broken_by_commits_and_email() -> None:
    """Twelve people did 10 bytes of `x` each, `l` in two commits; eleven of them would be one too many."""
    people = "abcdefghijkl"
    authors = "\n".join(f"{number} | {person}" for number, person in enumerate(people + "l"))
    sizes = [10] * 11 + [5, 5]
    changed = "\n".join(f"{number} | 1 | x | false | {size} | 0" for number, size in enumerate(sizes))
    changes = rows(
        FILE_CHANGES, f"commit_key | path_key | path | is_merge | addition_bytes | deletion_bytes\n{changed}"
    )
    shown = pl.LazyFrame({"person": list(people), "email": list(people), "name": list(people)})
    areas = ownership(all_of(rows(COMMITS, f"commit_key | person\n{authors}"), changes), shown, "file", 1, "UTC")
    [owned] = areas.owners(pl.Series(["x"])).to_dicts()
    assert "".join(person["email"] for person in owned["contributors"]) == "labcdefghi"
    assert areas.figures.to_dicts()[0]["contributor_absence_factor"] == 6
    assert areas.owners(pl.Series(["y"])).is_empty()


def test_people_call_themselves_as_in_their_latest_commit() -> None:
    commits = rows(
        COMMITS,
        """
        commit_sha | person  | author_name | author_email | committed_at
        2          | a@b.c   | Anna        | A@b.c        | 2026-03-02 09:00
        1          | a@b.c   | ann         | a@b.c        | 2026-03-01 09:00
        """,
    )
    assert names(commits).collect().to_dicts() == [{"person": "a@b.c", "name": "Anna", "email": "A@b.c"}]


def test_a_pseudonym_stands_for_name_and_email() -> None:
    people = rows(PEOPLE, "person | pseudonym\na@b.c | person-1\na@b.c | person-1")
    assert pseudonyms(people).collect().to_dicts() == [{"person": "a@b.c", "name": "person-1", "email": "person-1"}]


@pytest.mark.parametrize(
    ("author", "may_name", "expected"),
    [
        ("person-1", False, ["a@b.c"]),
        ("A@B.C", True, ["a@b.c"]),
        ("a@b.c", False, []),
        ("person-2", True, []),
    ],
)
def test_an_author_is_found_by_pseudonym_or_email(author: str, expected: list[str], *, may_name: bool) -> None:
    people = rows(PEOPLE, "person | pseudonym\na@b.c | person-1")
    assert people_behind(rows(COMMITS, "person\na@b.c"), people, author, may_name=may_name) == expected


def test_the_status_of_branches() -> None:
    """Merged comes before deleted, deleted before default, default before stale; 30 days old is not stale yet."""
    known = rows(
        BRANCHES,
        """
        branch | is_default | merged | deleted | last_commit         | commits | unique_commits
        main   | true       | false  | false   | 2026-01-01 00:00    | 1       | 1
        done   | false      | true   | true    | 2026-03-30 00:00    | 1       | 0
        gone   | false      | false  | true    | 2026-01-01 00:00    | 1       | 1
        old    | false      | false  | false   | 2026-02-28 23:59:59 | 1       | 1
        fresh  | false      | false  | false   | 2026-03-01 00:00    | 1       | 1
        """,
    )
    found = branches(known, rows(COMMIT_BRANCHES), all_of(rows(COMMITS), rows(FILE_CHANGES)), NOW)
    assert dict(found.select("name", "status").rows()) == {
        "main": "default",
        "done": "merged",
        "gone": "deleted",
        "old": "stale",
        "fresh": "active",
    }


def test_own_commits_of_a_branch_are_those_the_default_branch_lacks() -> None:
    """`side` holds 1 as well as `main` does; its own are 2 by `a` and the merge 3 by `b`, which has no lines."""
    known = rows(
        BRANCHES,
        """
        branch | is_default | merged | deleted | last_commit      | commits | unique_commits
        main   | true       | false  | false   | 2026-03-30 00:00 | 1       | 1
        side   | false      | false  | false   | 2026-03-30 00:00 | 3       | 2
        """,
    )
    held = rows(
        COMMIT_BRANCHES,
        "branch | commit_key | is_own\nmain | 1 | true\nside | 1 | false\nside | 2 | true\nside | 3 | true",
    )
    commits = rows(
        COMMITS,
        """
        commit_key | person | is_merge | additions_lines | deletions_lines | addition_bytes | deletion_bytes
        1          | a      | false    | 5               | 0               | 0              | 0
        2          | a      | false    | 3               | 4               | 0              | 0
        3          | b      | true     | 9               | 9               | 0              | 0
        """,
    )
    found = branches(known, held, all_of(commits, rows(FILE_CHANGES)), NOW)
    assert sorted(found.select("name", "churn", "contributors").rows()) == [("main", 5, 1), ("side", 7, 2)]


def test_source_lines_are_summed_before_they_are_divided() -> None:
    """Two directories of 49 bytes are 98 bytes: one source line, not none."""
    tree = rows(TREE, "codebase_id | directory | files | lines | bytes\nx | a | 1 | 2 | 49\nx | b | 1 | 2 | 49")
    found = totals(all_of(rows(COMMITS), rows(FILE_CHANGES)), rows(BRANCHES), tree)
    assert (found.current_sloc, found.total_lines, found.total_files, found.avg_bytes_per_line) == (1, 4, 2, 0)


def test_codebases_without_anything_are_listed() -> None:
    known = rows(CODEBASES, "codebase_id | owner | name | provider | status\nx | acme | shop | git | none")
    found = codebases(known, all_of(rows(COMMITS), rows(FILE_CHANGES)), rows(BRANCHES), rows(TREE))
    assert found.select("display_name", "analytics_status", "total_commits", "current_sloc").rows() == [
        ("acme/shop", "none", 0, 0)
    ]


def test_deleted_branches_are_not_counted() -> None:
    known = rows(BRANCHES, "codebase_id | branch | deleted\nx | main | false\nx | gone | true")
    found = totals(all_of(rows(COMMITS), rows(FILE_CHANGES)), known, rows(TREE))
    assert found.total_branches == 1


def test_a_commit_that_touches_everything_makes_no_pairs() -> None:
    paths = "\n".join(f"1 | false | {number} | p{number}" for number in range(MOST_TOGETHER + 1))
    changes = rows(
        FILE_CHANGES, f"commit_key | is_merge | path_key | path\n{paths}\n2 | false | 1 | p1\n2 | false | 0 | p0"
    )
    commits = rows(COMMITS, "commit_key | person\n1 | a\n2 | a")
    everything = all_of(commits, changes)
    assert pairs(everything, hot_spots(everything, NOW)).rows() == [("p0", "p1", 1, 0.5)]
