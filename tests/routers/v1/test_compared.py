"""Every compared answer contains the figures of two plain questions: one about each period."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from itertools import product
from typing import Any

import pytest

from tests.routers.v1.api import Api

type Rows = dict[tuple[Any, ...], dict[str, Any]]

COMPARE = ("previous_period", "year_over_year", "2026-02-20,2026-02-27", "2026-03-02T09:00:00Z,2026-03-03T10:30:00Z")
RANGES = ("2026-03-02,2026-03-04", "7d", "2026-03-03T09:11:00Z,2026-03-05T12:00:00Z")
# The fields that identify a row of an answer, and its other fields that are not figures.
TABLES: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "traffic": ((), ()),
    "traffic?dimensions=source": (("source",), ()),
    "traffic?dimensions=route,country": (("route", "country"), ()),
    "votes": ((), ()),
    "behaviour/routes": (("name",), ()),
    "behaviour/rooms?search=e": (("name",), ()),
    "location/country_city": (("country", "name"), ()),
    "rooms": (("id",), ("name", "first_used_at", "last_used_at")),
    "rhythm": (("weekday", "hour"), ()),
}
BUCKET = ("date", "start", "end", "partial", "comparison_start", "comparison_partial")


def asked(path: str) -> tuple[str, dict[str, str]]:
    """A path and its parameters."""
    path, _, parameters = path.partition("?")
    return path, dict(part.split("=") for part in parameters.split("&") if part)


def told(span: Mapping[str, str]) -> str:
    """The range from a span's first instant to its last one, which is still in it."""
    last = datetime.fromisoformat(span["last_instant"]) + timedelta(microseconds=1)
    return f"{span['first_instant']},{last.isoformat().replace('+00:00', 'Z')}"


def by_keys(data: Any, keys: tuple[str, ...], others: tuple[str, ...]) -> Rows:
    """The figures of each row, maps of figures taken apart."""
    rows = data if isinstance(data, list) else [data]
    return {tuple(row[name] for name in keys): dict(_figures(row, (*keys, *others))) for row in rows}


def _figures(row: Mapping[str, Any], not_figures: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    for name, value in row.items():
        if isinstance(value, dict) and "change_pct" not in value:
            yield from ((f"{name}.{part}", figure) for part, figure in value.items())
        elif name not in not_figures:
            yield name, value


def beside(value: float | None, comparison: float | None) -> dict[str, Any]:
    """Two figures side by side, worked out plainly."""
    if value is None or comparison is None:
        return {"value": value, "comparison": comparison, "change": None, "change_pct": None}
    change = value - comparison
    percent = pytest.approx(100 * change / comparison, abs=1e-4) if comparison else None
    return {"value": value, "comparison": comparison, "change": pytest.approx(change, abs=1e-4), "change_pct": percent}


@pytest.mark.parametrize("compare", COMPARE)
@pytest.mark.parametrize("path", TABLES)
def test_tables_are_compared_row_by_row(api: Api, path: str, compare: str) -> None:
    """What one of the two periods lacks is 0 there."""
    keys, others = TABLES[path]
    path, parameters = asked(path)
    for date_range in RANGES:
        body = api.get(path, date_range=date_range, compare=compare, **parameters)
        now, then = (
            by_keys(api.data(path, date_range=told(span), **parameters), keys, others)
            for span in (body["query"], body["query"]["comparison"])
        )
        found = by_keys(body["data"], keys, others)
        assert found.keys() == now.keys() | then.keys()
        for key, row in found.items():
            ours, theirs = now.get(key, {}), then.get(key, {})
            assert row == {name: beside(ours.get(name, 0), theirs.get(name, 0)) for name in row}
            assert row.keys() == ours.keys() | theirs.keys()


@pytest.mark.parametrize("compare", COMPARE)
@pytest.mark.parametrize(
    ("path", "granularity"),
    [*product(("historical", "reoccurring"), ("day", "week")), ("historical", "hour")],
)
def test_series_are_compared_in_their_order(api: Api, path: str, compare: str, granularity: str) -> None:
    """What the other period lacks is null there, what it has more of is left out."""
    for date_range in RANGES:
        body = api.get(path, date_range=date_range, compare=compare, granularity=granularity)
        now, then = (
            api.data(path, date_range=told(span), granularity=granularity)
            for span in (body["query"], body["query"]["comparison"])
        )
        assert len(body["data"]) == len(now)
        for number, row in enumerate(body["data"]):
            theirs = then[number] if number < len(then) else {}
            figures = {name: beside(now[number][name], theirs.get(name)) for name in row if name not in BUCKET}
            assert dict(_figures(row, BUCKET)) == figures
            assert row["comparison_start"] == theirs.get("start")


@pytest.mark.parametrize(
    ("date_range", "compare", "first", "last"),
    [
        ("2026-03-03,2026-03-05", "2026-02-02T10:00:00Z,2026-02-02T12:00:00Z", "02-03T10:00:00Z", "02-03T11:59:59.9"),
        ("2026-03-03T10:00:00Z,2026-03-03T12:00:00Z", "2026-02-02,2026-02-02", "02-03T00:00:00Z", "02-03T23:59:59.9"),
        ("2026-03-03,2026-03-03", "previous_period", "02-24T00:00:00Z", "02-24T23:59:59.9"),
        ("2026-03-03T10:00:00Z,2026-03-03T12:00:00Z", "previous_period", "03-03T08:00:00Z", "03-03T09:59:59.9"),
    ],
    ids=str,
)
def test_what_is_moved_to_the_same_weekday_keeps_its_length(
    api: Api, date_range: str, compare: str, first: str, last: str
) -> None:
    """Tuesday 3 March beside Monday 2 February, which moves by a day: two hours stay two hours, a day a day. Where the
    period before is on its own day, it stays; yesterday would move onto the day itself, and goes to the week before."""
    api.now = api.now.replace(day=20)
    query = api.get("traffic", date_range=date_range, compare=compare, compare_match_day_of_week="true")["query"]
    assert query["comparison"]["first_instant"] == f"2026-{first}"
    assert query["comparison"]["last_instant"].startswith(f"2026-{last}")
