"""A private, real RabbitMQ for the test session; `private_broker` starts one that is gone afterwards."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pika
from pika.exceptions import AMQPError

from tests.private_programs import (
    PrivateServerError,
    dies_with_us,
    found_program,
    free_port,
    install_packages,
    may_install,
    own_directory,
    run_as,
    stop,
    tail,
)

# The scripts in /usr/sbin insist on the system's user and log.
SEARCH_PATH = "/usr/lib/rabbitmq/bin"
UNPRIVILEGED = "rabbitmq"
START_S = 60


@dataclass
class Broker:
    """A broker on 127.0.0.1 that can be killed and started again over the same data."""

    directory: Path
    port: int = field(default_factory=free_port)
    _distribution_port: int = field(default_factory=free_port)
    _epmd_port: int = field(default_factory=free_port)
    _process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Its address, for pika and for LLM_AMQP_URL."""
        return f"amqp://guest:guest@127.0.0.1:{self.port}/%2F"

    def connect(self) -> pika.BlockingConnection:
        """A connection."""
        return pika.BlockingConnection(pika.URLParameters(self.url))

    def start(self) -> None:
        """Start it, and wait until it answers.

        Raises:
            PrivateServerError: it did not within `START_S`.
        """
        with self._log.open("ab") as output:
            self._process = subprocess.Popen(  # noqa: S603 - fixed programs, no shell
                [*dies_with_us(), found_program("rabbitmq-server", SEARCH_PATH)],
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=self.directory,
                start_new_session=True,
                **run_as(UNPRIVILEGED),
            )
        deadline = time.monotonic() + START_S
        while self._process.poll() is None and time.monotonic() < deadline:
            with suppress(AMQPError, OSError), self.connect():
                return
            time.sleep(0.2)
        raise PrivateServerError(f"RabbitMQ does not answer; it says:\n{tail(self._log.read_text(errors='replace'))}")

    def stop(self) -> None:
        """Stop it; kill it if it does not end."""
        if self._process:
            stop(self._process)
            self._process = None

    def kill(self) -> None:
        """Kill it like a power cut; the shell that started Erlang was replaced by it."""
        if self._process:
            os.killpg(self._process.pid, 9)
            self._process.wait()
            self._process = None

    @contextmanager
    def epmd(self) -> Iterator[None]:
        """Run Erlang's port mapper ourselves, in the foreground: one started by Erlang would outlive the broker."""
        command = [found_program("epmd"), "-port", str(self._epmd_port), "-address", "127.0.0.1"]
        process = subprocess.Popen(  # noqa: S603 - fixed programs, no shell
            [*dies_with_us(), *command], start_new_session=True, **run_as(UNPRIVILEGED)
        )
        try:
            yield
        finally:
            stop(process)

    @property
    def _log(self) -> Path:
        return self.directory / "output.log"

    def _environment(self) -> dict[str, str]:
        here = self.directory
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(here),
            "LANG": "C.UTF-8",
            "ERL_EPMD_PORT": str(self._epmd_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODENAME": f"tests{self.port}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(self._distribution_port),
            "RABBITMQ_MNESIA_BASE": str(here / "data"),
            "RABBITMQ_LOG_BASE": str(here / "log"),
            "RABBITMQ_CONFIG_FILE": str(here / "rabbitmq"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(here / "plugins"),
            "RABBITMQ_GENERATED_CONFIG_DIR": str(here / "generated"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 1:1",
        }


@contextmanager
def private_broker() -> Iterator[Broker]:
    """A broker with nothing in it.

    Enter it from the main thread: the kernel kills the broker when the thread that started it ends.
    """
    install()
    with own_directory("fpp-rabbitmq-") as directory:
        if run_as(UNPRIVILEGED):
            shutil.chown(directory, UNPRIVILEGED, UNPRIVILEGED)
        broker = Broker(directory)
        with broker.epmd():
            broker.start()
            try:
                yield broker
            finally:
                broker.stop()


def install() -> None:
    """Install Debian's `rabbitmq-server` if it is missing, without starting the system's own service.

    Raises:
        PrivateServerError: not root, no apt-get, or apt-get failed.
    """
    if shutil.which("rabbitmq-server", path=SEARCH_PATH):
        return
    if not may_install():
        raise PrivateServerError("RabbitMQ not found: install it (Debian: apt-get install rabbitmq-server)")
    install_packages("rabbitmq-server")
