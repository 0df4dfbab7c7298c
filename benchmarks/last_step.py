"""The last step of the DuckDB figures, over a few hundred days and labels: divide, round, sort, cumulate.

In Python, because further SQL would be slower.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import accumulate, compress
from operator import sub
from typing import Any, Self

from calculations.fpp.behaviour import OTHER
from calculations.fpp.historical import SERIES, WINDOW
from calculations.fpp.votes import MEASURES, MINUTE, WEEKDAYS
from calculations.frames.arithmetic import DECIMALS, TOP, UNKNOWN, average
from calculations.time.buckets import FRIDAY
from calculations.time.period import Period

type Rows = Sequence[tuple[Any, ...]]
type Figures = dict[str, Any]
type PerDay = Mapping[int, int]

EPOCH = date(1970, 1, 1).toordinal()
US_PER_MINUTE = 60_000_000
LAST_ACTIVITY_MINUTES = 10 / 60


@dataclass(frozen=True)
class Spine:
    """The days of a period as numbers, which of them are Monday to Friday, and the dates of those (ISO 8601)."""

    days: range
    is_weekday: Sequence[bool]
    dates: Sequence[str]

    @classmethod
    def of(cls, period: Period) -> Self:
        """The spine of a period."""
        days = range(period.first.toordinal() - EPOCH, period.last.toordinal() - EPOCH + 1)
        is_weekday = [weekday(day) <= FRIDAY for day in days]
        return cls(days, is_weekday, [date.fromordinal(EPOCH + day).isoformat() for day in compress(days, is_weekday)])

    def every_day(self, per_day: PerDay) -> list[int]:
        """The count of each day, quiet days included."""
        return [per_day.get(day, 0) for day in self.days]

    def on_weekdays(self, values: Iterable[int]) -> list[int]:
        """The values of Mondays to Fridays, from those of every day."""
        return list(compress(values, self.is_weekday))


def figures(rows: Mapping[str, Rows], period: Period) -> Figures:
    """The `data` of `GET /` as JSON values, from the rows of each statement."""
    labels = per_label(rows["labels"])
    days = per_day(rows["days"])
    spine = Spine.of(period)
    return {
        "traffic": traffic(rows["users"]),
        "votes": votes(rows["vote_totals"][0], days["votes"], labels["estimations"]),
        "behaviour": behaviour(labels),
        "reoccurring": reoccurring(rows, spine),
        "historical": historical(days, spine),
        "location_and_user_agent": location(labels),
    }


def traffic(users: Rows) -> Figures:
    """Visitors and visits."""
    of = {kind: (count, other) for kind, day, count, other in users if day is None}
    since, _ = of["visitors"]
    visits, gaps_us = of["visits"]
    return {
        "unique_users": since + of["visitors before"][0],
        "page_views": of["page views"][0],
        "bounce_rate": average(of["active"][0] - of["subjects"][0], since),
        "average_duration": average(gaps_us / US_PER_MINUTE + visits * LAST_ACTIVITY_MINUTES, visits),
    }


def votes(totals: Sequence[Any], per_day: PerDay, estimations: Counter[tuple[str, str]]) -> Figures:
    """Totals and averages; the weekdays come from the days."""
    of = dict(zip(MEASURES, zip(totals[1::2], totals[2::2], strict=True), strict=True))
    of = {name: (total or 0, count) for name, (total, count) in of.items()}
    weekdays: Counter[str] = Counter(dict.fromkeys(WEEKDAYS, 0))
    for day, count in per_day.items():
        weekdays[WEEKDAYS[weekday(day) - 1]] += count
    values = {int(value): count for (value, _), count in estimations.items() if value != UNKNOWN}
    return {
        "total_votes": totals[0],
        "total_estimations": int(of["amount_of_estimations"][0]),
        "avg_estimations_per_vote": average(*of["amount_of_estimations"]),
        "avg_spectators_per_vote": average(*of["amount_of_spectators"]),
        "avg_duration_per_vote": average(of["duration"][0], of["duration"][1] * MINUTE),
        "avg_estimation": average(*of["avg_estimation"]),
        "avg_min_estimation": average(*of["min_estimation"]),
        "avg_max_estimation": average(*of["max_estimation"]),
        "weekday_counts": dict(weekdays),
        "estimation_counts": {str(value): values[value] for value in sorted(values)},
    }


def behaviour(labels: Mapping[str, Counter[tuple[str, str]]]) -> Figures:
    """Counts per route, event, category of source and room."""
    sources = as_map(labels["sources"])
    return {
        "routes": as_map(labels["routes"]),
        "events": as_map(labels["events"]),
        "sources": sources | {OTHER: sources.get(OTHER, 0)},
        "rooms": as_map(labels["rooms"], TOP),
    }


def location(labels: Mapping[str, Counter[tuple[str, str]]]) -> Figures:
    """Users per device, system, browser and place."""
    return {
        "device": as_map(labels["device"]),
        "os": as_map(labels["os"]),
        "browser": as_map(labels["browser"]),
        "country": as_map(labels["country"], TOP),
        "country_region": [
            {"country": country, "region": region, "count": count}
            for (country, region), count in ordered(labels["country_region"])[:TOP]
        ],
        "country_city": [
            {"country": country, "city": city, "count": count}
            for (country, city), count in ordered(labels["country_city"])[:TOP]
        ],
    }


def reoccurring(rows: Mapping[str, Rows], spine: Spine) -> list[Figures]:
    """The weekday series of reoccurring users and rooms."""
    columns: dict[str, Iterable[Any]] = {"date": spine.dates}
    for column, prefix in ((2, "reoccurring"), (3, "adjusted_reoccurring")):
        for subject in ("users", "rooms"):
            per_day = changes(rows[subject], column)
            columns[f"{prefix}_{subject}"] = spine.on_weekdays(accumulate(spine.every_day(per_day)))
    return records(columns)


def historical(days: Mapping[str, PerDay], spine: Spine) -> list[Figures]:
    """The weekday series of counts, running totals and moving averages."""
    columns: dict[str, Iterable[Any]] = {"date": spine.dates}
    for name in SERIES:
        counts = spine.every_day(days[name])
        columns[name] = spine.on_weekdays(counts)
        columns[f"acc_{name}"] = spine.on_weekdays(accumulate(counts))
    averages = {f"ma_{name}": moving_averages(columns[name]) for name in SERIES}
    return records(columns | averages)


def records(columns: Mapping[str, Iterable[Any]]) -> list[Figures]:
    """Columns as rows."""
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def moving_averages(counts: Iterable[int]) -> list[float | None]:
    """The mean of the last 30 values, null until there are 30."""
    running = [0, *accumulate(counts)]
    sums = map(sub, running[WINDOW:], running)
    return [*[None] * min(WINDOW - 1, len(running) - 1), *(round(total / WINDOW, DECIMALS) for total in sums)]


def per_label(rows: Rows) -> dict[str, Counter[tuple[str, str]]]:
    """Rows of (kind, label, second label, count) by kind; a missing label is `unknown`."""
    counted: dict[str, Counter[tuple[str, str]]] = defaultdict(Counter)
    for kind, label, second, count in rows:
        counted[kind][UNKNOWN if label is None else label, UNKNOWN if second is None else second] += count
    return counted


def per_day(rows: Rows) -> dict[str, dict[int, int]]:
    """Rows of (series, day number, count) by series."""
    counted: dict[str, dict[int, int]] = {name: {} for name in SERIES}
    for name, day, count in rows:
        counted[name][day] = count
    return counted


def changes(rows: Rows, column: int) -> dict[int, int]:
    """The sum of one column of rows of (kind, day, …) per day; rows without a day are dropped."""
    added: dict[int, int] = {}
    for row in rows:
        day = row[1]
        added[day] = added.get(day, 0) + row[column]
    return added


def weekday(day: int) -> int:
    """Monday is 1; day 0 was a Thursday."""
    return (day + 3) % 7 + 1


def ordered(counted: Counter[tuple[str, str]]) -> list[tuple[tuple[str, str], int]]:
    """By count descending, then by labels."""
    return sorted(counted.items(), key=lambda item: (-item[1], item[0]))


def as_map(counted: Counter[tuple[str, str]], most: int | None = None) -> dict[str, int]:
    """The counts of single labels in that order; only the `most` largest if given."""
    return {label: count for (label, _), count in ordered(counted)[:most]}
