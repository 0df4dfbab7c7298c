"""What holds for any tables: zones only shift buckets, a period equals itself, the dashboard agrees."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests import oracle
from tests.calculations.strategies import Case
from tests.routers.v1.api import COMPARED
from tests.routers.v1.held import GRANULARITIES, HeldApi, few, past_cases, ranges, written, zones

DAY = timedelta(days=1)
BUCKET = ("date", "start", "end", "partial")


@few
@given(past_cases, zones)
def test_a_time_zone_does_not_change_the_totals_of_24_hours(held: HeldApi, case: Case, zone: str) -> None:
    """The same instants: only weekdays may be others."""
    api = held.hold(case)
    for path in ("traffic", "votes", "behaviour", "location", "rooms"):
        here, there = (api.data(path, date_range="24h", timezone=name) for name in (zone, "UTC"))
        if path == "votes":
            counts = [sum(figures.pop("weekday_counts").values()) for figures in (here, there)]
            assert counts[0] == counts[1]
        assert here == there, path


@few
@given(past_cases, zones, st.sampled_from(GRANULARITIES))
def test_a_time_zone_shifts_buckets_not_sums(held: HeldApi, case: Case, zone: str, granularity: str) -> None:
    """Over a range wide enough to hold all rows in every zone."""
    api = held.hold(case)
    wide = written(date(2024, 4, 1), case.now.date() + DAY)
    here, there = (
        api.data("historical", date_range=wide, timezone=name, granularity=granularity) for name in (zone, "UTC")
    )
    for name in ("new_users", "page_views", "rooms", "estimations", "votes"):
        assert sum(row[name] for row in here) == sum(row[name] for row in there)


@few
@given(past_cases, zones, st.data())
def test_a_period_compared_with_itself_has_not_changed(
    held: HeldApi, case: Case, zone: str, data: st.DataObject
) -> None:
    """Change 0 everywhere, and 0 percent unless the base is 0."""
    api = held.hold(case)
    dates = written(*data.draw(ranges(case, zone)))
    for path in api.answered(COMPARED):
        for figure in compared_figures(api.data(path, date_range=dates, compare=dates, timezone=zone)):
            assert figure["value"] == figure["comparison"]
            assert figure["change"] == (None if figure["value"] is None else 0)
            assert figure["change_pct"] == (0 if figure["value"] else None)


def compared_figures(data: Any) -> Iterator[Any]:
    """Every `{value, comparison, change, change_pct}`."""
    if isinstance(data, dict) and "change_pct" in data:
        yield data
    elif isinstance(data, dict | list):
        for part in data.values() if isinstance(data, dict) else data:
            yield from compared_figures(part)


@few
@given(past_cases)
def test_series_of_weekdays_are_those_of_the_dashboard(held: HeldApi, case: Case) -> None:
    """With the default range, UTC and days."""
    api = held.hold(case)
    bundle = api.bundle()
    for path in ("historical", "reoccurring"):
        rows = api.data(path, weekends="exclude")
        assert len(rows) == len(bundle[path])
        for ours, theirs in zip(rows, bundle[path], strict=True):
            assert ours.items() >= theirs.items(), path


@few
@given(past_cases)
def test_figures_of_all_time_are_those_of_the_dashboard(held: HeldApi, case: Case) -> None:
    """Its totals are of all rows; bounces and visits since START_DATE are those of the default range."""
    api = held.hold(case)
    bundle = api.bundle()
    ever = {"date_range": written(date(1970, 1, 1), case.now.date())}
    assert api.data("votes", **ever).items() >= bundle["votes"].items()
    traffic, since = api.data("traffic", **ever), api.data("traffic")
    assert (traffic["visitors"], traffic["page_views"]) == (
        bundle["traffic"]["unique_users"],
        bundle["traffic"]["page_views"],
    )
    assert since["bounce_rate"] == bundle["traffic"]["bounce_rate"]
    assert abs(since["visit_duration"] / 60 - bundle["traffic"]["average_duration"]) < 0.01
    location = api.data("location", limit=oracle.TOP, **ever)
    for name, theirs in bundle["location_and_user_agent"].items():
        ours = location[name]
        if isinstance(theirs, dict):
            assert (
                ours[: oracle.TOP] == [{"name": label, "count": count} for label, count in theirs.items()][: oracle.TOP]
            )
        else:
            assert [tuple(row.values()) for row in ours] == [tuple(row.values()) for row in theirs]
    behaviour = api.data("behaviour", limit=oracle.TOP, **ever)
    for name in ("routes", "sources", "rooms"):
        theirs = {label: count for label, count in bundle["behaviour"][name].items() if count}
        assert {row["name"]: row["count"] for row in behaviour[name]} == theirs
