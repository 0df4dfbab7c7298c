"""What all endpoints share: parameters, envelope, tags, formats, refusals."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from read_model.tables.fpp import USERS
from tests.routers.v1.api import ALL, COMPARED, NOW, PERIODS, Api
from tests.web.problems import problem

MINUTE = timedelta(minutes=1)
OTHER_FORMATS = {
    "csv": "text/csv",
    "ndjson": "application/x-ndjson",
    "parquet": "application/vnd.apache.parquet",
}

OPEN = "The period is still open: it is counted up to 2026-03-05T12:30:00Z."
WHOLE_WEEKS = "The first and the last week count whole: from 2026-02-02T00:00:00Z to before 2026-03-09T00:00:00Z."

every_period = pytest.mark.parametrize("path", PERIODS)
every_path = pytest.mark.parametrize("path", ALL)


@every_path
def test_the_envelope(api: Api, path: str) -> None:
    """Which snapshot, how old, how fresh, and that all is counted."""
    api.now = NOW + MINUTE
    meta = api.get(path)["meta"]
    assert meta == {
        "snapshot": (api.data_dir / "current").resolve().name,
        "data_updated_at": "2026-03-05T12:30:00Z",
        "age_seconds": 60,
        "freshness": "ok",
        "exact": True,
        "notices": [] if path == "snapshot" else [OPEN, *([WHOLE_WEEKS] if path == "retention" else [])],
        "total_rows": {"behaviour": 3, "location": 3, "rooms": 3}.get(path),
    }


@every_period
def test_the_query_has_every_parameter_and_what_it_means(api: Api, path: str) -> None:
    """Defaults too: from START_DATE to the end of today, whole weeks for retention."""
    query = api.get(path)["query"]
    assert query["format"] == "json"
    assert (query["date_range"], query["timezone"]) == ("all", "UTC")
    last_day = "2026-03-08" if path == "retention" else "2026-03-05"
    assert query["first_instant"] == "2026-02-02T00:00:00Z"
    assert query["last_instant"] == f"{last_day}T23:59:59.999999Z"
    assert query.get("granularity", "day") == "day"
    assert ("compare" in query, "comparison" in query) == (path in COMPARED, path in COMPARED)
    allowed = problem(api.ask(path, nonsense=1), 422)["errors"][0]["allowed"]
    assert set(query) - {"first_instant", "last_instant", "comparison"} == set(allowed)


@every_period
def test_local_days_are_shown_as_instants(api: Api, path: str) -> None:
    """4 March in Berlin."""
    zone = {"date_range": "2026-03-04,2026-03-04", "timezone": "Europe/Berlin", "period": "day"}
    if path != "retention":
        del zone["period"]
    query = api.get(path, **zone)["query"]
    assert query["timezone"] == "Europe/Berlin"
    assert (query["first_instant"], query["last_instant"]) == ("2026-03-03T23:00:00Z", "2026-03-04T22:59:59.999999Z")


@pytest.mark.parametrize("path", COMPARED)
def test_the_comparison_is_shown_as_instants(api: Api, path: str) -> None:
    """Until 12:30, as today; and a notice says so."""
    body = api.get(path, date_range="2026-03-05,2026-03-05", compare="previous_period")
    assert body["query"]["comparison"] == {
        "first_instant": "2026-03-04T00:00:00Z",
        "last_instant": "2026-03-04T12:29:59.999999Z",
    }
    assert body["meta"]["notices"][1] == "The comparison covers the time that has elapsed of the period."


@pytest.mark.parametrize("path", COMPARED)
@pytest.mark.parametrize("period", ["2026-03-02,2026-03-04", "2026-03-02,2026-03-05"], ids=["closed", "open"])
def test_a_period_compared_with_itself_has_not_changed(api: Api, path: str, period: str) -> None:
    """Change 0 everywhere, and 0 percent unless the base is 0."""
    figures = figures_in(api.data(path, date_range=period, compare=period))
    assert figures
    for figure in figures:
        assert figure["value"] == figure["comparison"]
        assert figure["change"] in (0, None)
        assert figure["change_pct"] == (0 if figure["comparison"] else None)


def figures_in(data: Any) -> list[dict[str, Any]]:
    """All compared figures of an answer."""
    if isinstance(data, dict) and "change_pct" in data:
        return [data]
    parts = data.values() if isinstance(data, dict) else data if isinstance(data, list) else ()
    return [figure for part in parts for figure in figures_in(part)]


@pytest.mark.parametrize(
    ("age", "freshness", "notices"),
    [
        (timedelta(minutes=19), "ok", 1),
        (timedelta(minutes=20), "stale", 2),
        (timedelta(minutes=60), "dead", 2),
    ],
)
def test_old_data_are_noticed(api: Api, age: timedelta, freshness: str, notices: int) -> None:
    """With the instant up to which rows are counted."""
    api.now = NOW + age
    meta = api.get("traffic")["meta"]
    assert (meta["freshness"], meta["age_seconds"]) == (freshness, age.total_seconds())
    assert len(meta["notices"]) == notices
    if notices == 2:
        told = f"The data are {freshness}: nothing after 2026-03-05T12:30:00Z is counted."
        assert meta["notices"][0] == told


@pytest.mark.parametrize(
    ("asked", "begin"),
    [
        ({"date_range": "2026-03-01,2026-03-04"}, []),
        ({"date_range": "2026-03-01,2026-03-04", "compare": "previous_period"}, []),
        ({"date_range": "2026-03-01,2026-03-05"}, ["The period is still open"]),
        (
            {"date_range": "2026-03-01,2026-03-05", "compare": "previous_period"},
            ["The period is still open", "The comparison covers the time that has elapsed of the period."],
        ),
        ({"date_range": "2026-03-06,2026-03-07"}, ["The period has not begun by 2026-03-05T12:30:00Z"]),
        (
            {"date_range": "2026-03-01,2026-03-04", "compare": "2026-03-05,2026-03-07"},
            ["The period to compare with is", "The comparison covers 0.5 days, the period 4.0."],
        ),
        (
            {"date_range": "2026-03-01,2026-03-04", "compare": "2026-02-01,2026-02-01"},
            ["The comparison covers 1.0 days, the period 4.0."],
        ),
    ],
    ids=str,
)
def test_notices_of_periods(api: Api, asked: dict[str, str], begin: list[str]) -> None:
    """What is open, to come or of another length is said."""
    notices = api.get("traffic", **asked)["meta"]["notices"]
    assert len(notices) == len(begin)
    assert all(notice.startswith(words) for notice, words in zip(notices, begin, strict=True))


def test_data_ahead_of_the_clock_are_of_age_0(api: Api) -> None:
    """The database's clock is a minute ahead."""
    api.now = NOW - MINUTE
    assert api.get("traffic")["meta"]["age_seconds"] == 0


@every_path
def test_headers(api: Api, path: str) -> None:
    """Caches must revalidate it; and how long it took."""
    answer = api.ask(path)
    assert answer.headers["Cache-Control"] == "private, no-cache"
    assert answer.headers["Content-Type"] == "application/json"
    timing = answer.headers["Server-Timing"]
    assert [part.partition(";")[0] for part in timing.split(", ")] == [
        "snapshot",
        "queue",
        *([] if path == "snapshot" else ["compute"]),
        "total",
    ]


@every_period
@pytest.mark.parametrize("format_", OTHER_FORMATS)
def test_headers_of_other_formats(api: Api, path: str, format_: str) -> None:
    """What meta tells is in headers, and the file has a name."""
    meta = api.get(path)["meta"]
    answer = api.ask(path, format=format_)
    assert answer.headers["Content-Type"].partition(";")[0] == OTHER_FORMATS[format_]
    name = f"{'room-1' if path == 'rooms/1' else path}.{format_}"
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{name}"'
    assert answer.headers["X-Snapshot"] == meta["snapshot"]
    assert answer.headers["X-Data-Updated-At"] == "2026-03-05T12:30:00Z"
    assert answer.headers["X-Freshness"] == "ok"
    total = None if meta["total_rows"] is None else str(meta["total_rows"])
    assert answer.headers.get("X-Total-Rows") == total
    assert answer.headers["Cache-Control"] == "private, no-cache"


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("text/csv", "text/csv"),
        ("TEXT/CSV; charset=utf-8", "text/csv"),
        ("application/x-ndjson", "application/x-ndjson"),
        ("application/vnd.apache.parquet", "application/vnd.apache.parquet"),
        ("application/json", "application/json"),
        ("*/*", "application/json"),
        ("", "application/json"),
        ("text/html,application/xhtml+xml;q=0.9,*/*;q=0.8", "application/json"),
        ("application/json;q=0.5, text/csv", "text/csv"),
        ("application/json, text/csv;q=0.5", "application/json"),
        ("text/csv;q=0", "application/json"),
        ("text/csv;q=nonsense", "application/json"),
        ("text/csv;q=nan", "application/json"),
        ("text/csv;q=0.1, */*", "application/json"),
        ("text/csv, */*;q=0.1", "text/csv"),
        ("application/*;q=0.2, application/x-ndjson;q=0.1", "application/json"),
    ],
)
def test_accept(api: Api, accept: str, media_type: str) -> None:
    """The preferred one among the supported formats; JSON otherwise."""
    answer = api.ask("rooms", {"Accept": accept})
    assert answer.headers["Content-Type"].partition(";")[0] == media_type


def test_the_parameter_wins_over_accept(api: Api) -> None:
    assert api.ask("rooms", {"Accept": "text/csv"}, format="json").json()["query"]["format"] == "json"


@every_path
@pytest.mark.parametrize("authorization", ["", "wrong", "Bearer wrong"])
def test_without_the_token_nothing_is_revealed(api: Api, path: str, authorization: str) -> None:
    """Neither figures nor what is wrong with the parameters."""
    api.token = authorization
    found = api.ask(path, nonsense=1)
    problem(found, 401)
    assert found.headers["WWW-Authenticate"] == "Bearer"


@every_path
def test_an_unknown_parameter_is_refused_with_the_known_ones(api: Api, path: str) -> None:
    found = problem(api.ask(path, date_rang="7d"), 422)
    assert found["detail"].startswith(f"`date_rang` is not a parameter of /v1/{path}")


@every_period
@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        (
            "date_range",
            "14d",
            "7d, 28d, 30d, 91d, last_week, month, last_month, 6mo, 12mo, year, all, YYYY-MM-DD,YYYY-MM-DD",
        ),
        ("date_range", "2026-03-05,2026-03-01", "in order, from 1970-01-01 to 2199-12-31; allowed: realtime, 24h"),
        ("timezone", "Berlin", "no such time zone; allowed: IANA names such as UTC, Europe/Berlin"),
        ("timezone", "Factory", "allowed: IANA names such as Europe/Berlin"),
        ("timezone", "../UTC", "no such time zone"),
        ("format", "xml", "allowed: json, csv, ndjson, parquet"),
    ],
)
def test_an_unknown_value_is_refused_with_the_allowed_ones(
    api: Api, path: str, name: str, value: str, told: str
) -> None:
    """Of every endpoint that has the parameter."""
    found = problem(api.ask(path, None, **{name: value}), 422)
    assert found["detail"].startswith(f"`{name}` is `{value}`")
    assert told in found["detail"]
    assert found["errors"][0]["parameter"] == name


@pytest.mark.parametrize("path", COMPARED)
def test_an_unknown_comparison_is_refused_with_the_allowed_ones(api: Api, path: str) -> None:
    found = problem(api.ask(path, compare="last_year"), 422)
    assert "allowed: previous_period, year_over_year, YYYY-MM-DD,YYYY-MM-DD" in found["detail"]


@pytest.mark.parametrize(
    ("path", "name", "value", "allowed"),
    [
        ("historical", "granularity", "fortnight", "minute, hour, day, week, month, quarter, year, auto"),
        ("historical", "week_start", "friday", "monday, sunday"),
        ("historical", "weekends", "only", "include, exclude"),
        ("lifecycle", "entity", "team", "user, room"),
    ],
)
def test_further_values(api: Api, path: str, name: str, value: str, allowed: str) -> None:
    found = problem(api.ask(path, None, **{name: value}), 422)
    assert found["detail"] == f"`{name}` is `{value}`; allowed: {allowed}."


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("limit", "0"),
        ("limit", "-1"),
        ("limit", "all"),
        ("limit", str(2**31)),
        ("offset", "-1"),
        ("offset", str(2**63)),
    ],
)
def test_limits_out_of_range(api: Api, name: str, value: str) -> None:
    for path in ("behaviour", "location", "rooms"):
        assert problem(api.ask(path, None, **{name: value}), 422)["errors"][0]["parameter"] == name


def test_every_fault_is_reported_at_once(api: Api) -> None:
    found = problem(api.ask("rooms", None, limit=0, timezone="x", foo=1), 422)
    assert {fault["parameter"] for fault in found["errors"]} == {"limit", "timezone", "foo"}


@every_period
def test_start_date_in_the_future(drawn_dir: Any, path: str) -> None:
    """Nothing to count; what was there before it is not."""
    api = Api(drawn_dir, start_date=date(2026, 3, 6))
    body = api.get(path)
    assert "has not begun" in body["meta"]["notices"][0]
    assert not [figure for figure in numbers(body["data"]) if figure not in (0, 1)]


def numbers(data: Any) -> list[float]:
    """All numbers of an answer but those of cells."""
    if isinstance(data, bool) or not isinstance(data, dict | list | int | float):
        return []
    if isinstance(data, int | float):
        return [data]
    parts = [part for name, part in data.items() if name not in ("interval", "id")] if isinstance(data, dict) else data
    return [number for part in parts for number in numbers(part)]


def test_without_a_snapshot_it_is_503(api_over: Callable[..., Api]) -> None:
    """As everywhere."""
    api = api_over({})
    (api.data_dir / "current").unlink()
    for path in ALL:
        assert "update_readmodel.py" in problem(api.ask(path), 503)["detail"]


def test_answers_are_utf_8(api_over: Callable[..., Api]) -> None:
    """Names of any script, in JSON and CSV."""
    api = api_over({USERS: "city|created_at\nZürich 会議|2026-03-02 09:00"}, now=datetime(2026, 3, 5, tzinfo=UTC))
    assert api.data("location")["country_city"][0]["name"] == "Zürich 会議"
    assert "Zürich 会議" in api.ask("location", format="csv").content.decode()
    assert json.loads(api.ask("location", format="ndjson").text.splitlines()[-1])["name"] == "Zürich 会議"


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("historical?date_range=1990-01-01,2026-03-01&granularity=hour", "`granularity` is `hour`"),
        ("historical?date_range=2026-01-01,2199-12-31&granularity=hour", "`granularity` is `hour`"),
        ("historical?date_range=7d&compare=1990-01-01,2026-03-01&granularity=hour", "`granularity` is `hour`"),
        ("retention?date_range=1990-01-01,2026-03-01&period=day&total_intervals=100", "`period` is `day`"),
        ("traffic?date_range=7d&date_range=30d", "`date_range` is given 2 times"),
    ],
)
def test_what_can_hardly_be_meant_is_refused(api: Api, path: str, told: str) -> None:
    """More rows than anyone reads, and a parameter that is given twice."""
    assert told in problem(api.ask(path), 422)["detail"]
