"""`fpp report`: the report of a day on the terminal, in a file, or by mail."""

from datetime import date, datetime, timedelta
from typing import Annotated, Literal
from zoneinfo import available_timezones

import typer

from calculations.time.date_ranges import EARLIEST, LATEST
from calculations.time.period import local_day
from config import ReportSettings
from read_model.snapshot import open_snapshot
from read_model.tables.fpp import FPP
from reports.bar_chart import bar_chart
from reports.daily import Document
from reports.daily_html import daily_html
from reports.daily_text import daily_text
from reports.making import made
from util.clock import utc_now
from util.errors import ConfigurationError
from util.mail import MailServer, message

YESTERDAY = "yesterday"


def report(
    day: Annotated[str, typer.Option("--date", help="The local day: `yesterday` or YYYY-MM-DD.")] = YESTERDAY,
    timezone: Annotated[str, typer.Option(help="Time zone (IANA name) in which days begin.")] = "UTC",
    format_: Annotated[Literal["text", "html"], typer.Option("--format", help="Format to print.")] = "text",
    send: Annotated[bool, typer.Option("--send", help="Mail it to REPORT_TO over SMTP_URL.")] = False,
) -> None:
    """Print the report of a day, or mail it; it reads the read model in DATA_DIR."""
    now = utc_now()
    if timezone not in available_timezones():
        raise typer.BadParameter("no such time zone; examples: UTC, Europe/Berlin", param_hint="--timezone")
    settings = ReportSettings.load()
    document = _document(settings, _day(day, timezone, now), timezone, now)
    if send:
        _send(document, settings)
    else:
        typer.echo(daily_html(document) if format_ == "html" else daily_text(document), nl=False)


def _day(text: str, timezone: str, now: datetime) -> date:
    if text == YESTERDAY:
        return local_day(now, timezone) - timedelta(days=1)
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = date.min
    if not EARLIEST <= day <= LATEST:
        raise typer.BadParameter(f"write `{YESTERDAY}`, or a day as YYYY-MM-DD", param_hint="--date")
    return day


def _document(settings: ReportSettings, day: date, timezone: str, now: datetime) -> Document:
    snapshot = open_snapshot(settings.data_dir, FPP)
    return made(snapshot, day, timezone, now, settings)


def _send(document: Document, settings: ReportSettings) -> None:
    """Mail a report.

    Raises:
        ConfigurationError: SMTP_URL or REPORT_TO is missing.
        MailError: The server does not accept it.
    """
    missing = [name for name in ("smtp_url", "report_to") if not getattr(settings, name)]
    if missing or settings.smtp_url is None:
        names = " and ".join(name.upper() for name in missing)
        raise ConfigurationError(f"{names} missing: the report is mailed to REPORT_TO over SMTP_URL (see .env.example)")
    server = MailServer.of(settings.smtp_url.get_secret_value())
    recipients = settings.recipients
    marked = document.marked
    mail = message(
        sender=settings.report_from or recipients[0],
        recipients=recipients,
        subject=document.subject,
        text=daily_text(document),
        html=daily_html(document, lambda number, _: f"cid:chart-{number}"),
        pictures=[(f"chart-{i}", bar_chart(values, marked)) for i, (_, values) in enumerate(document.charts())],
    )
    server.send(mail)
    typer.echo(f"Sent to {', '.join(recipients)}: {document.subject}")
