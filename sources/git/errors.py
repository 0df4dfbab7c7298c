"""What can go wrong with a codebase, in sentences without tokens, names or addresses."""

import re
from typing import ClassVar

from util.errors import EXIT_CONFIG, EXIT_UNAVAILABLE, AnalyticsError

ACCESS = (
    "could not read Username|could not read Password|Authentication failed|terminal prompts disabled"
    "|Permission denied|HTTP Basic: Access denied|returned error: 40[13]|Host key verification failed"
)
NETWORK = (
    "Could not resolve host|Failed to connect|Connection refused|Connection timed out|Connection reset"
    "|Connection closed|Operation too slow|Network is unreachable|No route to host|SSL|TLS"
    "|returned error: 429|returned error: 5[0-9][0-9]|hung up|early EOF|Empty reply"
)
REFUSAL = "remote error: |upload-pack: not our ref|Could not read from remote repository"
# Failures that rebuilding the mirror would not cure.
BY_THE_REMOTE = f"{ACCESS}|{NETWORK}|{REFUSAL}|returned error: "
NO_GIT = "what answers at `url` is not git: check `url`, and any proxy or sign-in page in between"
# Messages of git, ssh and curl, and what they mean to the person who reads the status of a codebase.
MEANINGS: tuple[tuple[str, str], ...] = (
    (
        ACCESS,
        "the remote refuses access: check `token_env` and the rights of its token, or the ssh key and known_hosts",
    ),
    (
        r"[Nn]ot found|does not exist|does not appear to be a git repository|returned error: 4(?:04|10)|No such file",
        "there is no repository at `url`: check `url`, and that the token may see it",
    ),
    ("is this a git repository", NO_GIT),
    (NETWORK, "the remote can't be reached or dropped the connection: check `url` and the network"),
    (r"[Oo]ut of memory|malloc failed|mmap failed", "git needed more memory than it may use"),
    (
        "not our ref|unpack-objects failed|index-pack failed|unable to read|is corrupt|inflate: ",
        "objects are broken or missing: if the next run fails too, run `git fsck` on the remote",
    ),
    # In words of its own, which may be about people.
    (REFUSAL, "the remote refuses: run `git ls-remote` with `url` to see why"),
)
ADDRESS = re.compile(r"[^\s<>'\"/]+@[^\s<>'\"]+")
URL = re.compile(r"[a-z]+://\S+")


class CodebaseError(AnalyticsError):
    """A codebase can't be updated; its previous state is kept."""

    exit_code = EXIT_UNAVAILABLE


class GitError(CodebaseError):
    """A git command failed."""

    def __init__(self, command: str, said: str) -> None:
        super().__init__(f"git {command} failed: {meaning(said)}")
        self.said = said


class NotGitError(CodebaseError):
    """Something else than git answers at a URL, such as a page to sign in."""

    def __init__(self) -> None:
        super().__init__(f"git ls-remote failed: {NO_GIT}")


class GitTimeoutError(CodebaseError):
    """A git command took too long."""

    def __init__(self, command: str, seconds: float) -> None:
        super().__init__(
            f"git {command} was killed after {seconds:.0f} s: the remote hangs, or the codebase needs a longer"
            " REPOSITORY_DEADLINE_SECONDS"
        )


class TooLargeError(CodebaseError):
    """A mirror outgrew its limit."""

    def __init__(self, megabytes: int) -> None:
        super().__init__(
            f"The mirror is larger than REPOSITORY_MAX_MB ({megabytes:,}): raise it, or take the codebase"
            " out of REPOSITORIES_FILE"
        )


class TokenMissingError(CodebaseError):
    """The variable that should hold a token is not set."""

    exit_code: ClassVar[int] = EXIT_CONFIG

    def __init__(self, variable: str) -> None:
        super().__init__(f"The variable {variable}, named by `token_env`, is not set: set it, or remove `token_env`")


def meaning(said: str) -> str:
    """What a command's error output means; if that is unknown, its last line without addresses."""
    for pattern, sentence in MEANINGS:
        if re.search(pattern, said):
            return sentence
    # What the remote says may be personal data.
    words = [line.strip() for line in said.splitlines() if line.strip() and not line.startswith("remote:")]
    return ADDRESS.sub("…", URL.sub("…", words[-1]))[:300] if words else "it gave no reason"
