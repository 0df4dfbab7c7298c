"""The slow, obvious twin of filters, breakdowns and funnels: plain Python over rows, without frames.

Rows are mappings in the source's types. A filter is its JSON value.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from tests.oracle import VISIT_GAP, VISIT_TAIL, ratio, source_category

type Row = Mapping[str, Any]
type Tables = Mapping[str, Sequence[Row]]

USER = ("country", "region", "city", "device", "os", "browser")
TIMES = {"fpp_page_views": "viewed_at", "fpp_estimations": "estimated_at", "fpp_events": "event_at"}


def attribute(tables: Tables, table: str, row: Row, name: str) -> str:
    """The value of an attribute for a row."""
    if name in USER:
        user_id = row["id"] if table == "fpp_users" else row["user_id"]
        users = [user for user in tables["fpp_users"] if user["id"] == user_id and user_id is not None]
        return text(users[0][name]) if users else "unknown"
    if name in ("room", "room_name"):
        room_id = row["id"] if table == "fpp_rooms" else row["room_id"]
        rooms = [room for room in tables["fpp_rooms"] if room["id"] == room_id and room_id is not None]
        return text(rooms[0]["id" if name == "room" else "name"]) if rooms else "unknown"
    if name == "source":
        return "Direct" if row["source"] is None else source_category(row["source"])
    return text(row[name])


def text(value: object) -> str:
    """A value as filters compare it."""
    if value is None:
        return "unknown"
    return str(value).lower() if isinstance(value, bool) else str(value)


def holds(tables: Tables, table: str, row: Row, clauses: Iterable[Any]) -> bool:
    """Whether all clauses hold for a row."""
    return all(clause_holds(tables, table, row, clause) for clause in clauses)


def clause_holds(tables: Tables, table: str, row: Row, clause: Any) -> bool:
    """Whether a clause holds for a row."""
    operator, first, *values = clause
    if operator == "and":
        return all(clause_holds(tables, table, row, part) for part in first)
    if operator == "or":
        return any(clause_holds(tables, table, row, part) for part in first)
    if operator == "not":
        return not clause_holds(tables, table, row, first)
    found = attribute(tables, table, row, first)
    match operator.removesuffix("_not"):
        case "is":
            answer = any(found == text(value) for value in values[0])
        case "contains":
            answer = any(text(value) in found for value in values[0])
        case _:
            answer = any(re.search(text(value), found) for value in values[0])
    return not answer if operator.endswith("_not") else answer


def names(clauses: Any) -> set[str]:
    """The attributes a filter names."""
    if not clauses:
        return set()
    if isinstance(clauses[0], list):
        return set().union(*map(names, clauses))
    operator, first, *_ = clauses
    if operator in ("and", "or"):
        return names(first)
    return names([first]) if operator == "not" else {first}


def all_visits(tables: Tables) -> list[list[tuple[datetime, str, Row]]]:
    """Every visit as its page views and estimations in order: instant, table and row."""
    activities: dict[Any, list[tuple[datetime, str, Row]]] = {}
    for table in ("fpp_page_views", "fpp_estimations"):
        for row in tables[table]:
            if row["user_id"] is not None and row[TIMES[table]] is not None:
                activities.setdefault(row["user_id"], []).append((row[TIMES[table]], table, row))
    found = []
    for rows in activities.values():
        rows.sort(key=lambda activity: activity[0])
        visit = [rows[0]]
        for before, after in pairwise(rows):
            if after[0] - before[0] > VISIT_GAP:
                found.append(visit)
                visit = []
            visit.append(after)
        found.append(visit)
    return found


def visits(tables: Tables, clauses: Any, *, of_users: bool | None = None) -> dict[str, Any]:
    """Traffic of the rows that a filter selects."""
    everyone = names(clauses) <= set(USER) if of_users is None else of_users
    views = [row for row in tables["fpp_page_views"] if holds(tables, "fpp_page_views", row, clauses)]
    chosen = selected_visits(tables, clauses, of_users=everyone)
    looked = [sum(table == "fpp_page_views" for _, table, _ in visit) for visit in chosen]
    seconds = sum(length(visit) for visit in chosen)
    visitors = {row["user_id"] for row in views} - {None}
    estimators = {row["user_id"] for row in tables["fpp_estimations"]}
    return {
        "visitors": len(visitors),
        "visits": len(chosen),
        "page_views": len(views),
        "views_per_visit": ratio(len(views) if everyone else sum(looked), len(chosen)),
        "bounce_rate": ratio(len(visitors - estimators), len(visitors)),
        "visit_duration": ratio(seconds, len(chosen)),
    }


def selected_visits(tables: Tables, clauses: Any, *, of_users: bool) -> list[list[tuple[datetime, str, Row]]]:
    """The visits of selected users, or those that contain a selected page view."""
    if of_users:
        return [visit for visit in all_visits(tables) if holds(tables, visit[0][1], visit[0][2], clauses)]
    return [
        visit
        for visit in all_visits(tables)
        if any(table == "fpp_page_views" and holds(tables, table, row, clauses) for _, table, row in visit)
    ]


def length(visit: Sequence[tuple[datetime, str, Row]]) -> float:
    """How long a visit took, in seconds."""
    return (visit[-1][0] - visit[0][0] + VISIT_TAIL).total_seconds()


def funnel(
    tables: Tables, steps: Sequence[str], window: timedelta | None, *, strict: bool = False
) -> list[tuple[int, float | None]]:
    """Per step, how many users reach it and the median time since the previous step, by trying every attempt."""
    begins = {(visit[0][2]["user_id"], visit[0][0]) for visit in all_visits(tables)}
    moments: dict[Any, dict[datetime, set[str]]] = {}
    for table, time in TIMES.items():
        for row in tables[table]:
            if row["user_id"] is not None and row[time] is not None:
                kinds = moments.setdefault(row["user_id"], {}).setdefault(row[time], set())
                kinds |= {"page_view", f"page_view:{row['route']}"} if table == "fpp_page_views" else set()
                kinds |= {f"event:{row['event']}"} if table == "fpp_events" else set()
                kinds |= {"estimation"} if table == "fpp_estimations" else set()
    best = []
    for person, kinds_at in moments.items():
        instants = sorted(kinds_at)
        paths = [path for path in attempts(person, instants, kinds_at, begins, steps, window, strict) if path]
        if paths:
            furthest = max(map(len, paths))
            best.append(min(path for path in paths if len(path) == furthest))
    found: list[tuple[int, float | None]] = []
    for number in range(len(steps)):
        reached = [path for path in best if len(path) > number]
        times = sorted((path[number] - path[number - 1]).total_seconds() for path in reached)
        found.append((len(reached), median(times) if number and times else None))
    return found


def attempts(
    person: Any,
    instants: Sequence[datetime],
    kinds_at: Mapping[datetime, set[str]],
    begins: set[tuple[Any, datetime]],
    steps: Sequence[str],
    window: timedelta | None,
    strict: bool,
) -> Iterable[list[datetime]]:
    """Every way to take one or more of the first steps."""
    paths = [[instant] for instant in instants if steps[0] in kinds_at[instant]]
    yield from paths
    for step in steps[1:]:
        longer = []
        for path in paths:
            later = [instant for instant in instants if instant > path[-1]]
            for instant in later[:1] if strict else later:
                if window is not None and instant - path[0] > window:
                    continue
                if step.startswith("return:"):
                    most = timedelta(days=int(step.removeprefix("return:").removesuffix("d")))
                    fits = (person, instant) in begins and instant - path[-1] <= most
                else:
                    fits = step in kinds_at[instant]
                if fits:
                    longer.append([*path, instant])
        paths = longer
        yield from paths


def median(values: Sequence[float]) -> float:
    """The median of sorted values."""
    middle = len(values) // 2
    return values[middle] if len(values) % 2 else (values[middle - 1] + values[middle]) / 2


def percentile(values: Sequence[float], share: float) -> float:
    """A percentile of sorted values, interpolated linearly between ranks."""
    place = (len(values) - 1) * share
    below = int(place)
    above = min(below + 1, len(values) - 1)
    return values[below] + (values[above] - values[below]) * (place - below)
