"""The collector's commands: what `python collector.py` does."""

import hashlib
import json
import secrets
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

import typer

from config import CollectorSettings
from intake import values
from intake.database import configured_url, open_engine, shown
from intake.llm import litellm
from intake.llm.batches import Batch, Receipt, Rejection
from intake.llm.events import Event, parse_event
from intake.llm.files import Imported, import_file
from intake.llm.foreign import Organisations
from intake.llm.prices import prices
from intake.llm.purging import age, purge
from intake.llm.queue import Consumer
from intake.llm.storing import store
from intake.migrating import migrate, require_head
from intake.writer import Writer
from util.clock import utc_now
from util.errors import EXIT_DATA, AnalyticsError, ConfigurationError
from util.logs import configure_logging
from util.progress import shown_progress
from web.callers import ALL, Caller
from web.tokens import Token

TOKEN_BYTES = 32
TOLD_REJECTIONS = 100

cli = typer.Typer(
    help="The collector: accepts events into its own database. `uvicorn collector:app --port 5101` serves it.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
token = typer.Typer(help="Tokens of TOKENS_FILE.", no_args_is_help=True)
cli.add_typer(token, name="token")


def main() -> int:
    """Run a command; returns the exit code."""
    configure_logging("INFO")
    try:
        cli()
    except AnalyticsError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else 0
    return 0


@cli.command("migrate")
def run_migrations() -> None:
    """Bring the database to the schema this version needs; waits for a migration that is already running."""
    url = configured_url(CollectorSettings.load())
    before, after = migrate(url)
    typer.echo(
        f"{shown(url)} is at revision {after}" + ("" if before == after else f", previously at {before or 'none'}")
    )


@token.command("new")
def new_token(
    name: Annotated[str, typer.Option(help="Who has it; its name in logs and errors.")],
    scope: Annotated[list[str], typer.Option(help="What it may do, such as llm:write; repeatable.")],
    org: Annotated[list[str] | None, typer.Option(help="Whose data it may see; '*' is everyone's; repeatable.")] = None,
    codebase: Annotated[
        list[str] | None, typer.Option(help="Codebases it may see; repeatable; all by default.")
    ] = None,
) -> None:
    """Make a token and print it, only this once, with the lines for TOKENS_FILE."""
    made = secrets.token_urlsafe(TOKEN_BYTES)
    lines = {"name": name, "sha256": hashlib.sha256(made.encode()).hexdigest(), "scopes": scope, "orgs": org or []}
    if codebase:
        lines["codebases"] = codebase
    try:
        Token.model_validate(lines)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    typer.echo(f"token: {made}\n\n[[token]]")
    for key, value in lines.items():
        typer.echo(f"{key} = {toml(value)}")


def toml(value: str | Sequence[str]) -> str:
    """A text or a list of texts in TOML, which needs no escapes that JSON lacks."""
    return json.dumps(value, ensure_ascii=False)


@cli.command("import")
def import_files(
    files: Annotated[list[Path], typer.Argument(help="NDJSON or CSV, plain or gzipped; also LiteLLM_SpendLogs.")],
    org: Annotated[str | None, typer.Option(help="Organisation of LiteLLM records that name none.")] = None,
) -> None:
    """Store the events of files. Importing a file again changes nothing. Exit code 65 if an event was rejected."""
    settings = CollectorSettings.load()
    writer, parse = opened_writer(settings), parser(settings, org)
    with shown_progress() as show:
        outcomes = [import_file(path, parse, writer.write, show, Teller(path)) for path in files]
    typer.echo(outcomes_table(outcomes))
    if any(outcome.rejected for outcome in outcomes):
        raise typer.Exit(EXIT_DATA)


@cli.command("purge")
def purge_events(
    older_than: Annotated[
        str | None, typer.Option(help="Age to delete from, such as 400d; hours, days or weeks.")
    ] = None,
    org: Annotated[
        str | None, typer.Option(help="Only this organisation; without --older-than, everything it has.")
    ] = None,
) -> None:
    """Delete events and dead letters by age or organisation; the next full update drops them from answers."""
    try:
        before = None if older_than is None else values.microseconds(utc_now() - age(older_than))
        org_id = None if org is None else values.uuid_bytes("--org", org)
    except (ValueError, OverflowError) as error:
        raise typer.BadParameter(str(error)) from None
    if before is None and org_id is None:
        raise typer.BadParameter("choose what to delete: --older-than, --org, or both")
    engine = open_engine(configured_url(CollectorSettings.load()))
    require_head(engine)
    with shown_progress() as show:
        for purged in purge(engine, before, org_id):
            show("deleted", purged.events + purged.dead_letters)
    typer.echo(f"Deleted {purged.events:,} events and {purged.dead_letters:,} dead letters")
    typer.echo(
        "`uv run python update_readmodel.py llm --erase-now --allow-shrink` drops them from the read model at once"
    )


@cli.command("consume")
def consume_queue() -> None:
    """Store the events of the queue LLM_AMQP_QUEUE until SIGTERM; a message is acknowledged once it is durable."""
    settings = CollectorSettings.load()
    if settings.llm_amqp_url is None:
        raise ConfigurationError("LLM_AMQP_URL is missing: set it to the broker, amqp://USER:PASSWORD@HOST:5672/VHOST")
    writer = opened_writer(settings)
    parse = parser(settings)
    consumer = Consumer(settings.llm_amqp_url.get_secret_value(), settings.llm_amqp_queue, parse, writer.write)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: consumer.stop())
    consumer.run()


def parser(settings: CollectorSettings, org: str | None = None) -> Callable[[object, int], Event]:
    """A parser for events of any organisation, which also prices those without a cost; `org` is for LiteLLM records
    that name none."""
    price_of = prices(settings.llm_prices)
    organisations = Organisations(Caller("import", ALL, frozenset({org}) if org else ALL))

    def parse(document: object, now: int) -> Event:
        found = litellm.event_document(document, organisations) if litellm.is_spend_log(document) else document
        return parse_event(found, now, price_of)

    return parse


def opened_writer(settings: CollectorSettings) -> Writer[Batch, Receipt]:
    """A writer to the collector's database, for use in this thread.

    Raises:
        AnalyticsError: The database can't be reached, or is not at the revision this version needs.
    """
    engine = open_engine(configured_url(settings))
    require_head(engine)
    return Writer(engine, store)


class Teller:
    """Reports the rejected events of a file on standard error; all of them are in `llm_dead_letters`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._told = 0

    def __call__(self, rejection: Rejection) -> None:
        """Report one, unless there were too many already."""
        self._told += 1
        if self._told <= TOLD_REJECTIONS:
            sys.stderr.write(
                f"{self._path}:{rejection.index}: {rejection.event_id or 'no event_id'}: {rejection.reason}\n"
            )
        elif self._told == TOLD_REJECTIONS + 1:
            sys.stderr.write(f"{self._path}: all further ones are in the table llm_dead_letters\n")


def outcomes_table(outcomes: list[Imported]) -> str:
    """How many events of each file, and of all files, were accepted, duplicates or rejected."""
    total = Imported(Path("total"))
    for outcome in outcomes:
        total.accepted += outcome.accepted
        total.duplicates += outcome.duplicates
        total.rejected += outcome.rejected
    rows = [*outcomes, *([total] if len(outcomes) > 1 else [])]
    width = max(len("file"), *(len(str(row.path)) for row in rows))
    lines = [f"{'file':<{width}}{'accepted':>14}{'duplicate':>14}{'rejected':>14}"]
    lines += [f"{row.path!s:<{width}}{row.accepted:>14,}{row.duplicates:>14,}{row.rejected:>14,}" for row in rows]
    return "\n".join(lines)
