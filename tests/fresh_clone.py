"""A fresh clone of this repository, in which commands run as a newcomer would type them."""

import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from tests.processes import HOST, PATIENCE_S, ROOT, Program, Server, answering, clean_environment, until

GIT = ("git", "-c", "user.name=Test", "-c", "user.email=test@example.com", "-c", "commit.gpgsign=false")
# The demo makes its sample before it answers, and a command may be a run of tests.
COMMAND_PATIENCE_S = 4 * PATIENCE_S
# Variables by which `uv run` and `make` refer to the calling repository, which is not the clone.
ABOUT_THE_CALLER = ("VIRTUAL_ENV", "UV_PROJECT", "UV_PROJECT_ENVIRONMENT", "MAKEFLAGS", "MAKELEVEL", "MFLAGS")


@dataclass(frozen=True)
class FreshClone:
    """A clone with its packages installed; `origin` is the repository it pulls from, `ran` the commands so far."""

    directory: Path
    origin: Path
    environment: Mapping[str, str]
    ran: set[str] = field(default_factory=set)

    def run(self, command: str, instead: Mapping[str, object] | None = None, **variables: object) -> str:
        """Run a command that must succeed; returns its standard output."""
        done = self.attempt(command, instead, **variables)
        assert done.returncode == 0, f"{command}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def attempt(
        self, command: str, instead: Mapping[str, object] | None = None, **variables: object
    ) -> subprocess.CompletedProcess[str]:
        """Run a command to its end, with some of its text replaced and additional variables."""
        self.ran.add(command)
        return subprocess.run(  # noqa: S602 - the README's own commands, as a shell reads them
            replaced(command, instead),
            shell=True,
            cwd=self.directory,
            env=self._with(variables),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=COMMAND_PATIENCE_S,
            check=False,
        )

    def ask(self, command: str, instead: Mapping[str, object] | None = None) -> str:
        """The output of a `curl` command; without curl, httpx sends the same request."""
        if shutil.which("curl", path=self.environment["PATH"]):
            return self.run(command, instead)
        self.ran.add(command)
        *options, url = shlex.split(replaced(command, instead))[1:]
        assert options[::2] == ["-H"] * (len(options) // 2)
        headers = [(name, value.strip()) for name, _, value in (header.partition(":") for header in options[1::2])]
        return httpx.get(url, headers=headers, timeout=PATIENCE_S, trust_env=False).text

    @contextmanager
    def serving(
        self, command: str, port: int, instead: Mapping[str, object] | None = None, **variables: object
    ) -> Iterator[Server]:
        """Start a command that serves on `port`; Ctrl-C must end it and its children without a traceback."""
        self.ran.add(command)
        log_file = self.directory.with_name(f"log-{port}")
        with log_file.open("wb") as log:
            process = subprocess.Popen(  # noqa: S602 - the README's own commands, as a shell reads them
                replaced(command, instead),
                shell=True,
                cwd=self.directory,
                env=self._with(variables),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        program = Program(process, log_file)
        with process:
            try:
                with answering(program, port, COMMAND_PATIENCE_S) as server:
                    yield server
            finally:
                stop_group(process, port)
        assert "Traceback" not in program.log, program.log

    def publish(self, message: str) -> None:
        """Commit the changes in the origin."""
        commit(self.origin, message, self.environment)

    def _with(self, variables: Mapping[str, object]) -> dict[str, str]:
        return {**self.environment, **{name: str(value) for name, value in variables.items()}}


def replaced(command: str, instead: Mapping[str, object] | None) -> str:
    """The command with each text replaced; each must be there."""
    for text, other in (instead or {}).items():
        assert text in command, f"{text} is not in {command}"
        command = command.replace(text, str(other))
    return command


def stop_group(process: subprocess.Popen[bytes], port: int) -> None:
    """Send SIGINT to a process and its children; a server that still listens on `port` is killed, and an error."""
    with suppress(ProcessLookupError):  # It failed, and the test says so.
        os.killpg(process.pid, signal.SIGINT)
    try:
        process.wait(PATIENCE_S)
        until(lambda: not is_taken(port), "the server to end")  # A shell ends before its children.
    except (subprocess.TimeoutExpired, AssertionError):
        with suppress(ProcessLookupError):  # They ended after all.
            os.killpg(process.pid, signal.SIGKILL)
        raise


def is_taken(port: int) -> bool:
    """Whether a process listens on the port."""
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) == 0


def fresh_clone(directory: Path) -> FreshClone:
    """Clone the files of this working copy that git tracks or would add, and install the packages."""
    origin, clone = directory / "origin", directory / "clone"
    environment = clean_environment(PATH=search_path(directory), GIT_CONFIG_GLOBAL=os.devnull, GIT_CONFIG_NOSYSTEM=1)
    copy_known_files(origin)
    git(environment, "init", "--quiet", "--initial-branch=main", origin)
    commit(origin, "All files", environment)
    git(environment, "clone", "--quiet", origin, clone)
    install(clone, environment["PATH"])
    return FreshClone(clone, origin, environment | {"UV_OFFLINE": "1"})


def commit(repository: Path, message: str, environment: Mapping[str, str]) -> None:
    """Commit all files as they are."""
    git(environment, "-C", repository, "add", "--all", "--force")
    git(environment, "-C", repository, "commit", "--quiet", "--message", message)


def git(environment: Mapping[str, str], *arguments: object) -> None:
    """Run git with a neutral identity."""
    command = [*GIT, *map(str, arguments)]
    subprocess.run(command, env=environment, check=True)  # noqa: S603 - the tests' own arguments


def git_files() -> list[str]:
    """The files git tracks or would add, as paths from the root."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],  # noqa: S607 - the git of the machine
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    # A file removed since the last commit is still tracked.
    return [name for name in filter(None, listed.stdout.split("\0")) if (ROOT / name).is_file()]


def copy_known_files(target: Path) -> None:
    """Copy the files git tracks or would add, as they are now."""
    for name in git_files():
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, target / name)


def search_path(directory: Path) -> str:
    """The developer's PATH without this virtual environment, and with a `uv` where it only is a module."""
    own = Path(sys.prefix, "bin")
    places = [place for place in os.environ.get("PATH", os.defpath).split(os.pathsep) if place and Path(place) != own]
    path = os.pathsep.join([*places, str(Path(sys.base_prefix, "bin"))])
    if shutil.which("uv", path=path):
        return path
    python = next(
        (each for each in (sys.executable, shutil.which("python3", path=path)) if each and has_uv(each)), None
    )
    assert python, "uv is neither on the PATH nor a module of Python: make install"
    (directory / "bin").mkdir()
    script = directory / "bin" / "uv"
    script.write_text(f'#!/bin/sh\nexec {shlex.quote(python)} -m uv "$@"\n')
    script.chmod(0o755)
    return os.pathsep.join([str(script.parent), path])


def has_uv(python: str) -> bool:
    """Whether this Python has the module."""
    command = [python, "-c", "import uv"]
    return subprocess.run(command, stderr=subprocess.DEVNULL, check=False).returncode == 0  # noqa: S603 - fixed code


def install(clone: Path, path: str) -> None:
    """Install the packages of a clone."""
    uv("sync", "--locked", "--quiet", cwd=clone, path=path)


def uv(*arguments: object, cwd: Path, path: str | None = None) -> None:
    """Run uv with its cache or, when something is not in there, with the index the developer's environment names."""
    environment = {name: value for name, value in os.environ.items() if name not in ABOUT_THE_CALLER}
    environment |= {"PATH": path} if path else {}
    command = ["uv", *map(str, arguments)]
    offline = subprocess.run(  # noqa: S603 - a fixed command
        [*command, "--offline"], cwd=cwd, env=environment, stderr=subprocess.DEVNULL, check=False
    )
    if offline.returncode != 0:
        subprocess.run(command, cwd=cwd, env=environment, check=True)  # noqa: S603 - a fixed command
