"""Settings: each is documented, each wrong one is named, and no value is ever shown."""

import re
from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

from config import MysqlUpdaterSettings, ServerSettings, Settings
from tests.processes import ROOT
from tests.settings import READERS, variables
from util.errors import EXIT_CONFIG, ConfigurationError

EXAMPLE = ROOT / ".env.example"
VARIABLES = sorted(variables())
REQUIRED = (
    {"ANALYTICS_SECRET_TOKEN": "a token"},
    {"DB_HOST": "db", "DB_USERNAME": "reader", "DB_PASSWORD": "a password"},
)


@pytest.fixture
def example() -> dict[str, str]:
    """The variables of `.env.example`, also those that are commented out, with the comment above each."""
    found, comment = {}, ""
    for line in EXAMPLE.read_text(encoding="utf-8").splitlines():
        if match := re.match(r"#? ?([A-Z][A-Z0-9_]+)=", line):
            found[match[1]] = comment
        elif line.startswith("#"):
            comment = line.removeprefix("#").strip()
    return found


@pytest.fixture
def server_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in REQUIRED[0].items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def updater_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in REQUIRED[1].items():
        monkeypatch.setenv(name, value)


def fault(settings: type[Settings]) -> str:
    """The one line about settings that can't be loaded."""
    with pytest.raises(ConfigurationError) as caught:
        settings.load()
    assert caught.value.exit_code == EXIT_CONFIG
    line = str(caught.value)
    assert "\n" not in line
    return line


@pytest.mark.parametrize("variable", VARIABLES)
def test_every_variable_is_explained_in_the_example(example: dict[str, str], variable: str) -> None:
    assert variable in example
    assert example[variable]


def test_the_example_has_no_variable_that_nothing_reads(example: dict[str, str]) -> None:
    assert sorted(set(example) - set(VARIABLES)) == []


def test_every_setting_is_described() -> None:
    """`--help` and the README take the text from here."""
    assert [name for fields in READERS.values() for name, field in fields.items() if not field.description] == []


def test_the_server_has_no_setting_of_a_database() -> None:
    """It opens none."""
    own_to_the_updater = MysqlUpdaterSettings.model_fields.keys() - Settings.model_fields.keys()
    assert own_to_the_updater
    assert not own_to_the_updater & ServerSettings.model_fields.keys()
    assert not [name for name in ServerSettings.model_fields if name.startswith(("db_", "mysql"))]


@pytest.mark.usefixtures("server_environment")
def test_the_server_does_not_mind_settings_of_the_database(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both processes share one `.env`."""
    monkeypatch.setenv("DB_PORT", "not a port")
    assert ServerSettings.load().port == 5100


@pytest.mark.usefixtures("updater_environment")
def test_the_updater_does_not_mind_settings_of_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("START_DATE", "not a date")
    assert MysqlUpdaterSettings.load().db_port == 3306


def test_the_updater_knows_no_token() -> None:
    own_to_the_server = ServerSettings.model_fields.keys() - Settings.model_fields.keys()
    assert not own_to_the_server & MysqlUpdaterSettings.model_fields.keys()


def test_a_server_without_a_token_names_the_variable() -> None:
    assert "ANALYTICS_SECRET_TOKEN is missing" in fault(ServerSettings)


def test_an_empty_token_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty header must never be the right one."""
    monkeypatch.setenv("ANALYTICS_SECRET_TOKEN", "")
    assert "ANALYTICS_SECRET_TOKEN is missing" in fault(ServerSettings)


def test_a_file_of_tokens_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKENS_FILE", "tokens.toml")
    settings = ServerSettings.load()
    assert settings.tokens == ()
    assert settings.tokens_file == Path("tokens.toml")


@pytest.mark.parametrize("tokens", [",", " ", "first-token,", ",first-token", "first-token,,second-token", "a, ,b"])
def test_an_empty_one_of_several_tokens_is_a_fault(monkeypatch: pytest.MonkeyPatch, tokens: str) -> None:
    """An empty header must never be the right one."""
    monkeypatch.setenv("ANALYTICS_SECRET_TOKEN", tokens)
    line = fault(ServerSettings)
    assert "ANALYTICS_SECRET_TOKEN is wrong" in line
    assert "a token is empty" in line


@pytest.mark.parametrize(
    "tokens", ["5309567890abcde", "long-enough-5309567890,short-5309", "5309        ,long-enough-5309"]
)
@pytest.mark.parametrize("environment", ["production", "staging", "Development"])
def test_a_short_token_is_refused_outside_development(
    monkeypatch: pytest.MonkeyPatch, environment: str, tokens: str
) -> None:
    """It could be guessed; the line does not show it."""
    monkeypatch.setenv("ANALYTICS_SECRET_TOKEN", tokens)
    monkeypatch.setenv("SENTRY_ENVIRONMENT", environment)
    line = fault(ServerSettings)
    assert "ANALYTICS_SECRET_TOKEN is wrong" in line
    assert "at least 16 characters" in line
    assert "5309" not in line


def test_a_long_token_is_accepted_everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """And a short one in development, which is the default."""
    monkeypatch.setenv("ANALYTICS_SECRET_TOKEN", "short")
    assert ServerSettings.load().tokens == (b"short",)
    monkeypatch.setenv("SENTRY_ENVIRONMENT", "production")
    monkeypatch.setenv("ANALYTICS_SECRET_TOKEN", f" {'a' * 16} , {'b' * 16}")
    assert ServerSettings.load().tokens == (b"a" * 16, b"b" * 16)


def test_every_fault_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two missing, one wrong: one line."""
    monkeypatch.setenv("DB_PORT", "0")
    line = fault(MysqlUpdaterSettings)
    for variable in ("DB_HOST is missing", "DB_USERNAME is missing", "DB_PORT is wrong"):
        assert variable in line


WRONG_OF_BOTH = [("LOG_LEVEL", "chatty-5309")]
WRONG_OF_SERVER = [
    ("START_DATE", "day-5309"),
    ("START_DATE", "2024-02-30"),
    ("START_DATE", "5309-01-01T12:00:00"),
    ("PORT", "abc-5309"),
    ("PORT", "95309"),
    ("PORT", "-5309"),
    ("PORT", "5309.5"),
    ("BEA_TIMEOUT_SECONDS", "-5309"),
    ("BEA_TIMEOUT_SECONDS", "soon-5309"),
    ("BEA_TIMEOUT_SECONDS", "nan"),
]
WRONG_OF_UPDATER = [
    ("DB_PORT", "abc-5309"),
    ("DB_PORT", "95309"),
    ("SYNC_OVERLAP_SECONDS", "-5309"),
    ("SYNC_OVERLAP_SECONDS", "5309.5"),
    ("FULL_SYNC_INTERVAL_HOURS", "-5309"),
    ("UPTIMEKUMA_PUSH_URL", "push/key-5309"),
    ("UPTIMEKUMA_PUSH_URL", "ftp://push/key-5309"),
]


@pytest.mark.usefixtures("server_environment")
@pytest.mark.parametrize(("variable", "value"), WRONG_OF_BOTH + WRONG_OF_SERVER)
def test_a_wrong_value_of_the_server_is_named_and_not_shown(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    """It may be a secret that went into the wrong variable."""
    monkeypatch.setenv(variable, value)
    line = fault(ServerSettings)
    assert f"{variable} is wrong" in line
    assert value not in line
    assert ".env.example" in line


@pytest.mark.usefixtures("updater_environment")
@pytest.mark.parametrize(("variable", "value"), WRONG_OF_BOTH + WRONG_OF_UPDATER)
def test_a_wrong_value_of_the_updater_is_named_and_not_shown(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    line = fault(MysqlUpdaterSettings)
    assert f"{variable} is wrong" in line
    assert value not in line


@pytest.mark.usefixtures("server_environment")
@pytest.mark.parametrize(
    ("variable", "value"),
    [
        pytest.param("BEA_TIMEOUT_SECONDS", "inf"),
        pytest.param("FPP_ANALYTICS_SENTRY_DSN", "key-5309"),
    ],
)
def test_a_value_that_can_only_fail_later_is_refused(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    assert f"{variable} is wrong" in fault(ServerSettings)


@pytest.mark.usefixtures("updater_environment")
@pytest.mark.parametrize(
    ("variable", "value"), [("FULL_SYNC_INTERVAL_HOURS", "inf"), ("SYNC_OVERLAP_SECONDS", "9" * 20)]
)
def test_a_span_longer_than_time_is_refused(monkeypatch: pytest.MonkeyPatch, variable: str, value: str) -> None:
    monkeypatch.setenv(variable, value)
    assert f"{variable} is wrong" in fault(MysqlUpdaterSettings)


@pytest.mark.usefixtures("server_environment")
def test_secrets_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither by `repr` nor in a log line."""
    for variable in ("ANALYTICS_SECRET_TOKEN", "BEA_SECRET_KEY"):
        monkeypatch.setenv(variable, "s3cret-5309")
    monkeypatch.setenv("FPP_ANALYTICS_SENTRY_DSN", "https://s3cret-5309@sentry.example/1")
    settings = ServerSettings.load()
    assert settings.tokens
    assert "5309" not in f"{settings!r} {settings} {settings.model_dump()} {settings.model_dump_json()}"


def test_settings_can_not_be_changed() -> None:
    settings = ServerSettings(analytics_secret_token=SecretStr("a token"))
    with pytest.raises(ValidationError, match="frozen"):
        settings.port = 5101  # type: ignore[misc]


@pytest.mark.usefixtures("server_environment")
@pytest.mark.parametrize(
    ("value", "url"),
    [
        ("mail", "http://mail:3010"),
        ("mail.example.com", "http://mail.example.com:3010"),
        ("10.0.0.7", "http://10.0.0.7:3010"),
        ("mail/", "http://mail:3010"),
        ("mail:8080", "http://mail:8080"),
        ("http://mail", "http://mail"),
        ("http://mail:8080/", "http://mail:8080"),
        ("https://mail.example.com/api/", "https://mail.example.com/api"),
        ("", None),
    ],
)
def test_a_bare_host_of_the_mail_service_means_port_3010(
    monkeypatch: pytest.MonkeyPatch, value: str, url: str | None
) -> None:
    """Whoever names a scheme or a port means it."""
    monkeypatch.setenv("BEA_BASE_URL", value)
    assert ServerSettings.load().bea_base_url == url


def test_the_file_is_read_and_the_environment_wins(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """`.env` fills in what the environment leaves open; an empty variable leaves it open, too."""
    env_file = tmp_path / ".env"
    env_file.write_text("ANALYTICS_SECRET_TOKEN=from-the-file\nPORT=5101\nHOST=0.0.0.0\nUNKNOWN=1\n")
    monkeypatch.setitem(ServerSettings.model_config, "env_file", env_file)
    monkeypatch.setenv("PORT", "5102")
    monkeypatch.setenv("HOST", "")
    settings = ServerSettings.load()
    assert settings.tokens == (b"from-the-file",)
    assert (settings.port, settings.host) == (5102, "0.0.0.0")  # noqa: S104 - only compared
