"""The updater: bring the read models up to date with their sources, then exit.

Run it every ten minutes. Without names, it updates every read model whose source is configured, each in a process of
its own, so that none waits for another. See `--help` for options, settings and exit codes.
"""

import argparse
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from datetime import timedelta
from typing import Any, NoReturn

import stamina
from polars.exceptions import PanicException
from pydantic import SecretStr

from config import (
    CollectedUpdaterSettings,
    ConfiguredSources,
    MysqlUpdaterSettings,
    RepositoriesUpdaterSettings,
    UpdaterSettings,
    environment_and_dotenv,
)
from read_model.sync import Options
from read_model.tables.fpp import FPP
from read_model.tables.llm import LLM
from read_model.tables.repositories import REPOSITORIES
from read_model.updating import Job, Outcome, SourceUpdater, Updater
from sources.collected.source import consistent_source as collected_source
from sources.git.codebase import Limits
from sources.git.configuration import load_configuration
from sources.git.update import RepositoriesUpdater
from sources.mysql.source import consistent_source
from util.endings import InterruptedRunError, ended_by_deadline, ended_by_signals
from util.error_reporting import flush, report, start_error_reporting
from util.errors import (
    EXIT_BUSY,
    EXIT_CANNOT_WRITE,
    EXIT_CONFIG,
    EXIT_DATA,
    EXIT_DIFFERENT,
    EXIT_INTERRUPTED,
    EXIT_NO_INPUT,
    EXIT_OK,
    EXIT_SOFTWARE,
    EXIT_UNAVAILABLE,
    EXIT_USAGE,
    AnalyticsError,
    ConfigurationError,
    Severity,
)
from util.http import push_heartbeat
from util.logs import configure_logging
from util.version import VERSION

logger = logging.getLogger("update_readmodel")

# Exit codes by how much they need a person's attention, for runs of several read models.
WORST_FIRST = (
    EXIT_INTERRUPTED,
    EXIT_SOFTWARE,
    EXIT_CONFIG,
    EXIT_CANNOT_WRITE,
    EXIT_DATA,
    EXIT_UNAVAILABLE,
    EXIT_NO_INPUT,
    EXIT_DIFFERENT,
    EXIT_BUSY,
    EXIT_OK,
)
EPILOG = """\
settings (environment or .env):
{settings}

exit codes (of several read models, the worst):
   0  published, or nothing was new; with --verify: equal
   1  --verify found differences
  64  wrong arguments
  65  a table or column is missing or of another kind, or a table shrank by more than 20 %
  66  --verify without a snapshot
  69  the source can't be reached or failed, or the run took too long
  70  an error of this program
  73  DATA_DIR can't be written
  75  another updater is at work
  78  a setting is missing or wrong, or the source refuses the user
 130  interrupted
"""


def sync_options(settings: UpdaterSettings) -> Options:
    """The options for reading a source."""
    hours = settings.full_sync_interval_hours
    return Options(
        overlap=timedelta(seconds=settings.sync_overlap_seconds),
        full_interval=timedelta(hours=hours) if hours else None,
        segment_rows=settings.segment_rows,
    )


def fpp_updater(settings: MysqlUpdaterSettings) -> SourceUpdater:
    """The app's read model, from its MySQL or MariaDB database."""
    return SourceUpdater(
        model=FPP,
        data_dir=settings.data_dir,
        options=sync_options(settings),
        opened=lambda: consistent_source(settings),
        patience_s=settings.sync_deadline_seconds,
    )


def llm_updater(settings: CollectedUpdaterSettings) -> SourceUpdater:
    """The read model of LLM usage, from the collector's database."""
    return SourceUpdater(
        model=LLM,
        data_dir=settings.data_dir,
        options=sync_options(settings),
        opened=lambda: collected_source(settings),
        patience_s=settings.sync_deadline_seconds,
    )


@dataclass(frozen=True)
class Known[Settings: UpdaterSettings]:
    """A read model this command can update: its settings, its updater, and whether its source is configured."""

    settings: type[Settings]
    updater: Callable[[Settings], Updater]
    is_configured: Callable[[ConfiguredSources], bool]


def repositories_updater(settings: RepositoriesUpdaterSettings) -> RepositoriesUpdater:
    """The read model of git repositories, from their remotes."""
    return RepositoriesUpdater(
        configuration=load_configuration(settings.repositories_file),
        data_dir=settings.data_dir,
        limits=Limits(settings.repository_deadline_seconds, settings.repository_max_mb),
        tokens=environment_and_dotenv(),
    )


# The first one is updated if none is configured: its error says which settings are missing.
KNOWN: Mapping[str, Known[Any]] = {
    FPP.name: Known(MysqlUpdaterSettings, fpp_updater, lambda sources: bool(sources.db_host or sources.db_username)),
    REPOSITORIES.name: Known(
        RepositoriesUpdaterSettings, repositories_updater, lambda sources: bool(sources.repositories_file)
    ),
    LLM.name: Known(CollectedUpdaterSettings, llm_updater, lambda sources: sources.collector_database_url is not None),
}


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(EXIT_USAGE, f"{self.prog}: {message}. See --help\n")


def arguments() -> argparse.ArgumentParser:
    """The command line."""
    parser = _Parser(
        prog="update_readmodel.py",
        description=__doc__,
        epilog=EPILOG.format(settings="\n".join(_described_settings())),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "names",
        nargs="*",
        metavar="READ_MODEL",
        help=f"the read models to update ({', '.join(KNOWN)}); all whose source is configured by default",
    )
    jobs = parser.add_mutually_exclusive_group()
    jobs.add_argument("--full", action="store_true", help="re-read every table, not only what may have changed")
    jobs.add_argument(
        "--verify",
        action="store_true",
        help="compare every row and file with the source and publish nothing; prints the differences per table",
    )
    jobs.add_argument("--repair", action="store_true", help="verify, then publish what is right")
    jobs.add_argument(
        "--erase-now",
        action="store_true",
        help="re-read every table, then remove every older snapshot: for requests to erase a user",
    )
    parser.add_argument(
        "--allow-shrink", action="store_true", help="publish even if a table lost more than 20 %% of its rows"
    )
    parser.add_argument("--codebase", metavar="OWNER/NAME", help="the only git repository to update; all by default")
    # The file descriptor by which each process reports to a run of several read models.
    parser.add_argument("--tell", type=int, metavar="DESCRIPTOR", help=argparse.SUPPRESS)
    return parser


def _described_settings() -> Iterator[str]:
    described = {name: field for known in KNOWN.values() for name, field in known.settings.model_fields.items()}
    for name, field in described.items():
        value = field.default.get_secret_value() if isinstance(field.default, SecretStr) else field.default
        default = "" if field.is_required() or value in {None, ""} else f" Default: {value}."
        yield f"  {name.upper():<28}{field.description}{default}"


def main(argv: Sequence[str] | None = None) -> int:
    """Run once; returns the exit code."""
    parser = arguments()
    wanted = parser.parse_args(argv)
    for name in wanted.names:
        if name not in KNOWN:
            parser.error(f"there is no read model {name}; there are {', '.join(KNOWN)}")
    configure_logging("INFO")
    names = list(dict.fromkeys(wanted.names)) or configured()
    job = Job(**{field.name: getattr(wanted, field.name) for field in fields(Job)})
    return update_one(names[0], job, wanted.tell) if len(names) == 1 else update_all(names, job)


def configured() -> list[str]:
    """The names of the read models whose source is configured; if none is, the first known one."""
    sources = ConfiguredSources()
    return [name for name, known in KNOWN.items() if known.is_configured(sources)] or [next(iter(KNOWN))]


def update_all(names: Sequence[str], job: Job) -> int:
    """Update several read models at once, each in a process of its own; returns the worst exit code."""
    started = time.monotonic()
    try:
        settings = UpdaterSettings.load()
    except ConfigurationError as error:
        logger.error("%s", error)
        return error.exit_code
    configure_logging(settings.log_level)
    # Both signals end the processes of the read models, too.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with _processes(names, job) as running:
            outcomes = {name: _told(process, descriptor) for name, (process, descriptor) in running.items()}
    except KeyboardInterrupt:
        outcomes = dict.fromkeys(names, Outcome(EXIT_INTERRUPTED, str(InterruptedRunError())))
    for name, outcome in outcomes.items():
        logger.log(logging.INFO if outcome.exit_code == EXIT_OK else logging.WARNING, "%s: %s", name, outcome.message)
    code = min((outcome.exit_code for outcome in outcomes.values()), key=WORST_FIRST.index)
    message = "; ".join(f"{name}: {outcome.message}" for name, outcome in outcomes.items())
    beat(settings, Outcome(code, message), started)
    return code


@contextmanager
def _processes(names: Sequence[str], job: Job) -> Iterator[dict[str, tuple[subprocess.Popen[bytes], int]]]:
    """One process per read model, and the pipe it reports to; leaving the block terminates and awaits them."""
    options = _as_options(job)
    running: dict[str, tuple[subprocess.Popen[bytes], int]] = {}
    try:
        for name in names:
            heard, told = os.pipe()
            command = [sys.executable, __file__, name, *options, "--tell", str(told)]
            running[name] = (subprocess.Popen(command, pass_fds=[told]), heard)  # noqa: S603 - this program, no shell
            os.close(told)
        yield running
    finally:
        for process, heard in running.values():
            process.terminate()
            process.wait()
            os.close(heard)


def _as_options(job: Job) -> list[str]:
    options = []
    for name, given in asdict(job).items():
        if given:
            options += [f"--{name.replace('_', '-')}", *([] if given is True else [given])]
    return options


def _told(process: subprocess.Popen[bytes], descriptor: int) -> Outcome:
    """How a process ended."""
    with os.fdopen(descriptor, encoding="utf-8", closefd=False) as told:
        message = told.read()
    code = process.wait()
    if code in WORST_FIRST:
        return Outcome(code, message or "ended without a message: see its log lines")
    return Outcome(EXIT_SOFTWARE, f"ended by signal {-code}" if code < 0 else f"ended with exit code {code}")


def update_one(name: str, job: Job, descriptor: int | None = None) -> int:
    """Update one read model in this process and report the outcome: by heartbeat, or to the run it is part of."""
    known = KNOWN[name]
    started = time.monotonic()
    try:
        settings = known.settings.load()
    except ConfigurationError as error:
        logger.error("%s", error)
        if descriptor is not None:
            os.write(descriptor, str(error).encode())
        return error.exit_code
    configure_logging(settings.log_level)
    start_error_reporting(settings.fpp_analytics_sentry_dsn, settings.sentry_environment, VERSION)
    stamina.instrumentation.set_on_retry_hooks([_log_retry])

    def end(error: AnalyticsError) -> None:
        report(error, error.severity or Severity.LOW)
        conclude(settings, Outcome(error.exit_code, str(error)), started, descriptor)
        flush()

    try:
        with ended_by_deadline(settings.run_deadline_seconds, end), ended_by_signals(end):
            outcome = concluded(known.updater(settings), job)
            if outcome.exit_code in {EXIT_OK, EXIT_DIFFERENT}:
                logger.info("%s in %.1f s", outcome.message, time.monotonic() - started)
            conclude(settings, outcome, started, descriptor)
            return outcome.exit_code
    finally:
        flush()


def concluded(updater: Updater, job: Job) -> Outcome:
    """The outcome of a job, whatever happens; a failure is reported."""
    try:
        return updater.run(job)
    except AnalyticsError as error:
        if error.severity is None:
            logger.warning("%s", error)
        else:
            report(error, error.severity)
        return Outcome(error.exit_code, str(error))
    except KeyboardInterrupt:
        interrupted = InterruptedRunError()
        logger.warning("%s", interrupted)
        return Outcome(interrupted.exit_code, str(interrupted))
    except (Exception, PanicException) as error:
        report(error, Severity.CRITICAL)
        return Outcome(EXIT_SOFTWARE, f"{type(error).__name__}: {error}")


def _log_retry(details: stamina.instrumentation.RetryDetails) -> None:
    logger.info("%s; trying again in %.1f s", details.caused_by, details.wait_for)


def conclude(settings: UpdaterSettings, outcome: Outcome, started: float, descriptor: int | None = None) -> None:
    """Report how a read model's update ended: by heartbeat, or to the run it is part of."""
    if descriptor is None:
        beat(settings, outcome, started)
    else:
        os.write(descriptor, outcome.message.encode())


def beat(settings: UpdaterSettings, outcome: Outcome, started: float) -> None:
    """Push the heartbeat of a run that began at `started` (monotonic clock)."""
    if settings.uptimekuma_push_url:
        elapsed_ms = round((time.monotonic() - started) * 1000)
        url, is_up = str(settings.uptimekuma_push_url), outcome.exit_code == EXIT_OK
        push_heartbeat(url, "up" if is_up else "down", outcome.message, elapsed_ms)


if __name__ == "__main__":
    sys.exit(main())
