"""Commits, lines and bytes are those of git itself, commit by commit."""

import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import Mock

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from read_model.tables.repositories import BRANCHES, COMMIT_BRANCHES, COMMITS, FILE_CHANGES, TREE
from sources.git.command import Git
from sources.git.extraction import excluding, extract, tree_changes
from sources.git.tree import moved_tree_table, tree_table
from tests.repositories import ANN, BOB, EXECUTABLE, LINK, SUBMODULE, Deployment, File, Repository
from tests.sources.git.counting import (
    all_numstats,
    all_patch_bytes,
    check_against_git,
    counted,
    empty_tree,
    extracted,
    numstat,
)

OTHER_REPOSITORY = b"0123456789abcdef0123456789abcdef01234567"
YEAR_2106_S = 4_300_000_000


def of_path(deployment: Deployment, path: str) -> list[dict[str, Any]]:
    changes = deployment.rows(FILE_CHANGES).filter(pl.col("path") == path)
    return changes.sort("committed_at").to_dicts()


def test_lines_that_look_like_a_patch_count_like_any_other(repository: Repository, deployment: Deployment) -> None:
    """`-- c` is deleted as `--- c`, `++ d` is added as `+++ d`."""
    repository.commit({"q.sql": b"-- c\n@@ -1,9 +1,9 @@\nx\n"})
    repository.commit({"q.sql": b"++ d\nx\ndiff --git a/x b/x\n"})
    deployment.run()
    check_against_git(repository, deployment)
    assert of_path(deployment, "q.sql")[1]["deletion_bytes"] == len(b"-- c") + len(b"@@ -1,9 +1,9 @@")


def test_carriage_returns_count_and_line_ends_do_not(repository: Repository, deployment: Deployment) -> None:
    repository.commit({"a.txt": b"one\r\ntwo"})
    deployment.run()
    [change] = of_path(deployment, "a.txt")
    assert (change["additions_lines"], change["addition_bytes"]) == (2, len(b"one\r") + len(b"two"))


def test_a_missing_line_end_at_either_side(repository: Repository, deployment: Deployment) -> None:
    for content in (b"a\nb", b"a\nb\n", b"a\nc", b"", b"a"):
        repository.commit({"f": content})
    deployment.run()
    check_against_git(repository, deployment)


def test_binary_files_are_marked_and_count_nothing(repository: Repository, deployment: Deployment) -> None:
    repository.commit({"b": b"\0\1\2", "t": b"t\n"})
    repository.commit({"b": File(b"\0\1\2", EXECUTABLE), "t": File(b"t\n", EXECUTABLE)})
    repository.commit({"b": b"text\n"})
    deployment.run()
    check_against_git(repository, deployment)
    assert [change["is_binary"] for change in of_path(deployment, "b")] == [True, True, True]
    assert [change["is_binary"] for change in of_path(deployment, "t")] == [False, False]


def test_a_file_that_becomes_a_link_is_one_change(repository: Repository, deployment: Deployment) -> None:
    """git's patch deletes and adds it; its counts are those of the difference."""
    repository.commit({"f": b"x\ntarget\n", "b": b"\0", "g": b"target"})
    repository.commit({"f": File(b"target", LINK), "b": File(b"target", LINK), "g": File(b"target", LINK)})
    deployment.run()
    changes = {
        row["path"]: row for row in deployment.rows(FILE_CHANGES).to_dicts() if row["change_type"] == "typechange"
    }
    assert changes.keys() == {"f", "b", "g"}
    assert extracted(deployment)[repository.head() or ""] == numstat(repository, repository.head() or "")
    assert changes["g"]["addition_bytes"] == changes["g"]["deletion_bytes"] == 0


def test_a_submodule_is_one_line_of_a_commit_and_none_of_the_tree(
    repository: Repository, deployment: Deployment
) -> None:
    repository.commit({"lib": File(OTHER_REPOSITORY, SUBMODULE), "a.py": b"1\n"})
    deployment.run()
    check_against_git(repository, deployment)
    assert deployment.rows(TREE).select("files", "lines", "bytes").row(0) == (1, 1, 1)


def test_a_rename_is_two_rows(repository: Repository, deployment: Deployment) -> None:
    text = b"".join(b"line %d\n" % n for n in range(20))
    repository.commit({"old name": text})
    repository.commit({"old name": None, "new/näme": text + b"more\n"})
    deployment.run()
    check_against_git(repository, deployment)
    [renamed], [_, deleted] = of_path(deployment, "new/näme"), of_path(deployment, "old name")
    assert (renamed["change_type"], renamed["previous_path"]) == ("renamed", "old name")
    assert (renamed["additions_lines"], deleted["change_type"], deleted["deletions_lines"]) == (21, "deleted", 20)


def test_a_copy_of_a_file_that_was_changed_too(repository: Repository, deployment: Deployment) -> None:
    text = b"".join(b"line %d\n" % n for n in range(20))
    repository.commit({"a": text})
    repository.commit({"a": text + b"x\n", "b": text})
    deployment.run()
    [copied] = of_path(deployment, "b")
    assert (copied["change_type"], copied["previous_path"]) == ("copied", "a")


def test_merges_count_against_their_first_parent(repository: Repository, deployment: Deployment) -> None:
    """An octopus merge of two branches brings two files; a merge of another root, all of its files."""
    base = repository.commit({"a": b"a\n"})
    sides = [repository.commit({name: b"1\n2\n"}, branch=name, parents=[base]) for name in ("one", "two")]
    main = repository.commit({"a": b"b\n"})
    octopus = repository.commit({"one": b"1\n2\n", "two": b"1\n2\n"}, parents=[main, *sides])
    other = repository.commit({"other": b"o\n"}, branch="other", parents=[])
    merge = repository.commit({"other": b"o\n"}, parents=[octopus, other])
    deployment.run()
    check_against_git(repository, deployment)
    rows = {row["commit_sha"]: row for row in deployment.rows(COMMITS).to_dicts()}
    assert (rows[octopus]["parent_count"], rows[octopus]["additions_lines"]) == (3, 4)
    assert (rows[merge]["is_merge"], rows[merge]["additions_lines"]) == (True, 1)
    assert not rows[other]["is_merge"]


def test_identities_messages_and_times(repository: Repository, deployment: Deployment) -> None:
    repository.commit(
        {"a": b"a\n"},
        message="Grüße\n\nzweite\n".encode("latin-1"),
        encoding="ISO-8859-1",
        author="Jörg <J@Example.org>".encode("latin-1"),
        committer=BOB,
        seconds=0,
        zone="-0330",
    )
    repository.commit({"a": b"b\n"}, message=b"bad \xff byte", seconds=YEAR_2106_S, zone="+0545")
    deployment.run()
    first, second = deployment.rows(COMMITS).sort("committed_at").to_dicts()
    assert (first["author_name"], first["author_email"], first["person"]) == ("Jörg", "J@Example.org", "j@example.org")
    assert (first["committer_name"], first["message"], first["message_length"]) == ("Bob", "Grüße\n\nzweite", 13)
    assert (first["authored_at"], first["utc_offset_minutes"]) == (datetime(1970, 1, 1, tzinfo=UTC), -210)
    assert second["message"] == "bad � byte"
    assert second["committed_at"] == datetime.fromtimestamp(YEAR_2106_S, UTC)
    assert second["utc_offset_minutes"] == 345


def test_long_messages_are_truncated_and_their_length_is_stored(repository: Repository, deployment: Deployment) -> None:
    repository.commit({"a": b"a\n"}, message=b"x" * 5_000 + b"\n")
    deployment.run()
    [row] = deployment.rows(COMMITS).to_dicts()
    assert (len(row["message"]), row["message_length"]) == (1_000, 5_000)


def test_commits_without_changes(repository: Repository, deployment: Deployment) -> None:
    repository.commit()
    repository.commit({"a": b"a\n"})
    repository.commit()
    deployment.run()
    check_against_git(repository, deployment)


def test_paths_of_any_bytes(repository: Repository, deployment: Deployment) -> None:
    repository.commit(
        {b"new\nline": b"1\n", b"\xff\xfe.py": b"2\n", 'quo"te': b"3\n", "tab\t": b"4\n", "a b/c": b"5\n"}
    )
    repository.commit({b"new\nline": b"\0", b"\xff\xfe.py": b"2", 'quo"te': None})
    deployment.run()
    check_against_git(repository, deployment)


def test_a_shallow_repository_begins_where_it_was_cut(tmp_path: Path, repository: Repository) -> None:
    for n in range(4):
        repository.commit({"a": b"%d\n" % n, f"f{n}": b"x\n"})
    shallow = Repository(tmp_path / "shallow.git")
    repository.git("clone", "-q", "--bare", "--depth=2", f"file://{repository.path}", str(shallow.path))
    deployment = Deployment(tmp_path / "deployment")
    deployment.watch(shallow)
    deployment.run()
    check_against_git(shallow, deployment)
    assert deployment.rows(COMMITS).sort("committed_at")["parent_count"].to_list() == [0, 1]


def test_excluded_paths_count_nowhere(repository: Repository, deployment: Deployment) -> None:
    repository.commit({"vendor/x.js": b"1\n2\n", "a.py": b"1\n", "b/poetry.lock": b"1\n"})
    deployment.watch(repository, exclude='["vendor/", "*.lock"]')
    deployment.run()
    assert deployment.rows(FILE_CHANGES)["path"].to_list() == ["a.py"]
    assert deployment.rows(COMMITS).select("files_changed", "additions_lines").row(0) == (1, 1)
    assert deployment.rows(TREE)["files"].sum() == 1


def test_languages_and_extensions(repository: Repository, deployment: Deployment) -> None:
    repository.commit({"src/a.PY": b"1\n", "Makefile": b"x\n", ".gitignore": b"x\n", "f": b"x\n"})
    deployment.run()
    found = deployment.rows(FILE_CHANGES).sort("path").select("path", "extension", "language").rows()
    assert found == [
        (".gitignore", None, None),
        ("Makefile", None, "Makefile"),
        ("f", None, None),
        ("src/a.PY", "py", "Python"),
    ]


def test_the_tree_is_that_of_the_default_branch(repository: Repository, deployment: Deployment) -> None:
    repository.commit({"a.py": b"one\ntwo", "src/b.py": b"1\n", "src/c.py": b"\0", "src/d": File(b"a.py", LINK)})
    repository.commit({"elsewhere": b"x\n"}, branch="side", parents=[repository.head() or ""])
    deployment.run()
    tree = deployment.rows(TREE).select("directory", "language", "files", "lines", "bytes").rows()
    assert sorted(tree, key=str) == [("", "Python", 1, 2, 6), ("src", "Python", 2, 1, 1), ("src", None, 1, 1, 4)]


def test_only_what_changed_of_a_tree_is_read_again(
    repository: Repository, deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository.commit({f"d{number}/f.py": b"1\n" for number in range(9)})
    deployment.run()
    repository.commit({"d1/f.py": b"1\n2\n", "d2/f.py": None, "*": b"*\n"})
    read = Mock(wraps=tree_changes)
    monkeypatch.setattr("sources.git.tree.tree_changes", read)
    deployment.run()
    paths = [call.args[3] for call in read.call_args_list]
    assert paths == [[b"*", b"d1/f.py", b"d2/f.py"]] * 2
    tree = deployment.rows(TREE).select("files", "lines", "bytes").sum().row(0)
    assert tree == (9, 10, 10)


def test_which_branches_contain_which_commits(repository: Repository, deployment: Deployment) -> None:
    base = repository.commit({"a": b"a\n"})
    side = repository.commit({"b": b"b\n"}, branch="side", parents=[base])
    main = repository.commit({"a": b"c\n"})
    repository.point("merged", base)
    deployment.run()
    held = deployment.rows(COMMIT_BRANCHES).select("branch", "commit_sha").rows()
    assert sorted(held) == sorted([("main", base), ("main", main), ("side", base), ("side", side), ("merged", base)])
    columns = ("branch", "head", "is_default", "merge_base", "merged", "commits", "unique_commits")
    assert deployment.rows(BRANCHES).sort("branch").select(columns).rows() == [
        ("main", main, True, main, False, 2, 2),
        ("merged", base, False, base, True, 1, 0),
        ("side", side, False, base, False, 2, 1),
    ]


def test_mailmap_names_people_without_case(repository: Repository, deployment: Deployment) -> None:
    """The later commit renames the author of the earlier one."""
    repository.commit({"a": b"a\n"}, author="annie <ANN@home.example>")
    repository.commit({"a": b"b\n"}, author=BOB)
    deployment.run()
    repository.commit({".mailmap": b"Ann <ann@example.org> <ann@HOME.example>\n"}, author=ANN)
    deployment.run()
    rows = deployment.rows(COMMITS).sort("committed_at").select("author_name", "author_email").rows()
    assert rows == [("Ann", "ann@example.org"), ("Bob", "bob@example.org"), ("Ann", "ann@example.org")]


LINES = st.sampled_from([b"a", b"b", b"c", b"", b" ", b"+", b"-", b"r\r", b"\xff\xfe", b"d" * 200]) | st.sampled_from(
    [b"-- x", b"++ x", b"--- a/f", b"+++ b/f", b"@@ -1 +1 @@", b"diff --git a/f b/f", b"\\ No newline at end of file"]
)
CONTENTS = st.tuples(st.lists(LINES, max_size=12), st.booleans()).map(
    lambda drawn: b"\n".join(drawn[0]) + (b"\n" if drawn[1] and drawn[0] else b"")
)
SUBMODULES = st.sampled_from([OTHER_REPOSITORY, OTHER_REPOSITORY[::-1]]).map(lambda commit: File(commit, SUBMODULE))
FILES = SUBMODULES | st.builds(
    File, CONTENTS | CONTENTS.map(lambda content: content + b"\0"), st.sampled_from(["100644", "100755", "120000"])
)
CHANGES = st.dictionaries(st.sampled_from(["f", "g", "d/h", "d/ä"]), FILES | st.none(), max_size=3)


@given(st.lists(CHANGES, min_size=1, max_size=12))
def test_any_history_counts_as_git_counts_it(history: Sequence[Mapping[str | bytes, File | None]]) -> None:
    """Files that come, go and change their kind."""
    with TemporaryDirectory() as directory:
        place = Path(directory)
        repository = Repository.new(place / "r.git")
        repository.commit_all(history)
        (place / "gitconfig").touch()
        git = Git(repository.path, place / "gitconfig", time.monotonic() + 60, most_bytes=1 << 30)
        [segment] = extract(git, repository.commits(), (), place, datetime(2026, 1, 1, tzinfo=UTC), lambda _: None)
        changes = pl.read_parquet(segment.changes_file(place))
        assert counted(changes) == all_numstats(repository)
        retyped = changes.filter(change_type="typechange")["commit_sha"].implode()
        sums = pl.read_parquet(segment.commits_file(place)).filter(~pl.col("commit_sha").is_in(retyped))
        expected = all_patch_bytes(repository)
        for sha, *found in sums.select("commit_sha", "addition_bytes", "deletion_bytes").iter_rows():
            assert tuple(found) == expected[sha]


ENTRIES = st.dictionaries(st.sampled_from(["f", "d", "d/h", "d/e/ä", "*", ":!f"]), FILES | st.none(), max_size=4)


@given(st.lists(ENTRIES, min_size=2, max_size=4), st.sampled_from([(), ("d/e/",), ("f",)]))
def test_the_table_of_a_tree_follows_its_changes(
    history: Sequence[Mapping[str | bytes, File | None]], exclude: Sequence[str]
) -> None:
    """Files become directories, links, submodules or binary, and the other way round."""
    with TemporaryDirectory() as directory:
        repository = Repository.new(Path(directory) / "r.git")
        repository.commit_all(history)
        (Path(directory) / "gitconfig").touch()
        git = Git(repository.path, Path(directory) / "gitconfig", time.monotonic() + 60, most_bytes=1 << 30)
        new, *_, old = repository.commits()
        empty, is_excluded = empty_tree(repository), excluding(exclude)
        expected = tree_table(git, empty, new, is_excluded)
        before = tree_table(git, empty, old, is_excluded)
        assert moved_tree_table(before, git, empty, old, new, is_excluded).equals(expected)
