"""Remotes that hang, are gone, require a password or are hostile: only they fail, with a reason and without a trace."""

import logging
import os
import threading
import time
from pathlib import Path

import pytest

from read_model.tables.repositories import CODEBASES, COMMITS, REPOSITORIES
from sources.git.errors import meaning
from tests.repositories import SUBMODULE, Deployment, File, Repository
from tests.sources.git.remotes import HOST, serving, silent_port
from util.errors import EXIT_UNAVAILABLE

TOKEN = "secret-token-of-a-codebase"  # noqa: S105 - it guards nothing
MANY, LARGE = 100_000, 100 << 20
BY = ("-c", "user.name=x", "-c", "user.email=x@example.org")
OTHER_REPOSITORY = b"0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    made = Repository.new(tmp_path / "served" / "shop.git")
    made.commit({"a.py": b"1\n"})
    return made


@pytest.fixture
def deployment(tmp_path: Path) -> Deployment:
    return Deployment(tmp_path / "deployment")


def states(deployment: Deployment) -> dict[str, tuple[str, str | None]]:
    return {row["name"]: (row["status"], row["error"]) for row in deployment.codebases()}


def test_one_that_hangs_and_one_that_is_gone_do_not_break_the_others(
    repository: Repository, deployment: Deployment
) -> None:
    with silent_port() as port:
        deployment.configure(
            {"owner": "o", "name": "hangs", "url": f"http://{HOST}:{port}/x.git"},
            {"owner": "o", "name": "gone", "url": repository.path.parent / "gone.git"},
            {"owner": "o", "name": "refused", "url": f"http://{HOST}:1/x.git"},
            {"owner": "o", "name": "shop", "url": repository.path},
        )
        outcome = deployment.run(seconds=3)
    assert outcome.exit_code == 69
    assert "o/hangs" in outcome.message
    found = states(deployment)
    assert {name: status for name, (status, _) in found.items()} == {
        "hangs": "failed",
        "gone": "failed",
        "refused": "failed",
        "shop": "complete",
    }
    assert "killed after 3 s" in (found["hangs"][1] or "")
    assert "no repository at `url`" in (found["gone"][1] or "")
    assert "can't be reached" in (found["refused"][1] or "")
    assert deployment.rows(COMMITS).height == 1


def test_a_failure_keeps_what_was_extracted_and_since_when(repository: Repository, deployment: Deployment) -> None:
    deployment.watch(repository)
    deployment.run()
    moved = repository.path.rename(repository.path.with_name("elsewhere.git"))
    deployment.run()
    [first] = deployment.codebases()
    deployment.run()
    [second] = deployment.codebases()
    assert (first["status"], second["failed_since"]) == ("failed", first["failed_since"])
    assert second["attempted_at"] > first["attempted_at"]
    assert deployment.rows(COMMITS).height == 1
    moved.rename(repository.path)
    deployment.run()
    [third] = deployment.codebases()
    assert (third["status"], third["failed_since"], third["error"]) == ("complete", None, None)


def test_a_password_is_the_token_and_is_found_nowhere(
    repository: Repository, deployment: Deployment, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither in a file, nor in the log, nor in the arguments or variables of any process."""
    caplog.set_level(logging.DEBUG)
    with serving(repository.path.parent, token=TOKEN) as remote, watched_processes() as seen:
        url = f"{remote.url}/shop.git"
        deployment.configure({"owner": "o", "name": "shop", "url": url, "token_env": "SHOP_TOKEN"})
        assert deployment.run(SHOP_TOKEN=TOKEN).exit_code == 0
        assert remote.authorizations
    assert deployment.rows(COMMITS).height == 1
    files = [path for path in deployment.directory.rglob("*") if path.is_file()]
    assert not [path for path in files if TOKEN.encode() in path.read_bytes()]
    assert TOKEN not in caplog.text
    assert any("ls-remote" in arguments for arguments in seen)
    assert not [arguments for arguments in seen if TOKEN in arguments]


def test_a_missing_or_wrong_token(repository: Repository, deployment: Deployment) -> None:
    with serving(repository.path.parent, token=TOKEN) as remote:
        url = f"{remote.url}/shop.git"
        deployment.configure({"owner": "o", "name": "shop", "url": url, "token_env": "SHOP_TOKEN"})
        deployment.run()
        assert "SHOP_TOKEN" in (states(deployment)["shop"][1] or "")
        deployment.run(SHOP_TOKEN="wrong-token")  # noqa: S106 - it guards nothing
        assert "refuses access" in (states(deployment)["shop"][1] or "")


def test_a_repository_that_is_not_there_over_http(repository: Repository, deployment: Deployment) -> None:
    with serving(repository.path.parent) as remote:
        deployment.configure({"owner": "o", "name": "shop", "url": f"{remote.url}/none.git"})
        deployment.run()
    assert "no repository at `url`" in (states(deployment)["shop"][1] or "")


@pytest.mark.parametrize("page", [b"", b"<p>Sign in</p>", b"<p>\nSign in\n</p>\n"])
def test_a_page_is_no_empty_repository(repository: Repository, deployment: Deployment, page: bytes) -> None:
    with serving(repository.path.parent) as remote:
        deployment.configure({"owner": "o", "name": "shop", "url": f"{remote.url}/shop.git"})
        deployment.run()
        remote.page = page
        assert deployment.run().exit_code == EXIT_UNAVAILABLE
        assert "is not git" in (states(deployment)["shop"][1] or "")
        assert deployment.rows(COMMITS).height == 1
        remote.page = None
        repository.delete("main")
        assert deployment.run().exit_code == 0
    assert deployment.rows(COMMITS).is_empty()
    assert not list(deployment.data_dir.rglob("packets"))


def test_a_fetch_that_is_refused_costs_no_mirror(repository: Repository, deployment: Deployment) -> None:
    with serving(repository.path.parent) as remote:
        deployment.configure({"owner": "o", "name": "shop", "url": f"{remote.url}/shop.git"})
        deployment.run()
        [mirror] = deployment.data_dir.rglob("mirror.git")
        made = mirror.stat().st_ino
        repository.commit({"a.py": b"2\n"})
        remote.refuses_fetches = 429
        assert deployment.run().exit_code == EXIT_UNAVAILABLE
        assert mirror.stat().st_ino == made
        assert remote.fetches == 2
        remote.refuses_fetches = None
        assert deployment.run().exit_code == 0
    assert deployment.rows(COMMITS).height == 2


def test_the_token_does_not_follow_to_another_host(repository: Repository, deployment: Deployment) -> None:
    """Nor do redirects stop working for who needs no password."""
    directory = repository.path.parent
    with serving(directory, token=TOKEN) as other, serving(directory, elsewhere=other.url) as remote:
        url = f"{remote.url}/shop.git"
        deployment.configure({"owner": "o", "name": "shop", "url": url, "token_env": "SHOP_TOKEN"})
        deployment.run(SHOP_TOKEN=TOKEN)
        assert other.paths
        assert not other.authorizations
        other.token = None
        assert deployment.run(SHOP_TOKEN=TOKEN).exit_code == 0


def test_a_mirror_that_is_too_large(repository: Repository, deployment: Deployment) -> None:
    repository.commit({"large": os.urandom(3 << 20)})
    deployment.watch(repository)
    deployment.run(megabytes=1)
    assert "REPOSITORY_MAX_MB (1)" in (states(deployment)["shop"][1] or "")


def test_hooks_submodules_and_configuration_of_the_remote_do_nothing(
    tmp_path: Path, repository: Repository, deployment: Deployment
) -> None:
    harm = tmp_path / "harm"
    modules = b'[submodule "x"]\n\tpath = x\n\turl = ext::touch %s\n' % str(harm).encode()
    attributes = b"* filter=harm diff=harm -text\n*.py binary\n"
    repository.commit({".gitmodules": modules, "x": File(OTHER_REPOSITORY, SUBMODULE), ".gitattributes": attributes})
    repository.commit({"b.py": b"1\n2\n"})
    for name in ("post-checkout", "reference-transaction", "pre-auto-gc"):
        hook = repository.path / "hooks" / name
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(f"#!/bin/sh\ntouch {harm}\n")
        hook.chmod(0o755)
    repository.git("config", "diff.harm.textconv", f"touch {harm}; cat")
    deployment.watch(repository)
    deployment.run()
    assert not harm.exists()
    assert deployment.rows(COMMITS)["additions_lines"].sum() == 1 + 3 + 1 + 2 + 2


@pytest.mark.slow
def test_a_commit_of_very_many_files_and_a_very_large_file(repository: Repository, deployment: Deployment) -> None:
    """All files of the tree have the same content, so that git handles them quickly."""
    known = repository_blob(repository)
    names = "".join(f"100644 blob {known}\tf{number:06}\n" for number in range(MANY))
    tree = repository.git("mktree", stdin=names.encode()).decode().strip()
    commit = repository.git(*BY, "commit-tree", "-m", "many", "-p", repository.head() or "", tree).decode().strip()
    repository.point("main", commit)
    repository.commit({"large": b"x" * LARGE})
    deployment.watch(repository)
    assert deployment.run(megabytes=500).exit_code == 0
    rows = deployment.rows(COMMITS)
    assert rows["files_changed"].max() == MANY + 1
    assert rows["addition_bytes"].max() == LARGE


def repository_blob(repository: Repository) -> str:
    return repository.git("hash-object", "-w", "--stdin", stdin=b"1\n").decode().strip()


@pytest.mark.slow
def test_a_tree_that_unfolds_without_end_fails_alone(repository: Repository, deployment: Deployment) -> None:
    """Ten levels of ten times the same tree are ten thousand million paths."""
    tree = repository.git("mktree", stdin=f"100644 blob {repository_blob(repository)}\tf\n".encode()).decode().strip()
    for _ in range(10):
        entries = "".join(f"040000 tree {tree}\td{n}\n" for n in range(10))
        tree = repository.git("mktree", stdin=entries.encode()).decode().strip()
    commit = repository.git(*BY, "commit-tree", "-m", "bomb", tree).decode().strip()
    repository.point("main", commit)
    deployment.watch(repository)
    assert deployment.run(seconds=10).exit_code == 69
    [(status, error)] = states(deployment).values()
    assert status == "failed"
    assert error is not None
    assert "memory" in error or "paths" in error or "killed after" in error


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("fatal: could not read Username for 'https://x': terminal prompts disabled", "token_env"),
        ("git@host.example: Permission denied (publickey).", "token_env"),
        ("fatal: unable to access 'https://u:p@x/': Could not resolve host: x", "can't be reached"),
        ("fatal: something of ann@example.org at https://u:p@x/y", "fatal: something of … at …"),
        ("", "no reason"),
        ("fatal: it broke\nremote: Ann Smith was here\n", "fatal: it broke"),
        ("fatal: remote error: Ann Smith has locked it", "the remote refuses: "),
        ("fatal: git upload-pack: not our ref 0123", "`git fsck`"),
        ("ERROR: Repository not found.\nfatal: Could not read from remote repository.", "there is no repository"),
        ("fatal: Could not read from remote repository.\n\nand the repository exists.", "the remote refuses: "),
        ("fatal: unable to access 'https://x/': The requested URL returned error: 429", "can't be reached"),
    ],
)
def test_messages_of_git_are_shown_without_addresses(said: str, expected: str) -> None:
    assert expected in meaning(said)
    assert "@" not in meaning(said)
    assert "Ann" not in meaning(said)


class watched_processes:  # noqa: N801 - used like a function
    """The arguments and variables of all processes that are seen while the block runs; this one's left out."""

    def __init__(self) -> None:
        self._seen: set[str] = set()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> set[str]:
        self._thread.start()
        return self._seen

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._done.is_set():
            for process in Path("/proc").glob("[0-9]*"):
                if process.name != str(os.getpid()):
                    for name in ("cmdline", "environ"):
                        try:
                            self._seen.add((process / name).read_bytes().decode(errors="replace"))
                        except OSError:
                            continue
            time.sleep(0.001)


def test_the_key_of_pseudonyms_is_for_its_owner_only(repository: Repository, deployment: Deployment) -> None:
    deployment.watch(repository)
    deployment.run()
    key = REPOSITORIES.directory(deployment.data_dir) / "pseudonyms.key"
    assert key.stat().st_mode & 0o077 == 0
    before = key.read_bytes()
    deployment.run()
    assert key.read_bytes() == before
    assert deployment.rows(CODEBASES).height == 1
