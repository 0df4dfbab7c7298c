"""Whatever happens to the remote, a run that builds on earlier ones yields the tables of a fresh extraction."""

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from read_model.snapshot import open_snapshot
from read_model.tables.repositories import BRANCHES, CODEBASES, COMMITS, PATHS, REPOSITORIES
from read_model.updating import Job
from sources.git.segments import MOST_SMALL
from sources.git.state import State
from tests.repositories import ANN, BOB, Deployment, Repository
from util.errors import EXIT_UNAVAILABLE


@pytest.fixture
def repository(repository: Repository) -> Repository:
    """`main` with three commits, and `side` with one of its own."""
    base = repository.commit({"a.py": b"1\n"})
    repository.commit({"b.py": b"2\n"}, branch="side", parents=[base], author=BOB)
    repository.commit({"a.py": b"3\n", "c/d.md": b"4\n"})
    repository.commit({"c/d.md": None})
    return repository


@pytest.fixture
def deployment(deployment: Deployment) -> Deployment:
    """A deployment that has extracted the repository as it was."""
    assert deployment.run().exit_code == 0
    return deployment


def is_as_fresh(deployment: Deployment) -> None:
    """The tables are those of a deployment that begins now."""
    with TemporaryDirectory() as directory:
        fresh = Deployment(Path(directory))
        (fresh.directory / "repositories.yaml").write_text((deployment.directory / "repositories.yaml").read_text())
        fresh.run()
        expected = fresh.tables()
    found = deployment.tables()
    for name in expected:
        assert found[name].rows() == expected[name].rows(), name


def new_commits(repository: Repository) -> None:
    repository.commit({"a.py": b"5\n"})
    repository.commit({"b.py": b"6\n"}, branch="side")


def new_branch(repository: Repository) -> None:
    repository.commit({"n.py": b"1\n"}, branch="new", parents=[repository.head() or ""])


def deleted_branch(repository: Repository) -> None:
    repository.delete("side")


def merged_branch(repository: Repository) -> None:
    repository.commit({"b.py": b"2\n"}, parents=[repository.head() or "", repository.head("side") or ""])


def force_push(repository: Repository) -> None:
    root = repository.git("rev-list", "--max-parents=0", "main").decode().split()[0]
    repository.commit({"z.py": b"1\n"}, parents=[root])


def renamed_branch(repository: Repository) -> None:
    repository.point("renamed", repository.head("side") or "")
    repository.delete("side")


def moved_default(repository: Repository) -> None:
    repository.git("symbolic-ref", "HEAD", "refs/heads/side")


def branch_in_the_place_of_a_folder(repository: Repository) -> None:
    head = repository.head("side") or ""
    repository.delete("side")
    repository.point("side/way", head)


def emptied(repository: Repository) -> None:
    repository.delete("main")
    repository.delete("side")


def collected_garbage(repository: Repository) -> None:
    force_push(repository)
    repository.git("gc", "--quiet", "--prune=now")


def new_mailmap(repository: Repository) -> None:
    repository.commit({".mailmap": b"Robert <ann@example.org> <bob@example.org>\n"})


@pytest.mark.parametrize(
    "change",
    [
        new_commits,
        new_branch,
        deleted_branch,
        merged_branch,
        force_push,
        renamed_branch,
        moved_default,
        branch_in_the_place_of_a_folder,
        emptied,
        collected_garbage,
        new_mailmap,
    ],
)
def test_after_a_change_of_the_remote(
    repository: Repository, deployment: Deployment, change: Callable[[Repository], None]
) -> None:
    change(repository)
    assert deployment.run().exit_code == 0
    is_as_fresh(deployment)


def test_a_repository_that_is_filled_again(repository: Repository, deployment: Deployment) -> None:
    head = repository.head() or ""
    emptied(repository)
    deployment.run()
    assert deployment.rows(COMMITS).is_empty()
    assert deployment.rows(CODEBASES)["status"].to_list() == ["complete"]
    repository.point("main", head)
    deployment.run()
    is_as_fresh(deployment)


def test_a_deleted_branch_keeps_its_row_and_its_own_commits_leave(
    repository: Repository, deployment: Deployment
) -> None:
    own = repository.head("side")
    deleted_branch(repository)
    deployment.run()
    [row] = deployment.rows(BRANCHES).filter(pl.col("deleted")).to_dicts()
    assert (row["branch"], row["head"], row["unique_commits"], row["merged"]) == ("side", own, 1, False)
    assert own not in deployment.rows(COMMITS)["commit_sha"]


def test_a_branch_that_was_merged_before_it_was_deleted(repository: Repository, deployment: Deployment) -> None:
    merged_branch(repository)
    deleted_branch(repository)
    deployment.run()
    [row] = deployment.rows(BRANCHES).filter(pl.col("deleted")).to_dicts()
    assert row["merged"]


def test_other_rules_read_everything_again(repository: Repository, deployment: Deployment) -> None:
    for rules in ({"exclude": '["*.md"]'}, {"branches": '["s*"]'}, {"default_branch": "side"}, {"branches": '["x"]'}):
        deployment.watch(repository, **rules)
        deployment.run()
        is_as_fresh(deployment)


def test_another_url_with_the_same_id(repository: Repository, deployment: Deployment) -> None:
    other = Repository.new(repository.path.parent / "other.git")
    other.commit({"o": b"o\n"})
    for place in (repository, other, repository):
        deployment.watch(place, id="11111111-1111-1111-1111-111111111111")
        deployment.run()
        is_as_fresh(deployment)


def test_many_small_runs_leave_few_files(repository: Repository, deployment: Deployment) -> None:
    for _ in range(MOST_SMALL + 3):
        new_commits(repository)
        deployment.run()
    assert len(open_snapshot(deployment.data_dir, REPOSITORIES).files(COMMITS)) <= MOST_SMALL + 1
    is_as_fresh(deployment)


def test_a_full_run_rebuilds_the_mirror(deployment: Deployment) -> None:
    collected = deployment.rows(COMMITS)["collected_at"].max()
    deployment.run(Job(full=True))
    assert deployment.rows(COMMITS)["collected_at"].min() > collected  # type: ignore[operator]
    is_as_fresh(deployment)


def test_what_is_stored_and_damaged_is_extracted_again(repository: Repository, deployment: Deployment) -> None:
    """A part is gone, a raw segment is gone, a pack is gone, a lock was left behind, the state is not JSON."""
    home = REPOSITORIES.directory(deployment.data_dir)
    for pattern in ("parts/repo_commits.*", "codebases/*/raw/commits.*", "codebases/*/state.json"):
        next(home.glob(pattern)).write_bytes(b"")
        deployment.run()
        is_as_fresh(deployment)
    for pattern in ("codebases/*/mirror.git/packed-refs", "codebases/*/mirror.git/HEAD"):
        for path in home.glob(pattern):
            path.with_name(f"{path.name}.lock").touch()
            path.write_bytes(b"no longer what it was\n")
        new_commits(repository)
        deployment.run()
        deployment.run()
        is_as_fresh(deployment)


def test_a_mirror_with_broken_objects_is_made_anew(repository: Repository, deployment: Deployment) -> None:
    home = REPOSITORIES.directory(deployment.data_dir)
    for path in home.glob("codebases/*/mirror.git/objects/??/*"):
        if repository.git("cat-file", "-t", path.parent.name + path.name) == b"blob\n":
            path.unlink()
            path.write_bytes(b"no longer what it was\n")
    # What is known already is read again by other rules.
    deployment.watch(repository, exclude="[none]")
    assert deployment.run().exit_code == EXIT_UNAVAILABLE
    assert "objects are broken or missing" in deployment.codebases()[0]["error"]
    assert deployment.run().exit_code == 0
    is_as_fresh(deployment)


def test_paths_are_added_to_what_an_earlier_version_read(repository: Repository, deployment: Deployment) -> None:
    """It wrote no table of paths; the run that adds it needs no answer of the remote."""
    expected = deployment.tables()
    [directory] = deployment.data_dir.glob("repositories/codebases/*")
    state = State.read(directory).model_dump(mode="json")
    for stored in state["extracted"]["segments"]:
        del stored["parts"][PATHS.name]
    State.model_validate(state).write(directory)
    repository.path.rename(repository.path.with_name("moved.git"))
    assert deployment.run().exit_code == EXIT_UNAVAILABLE
    found = deployment.tables()
    assert sorted(found[PATHS.name]["path"]) == ["a.py", "b.py", "c/d.md"]
    assert found[PATHS.name].equals(expected[PATHS.name])


def test_nothing_new_writes_nothing_but_the_status(deployment: Deployment) -> None:
    before = open_snapshot(deployment.data_dir, REPOSITORIES)
    deployment.run()
    after = open_snapshot(deployment.data_dir, REPOSITORIES)
    assert before.id != after.id
    assert before.data_updated_at < after.data_updated_at
    assert [file.name for file in before.files(COMMITS)] == [file.name for file in after.files(COMMITS)]


def test_a_codebase_that_is_no_longer_configured_leaves(repository: Repository, deployment: Deployment) -> None:
    other = Repository.new(repository.path.parent / "other.git")
    other.commit({"o": b"o\n"}, author=ANN)
    deployment.watch(other)
    deployment.run()
    is_as_fresh(deployment)
    assert len(list((REPOSITORIES.directory(deployment.data_dir) / "codebases").iterdir())) == 1


SOME_PATHS, TEXTS = st.sampled_from(["a", "b", "c/d"]), st.sampled_from([b"1\n", b"1\n2\n", b"3", None])
BRANCH_NAMES = st.sampled_from(["main", "one", "two"])
RULES = st.sampled_from([{}, {"exclude": "[c/]"}, {"branches": "[o*]"}, {"default_branch": "two"}])
STEPS = st.one_of(
    st.tuples(st.just("commit"), BRANCH_NAMES, st.dictionaries(SOME_PATHS, TEXTS, max_size=2)),
    st.tuples(st.just("branch"), BRANCH_NAMES, BRANCH_NAMES),
    st.tuples(st.just("delete"), BRANCH_NAMES, st.none()),
    st.tuples(st.just("default"), BRANCH_NAMES, st.none()),
    st.tuples(st.just("mailmap"), BRANCH_NAMES, st.none()),
    st.tuples(st.just("back"), BRANCH_NAMES, st.none()),
    st.tuples(st.just("merge"), BRANCH_NAMES, BRANCH_NAMES),
    st.tuples(st.just("root"), BRANCH_NAMES, st.none()),
    st.tuples(st.just("gc"), st.none(), st.none()),
    st.tuples(st.just("rules"), st.none(), RULES),
    st.tuples(st.just("run"), st.none(), st.none()),
)


@settings(max_examples=12)
@given(st.lists(STEPS, min_size=4, max_size=14))
def test_any_changes_in_any_order(steps: list[tuple[str, str, object]]) -> None:
    with TemporaryDirectory() as directory:
        repository, deployment = Repository.new(Path(directory) / "r.git"), Deployment(Path(directory) / "d")
        repository.commit({"a": b"1\n"})
        deployment.watch(repository)
        deployment.run()
        for kind, branch, argument in steps:
            take_step(repository, deployment, kind, branch, argument)
        deployment.run()
        is_as_fresh(deployment)


def take_step(repository: Repository, deployment: Deployment, kind: str, branch: str, argument: object) -> None:
    """Change the remote in one way, or run the updater."""
    head = repository.head(branch) if branch else None
    if kind == "run":
        deployment.run()
    elif kind == "default":
        repository.git("symbolic-ref", "HEAD", f"refs/heads/{branch}")
    elif kind == "commit":
        assert isinstance(argument, dict)
        repository.commit(argument, branch=branch)
    elif kind == "mailmap":
        repository.commit({".mailmap": b"A <a@b.c> <ann@example.org>\n"}, branch=branch)
    elif kind == "root":
        repository.commit({"r": b"r\n"}, branch=branch, parents=[])
    elif kind == "merge" and head and (other := repository.head(str(argument))):
        repository.commit({"m": b"m\n"}, branch=branch, parents=[head, other])
    elif kind == "gc":
        repository.git("gc", "--quiet", "--prune=now")
    elif kind == "rules":
        assert isinstance(argument, dict)
        deployment.watch(repository, **argument)
    elif kind == "branch" and head:
        repository.point(str(argument), head)
    elif kind == "delete" and head:
        repository.delete(branch)
    elif kind == "back" and head and (parents := repository.git("rev-list", head).decode().split()[1:]):
        repository.point(branch, parents[0])
