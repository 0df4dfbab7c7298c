"""Error reporting: the log always, Sentry only in production."""

import logging

import sentry_sdk

from config import Settings
from util.errors import AnalyticsError, Severity

logger = logging.getLogger(__name__)
PRODUCTION = "production"
FLUSH_SECONDS = 5.0


def start_error_reporting(settings: Settings, release: str) -> None:
    """Connect to Sentry when the environment is `production` and a DSN is set; otherwise make sure it is off.

    Sentry's own integrations stay off: they would report a second time what `report` reports once. So do the local
    variables of stack frames: tokens and passwords pass through them, under names that no filter knows.
    """
    dsn = settings.fpp_analytics_sentry_dsn
    in_production = settings.sentry_environment == PRODUCTION
    sentry_sdk.init(
        dsn=dsn.get_secret_value() if dsn and in_production else None,
        environment=settings.sentry_environment,
        release=release,
        default_integrations=False,
        auto_enabling_integrations=False,
        include_local_variables=False,
    )


def report(error: BaseException, severity: Severity, **context: str) -> None:
    """Log an error and send it to Sentry, once, with facts about what was going on.

    An expected error is logged as the one line that it is, any other with its traceback.
    """
    facts = "".join(f" [{name}: {value}]" for name, value in context.items())
    expected = isinstance(error, AnalyticsError)
    text = f"{error}" if expected else f"{type(error).__name__}: {error}"
    logger.log(severity.log_level, "%s%s", text, facts, exc_info=None if expected else error)
    with sentry_sdk.new_scope() as scope:
        scope.set_level(severity.sentry_level)
        scope.set_context("fpp_analytics", dict(context))
        scope.capture_exception(error)


def flush() -> None:
    """Wait for Sentry to take what was reported; call before the process ends."""
    sentry_sdk.flush(timeout=FLUSH_SECONDS)
