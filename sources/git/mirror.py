"""The mirror of a codebase: a bare repository with only the branches of the remote."""

import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from urllib.parse import urlsplit

from sources.git.command import Git, size_of
from sources.git.configuration import Codebase
from sources.git.errors import BY_THE_REMOTE, GitError, NotGitError, TooLargeError

# A remote that takes longer to answer is taken to hang.
ANSWER_WITHIN_S = 60.0
# But a large repository may take its time to be packed, and then says next to nothing.
SILENCE_S = 300
HEADS = "refs/heads/"
USUAL_BRANCHES = ("main", "master")
SHA256_DIGITS = 64
EMPTY_TREES = {
    False: "4b825dc642cb6eb9a060e54bf8d69288fbee4904",
    True: "6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321",
}
# Most providers accept any user name with a token; these accept only their own.
USER_NAMES = {"gitlab": "oauth2", "bitbucket": "x-token-auth"}
CONFIG = """\
[core]
	attributesFile = /dev/null
	hooksPath = /dev/null
	fsmonitor = false
	packedGitWindowSize = 64m
	packedGitLimit = 1g
[attr]
	tree = {empty_tree}
[credential]
	helper =
[diff]
	algorithm = myers
	renames = false
[fetch]
	fsckObjects = false
	recurseSubmodules = false
[gc]
	autoDetach = false
[http]
	followRedirects = initial
	lowSpeedLimit = 1000
	lowSpeedTime = {silence_seconds}
[protocol]
	allow = never
[protocol "{protocol}"]
	allow = always
[safe]
	directory = {directory}
[transfer]
	bundleURI = false
"""


@dataclass(frozen=True)
class Heads:
    """Branches with the commits they point at, and the branch that `HEAD` names, if any."""

    commits: Mapping[str, str]
    head: str | None
    # What a detached `HEAD` points at.
    head_commit: str | None = None

    def selected(self, codebase: Codebase) -> "Heads":
        """The branches the configuration selects; the default branch is always one of them."""
        default = self.default_branch(codebase)
        wanted = {
            name: commit
            for name, commit in self.commits.items()
            if not codebase.branches
            or name == default
            or any(fnmatchcase(name, pattern) for pattern in codebase.branches)
        }
        return Heads(wanted, default)

    def default_branch(self, codebase: Codebase) -> str | None:
        """The configured branch, else that of the remote's `HEAD`, else the likeliest; None if there is no branch."""
        same = [name for name, commit in sorted(self.commits.items()) if commit == self.head_commit]
        candidates = (codebase.default_branch, self.head, *same, *USUAL_BRANCHES, *sorted(self.commits))
        return next((name for name in candidates if name in self.commits), None)


@dataclass(frozen=True)
class Mirror:
    """The mirror of one codebase, and how its remote is reached."""

    git: Git
    codebase: Codebase
    token: str | None

    def prepare(self, *, sha256: bool = False) -> None:
        """Create the repository if there is none, and remove what a killed git process left behind."""
        repository, config = self.git.repository, self.git.config
        repository.parent.mkdir(parents=True, exist_ok=True)
        config.write_text(
            CONFIG.format(
                empty_tree=EMPTY_TREES[sha256],
                protocol=self.codebase.protocol,
                directory=_quoted(self.codebase.url),
                silence_seconds=SILENCE_S,
            ),
            encoding="utf-8",
        )
        if not (repository / "HEAD").is_file():
            shutil.rmtree(repository, ignore_errors=True)
            object_format = "sha256" if sha256 else "sha1"
            self.git.run("init", "--quiet", "--bare", "--template=", f"--object-format={object_format}")
        for litter in (*repository.rglob("*.lock"), *(repository / "objects").rglob("tmp_*")):
            litter.unlink(missing_ok=True)

    def remote_heads(self) -> Heads:
        """The branches of the remote.

        Raises:
            CodebaseError: It does not answer, or refuses.
        """
        heads = parsed_heads(self._listed())
        if not heads.commits and self.codebase.protocol in {"http", "https"} and not self._answers_as_git():
            raise NotGitError
        return heads

    def _listed(self, **variables: str) -> bytes:
        with self._credentials() as (options, descriptors):
            return self.git.run(
                *("ls-remote", "--quiet", "--symref", "--", self.codebase.url, "HEAD", f"{HEADS}*"),
                seconds=ANSWER_WITHIN_S,
                options=options,
                pass_fds=descriptors,
                variables=variables,
            )

    def _answers_as_git(self) -> bool:
        """Whether the remote sends packets. To git, a page or an empty answer is a list without branches."""
        packets = self.git.repository / "packets"
        try:
            self._listed(GIT_TRACE_PACKET=str(packets))
            return packets.is_file() and packets.stat().st_size > 0
        finally:
            packets.unlink(missing_ok=True)

    def fetch(self, heads: Heads) -> None:
        """Bring all branches to the state of the remote; a mirror that git can't use is rebuilt.

        Raises:
            CodebaseError: The remote does not answer, refuses, or is too large.
        """
        is_sha256 = any(len(commit) == SHA256_DIGITS for commit in heads.commits.values())
        if is_sha256 != self._is_sha256() or self.is_shallow:
            # A shallow history may have been deepened, which a fetch does not show.
            self.remove()
        self.prepare(sha256=is_sha256)
        self._link_objects()
        try:
            self._fetch()
        except GitError as error:
            # The remote has just answered: unless it dropped the connection or refuses, the mirror is at fault.
            if re.search(BY_THE_REMOTE, error.said):
                raise
            self.remove()
            self.prepare(sha256=is_sha256)
            self._fetch()
        self.git.run("gc", "--auto", "--quiet")
        if not self.is_shallow and heads.commits:
            self.git.run("commit-graph", "write", "--reachable", "--split", "--no-progress")

    def _link_objects(self) -> None:
        """Give a new mirror the objects of a remote on the same disk; git brings what is lacking."""
        objects = self.git.repository / "objects"
        if self.codebase.protocol != "file" or any(objects.glob("pack/*.pack")):
            return
        for remote in (Path(self.codebase.url, name) for name in ("objects", ".git/objects")):
            if size_of(remote) <= self.git.most_bytes:
                # It may be on another disk, another user's, or collecting its garbage.
                with suppress(OSError):
                    _link_files(remote, objects)

    def _fetch(self) -> None:
        with self._credentials() as (options, descriptors):
            self.git.run(
                *("fetch", "--quiet", "--force", "--prune", "--no-tags", "--no-write-fetch-head", "--update-shallow"),
                *("--no-recurse-submodules", "--no-auto-maintenance", "--", self.codebase.url),
                f"+{HEADS}*:{HEADS}*",
                options=options,
                pass_fds=descriptors,
            )
        if size_of(self.git.repository) > self.git.most_bytes:
            raise TooLargeError(self.git.most_bytes >> 20)

    def heads(self, remote: Heads) -> Heads:
        """The branches of the mirror: one consistent state, even if the remote has moved meanwhile."""
        listed = self.git.run("for-each-ref", "--format=%(objectname)%09%(refname)", HEADS)
        return Heads(parsed_heads(listed).commits, remote.head, remote.head_commit)

    @property
    def is_shallow(self) -> bool:
        """Whether the beginning of the history is missing."""
        return (self.git.repository / "shallow").is_file()

    def _is_sha256(self) -> bool:
        config = self.git.repository / "config"
        return config.is_file() and "sha256" in config.read_text(encoding="utf-8").lower()

    def remove(self) -> None:
        """Delete the mirror; the next fetch rebuilds it."""
        shutil.rmtree(self.git.repository, ignore_errors=True)

    @contextmanager
    def _credentials(self) -> Iterator[tuple[tuple[str, ...], tuple[int, ...]]]:
        """Options and file descriptors that hand git the token: through a pipe, and for the host of the URL only."""
        parts = urlsplit(self.codebase.url)
        if not self.token or parts.scheme not in {"http", "https"}:
            yield (), ()
            return
        reading, writing = os.pipe()
        try:
            user = USER_NAMES.get(self.codebase.provider.lower(), "x-access-token")
            os.write(writing, f"username={user}\npassword={self.token}\n".encode())
            os.close(writing)
            helper = f'!f() {{ test "$1" = get && cat /dev/fd/{reading}; }}; f'
            yield ("-c", f"credential.{parts.scheme}://{parts.netloc}.helper={helper}"), (reading,)
        finally:
            os.close(reading)


def parsed_heads(listed: bytes) -> Heads:
    """Parse a list in the format of `git ls-remote --symref`: `<object>TAB<ref>` per line."""
    commits: dict[str, str] = {}
    head = head_commit = None
    # No name has a backslash: two that are no UTF-8 stay apart, as they would not with U+FFFD.
    for line in listed.decode(errors="backslashreplace").split("\n"):
        value, _, name = line.partition("\t")
        if name == "HEAD" and value.startswith("ref: "):
            head = value.removeprefix("ref: ").removeprefix(HEADS)
        elif name == "HEAD":
            head_commit = value
        elif name.startswith(HEADS):
            commits[name.removeprefix(HEADS)] = value
    return Heads(commits, head, head_commit)


def _link_files(remote: Path, objects: Path) -> None:
    for path in (*remote.glob("[0-9a-f][0-9a-f]/*"), *remote.glob("pack/*.pack"), *remote.glob("pack/*.idx")):
        # A link may lead out of the remote.
        if path.is_file() and not path.is_symlink() and not path.parent.is_symlink():
            target = objects / path.relative_to(remote)
            target.parent.mkdir(exist_ok=True)
            target.hardlink_to(path)


def _quoted(text: str) -> str:
    """A value quoted for a git configuration file."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
