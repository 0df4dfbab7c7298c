"""The base of all expected errors: each has an HTTP status, an exit code, and a message that says what to do."""

import logging
from collections.abc import Mapping
from enum import Enum
from typing import ClassVar, Literal

# Exit codes by sysexits(3), the convention of mail systems and BSD tools.
EXIT_OK = 0
EXIT_DIFFERENT = 1
EXIT_USAGE = 64
EXIT_DATA = 65
EXIT_NO_INPUT = 66
EXIT_UNAVAILABLE = 69
EXIT_SOFTWARE = 70
EXIT_CANNOT_WRITE = 73
EXIT_BUSY = 75
EXIT_CONFIG = 78
EXIT_INTERRUPTED = 130

type SentryLevel = Literal["fatal", "error", "warning", "info"]


class Severity(Enum):
    """How bad an error is."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"

    @property
    def sentry_level(self) -> SentryLevel:
        """Its level in Sentry."""
        levels: dict[Severity, SentryLevel] = {
            Severity.CRITICAL: "fatal",
            Severity.HIGH: "error",
            Severity.MEDIUM: "warning",
            Severity.LOW: "info",
        }
        return levels[self]

    @property
    def log_level(self) -> int:
        """Its level in `logging`."""
        return logging.getLevelNamesMapping()[self.sentry_level.upper()]


class AnalyticsError(Exception):
    """An expected failure: its message is one line for a person and says what to do.

    A server answers with `status` and `headers`, a command ends with `exit_code`. It is reported with `severity`, or
    not at all if that is None; a state that `is_lasting` is reported once until it changes.
    """

    status: ClassVar[int] = 500
    headers: ClassVar[Mapping[str, str]] = {}
    exit_code: ClassVar[int] = EXIT_SOFTWARE
    severity: ClassVar[Severity | None] = None
    is_lasting: ClassVar[bool] = False


class ConfigurationError(AnalyticsError):
    """A setting is missing or wrong; the message names the variable."""

    exit_code = EXIT_CONFIG
