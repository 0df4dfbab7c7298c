"""`fpp report`: what it prints, and what a real SMTP server gets from it."""

import subprocess
from collections.abc import Iterator
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.processes import HOST, finished, free_port
from tests.routers.v1.api import DRAWN, publish
from util.clock import utc_now
from util.mail import MailServer

COMMAND = ("-c", "import sys; sys.argv[0] = 'fpp'; from cli.main import main; main()", "report")
DAY = ("--date", "2026-03-03")
USER, PASSWORD = "reporter", "p@ss/word"


class Inbox:
    """What an SMTP server accepted; it refuses recipients at `refused.example`."""

    def __init__(self) -> None:
        self.envelopes: list[Envelope] = []
        self.logins: list[LoginPassword] = []

    async def handle_RCPT(  # noqa: N802 - the name aiosmtpd looks for
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if address.endswith("@refused.example"):
            return "550 unknown"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        self.envelopes.append(envelope)
        return "250 OK"

    def authenticate(
        self, _server: SMTP, _session: Session, _envelope: Envelope, _kind: str, login: object
    ) -> AuthResult:
        """Accept one user."""
        assert isinstance(login, LoginPassword)
        self.logins.append(login)
        return AuthResult(success=login == LoginPassword(USER.encode(), PASSWORD.encode()), handled=False)

    def message(self) -> EmailMessage:
        """The only message."""
        (envelope,) = self.envelopes
        assert isinstance(envelope.content, bytes)
        parsed = message_from_bytes(envelope.content, policy=default)
        assert isinstance(parsed, EmailMessage)
        return parsed


@pytest.fixture
def inbox() -> Inbox:
    return Inbox()


@pytest.fixture
def smtp(inbox: Inbox) -> Iterator[str]:
    """The address of an SMTP server that puts accepted mail into `inbox`."""
    controller = Controller(
        inbox, hostname=HOST, port=free_port(), authenticator=inbox.authenticate, auth_require_tls=False
    )
    controller.start()
    yield f"{HOST}:{controller.port}"
    controller.stop()


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """A read model with the tables of the API's tests."""
    publish(tmp_path / "data", DRAWN, utc_now())
    return tmp_path / "data"


def fpp(data_dir: Path, *arguments: str, **environment: object) -> subprocess.CompletedProcess[str]:
    """Run `fpp report` to its end."""
    return finished([*COMMAND, *arguments], data_dir.parent, DATA_DIR=data_dir, **environment)


@pytest.mark.server
def test_it_mails_text_and_html_with_pictures(data_dir: Path, inbox: Inbox, smtp: str) -> None:
    """To everyone in REPORT_TO, from the first of them; the HTML shows the pictures that are attached to it."""
    done = fpp(data_dir, *DAY, "--send", SMTP_URL=f"smtp://{smtp}", REPORT_TO="ops@example.com, team@example.com")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("Sent to ops@example.com, team@example.com: Planning poker on Tuesday, 3 March 2026")
    assert (inbox.envelopes[0].mail_from, inbox.envelopes[0].rcpt_tos) == (
        "ops@example.com",
        ["ops@example.com", "team@example.com"],
    )
    message = inbox.message()
    assert message["Subject"] == "Planning poker on Tuesday, 3 March 2026: 1 vote"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Message-ID"]
    assert message["Date"]
    text, html = message.get_body(("plain",)), message.get_body(("html",))
    assert text is not None
    assert html is not None
    assert text.get_content().replace("\r\n", "\n") == fpp(data_dir, *DAY).stdout
    pictures = {
        part["Content-ID"].strip("<>"): part for part in message.walk() if part.get_content_type() == "image/png"
    }
    assert sorted(pictures) == ["chart-0", "chart-1"]
    assert all(f'src="cid:{id_}"' in html.get_content() for id_ in pictures)
    assert all(part.get_content().startswith(b"\x89PNG") for part in pictures.values())


@pytest.mark.server
def test_it_logs_in_with_the_user_of_the_address(data_dir: Path, inbox: Inbox, smtp: str) -> None:
    """Percent-encoded, as in any URL; REPORT_FROM is who it is from."""
    url = f"smtp://{USER}:p%40ss%2Fword@{smtp}"
    done = fpp(data_dir, "--send", SMTP_URL=url, REPORT_TO="ops@example.com", REPORT_FROM="fpp@example.com")
    assert done.returncode == 0, done.stderr
    assert inbox.logins == [LoginPassword(USER.encode(), PASSWORD.encode())]
    assert inbox.message()["From"] == "fpp@example.com"


@pytest.mark.server
@pytest.mark.parametrize(
    ("user", "recipient", "reason"),
    [
        ("", "gone@refused.example", "gone@refused.example"),
        (f"{USER}:wrong@", "ops@example.com", "does not accept the user or the password"),
    ],
)
def test_a_refusal_is_one_line(data_dir: Path, inbox: Inbox, smtp: str, user: str, recipient: str, reason: str) -> None:
    """It says why and what to check, and never the password."""
    done = fpp(data_dir, "--send", SMTP_URL=f"smtp://{user}{smtp}", REPORT_TO=recipient)
    assert (done.returncode, done.stdout, inbox.envelopes) == (69, "", [])
    assert len(done.stderr.splitlines()) == 1
    assert reason in done.stderr
    assert "Check SMTP_URL and REPORT_TO" in done.stderr
    assert "wrong" not in done.stderr


@pytest.mark.server
def test_a_server_that_is_not_there_is_one_line(data_dir: Path) -> None:
    done = fpp(data_dir, "--send", SMTP_URL=f"smtp://{HOST}:{free_port()}", REPORT_TO="ops@example.com")
    assert done.returncode == 69
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.server
@pytest.mark.parametrize(
    ("environment", "named"),
    [
        ({}, "SMTP_URL and REPORT_TO"),
        ({"SMTP_URL": "smtp://127.0.0.1"}, "REPORT_TO"),
        ({"SMTP_URL": "http://127.0.0.1", "REPORT_TO": "ops@example.com"}, "SMTP_URL"),
        ({"SMTP_URL": "smtp://127.0.0.1", "REPORT_TO": "ops"}, "REPORT_TO"),
    ],
)
def test_a_wrong_setting_is_named(data_dir: Path, environment: dict[str, str], named: str) -> None:
    done = fpp(data_dir, "--send", **environment)
    assert done.returncode == 78
    assert len(done.stderr.splitlines()) == 1
    assert named in done.stderr


@pytest.mark.server
def test_it_prints_html(data_dir: Path) -> None:
    """With inline pictures."""
    done = fpp(data_dir, *DAY, "--format", "html")
    assert done.returncode == 0
    assert done.stdout.startswith("<!doctype html>")
    assert 'src="data:image/png;base64,' in done.stdout


@pytest.mark.server
def test_wrong_arguments_are_explained(data_dir: Path) -> None:
    for arguments in (["--date", "today"], ["--timezone", "Mars"], ["--format", "pdf"]):
        done = fpp(data_dir, *arguments)
        assert done.returncode == 2, done.stdout
        assert arguments[0] in done.stderr


@pytest.mark.server
def test_without_a_read_model_it_says_what_to_do(tmp_path: Path) -> None:
    done = fpp(tmp_path / "nothing")
    assert done.returncode == 66
    assert "update_readmodel.py" in done.stderr


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("smtp://mail.example.com", MailServer("mail.example.com", 587, False, None, None)),
        ("smtps://mail.example.com", MailServer("mail.example.com", 465, True, None, None)),
        ("smtps://a%40b:c%3Ad@mail.example.com:2465", MailServer("mail.example.com", 2465, True, "a@b", "c:d")),
    ],
)
def test_an_address_is_read(url: str, server: MailServer) -> None:
    assert MailServer.of(url) == server


@pytest.mark.parametrize("url", ["mail.example.com", "smtp://", "https://mail.example.com", "smtp://h:99999"])
def test_an_invalid_address_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"(?i)smtp|port"):
        MailServer.of(url)
