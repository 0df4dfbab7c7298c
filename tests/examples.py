"""The examples in the OpenAPI description: shortened real answers over a made-up sample at a fixed instant.

`python -m tests.examples` writes them again, after an answer has changed.
"""

import hashlib
import json
import sys
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from fastapi.testclient import TestClient
from pydantic import SecretStr

from config import ServerSettings
from demo.llm import ORGANISATIONS, usage_events
from demo.publishing import publish_sample
from demo.repositories import GENERATED_ID, publish_repositories
from demo.sample import sample
from demo.sample_rhythm import FIRST_DAY
from server import create_app
from tests.processes import HOST, TOKEN, free_port
from tests.routers.llm.stored import publish

FILE = Path(__file__).parent.parent / "routers" / "examples.json"
NOW = datetime(2026, 11, 20, 9, 40, tzinfo=UTC)
ROWS = 2
ENTRIES = 7  # All weekdays.
ORG = ORGANISATIONS[0].id

CODEBASE_PARTS = ("overview", "branches", "activity", "ownership", "contributors", "files", "rhythm", "status")
QUESTIONS = {
    "/": "/",
    "/daily-analytics": "/daily-analytics",
    "/room/{room_id}/stats": "/room/1/stats",
    "/health": "/health",
    "/v1/traffic": "/v1/traffic?date_range=30d&timezone=Europe/Berlin",
    "/v1/votes": "/v1/votes?date_range=30d",
    "/v1/behaviour": "/v1/behaviour?date_range=30d",
    "/v1/location": "/v1/location?date_range=91d",
    "/v1/historical": "/v1/historical?date_range=12mo&granularity=week",
    "/v1/reoccurring": "/v1/reoccurring?date_range=7d",
    "/v1/lifecycle": "/v1/lifecycle?date_range=6mo&granularity=month",
    "/v1/retention": "/v1/retention?date_range=91d&total_intervals=8",
    "/v1/rooms": "/v1/rooms?date_range=30d&order_by=votes:desc",
    "/v1/rooms/{room_id}": "/v1/rooms/2440?date_range=91d&granularity=week",
    "/v1/behaviour/{name}": "/v1/behaviour/routes?date_range=30d",
    "/v1/location/{name}": "/v1/location/country_city?date_range=91d&search=ber",
    "/v1/retention/rooms": "/v1/retention/rooms?date_range=91d&cohort=2026-10-05&interval=2",
    "/v1/lifecycle/rooms": "/v1/lifecycle/rooms?date_range=6mo&granularity=month&start=2026-10-01&state=new",
    "/v1/funnel": "/v1/funnel?date_range=91d&steps=page_view:HOME,page_view:ROOM,estimation,return:7d&window=30d",
    "/v1/distribution": "/v1/distribution?date_range=30d&of=visit_duration",
    "/v1/rhythm": "/v1/rhythm?date_range=91d&timezone=Europe/Berlin",
    "/v1/query": "/v1/query",
    "/v1/snapshot": "/v1/snapshot",
    "/v1/reports/daily": "/v1/reports/daily?timezone=Europe/Berlin",
    "/v1/me": "/v1/me",
    "/analytics/v1/orgs": "/analytics/v1/orgs",
    "/analytics/v1/orgs/{orgId}/usage": f"/analytics/v1/orgs/{ORG}/usage?timezone=Europe/Berlin",
    "/analytics/v1/orgs/{orgId}/reliability": f"/analytics/v1/orgs/{ORG}/reliability?granularity=hour",
    "/analytics/v1/orgs/{orgId}/freshness": f"/analytics/v1/orgs/{ORG}/freshness",
    "/analytics/v1/orgs/{orgId}/incidents": f"/analytics/v1/orgs/{ORG}/incidents?status=error&format=json",
    "/analytics/v1/status/readyz": "/analytics/v1/status/readyz",
    "/analytics/summary": "/analytics/summary",
    "/analytics/codebases": "/analytics/codebases",
    **{
        f"/codebases/{{codebase_id}}/analytics/{part}": f"/codebases/{GENERATED_ID}/analytics/{part}"
        for part in CODEBASE_PARTS
    },
}
QUERIES = {
    "queries": [
        {"of": "traffic", "date_range": "7d", "filters": [["is", "country", ["DE", "AT"]]], "metrics": "visitors"},
        {"of": "behaviour/routes", "date_range": "7d", "limit": 2},
    ]
}
PROBES = ("/health", "/analytics/v1/status/readyz")
PROBLEMS = {
    "400": "/room/0/stats",
    "401": "/v1/traffic",
    "403": "/v1/traffic",
    "404": "/v1/rooms/999999999",
    "422": "/v1/traffic?date_range=tomorrow",
    "502": "/daily-analytics",
    "503": "/v1/traffic",
}

type Json = dict[str, Any]


def made() -> dict[str, Json]:
    """The answers of every path by status, and an error of every status."""
    with tempfile.TemporaryDirectory() as full:
        publish_sample(sample(NOW), Path(full), NOW)
        publish(usage_events(NOW, days=7), Path(full), NOW)
        publish_repositories(Path(full), NOW, with_own_history=False)
        client = _client(Path(full))
        clients = {
            "401": _client(Path(full), "wrong"),
            "403": _client(Path(full), "narrow", tokens_file=_tokens_file(Path(full))),
            "502": _client(Path(full), bea_base_url=f"http://{HOST}:{free_port()}", bea_secret_key=SecretStr(TOKEN)),
            "503": _client(Path("empty")),
        }
        described = client.get("/openapi.json").json()
        answers = {
            path: {"200": _shortened(_asked(client, url, 200), *_answer(described, path))}
            for path, url in QUESTIONS.items()
        }
        for path in PROBES:
            answers[path]["503"] = _asked(clients["503"], path, 503)
        problems = {status: _asked(clients.get(status, client), url, int(status)) for status, url in PROBLEMS.items()}
    return {"answers": answers, "problems": problems}


def _client(data_dir: Path, token: str = TOKEN, **settings: Any) -> TestClient:
    given: Json = {"data_dir": data_dir, "analytics_secret_token": SecretStr(TOKEN), "start_date": FIRST_DAY.date()}
    app = create_app(ServerSettings(**(given | settings)), lambda: NOW + timedelta(seconds=42))
    return TestClient(app, headers={"Authorization": f"Bearer {token}"})


def _tokens_file(directory: Path) -> Path:
    """A tokens file with one token, `narrow`, which lacks the scope of the app's figures."""
    path = directory / "tokens.toml"
    sha256 = hashlib.sha256(b"narrow").hexdigest()
    path.write_text(f'[[token]]\nname = "grafana"\nsha256 = "{sha256}"\nscopes = ["llm:read"]\n', encoding="utf-8")
    return path


def _asked(client: TestClient, url: str, status: int) -> Json:
    answer = client.post(url, json=QUERIES) if url == QUESTIONS["/v1/query"] else client.get(url)
    assert answer.status_code == status, answer.text
    body: Json = answer.json()
    return body


def _answer(described: Json, path: str) -> tuple[Json, Json]:
    """The schema of a path's answer, and the schemas it refers to."""
    content = next(iter(described["paths"][path].values()))["responses"]["200"]["content"]
    return content["application/json"]["schema"], described["components"]["schemas"]


def _shortened(value: Any, schema: Json, models: Mapping[str, Json]) -> Any:
    """A value that a schema describes, with two rows of each list and few entries of each map."""
    while "$ref" in schema or "anyOf" in schema:
        schema = models[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema["anyOf"][0]
    if isinstance(value, list):
        return [_shortened(row, schema.get("items", {}), models) for row in value[:ROWS]]
    if not isinstance(value, dict):
        return value
    if "properties" in schema:
        return {name: _shortened(part, schema["properties"][name], models) for name, part in value.items()}
    return dict(list(value.items())[:ENTRIES])


if __name__ == "__main__":
    FILE.write_text(json.dumps(made(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    sys.stdout.write(f"Wrote {FILE}\n")
