"""Unusual repositories are counted as git counts them, too."""

import os
import subprocess
from datetime import UTC, datetime
from errno import EXDEV
from pathlib import Path
from unittest.mock import Mock

import polars as pl
import pytest

from read_model.tables.repositories import BRANCHES, COMMITS, FILE_CHANGES
from tests.repositories import ANN, EXECUTABLE, LINK, SUBMODULE, Deployment, File, Repository
from tests.sources.git.counting import check_against_git

ONE_LIBRARY, OTHER_LIBRARY = b"1" * 40, b"2" * 40
SIGNATURE = "gpgsig -----BEGIN PGP SIGNATURE-----\n \n iQEzBAABCAAdFiEE\n -----END PGP SIGNATURE-----"
TEN_MB = 10 << 20
MANY_BRANCHES = 40
BY = ("-c", "user.name=x", "-c", "user.email=x@example.org")
HALF_PAST_FIVE_MINUTES = 330


def written(repository: Repository, *headers: str, message: str = "change\n") -> str:
    """A commit of the given headers on `main`, whose tree is that of its present head."""
    text = "\n".join([f"tree {tree_of(repository)}", *headers, "", message]).encode()
    commit = repository.git("hash-object", "-t", "commit", "-w", "--literally", "--stdin", stdin=text).decode().strip()
    repository.point("main", commit)
    return commit


def tree_of(repository: Repository) -> str:
    return repository.git("rev-parse", "main^{tree}").decode().strip()


def test_a_signed_commit(repository: Repository, deployment: Deployment) -> None:
    first = repository.commit({"a": b"a\n"})
    times = [f"{role} {ANN} 1700000600 +0000" for role in ("author", "committer")]
    signed = written(repository, f"parent {first}", *times, SIGNATURE, message="signed\n")
    repository.commit({"a": b"b\n"})
    deployment.run()
    check_against_git(repository, deployment)
    [row] = deployment.rows(COMMITS).filter(commit_sha=signed).to_dicts()
    assert (row["message"], row["files_changed"]) == ("signed", 0)


def test_ids_of_sha256(tmp_path: Path, deployment: Deployment) -> None:
    repository = Repository.new(tmp_path / "sha256.git", "--object-format=sha256")
    base = repository.commit({"a": b"a\n", "lib": File(b"3" * 64, SUBMODULE)})
    repository.commit({"b": b"b\n"}, branch="side", parents=[base])
    repository.commit({"a": File(b"c", LINK)})
    deployment.watch(repository)
    deployment.run()
    check_against_git(repository, deployment)
    repository.commit({"a": None})
    deployment.run()
    check_against_git(repository, deployment)
    assert deployment.rows(BRANCHES).filter(branch="side")["merge_base"].to_list() == [base]


def test_submodules_that_come_change_and_go(repository: Repository, deployment: Deployment) -> None:
    for library in (ONE_LIBRARY, OTHER_LIBRARY, None, ONE_LIBRARY):
        repository.commit({"lib": None if library is None else File(library, SUBMODULE)})
    repository.commit({"lib": b"a file now\n"})
    repository.commit({"lib": File(OTHER_LIBRARY, SUBMODULE)})
    deployment.run()
    check_against_git(repository, deployment)


def test_modes_and_links(repository: Repository, deployment: Deployment) -> None:
    for file in (
        b"a\n",
        File(b"a\n", EXECUTABLE),
        File(b"b\n", EXECUTABLE),
        b"",
        File(b"", EXECUTABLE),
        File(b"x", LINK),
    ):
        repository.commit({"f": file, "dir/g": file})
    repository.commit({"f": File(b"y", LINK), "dir/g": None})
    deployment.run()
    check_against_git(repository, deployment)


def test_attributes_in_the_repository_decide_nothing(repository: Repository, deployment: Deployment) -> None:
    repository.commit({".gitattributes": b"*.py binary\n*.c diff=cpp\n* -text\n*.bin text diff\n*.n -diff\n"})
    for content in (b"1\n", b"1\r\n2\r\n", b"3\n\0"):
        repository.commit({f"f.{name}": content for name in ("py", "c", "bin", "n", "txt")})
    deployment.run()
    check_against_git(repository, deployment)
    assert deployment.rows(FILE_CHANGES).filter(pl.col("path") == "f.py")["is_binary"].sum() == 1


def test_paths_that_need_quoting(repository: Repository, deployment: Deployment) -> None:
    names: list[str | bytes] = [
        "-x",
        "--",
        ":",
        '"q"',
        "a b",
        "\\",
        "\ttab",
        b"new\nline",
        b"\x01\x02\x03",
        b"\xe4.c",
        " ",
    ]
    for content in (b"1\n2\n", b"1\n3\n", b"\0", None):
        repository.commit(dict.fromkeys(names, content))
    deployment.run()
    check_against_git(repository, deployment)


def test_one_line_of_ten_megabytes(repository: Repository, deployment: Deployment) -> None:
    repository.commit({"line": b"x" * TEN_MB, "f": b"1\n"})
    repository.commit({"line": b"y" * TEN_MB + b"\nz", "f": b"2\n"})
    deployment.run(megabytes=500)
    check_against_git(repository, deployment)
    assert deployment.rows(COMMITS)["deletion_bytes"].max() == TEN_MB + 1


def test_messages_are_whatever_they_are(repository: Repository, deployment: Deployment) -> None:
    messages = [
        b"",
        b"\n\n  \n",
        b"diff --git a/a b/a\n@@ -1 +1 @@\n",
        b"\n:100644 100644 0 0 M\tx\n",
        b"\x01\x02\n",
        b"last",
    ]
    for number, message in enumerate(messages):
        repository.commit({"a": b"%d\n" % number} if number % 2 else {}, message=message)
    deployment.run()
    check_against_git(repository, deployment)
    found = deployment.rows(COMMITS).sort("committed_at")["message"].to_list()
    assert found == [message.decode().rstrip("\n") for message in messages]


def test_times_and_people_that_no_program_writes(repository: Repository, deployment: Deployment) -> None:
    """Times before 1970 or beyond any calendar are 1970; a commit without a name has none."""
    repository.commit({".mailmap": b"Someone <else@x> <b@x>\n"})
    people = [
        *(
            "A <a@x> 1700000000 +0530",
            "A <a@x> 1700000000 -1200",
            "A <a@x> 99999999999999999 +0000",
            "A <a@x> -5 +0000",
        ),
        *(
            "A <a@x> 0 +0000",
            "<a@x> 1 +0000",
            "A <> 1 +0000",
            "A <a@x>",
            "A",
            "A <a@x> noon +0000",
            "A <a<b>x> 1 +0000",
        ),
    ]
    commits = [written(repository, f"author {person}", f"committer {person}") for person in people]
    for number, commit in enumerate(commits):
        repository.point(f"b{number}", commit)
    deployment.run()
    rows = {row["commit_sha"]: row for row in deployment.rows(COMMITS).to_dicts()}
    assert len(rows) == len(people)
    east, west, late, early, zero, unnamed = (rows[commit] for commit in commits[:6])
    assert (east["utc_offset_minutes"], west["utc_offset_minutes"]) == (HALF_PAST_FIVE_MINUTES, -720)
    assert east["committed_at"] == datetime.fromtimestamp(1_700_000_000, UTC)
    assert {row["committed_at"] for row in (late, early, zero)} == {datetime(1970, 1, 1, tzinfo=UTC)}
    assert (unnamed["author_name"], unnamed["author_email"]) == ("", "a@x")


def test_mailmaps_are_read_as_git_reads_them(repository: Repository, deployment: Deployment) -> None:
    """Entries by name and e-mail, twice, in another order, in comments, with blanks, cut off."""
    mailmap = b"\n".join(
        [
            *(b"# Nobody <n@x> <a@x>", b"", b"Ann <ann@x> <a@x>", b"Ann B <annb@x> Bee <A@X>", b"<c2@x> <c@x>"),
            *(b"  Dora  <d2@x>   <d@x>  # her", b"Dora again <d3@x> <d@x>", b"broken <", b"> <", b"E <e@x>", b"<f@x>"),
            *("Gül <g@x> Güll <g@x>".encode(), b"\xff <h2@x> <h@x>", b"Ann <a@x> <ann@x>", b"I <i@x>\r"),
        ]
    )
    people = ["a <a@x>", "Bee <a@x>", "bee <A@x>", "c <C@x>", "d <d@x>", "e <E@x>", "f <f@x>", "Güll <g@x>", "h <h@x>"]
    for person in [*people, "x <ann@x>", "i <i@x>", " <a@x>", "a <>"]:
        repository.commit({}, author=person)
    repository.commit({".mailmap": mailmap})
    deployment.run()
    log = repository.git(
        "-c", "mailmap.blob=main:.mailmap", "log", "main", "--encoding=UTF-8", "--format=%H|%aN|%aE|%cN|%cE"
    )
    columns = ("commit_sha", "author_name", "author_email", "committer_name", "committer_email")
    found = deployment.rows(COMMITS).select(columns).rows()
    assert sorted(found) == sorted(tuple(line.split("|")) for line in log.decode(errors="replace").splitlines())


def test_many_branches_do_not_take_a_process_each(
    repository: Repository, deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = repository.commit({"a": b"a\n"})
    tree = tree_of(repository)
    for number in range(MANY_BRANCHES):
        message = ("-m", str(number))
        own = repository.git(*BY, "commit-tree", tree, "-p", base, *message).decode().strip()
        repository.point(f"b{number}", own)
    start = Mock(wraps=subprocess.Popen)
    monkeypatch.setattr(subprocess, "Popen", start)
    deployment.run()
    assert deployment.rows(BRANCHES).filter(merge_base=base).height == MANY_BRANCHES + 1
    assert 0 < start.call_count < MANY_BRANCHES


def test_branches_of_odd_names_and_no_tags(repository: Repository, deployment: Deployment) -> None:
    base = repository.commit({"a": b"a\n"})
    names = ["-x", "feature/é", "q'uote\"", "HEAD", "@x", "{y}", "+z", "#1", "refs/heads/main", "x" * 200, "%41", "a,b"]
    for name in names:
        repository.point(name, base)
    tagged = repository.commit({"a": b"t\n"}, branch="gone", parents=[base])
    repository.git("tag", "v1", tagged)
    repository.git("update-ref", "refs/pull/1/head", tagged)
    repository.delete("gone")
    deployment.run()
    assert deployment.rows(COMMITS)["commit_sha"].to_list() == [base]
    assert sorted(deployment.rows(BRANCHES)["branch"]) == sorted([*names, "main"])


def test_branches_whose_names_are_no_utf_8_are_told_apart(repository: Repository, deployment: Deployment) -> None:
    base = repository.commit({"a": b"a\n"})
    for name, content in ((b"caf\xe8", b"b\n"), (b"caf\xe9", b"c\n")):
        repository.point(os.fsdecode(name), repository.commit({"a": content}, branch="made", parents=[base]))
    repository.delete("made")
    deployment.run()
    check_against_git(repository, deployment)
    assert sorted(deployment.rows(BRANCHES)["branch"]) == ["caf\\xe8", "caf\\xe9", "main"]


def test_objects_on_the_same_disk_are_linked(repository: Repository, deployment: Deployment) -> None:
    repository.commit({"a": b"a\n"})
    repository.git("repack", "-adq")
    repository.commit({"a": b"b\n"})
    deployment.run()
    [mirror] = deployment.data_dir.rglob("mirror.git")
    remote, own = (
        {path.stat().st_ino for path in (place / "objects").glob("*/*") if path.parent.name != "info"}
        for place in (repository.path, mirror)
    )
    assert own
    assert own <= remote
    check_against_git(repository, deployment)


@pytest.mark.parametrize("hindrance", ["another disk", "objects elsewhere", "a link", "a linked directory"])
def test_objects_that_cannot_be_linked_are_fetched(
    tmp_path: Path, repository: Repository, deployment: Deployment, monkeypatch: pytest.MonkeyPatch, hindrance: str
) -> None:
    repository.commit({"a": b"a\n"})
    repository.git("repack", "-adq")
    if hindrance == "another disk":
        monkeypatch.setattr(Path, "hardlink_to", Mock(side_effect=OSError(EXDEV, "Invalid cross-device link")))
    elif hindrance == "objects elsewhere":
        repository.git("clone", "--quiet", "--bare", "--shared", str(repository.path), str(tmp_path / "borrows.git"))
        repository = Repository(tmp_path / "borrows.git")
        deployment.watch(repository)
    else:
        packs = repository.path / "objects/pack"
        linked = packs if hindrance == "a linked directory" else next(packs.glob("*.pack"))
        linked.rename(tmp_path / "elsewhere")
        linked.symlink_to(tmp_path / "elsewhere")
    deployment.run()
    check_against_git(repository, deployment)
    assert not [path for path in tmp_path.rglob("*.pack") if path.stat().st_nlink > 1]


def test_a_path_with_blanks_and_quotes(tmp_path: Path) -> None:
    repository = Repository.new(tmp_path / "Ann's own" / "my #1 shöp.git")
    repository.commit({"a": b"a\n"})
    deployment = Deployment(tmp_path / "all data")
    deployment.configure({"owner": "acme", "name": "shop", "url": f'"../{repository.path.relative_to(tmp_path)}"'})
    deployment.run()
    check_against_git(repository, deployment)
