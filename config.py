"""Settings: one frozen object per process, read once from the environment and `.env`, checked at start.

The server's settings know nothing of a database, the updater's nothing of tokens.
"""

import os
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Literal, Self

from dotenv import dotenv_values
from pydantic import Field, FilePath, HttpUrl, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, SettingsConfigDict
from sentry_sdk.utils import BadDsn, Dsn

from util.errors import ConfigurationError

# A year: no span of time here makes sense beyond it.
LONGEST_S = 365 * 24 * 3600
DEVELOPMENT = "development"
SHORTEST_TOKEN = 16


class Block(BaseSettings):
    """Settings of one concern: a process is given those of all its concerns as one object."""

    model_config = SettingsConfigDict(
        env_file=".env", env_file_encoding="utf-8", env_ignore_empty=True, extra="ignore", frozen=True
    )


class Settings(Block):
    """What all processes share."""

    data_dir: Path = Field(default=Path("data"), description="Directory of the read model.")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        default="INFO", description="Least severity that is logged."
    )
    sentry_environment: str = Field(
        default=DEVELOPMENT, description="Name of the deployment; errors go to Sentry only from `production`."
    )
    fpp_analytics_sentry_dsn: SecretStr | None = Field(
        default=None, description="Sentry DSN; without it errors are only logged."
    )

    @field_validator("fpp_analytics_sentry_dsn")
    @classmethod
    def _is_dsn(cls, value: SecretStr | None) -> SecretStr | None:
        try:
            Dsn(value.get_secret_value() if value else "https://key@host/1")
        except BadDsn:
            raise ValueError("it is no Sentry DSN") from None
        return value

    @classmethod
    def load(cls) -> Self:
        """The settings of this process.

        Raises:
            ConfigurationError: One line that names every missing or wrong variable.
        """
        try:
            return cls()
        except ValidationError as error:
            raise ConfigurationError(_explain(error)) from None


class ServerSettings(Settings):
    """Settings of the read-only server."""

    tokens_file: Path | None = Field(
        default=None,
        description="TOML file of further tokens: the hash of each, its scopes and organisations. Read again when it "
        "changes.",
    )
    analytics_secret_token: SecretStr | None = Field(
        default=None,
        validate_default=True,
        description="Token with every right, or several with commas between, each of which is accepted; at least "
        f"{SHORTEST_TOKEN} characters each, unless SENTRY_ENVIRONMENT is `{DEVELOPMENT}`. Required without "
        "TOKENS_FILE.",
    )
    start_date: date = Field(
        default=date(2024, 6, 3),
        ge=date(1970, 1, 1),
        description="First day of series, sessions and bounce rate (inclusive, UTC).",
    )
    host: str = Field(default="127.0.0.1", description="Address `python main.py` listens on.")
    port: int = Field(default=5100, ge=1, le=65535, description="Port `python main.py` listens on.")
    max_concurrent_queries: int = Field(
        default=2, ge=1, description="Computations at once; memory is bounded by their number."
    )
    query_queue_seconds: float = Field(
        default=10,
        ge=0,
        le=LONGEST_S,
        description="Longest wait for a computation's turn before the answer is 503, in seconds.",
    )
    health_stale_seconds: float = Field(
        default=20 * 60,
        gt=0,
        le=LONGEST_S,
        description="Age of the data from which /health calls them stale, in seconds.",
    )
    health_dead_seconds: float = Field(
        default=60 * 60,
        gt=0,
        le=LONGEST_S,
        description="Age of the data from which /health calls them dead, in seconds.",
    )
    bea_base_url: str | None = Field(
        default=None, description="E-mail service; a bare host means `http://HOST:3010`. Without it no mail is sent."
    )
    bea_secret_key: SecretStr | None = Field(default=None, description="Bearer token of the e-mail service.")
    bea_timeout_seconds: float = Field(
        default=30, gt=0, le=LONGEST_S, description="Longest wait for the e-mail service, in seconds."
    )

    @field_validator("analytics_secret_token")
    @classmethod
    def _are_tokens(cls, value: SecretStr | None, others: ValidationInfo) -> SecretStr | None:
        if value is None or not value.get_secret_value():
            if others.data.get("tokens_file") is None:
                raise PydanticCustomError("missing", "it is missing")
            return None
        tokens = _parts(value)
        if not all(tokens):
            raise ValueError("a token is empty: write one token, or several with a comma between each two")
        guessable = any(len(token) < SHORTEST_TOKEN for token in tokens)
        if guessable and others.data.get("sentry_environment") != DEVELOPMENT:
            raise ValueError(
                f"each token needs at least {SHORTEST_TOKEN} characters, unless SENTRY_ENVIRONMENT is {DEVELOPMENT}"
            )
        return value

    @field_validator("bea_base_url")
    @classmethod
    def _complete_url(cls, value: str | None) -> str | None:
        if value is None or "://" in value:
            return value and value.rstrip("/")
        host = value.rstrip("/")
        return f"http://{host}" if ":" in host else f"http://{host}:3010"

    @cached_property
    def tokens(self) -> tuple[bytes, ...]:
        """The bytes of each token that is accepted: several while one replaces another."""
        return tuple(token.encode() for token in _parts(self.analytics_secret_token or SecretStr("")) if token)


class UpdaterSettings(Settings):
    """Settings of a run of the updater, whatever its source."""

    sync_overlap_seconds: int = Field(
        default=3600,
        gt=0,
        le=LONGEST_S,
        description="Rows this much older than the previous run are settled; longer than any transaction, in seconds.",
    )
    full_sync_interval_hours: float = Field(
        default=24,
        ge=0,
        le=LONGEST_S / 3600,
        description="Hours after which a run re-reads everything by itself; 0 = never.",
    )
    sync_deadline_seconds: float = Field(
        default=540,
        gt=0,
        description="A run that takes longer is ended; shorter than the interval of runs, in seconds.",
    )
    segment_rows: int = Field(
        default=1_000_000, gt=0, description="Rows of a table's file before its rows go on in a further one."
    )
    uptimekuma_push_url: HttpUrl | None = Field(
        default=None, description="Push URL of an Uptime Kuma monitor, called after every run."
    )

    @property
    def run_deadline_seconds(self) -> float:
        """How long a run may take before it is ended."""
        return self.sync_deadline_seconds


class MysqlSettings(Block):
    """Where the app's database is."""

    db_host: str = Field(min_length=1, description="Host of the MySQL or MariaDB server.")
    db_port: int = Field(default=3306, ge=1, le=65535, description="Port of the database server.")
    db_username: str = Field(min_length=1, description="Database user; needs SELECT only.")
    db_password: SecretStr = Field(default=SecretStr(""), description="Password of the database user.")
    db_name: str = Field(default="free-planning-poker", min_length=1, description="Database to read.")
    db_ssl_ca: FilePath | None = Field(
        default=None, description="File of the certificate authority; with it the connection is TLS, verified."
    )


class MysqlUpdaterSettings(UpdaterSettings, MysqlSettings):
    """Settings of an update from MySQL or MariaDB."""


class RepositoriesUpdaterSettings(UpdaterSettings):
    """Settings of an update from git repositories."""

    repositories_file: FilePath = Field(description="YAML file that lists the git repositories to analyse.")
    repository_deadline_seconds: float = Field(
        default=7200, gt=0, le=LONGEST_S, description="Longest time a codebase may take, in seconds."
    )
    repository_max_mb: int = Field(default=10_000, gt=0, description="Largest mirror of a codebase, in megabytes.")

    @property
    def run_deadline_seconds(self) -> float:
        """Codebases have deadlines of their own, and are published one by one."""
        return LONGEST_S


class ConfiguredSources(Block):
    """The settings that tell which sources there are; each is None where its source is not configured."""

    db_host: str | None = None
    db_username: str | None = None
    repositories_file: Path | None = None


def environment_and_dotenv() -> dict[str, str]:
    """All variables by name, for settings whose name is itself configured; the environment wins over `.env`."""
    file = Settings.model_config.get("env_file")
    found = dotenv_values(str(file)) if file else {}
    return {name: value for name, value in found.items() if value} | dict(os.environ)


def _parts(tokens: SecretStr) -> list[str]:
    return [part.strip() for part in tokens.get_secret_value().split(",")]


def _explain(error: ValidationError) -> str:
    """One line: each variable at fault and what is wrong with it, never its value."""
    faults = []
    for fault in error.errors(include_input=False, include_url=False):
        variable = str(fault["loc"][0]).upper() if fault["loc"] else "settings"
        text = fault["msg"].removeprefix("Value error, ")
        reason = "is missing" if fault["type"] == "missing" else f"is wrong: {text}"
        faults.append(f"{variable} {reason}")
    return f"{'; '.join(faults)}. Set it in the environment or in .env (see .env.example)"
