"""Mail over SMTP: messages with text, HTML and pictures, and the server they are sent to."""

import smtplib
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from urllib.parse import unquote, urlsplit

from util.errors import EXIT_UNAVAILABLE, AnalyticsError

PORTS = {"smtp": 587, "smtps": 465}
TIMEOUT_S = 30
LOOPBACK = ("127.0.0.1", "::1", "localhost")


class MailError(AnalyticsError):
    """The mail server did not accept a message."""

    exit_code = EXIT_UNAVAILABLE

    def __init__(self, reason: str) -> None:
        super().__init__(f"The mail was not sent: {reason}. Check SMTP_URL and REPORT_TO")


@dataclass(frozen=True)
class MailServer:
    """A server to submit mail to: `smtps` uses TLS from the start, `smtp` if the server offers it."""

    host: str
    port: int
    is_tls: bool
    username: str | None
    password: str | None

    @classmethod
    def of(cls, url: str) -> "MailServer":
        """The server of a URL like `smtps://user:password@mail.example.com:465`.

        Raises:
            ValueError: It is not such a URL.
        """
        parts = urlsplit(url)
        if parts.scheme not in PORTS or not parts.hostname:
            raise ValueError("write smtp://HOST:PORT or smtps://USER:PASSWORD@HOST:PORT")
        name, secret = (unquote(text) if text else None for text in (parts.username, parts.password))
        return cls(parts.hostname, parts.port or PORTS[parts.scheme], parts.scheme == "smtps", name, secret)

    def send(self, message: EmailMessage) -> None:
        """Submit a message.

        Raises:
            MailError: The server can't be reached, refuses the message or one of its recipients, or offers no TLS
                for a password.
        """
        try:
            with self._connected() as server:
                self._log_in(server)
                refused = server.send_message(message)
        except smtplib.SMTPAuthenticationError:
            raise MailError(f"{self.host} does not accept the user or the password") from None
        except (OSError, smtplib.SMTPException) as error:
            raise MailError(f"{self.host}:{self.port} failed ({type(error).__name__}: {error})") from error
        if refused:
            raise MailError(f"{self.host} refused {', '.join(refused)}")

    def _connected(self) -> smtplib.SMTP:
        context = ssl.create_default_context()
        if self.is_tls:
            return smtplib.SMTP_SSL(self.host, self.port, timeout=TIMEOUT_S, context=context)
        server = smtplib.SMTP(self.host, self.port, timeout=TIMEOUT_S)
        server.ehlo()
        if server.has_extn("starttls"):
            server.starttls(context=context)
            server.ehlo()
        elif self.username and self.host not in LOOPBACK:
            server.close()
            raise MailError(f"{self.host} offers no TLS, without which no password is sent")
        return server

    def _log_in(self, server: smtplib.SMTP) -> None:
        if self.username:
            server.login(self.username, self.password or "")


def message(
    *, sender: str, recipients: Sequence[str], subject: str, text: str, html: str, pictures: Sequence[tuple[str, bytes]]
) -> EmailMessage:
    """A message in text and HTML; `pictures` are pairs of an id, to which the HTML refers as `cid:`, and a PNG."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = sender, ", ".join(recipients), subject
    mail["Date"], mail["Message-ID"] = formatdate(), make_msgid(domain=sender.rpartition("@")[2] or None)
    # No out-of-office replies.
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(text)
    mail.add_alternative(html, subtype="html")
    related = mail.get_body(("html",))
    if not isinstance(related, EmailMessage):
        raise TypeError("a message with an alternative in HTML has no such body")
    for number, (id_, png) in enumerate(pictures):
        related.add_related(
            png, "image", "png", cid=f"<{id_}>", filename=f"chart-{number + 1}.png", disposition="inline"
        )
    return mail
