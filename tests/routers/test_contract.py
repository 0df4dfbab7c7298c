"""The API does what its description says: Schemathesis sends what that allows, and what it forbids.

It runs as a library: its pytest plugin uses internals of pytest that are gone, and is off (see `pyproject.toml`).
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import strategies as st
from pydantic import SecretStr
from schemathesis.engine import events, from_schema
from schemathesis.engine.recorder import ScenarioRecorder
from starlette.types import ASGIApp, Receive, Scope, Send

from calculations.time.date_ranges import COMPARISONS, RANGES
from config import ServerSettings
from demo.llm import usage_events
from demo.publishing import publish_sample
from demo.repositories import GENERATED_ID, publish_repositories
from demo.sample import sample
from server import create_app
from tests.examples import NOW, ORG, QUESTIONS
from tests.processes import TOKEN
from tests.routers.llm.stored import publish

pytestmark = pytest.mark.slow

DRAWN = 10  # Requests per path; the limits of every parameter come on top.
PUBLIC = ("/health", "/analytics/v1/status/readyz")
WITHOUT_PARAMETERS = ("/", "/daily-analytics", "/v1/snapshot", "/v1/me", "/analytics/v1/orgs", *PUBLIC)
# A path that is not described; it may result from any other.
TOO_LONG = 414
START = date(2026, 6, 1)
UP_TO_A_DAY = (None, "hour", "day")
SHORT_RANGES = ("realtime", "24h", "today", "yesterday")
# What is said of parameters that are right each by itself, but not together, and of filters; a schema can't say that.
COMBINATIONS = (
    b"`order_by` is",
    b"of which there are more than",
    b" is followed: ",
    b", which does not apply to `",
    b"` is for the rows of a breakdown",
    b"a name is repeated",
    b".filters` is wrong: ",
    b"`format` must be JSON",
    b"can't be combined with `start` and `end`",
    b", before `start`, ",
    b"`cursor` names no page",
)
PATHS = list(QUESTIONS)
IDS = {"orgId": ORG, "codebase_id": GENERATED_ID}

DAYS = st.dates(date(2026, 1, 1), date(2026, 12, 31))
TWO_DATES = st.tuples(DAYS, DAYS).map(lambda days: ",".join(day.isoformat() for day in sorted(days)))
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Pacific/Apia", "Africa/Casablanca")
# Values for the description's custom formats.
FORMATS: Mapping[str, st.SearchStrategy[str]] = {
    "date-range": st.sampled_from(RANGES) | TWO_DATES,
    "comparison": st.sampled_from(COMPARISONS) | TWO_DATES,
    "time-zone": st.sampled_from(ZONES),
    "day": st.just("yesterday") | DAYS.map(lambda day: day.isoformat()),
    "filters": st.sampled_from(["[]"]),
    "moment": DAYS.map(str),
    "order": st.sampled_from(["name", "name:asc", "name:desc"]),
}
for name, strategy in FORMATS.items():
    schemathesis.openapi.format(name, strategy)


@dataclass(frozen=True)
class Seen:
    """What was answered: the number of each status, and a description of each wrong answer."""

    statuses: Counter[int] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)

    def add(self, recorder: ScenarioRecorder) -> None:
        """Take what was recorded."""
        self.statuses.update(node.response.status_code for node in recorder.interactions.values() if node.response)
        for case, checks in recorder.checks.items():
            answer = recorder.interactions[case].response
            if answer is not None and answer.status_code == TOO_LONG:
                continue
            is_combination = answer is not None and any(words in answer.content for words in COMBINATIONS)
            for check in checks:
                if (found := check.failure_info) and not (check.name == "positive_data_acceptance" and is_combination):
                    self.faults.append(f"{check.name}: {found.failure.message}\n{found.code_sample}")


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small sample, published."""
    directory = tmp_path_factory.mktemp("contract")
    publish_sample(sample(NOW, scale=0.02), directory, NOW)
    publish(usage_events(NOW, days=2), directory, NOW)
    publish_repositories(directory, NOW, with_own_history=False)
    return directory


@pytest.fixture(scope="module")
def description(data_dir: Path) -> dict[str, Any]:
    """The API's app: creating one takes as long as many answers."""
    return made(data_dir).openapi()


def made(data_dir: Path) -> FastAPI:
    """The server over the sample; its clock stands still."""
    settings = ServerSettings(data_dir=data_dir, analytics_secret_token=SecretStr(TOKEN), start_date=START)
    return create_app(settings, lambda: NOW)


@pytest.fixture
def app(data_dir: Path, description: dict[str, Any]) -> ASGIApp:
    """The server; its lifespan, which sets up logging, is left out."""
    app = made(data_dir)
    app.openapi_schema = description

    async def without_lifespan(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            raise RuntimeError("this app has no lifespan")
        await app(scope, receive, send)

    return without_lifespan


def interrogated(app: ASGIApp, paths: list[str], token: str | None, *, limits: bool = True) -> Seen:
    """Ask what the description allows and forbids, the same on every run, and check the answers against it."""
    config = schemathesis.Config.from_dict(
        {
            "seed": 1,
            "headers": {"Authorization": f"Bearer {token}"} if token else {},
            "continue-on-failure": True,
            "generation": {
                "max-examples": DRAWN,
                "deterministic": True,
                "database": "none",
                "with-security-parameters": False,
            },
            # Words from this project's source, which would be used as values of custom formats.
            "analysis": {"constants": {"enabled": False}},
            "phases": {"coverage": {"enabled": limits}, "stateful": {"enabled": False}},
        }
    )
    schema = schemathesis.openapi.from_asgi("/openapi.json", app, config=config).include(path=paths)
    schema.hook(filter_query)
    schema.hook(map_path_parameters)
    seen = Seen()
    for event in from_schema(schema).execute():
        match event:
            case events.ScenarioFinished(recorder=recorder):
                seen.add(recorder)
            case events.NonFatalError(value=error) | events.FatalError(exception=error):
                seen.faults.append(repr(error))
    return seen


def filter_query(_: schemathesis.HookContext, query: dict[str, Any] | None) -> bool:
    """Only the description's words say what does not go together: weekends left out of buckets longer than a day, years
    by minute, votes of users and events of rooms."""
    if not query:
        return True
    followed = query.get("entity", "user"), query.get("activity")
    return (
        (query.get("weekends") != "exclude" or query.get("granularity") in UP_TO_A_DAY)
        and (query.get("granularity") != "minute" or query.get("date_range") in SHORT_RANGES)
        and followed not in (("user", "vote"), ("room", "event"))
    )


def map_path_parameters(_: schemathesis.HookContext, parameters: dict[str, Any] | None) -> dict[str, Any] | None:
    """Restrict possible ids to existing ones."""
    return parameters and {name: IDS.get(name, value) if is_id(value) else value for name, value in parameters.items()}


def is_id(value: object) -> bool:
    """Whether it may be one."""
    try:
        return str(UUID(str(value))) == value
    except ValueError:
        return False


@pytest.mark.parametrize("path", PATHS)
def test_a_path_answers_as_described(app: ASGIApp, path: str) -> None:
    """What is allowed is answered and conforms, what is forbidden is refused, undescribed methods and tokens too."""
    seen = interrogated(app, [path], None if path in PUBLIC else TOKEN)
    assert seen.faults == []
    assert seen.statuses[200]
    assert seen.statuses[405]
    assert seen.statuses[422] or seen.statuses[400] or path in WITHOUT_PARAMETERS


@pytest.mark.parametrize("token", [None, "a-wrong-token-for-tests"])
def test_nothing_is_answered_without_the_token(app: ASGIApp, token: str | None) -> None:
    """Whatever else is asked; what is no room id may also lead nowhere."""
    paths = [path for path in PATHS if path not in PUBLIC]
    seen = interrogated(app, paths, token, limits=False)
    assert seen.faults == []
    assert seen.statuses[401] >= len(paths)
    assert seen.statuses.keys() <= {401, 404, TOO_LONG}
