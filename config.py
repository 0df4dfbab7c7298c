"""Settings: one frozen object per process, read once from the environment and `.env`, checked at startup.

Each process gets only what it needs: the server no database settings, the updater no tokens.
"""

import os
import re
from collections.abc import Iterable
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal, Self

from dotenv import dotenv_values
from pydantic import Field, FilePath, HttpUrl, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, SettingsConfigDict
from sentry_sdk.utils import BadDsn, Dsn

from util.errors import ConfigurationError
from util.mail import MailServer

# A year: no setting makes sense beyond it.
LONGEST_S = 365 * 24 * 3600
DEVELOPMENT = "development"
SHORTEST_TOKEN = 16
ADDRESS = re.compile(r"[^@\s<>,;\"]+@[^@\s<>,;\"]+")

Seconds = Annotated[float, Field(gt=0, le=LONGEST_S)]
SecondsOrZero = Annotated[float, Field(ge=0, le=LONGEST_S)]
Port = Annotated[int, Field(ge=1, le=65535)]


class Block(BaseSettings):
    """Settings of one concern; the settings of a process combine several of these."""

    model_config = SettingsConfigDict(
        env_file=".env", env_file_encoding="utf-8", env_ignore_empty=True, extra="ignore", frozen=True
    )


class Settings(Block):
    """Settings that all processes share."""

    data_dir: Path = Field(default=Path("data"), description="Directory of the read model.")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        default="INFO", description="Minimum severity to log."
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
            raise ValueError("it is not a Sentry DSN") from None
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


class AccessSettings(Block):
    """Which tokens are accepted."""

    tokens_file: Path | None = Field(
        default=None,
        description="TOML file of tokens: the hash of each, its scopes and organisations; made with `collector.py "
        "token new`. Read again when it changes.",
    )
    metrics_token: SecretStr | None = Field(
        default=None, description="Token that /metrics requires; without it, /metrics is open."
    )


class ReadingSettings(Settings):
    """How figures are read from the read model."""

    start_date: date = Field(
        default=date(2024, 6, 3),
        ge=date(1970, 1, 1),
        description="First day of series, visits and bounce rate (inclusive, UTC).",
    )
    health_stale_seconds: Seconds = Field(
        default=20 * 60, description="Age of the data from which /health calls them stale, in seconds."
    )
    health_dead_seconds: Seconds = Field(
        default=60 * 60, description="Age of the data from which /health calls them dead, in seconds."
    )


class ServerSettings(ReadingSettings, AccessSettings):
    """Settings of the read-only server."""

    analytics_secret_token: SecretStr | None = Field(
        default=None,
        validate_default=True,
        description="Token with full access, or several, separated by commas, each of which is accepted; at least "
        f"{SHORTEST_TOKEN} characters each, unless SENTRY_ENVIRONMENT is `{DEVELOPMENT}` and only this machine can "
        "reach the server. Required without TOKENS_FILE.",
    )
    cors_origins: str | None = Field(
        default=None,
        description="Origins whose web pages may read the answers, such as `https://app.example.com`, separated by "
        "commas; none by default.",
    )
    host: str = Field(default="127.0.0.1", description="Address `python main.py` listens on.")
    port: Port = Field(default=5100, description="Port `python main.py` listens on.")
    max_concurrent_queries: int = Field(
        default=2,
        ge=1,
        description="Costly computations at once, and as many cheap ones; memory is bounded by their number.",
    )
    query_queue_seconds: SecondsOrZero = Field(
        default=10, description="Longest wait for a computation's turn before the answer is 503, in seconds."
    )
    answer_budget_mb: int = Field(
        default=256,
        ge=1,
        description="Memory for answers on their way to clients, in megabytes (10⁶ bytes); "
        "a large answer that does not fit is 503.",
    )
    max_connections: int = Field(
        default=1000,
        ge=1,
        description="Connections at once, as far as the open-file limit allows; "
        "beyond it, those idle for longest are closed.",
    )
    request_timeout_seconds: Seconds = Field(
        default=10,
        description="Longest time a client may take to send a request's head, and again its body, in seconds.",
    )
    write_timeout_seconds: Seconds = Field(
        default=10,
        description="A client that accepts less than 64 KiB of its answer in this time, in seconds, is disconnected.",
    )
    graceful_shutdown_seconds: SecondsOrZero = Field(
        default=10, description="Time to finish answers under way once the server is told to stop, in seconds."
    )
    docs: bool = Field(
        default=True, description="Whether /docs and /openapi.json are served, which need no token; `off` hides them."
    )
    bea_base_url: str | None = Field(
        default=None, description="E-mail service; a bare host means `http://HOST:3010`. Without it no mail is sent."
    )
    bea_secret_key: SecretStr | None = Field(default=None, description="Bearer token of the e-mail service.")
    bea_timeout_seconds: Seconds = Field(default=30, description="Longest wait for the e-mail service, in seconds.")

    @field_validator("analytics_secret_token")
    @classmethod
    def _are_tokens(cls, value: SecretStr | None, others: ValidationInfo) -> SecretStr | None:
        if value is None or not value.get_secret_value():
            if others.data.get("tokens_file") is None:
                raise PydanticCustomError("missing", "it is missing")
            return None
        tokens = _parts(value)
        if not all(tokens):
            raise ValueError("a token is empty: write one token, or several separated by commas")
        if _is_guessable(tokens) and others.data.get("sentry_environment") != DEVELOPMENT:
            raise ValueError(
                f"each token needs at least {SHORTEST_TOKEN} characters, unless SENTRY_ENVIRONMENT is {DEVELOPMENT}"
            )
        return value

    @field_validator("cors_origins")
    @classmethod
    def _are_origins(cls, value: str | None) -> str | None:
        for origin in _origins(value):
            if not re.fullmatch(r"https?://[a-z0-9.-]+(:[0-9]{1,5})?", origin):
                raise ValueError(f"{origin!r} is not an origin: write scheme, host and, if needed, port")
        return value

    @field_validator("bea_base_url")
    @classmethod
    def _complete_url(cls, value: str | None) -> str | None:
        if value is None or "://" in value:
            return value and value.rstrip("/")
        host = value.rstrip("/")
        return f"http://{host}" if ":" in host else f"http://{host}:3010"

    @property
    def origins(self) -> tuple[str, ...]:
        """The origins whose web pages may read the answers."""
        return _origins(self.cors_origins)

    @cached_property
    def tokens(self) -> tuple[bytes, ...]:
        """The accepted tokens as bytes: several while one replaces another."""
        return tuple(token.encode() for token in _parts(self.analytics_secret_token or SecretStr("")) if token)

    @cached_property
    def has_guessable_token(self) -> bool:
        """Whether a token is short enough to be guessed."""
        return _is_guessable(self.tokens)


class GuessableTokenError(ConfigurationError):
    """A short token, meant for trials on one machine, on a server that other machines can reach."""

    def __init__(self) -> None:
        super().__init__(
            f"ANALYTICS_SECRET_TOKEN is wrong: each token needs at least {SHORTEST_TOKEN} characters where other "
            "machines can reach the server. Set a longer one in the environment or in .env, or listen on 127.0.0.1"
        )


class ReportSettings(ReadingSettings):
    """Settings of the daily report by mail."""

    smtp_url: SecretStr | None = Field(
        default=None,
        description="Mail server of the report: `smtps://USER:PASSWORD@HOST:465`, or `smtp://HOST:587` with TLS where "
        "the server offers it.",
    )
    report_to: str | None = Field(default=None, description="Addresses the report is sent to, separated by commas.")
    report_from: str | None = Field(
        default=None, description="Address the report is sent from; the first of REPORT_TO by default."
    )

    @field_validator("smtp_url")
    @classmethod
    def _is_mail_server(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            MailServer.of(value.get_secret_value())
        return value

    @field_validator("report_to", "report_from")
    @classmethod
    def _are_addresses(cls, value: str | None) -> str | None:
        for address in (value or "").split(",") if value else []:
            if not ADDRESS.fullmatch(address.strip()):
                raise ValueError("write addresses like someone@example.com, separated by commas")
        return value

    @property
    def recipients(self) -> list[str]:
        """The addresses the report is sent to."""
        return [address.strip() for address in (self.report_to or "").split(",") if address.strip()]


class UpdaterSettings(Settings):
    """Settings of a run of the updater, for any source."""

    sync_overlap_seconds: int = Field(
        default=3600,
        gt=0,
        le=LONGEST_S,
        description="Rows that were this old at the previous run are settled; longer than any transaction, in seconds.",
    )
    full_sync_interval_hours: float = Field(
        default=24,
        ge=0,
        le=LONGEST_S / 3600,
        description="Hours after which a run re-reads everything; 0 = never.",
    )
    sync_deadline_seconds: float = Field(
        default=540,
        gt=0,
        description="A run that takes longer is stopped; shorter than the interval between runs, in seconds.",
    )
    segment_rows: int = Field(
        default=1_000_000, gt=0, description="Rows of a table per file; further rows go into another one."
    )
    uptimekuma_push_url: HttpUrl | None = Field(
        default=None, description="Push URL of an Uptime Kuma monitor, called after every run."
    )

    @property
    def run_deadline_seconds(self) -> float:
        """How long a run may take before it is stopped."""
        return self.sync_deadline_seconds


class MysqlSettings(Block):
    """Where the app's database is."""

    db_host: str = Field(min_length=1, description="Host of the MySQL or MariaDB server.")
    db_port: Port = Field(default=3306, description="Port of the database server.")
    db_username: str = Field(min_length=1, description="Database user; needs SELECT only.")
    db_password: SecretStr = Field(default=SecretStr(""), description="Password of the database user.")
    db_name: str = Field(default="free-planning-poker", min_length=1, description="Database to read.")
    db_ssl_ca: FilePath | None = Field(
        default=None, description="File of the certificate authority; with it the connection is TLS and verified."
    )


class MysqlUpdaterSettings(UpdaterSettings, MysqlSettings):
    """Settings of an update from MySQL or MariaDB."""


class CollectorDatabaseSettings(Block):
    """Where the collector's database is: the collector writes it, the updater reads it."""

    collector_database_url: SecretStr = Field(
        default=SecretStr("sqlite:///collected/collector.db"),
        description="Database of the collector: `sqlite:///FILE`, `postgresql+psycopg://…` or "
        "`mysql+mysqlconnector://…`.",
    )


class CollectedUpdaterSettings(UpdaterSettings, CollectorDatabaseSettings):
    """Settings of an update from the collector's database."""


class RepositoriesUpdaterSettings(UpdaterSettings):
    """Settings of an update from git repositories."""

    repositories_file: FilePath = Field(description="YAML file that lists the git repositories to analyse.")
    repository_deadline_seconds: Seconds = Field(
        default=7200, description="Longest time a codebase may take, in seconds."
    )
    repository_max_mb: int = Field(default=10_000, gt=0, description="Largest mirror of a codebase, in megabytes.")

    @property
    def run_deadline_seconds(self) -> float:
        """No limit: each codebase has its own deadline and is published as soon as it is done."""
        return LONGEST_S


class ConfiguredSources(Block):
    """The settings that show which sources are configured; None for one that is not."""

    db_host: str | None = None
    db_username: str | None = None
    repositories_file: Path | None = None
    collector_database_url: SecretStr | None = None


class JwtSettings(Block):
    """Which JWTs are accepted."""

    jwt_jwks: str | None = Field(
        default=None,
        description="File or URL of the JWKS whose keys sign JWTs (RS256); without it none is accepted.",
    )
    jwt_issuer: str | None = Field(default=None, description="Issuer a JWT must be from (`iss`).")
    jwt_audience: str | None = Field(default=None, description="Audience a JWT must be for (`aud`).")


class CollectorSettings(Settings, CollectorDatabaseSettings, AccessSettings, JwtSettings):
    """Settings of the collector: its server and its commands."""

    llm_prices: FilePath | None = Field(
        default=None, description="YAML file of prices, for LLM events that come without a cost."
    )
    llm_amqp_url: SecretStr | None = Field(
        default=None, description="RabbitMQ the consumer reads, `amqp://USER:PASSWORD@HOST:PORT/VHOST`."
    )
    llm_amqp_queue: str = Field(default="llm-usage-events", min_length=1, description="Queue the consumer reads.")
    intake_bytes: int = Field(
        default=32_000_000,
        ge=10_000_000,
        description="Bytes of requests that may wait for their commit; beyond that, the answer is 503.",
    )
    intake_seconds: Seconds = Field(
        default=30, description="Longest wait for a commit before the answer is 503, in seconds."
    )


def environment_and_dotenv() -> dict[str, str]:
    """All variables by name, for those whose names are configured; the environment takes precedence over `.env`."""
    file = Settings.model_config.get("env_file")
    found = dotenv_values(str(file)) if file else {}
    return {name: value for name, value in found.items() if value} | dict(os.environ)


def _origins(text: str | None) -> tuple[str, ...]:
    return tuple(origin.strip() for origin in text.split(",")) if text else ()


def _parts(tokens: SecretStr) -> list[str]:
    return [part.strip() for part in tokens.get_secret_value().split(",")]


def _is_guessable(tokens: Iterable[str | bytes]) -> bool:
    return any(len(token) < SHORTEST_TOKEN for token in tokens)


def _explain(error: ValidationError) -> str:
    """One line: each variable at fault and what is wrong with it, never its value."""
    faults = []
    for fault in error.errors(include_input=False, include_url=False):
        variable = str(fault["loc"][0]).upper() if fault["loc"] else "settings"
        text = fault["msg"].removeprefix("Value error, ")
        reason = "is missing" if fault["type"] == "missing" else f"is wrong: {text}"
        faults.append(f"{variable} {reason}")
    return f"{'; '.join(faults)}. Set it in the environment or in .env (see .env.example)"
