"""`DB_SSL_CA`: the connection to the source is encrypted, and its server is who it says, or there is no connection."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from sources.mysql.source import consistent_source
from tests import mariadb as servers
from tests.faults.invariants import Operator, add
from tests.faults.tcp_proxy import proxied
from tests.faults.troubles import READER, empty, own_database
from tests.faults.updaters import Updaters
from tests.processes import HOST, RecordingService
from tests.source_database import SourceDatabase

OPENSSL = shutil.which("openssl")

pytestmark = [
    pytest.mark.database,
    pytest.mark.skipif(OPENSSL is None, reason="certificates are made with the openssl command"),
]


@dataclass(frozen=True)
class Authority:
    """A certificate authority of the test's own, in a directory that the database may read."""

    directory: Path
    name: str

    @property
    def certificate(self) -> Path:
        """The file that the operator sets as DB_SSL_CA."""
        return self.directory / f"{self.name}.pem"

    @property
    def key(self) -> Path:
        """Its private key."""
        return self.directory / f"{self.name}.key"

    def make(self) -> None:
        """Sign itself."""
        openssl("req", "-x509", *new_key(self.key), "-subj", f"/CN={self.name}", "-days", "2", "-out", self.certificate)

    def server_options(self, name: str) -> list[str]:
        """Options of a server with a certificate for `name`, such as `IP:127.0.0.1`."""
        stem = self.directory / name.replace(":", "-")
        key, request, certificate, names = (
            stem.with_name(f"{stem.name}.{end}") for end in ("key", "csr", "pem", "ext")
        )
        names.write_text(f"subjectAltName={name}\n")
        openssl("req", "-new", *new_key(key), "-subj", "/CN=database", "-out", request)
        signing = ("-CA", self.certificate, "-CAkey", self.key, "-CAcreateserial", "-days", "2", "-extfile", names)
        openssl("x509", "-req", "-in", request, *signing, "-out", certificate)
        key.chmod(0o644)  # The server is another user.
        return [f"--ssl-cert={certificate}", f"--ssl-key={key}"]


def new_key(path: Path) -> tuple[object, ...]:
    """Options that make a key."""
    return "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", path


def openssl(*arguments: object) -> None:
    """Run the openssl command."""
    subprocess.run([str(OPENSSL), *map(str, arguments)], check=True, capture_output=True, timeout=60)  # noqa: S603 - the tests' own arguments


@pytest.fixture(scope="module")
def authority(directory: Path) -> Authority:
    """The one that signs the servers' certificates."""
    made = Authority(directory, "right-authority")
    made.make()
    return made


@contextmanager
def server_with(options: list[str], directory: Path, data_dir: Path) -> Iterator[SourceDatabase]:
    """A server started with further options, one old row in each table that grows."""
    command = servers._command
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(servers, "_command", lambda *arguments: [*command(*arguments), *options])
        with own_database(directory, data_dir) as database:
            empty(database)
            add(database, ["ann"], 300)
            yield database


def test_tls_with_the_right_authority_is_encrypted(
    authority: Authority, directory: Path, forked: Updaters, monitor: RecordingService, tmp_path: Path
) -> None:
    """The server says by which cipher, lets in a user who must encrypt, and nothing readable passes the line."""
    options = authority.server_options(f"IP:{HOST}")
    with server_with(options, directory, tmp_path / "data") as database, proxied(database.server.port) as proxy:
        with consistent_source(database.settings(db_ssl_ca=authority.certificate)) as source:
            ((_, cipher),) = source._query("SHOW SESSION STATUS LIKE 'Ssl_cipher'")
        assert cipher.startswith("TLS_")
        database.execute("ALTER USER reader@'%' REQUIRE SSL")
        operator = Operator(database, forked, monitor)
        operator.publishes(DB_PORT=str(proxy.port), DB_SSL_CA=str(authority.certificate), **READER)
        database.assert_in_step()
        assert proxy.from_server > 5_000
        assert b"viewed_at" not in proxy.head
        database.execute("ALTER USER reader@'%' REQUIRE NONE")


def test_tls_with_another_authority_is_refused(
    authority: Authority, directory: Path, forked: Updaters, monitor: RecordingService, tmp_path: Path
) -> None:
    """One line that names the variable, one connection; so too with a file that is no certificate, or none at all."""
    other = Authority(tmp_path, "wrong-authority")
    other.make()
    garbage = tmp_path / "garbage.pem"
    garbage.write_text("no certificate")
    options = authority.server_options(f"IP:{HOST}")
    with server_with(options, directory, tmp_path / "data") as database, proxied(database.server.port) as proxy:
        operator = Operator(database, forked, monitor)
        for tries, wrong in enumerate((other.certificate, garbage), 1):
            operator.fails(69, "check DB_SSL_CA", DB_PORT=str(proxy.port), DB_SSL_CA=str(wrong), **READER)
            assert proxy.connections == tries
        missing = operator.start(DB_SSL_CA=str(tmp_path / "missing.pem"), **READER)
        assert missing.exit_code == 78
        assert "DB_SSL_CA is wrong" in missing.log


@pytest.mark.parametrize("name", ["DNS:database.example", "IP:127.0.0.2"])
def test_tls_with_a_certificate_for_another_host_is_refused(
    authority: Authority, directory: Path, forked: Updaters, monitor: RecordingService, tmp_path: Path, name: str
) -> None:
    """The right authority signed it, but for somebody else."""
    with server_with(authority.server_options(name), directory, tmp_path / "data") as database:
        operator = Operator(database, forked, monitor)
        operator.fails(69, "check DB_SSL_CA", DB_SSL_CA=str(authority.certificate), **READER)


def test_tls_is_not_given_up_for_a_server_without_it(
    authority: Authority, directory: Path, forked: Updaters, monitor: RecordingService, tmp_path: Path
) -> None:
    """The password is never sent in the clear."""
    with server_with(["--skip-ssl"], directory, tmp_path / "data") as database:
        operator = Operator(database, forked, monitor)
        operator.fails(69, "check DB_SSL_CA", DB_SSL_CA=str(authority.certificate), **READER)
