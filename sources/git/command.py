"""Run git so that its arguments alone decide what it does.

It reads only our configuration, runs no hook, filter or pager, never prompts for a password, and is killed at its
deadline.
"""

import os
import resource
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import IO, Self, cast

from sources.git.errors import GitError, GitTimeoutError, TooLargeError
from util.errors import AnalyticsError

KEPT_VARIABLES = (
    *("PATH", "HOME", "USER", "TMPDIR", "SSH_AUTH_SOCK", "SSL_CERT_FILE", "SSL_CERT_DIR", "GIT_SSL_CAINFO"),
    *("http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY"),
)
SSH = "ssh -oBatchMode=yes -oConnectTimeout=20 -oServerAliveInterval=15 -oServerAliveCountMax=4"
# Bytes; even for a tree that unfolds to billions of paths.
MOST_MEMORY = 4 << 30
PIPE_BYTES = 1 << 20
LOOK_EVERY_S = 0.5


@dataclass(frozen=True)
class Git:
    """Git on one bare repository of bounded size, with one configuration file and a deadline.

    The deadline is on the monotonic clock, which all processes of a machine share.
    """

    repository: Path
    config: Path
    deadline: float
    most_bytes: int

    def run(
        self,
        *arguments: str,
        stdin: bytes = b"",
        seconds: float | None = None,
        options: Sequence[str] = (),
        pass_fds: Sequence[int] = (),
        variables: Mapping[str, str] = MappingProxyType({}),
    ) -> bytes:
        """Run a command and return its standard output.

        Args:
            arguments: The command and its arguments.
            stdin: Its standard input.
            seconds: Its time limit; the deadline applies as well.
            options: Options of git itself, placed before the command.
            pass_fds: File descriptors it inherits.
            variables: Further environment variables.

        Raises:
            GitError: It failed.
            GitTimeoutError: It took too long.
            TooLargeError: The repository outgrew its limit.
        """
        with self._started(arguments, stdin, seconds, options, pass_fds, variables) as output:
            return output.read()

    @contextmanager
    def output(self, *arguments: str, stdin: bytes = b"") -> Iterator[IO[bytes]]:
        """Stream a command's standard output; leaving the block early ends the command.

        Raises:
            GitError: It failed; raised after all output was read.
            GitTimeoutError: It took too long.
        """
        with self._started(arguments, stdin, None, (), (), {}) as output:
            yield output

    @contextmanager
    def _started(
        self,
        arguments: Sequence[str],
        stdin: bytes,
        seconds: float | None,
        options: Sequence[str],
        pass_fds: Sequence[int],
        variables: Mapping[str, str],
    ) -> Iterator[IO[bytes]]:
        left = self.deadline - time.monotonic()
        allowed = max(0.0, left if seconds is None else min(left, seconds))
        # Files, not pipes: nothing has to be written or read at the same time as the output.
        with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as complaints:
            given.write(stdin)
            given.seek(0)
            process = subprocess.Popen(  # noqa: S603 - no shell
                ["git", f"--git-dir={self.repository}", *options, *arguments],  # noqa: S607 - the git of PATH
                stdin=given,
                stdout=subprocess.PIPE,
                stderr=complaints,
                bufsize=PIPE_BYTES,
                env=environment(self.config) | dict(variables),
                cwd=self.config.parent,
                pass_fds=pass_fds,
                start_new_session=True,
            )
            _limit_memory(process.pid)
            watch = _Watch(process, allowed, self.repository, self.most_bytes)
            with cast(IO[bytes], process.stdout) as output, watch:
                try:
                    yield output
                except AnalyticsError:
                    # What git wrote before it failed is cut off: then its own reason is the better one.
                    if output.read(1) or not process.wait():
                        raise
                if output.read(1):
                    return
                code = process.wait()
            if watch.outgrown:
                raise TooLargeError(self.most_bytes >> 20)
            if code and watch.timed_out:
                raise GitTimeoutError(arguments[0], allowed)
            if code:
                complaints.seek(0)
                raise GitError(arguments[0], complaints.read().decode(errors="replace"))


class _Watch:
    """Ends a process that takes too long or whose repository grows too large, and in any case on leaving the block."""

    def __init__(self, process: subprocess.Popen[bytes], seconds: float, repository: Path, most_bytes: int) -> None:
        self.timed_out = self.outgrown = False
        self._process, self._repository, self._most_bytes = process, repository, most_bytes
        self._ends = time.monotonic() + seconds
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        _kill(self._process)
        self._process.wait()
        self._thread.join()

    def _watch(self) -> None:
        while not self._done.wait(min(LOOK_EVERY_S, max(0.0, self._ends - time.monotonic()))):
            self.timed_out = time.monotonic() >= self._ends
            self.outgrown = size_of(self._repository) > self._most_bytes
            if self.timed_out or self.outgrown:
                _kill(self._process)
                return


def size_of(directory: Path) -> int:
    """The total bytes of the files below a directory, which may change while they are counted."""
    total = 0
    for path, _, names in os.walk(directory):
        for name in names:
            with suppress(FileNotFoundError):
                total += os.stat(os.path.join(path, name), follow_symlinks=False).st_size
    return total


def environment(config: Path) -> dict[str, str]:
    """The environment of git: what it needs to find programs, keys and proxies, and our configuration."""
    kept = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
    return kept | {
        "GIT_CONFIG_GLOBAL": str(config),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_PROTOCOL_FROM_USER": "0",
        "GIT_SSH_COMMAND": SSH,
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_PAGER": "cat",
        "LC_ALL": "C",
    }


def _limit_memory(process: int) -> None:
    if hasattr(resource, "prlimit"):
        with suppress(ProcessLookupError):
            resource.prlimit(process, resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Kill a process and everything it started, unless it has ended already."""
    if process.poll() is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
