"""Error reporting: the log always, Sentry only in production."""

import logging

import sentry_sdk
from pydantic import SecretStr

from util.errors import AnalyticsError, Severity

logger = logging.getLogger(__name__)
PRODUCTION = "production"
FLUSH_SECONDS = 5.0
MOST_LASTING = 100


class LastingErrors:
    """Remembers the last few lasting errors that were reported."""

    def __init__(self) -> None:
        self._told: dict[tuple[type, str], None] = {}

    def is_new(self, error: AnalyticsError) -> bool:
        """Whether an error has not been reported yet; from now on it counts as reported."""
        known = (type(error), str(error))
        is_new = known not in self._told
        self._told.pop(known, None)
        self._told[known] = None
        if len(self._told) > MOST_LASTING:
            del self._told[next(iter(self._told))]
        return is_new


_lasting = LastingErrors()


def start_error_reporting(dsn: SecretStr | None, environment: str, release: str) -> None:
    """Connect to Sentry if the environment is `production` and a DSN is given; otherwise make sure it is off.

    Sentry's own integrations stay off: they would report again what `report` reports. So do the local variables of
    stack frames: tokens and passwords pass through them, under names that no filter knows.
    """
    sentry_sdk.init(
        dsn=dsn.get_secret_value() if dsn and environment == PRODUCTION else None,
        environment=environment,
        release=release,
        default_integrations=False,
        auto_enabling_integrations=False,
        include_local_variables=False,
    )


def report(error: BaseException, severity: Severity, **context: str) -> None:
    """Log an error and send it to Sentry, once, with facts about its context.

    A lasting error, such as a damaged file, hits every request: it is sent to Sentry once until it changes.

    An expected error is logged as a single line, any other with its traceback.
    """
    facts = "".join(f" [{name}: {value}]" for name, value in context.items())
    expected = isinstance(error, AnalyticsError)
    text = f"{error}" if expected else f"{type(error).__name__}: {error}"
    logger.log(severity.log_level, "%s%s", text, facts, exc_info=None if expected else error)
    if isinstance(error, AnalyticsError) and error.is_lasting and not _lasting.is_new(error):
        return
    with sentry_sdk.new_scope() as scope:
        scope.set_level(severity.sentry_level)
        scope.set_context("fpp_analytics", dict(context))
        scope.capture_exception(error)


def flush() -> None:
    """Wait until Sentry has received what was reported; call before the process ends."""
    sentry_sdk.flush(timeout=FLUSH_SECONDS)
