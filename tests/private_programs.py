"""Shared by private test servers: root installs them, an unprivileged user runs them, they end with the tests."""

import fcntl
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

POLICY = Path("/usr/sbin/policy-rc.d")
LOCK = Path(tempfile.gettempdir()) / "fpp-test-packages.lock"
# Debian installs servers in /usr/sbin, which is not on an ordinary user's PATH.
SEARCH_PATH = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/local/sbin", "/usr/sbin", "/sbin"])
STOP_S, INSTALL_S = 10, 900
LONGEST_SOCKET = 100  # AF_UNIX paths end at 107 bytes on Linux, 103 on macOS.


class PrivateServerError(RuntimeError):
    """A test server is not available; the message says why and what to do."""


def may_install() -> bool:
    """Whether this machine lets us install packages."""
    return os.geteuid() == 0 and shutil.which("apt-get", path=SEARCH_PATH) is not None


def install_packages(*packages: str) -> None:
    """Install Debian packages without starting the system's own services; one test process at a time.

    Raises:
        PrivateServerError: apt-get failed.
    """
    with LOCK.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with _services_stay_down():
            _apt_get("update")
            _apt_get("install", "-y", "--no-install-recommends", *packages)


def ensured_program(package: str, *names: str) -> str:
    """The path of the first of these programs that exists; their Debian package is installed if there is none.

    Raises:
        PrivateServerError: There is none, and it can't be installed; the message says how to install it by hand.
    """
    if not any(shutil.which(name, path=SEARCH_PATH) for name in names):
        if not may_install():
            raise PrivateServerError(f"{names[0]} not found: install it (Debian: apt-get install {package})")
        install_packages(package)
    found = (shutil.which(name, path=SEARCH_PATH) for name in names)
    return next(filter(None, found), None) or found_program(names[0])


@contextmanager
def _services_stay_down() -> Iterator[None]:
    """Keep package scripts from starting services; an existing policy of the machine is left alone."""
    try:
        with POLICY.open("x") as policy:
            # Denies only while this process lives, so it is harmless if the process is killed before removing it.
            policy.write(f"#!/bin/sh\nkill -0 {os.getpid()} 2>/dev/null && exit 101\nexit 0\n")
    except FileExistsError:
        yield
        return
    try:
        POLICY.chmod(0o755)
        yield
    finally:
        POLICY.unlink(missing_ok=True)


def _apt_get(*arguments: str) -> None:
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive", "PATH": SEARCH_PATH}
    command = [found_program("apt-get"), "-q", "-o", "DPkg::Lock::Timeout=120", *arguments]
    run_quietly(command, timeout_s=INSTALL_S, env=environment)


def found_program(name: str, path: str = SEARCH_PATH) -> str:
    """The path of a program.

    Raises:
        PrivateServerError: It is not installed.
    """
    found = shutil.which(name, path=path)
    if found is None:
        raise PrivateServerError(f"{name} not found in {path}")
    return found


def run_quietly(command: Sequence[str], timeout_s: float, **options: Any) -> None:
    """Run a command to its end, silently.

    Raises:
        PrivateServerError: it failed or took too long; the message ends with the tail of its output.
    """
    with tempfile.TemporaryFile("w+") as output:
        try:
            subprocess.run(  # noqa: S603 - fixed programs, no shell
                command,
                check=True,
                timeout=timeout_s,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                **options,
            )
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
            output.seek(0)
            raise PrivateServerError(f"{error}\n{tail(output.read())}") from error


def tail(text: str, lines: int = 60) -> str:
    """The last lines of a text."""
    return "\n".join(text.splitlines()[-lines:])


def stop(process: subprocess.Popen[bytes]) -> None:
    """Terminate a server; kill it if it does not end."""
    process.terminate()
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def run_as(unprivileged: str) -> dict[str, Any]:
    """The options of `subprocess` that switch from root to a user; none for an ordinary user."""
    if os.geteuid() != 0:
        return {}
    try:
        user = pwd.getpwnam(unprivileged)
    except KeyError:
        raise PrivateServerError(
            f"As root, the server needs an unprivileged user: adduser --system {unprivileged}"
        ) from None
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def dies_with_us() -> list[str]:
    """A command prefix that makes the kernel kill the command when this process ends for any reason (Linux)."""
    setpriv = shutil.which("setpriv", path=SEARCH_PATH)
    return [setpriv, "--pdeathsig", "KILL"] if setpriv else []


@contextmanager
def own_directory(prefix: str) -> Iterator[Path]:
    """A directory with a path short enough for sockets; a shell removes it on request, or when we end."""
    usual = tempfile.gettempdir()
    parent = usual if len(f"{usual}/{prefix}12345678/server.sock") <= LONGEST_SOCKET else "/tmp"  # noqa: S108 - mkdtemp makes it ours
    directory = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
    janitor = subprocess.Popen(  # noqa: S603 - fixed program and script
        ["/bin/sh", "-c", 'read -r _; rm -rf -- "$1" || { sleep 1; rm -rf -- "$1"; }', "sh", str(directory)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield directory
    finally:
        janitor.communicate(b"\n")


def free_port() -> int:
    """A free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
