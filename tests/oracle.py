"""The slow, obvious twin of every metric: plain Python, written line by line after metrics.md, sections 1, 3 and 4.

It shares no code with the service. Tables are sequences of rows as MySQL holds them; instants are aware UTC datetimes.
Any value may be missing: a null instant belongs to no period, a null user, room or number does not count.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

type Row = Mapping[str, Any]
type Tables = Mapping[str, Sequence[Row]]

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
VISIT_GAP = timedelta(minutes=10)
VISIT_TAIL = timedelta(seconds=10)
TOP = 40
MOVING_AVERAGE_ROWS = 30
ADJUSTED_DAYS = 30

# Every pattern of metrics.md is literal text (its backslashes only escape dots), so "contains" is the whole match.
SOURCES = (
    ("Teams", ("teams.",)),
    ("Google Ads", ("ads.", "google_ads")),
    ("Google Search", ("www.google.com",)),
    ("Free Planning Poker", ("free-planning-poker.com",)),
    ("CV", ("cv",)),
    ("Email", ("email",)),
    ("GitHub", ("github.com",)),
    ("Bing", ("bing.com",)),
)


def bundle(tables: Tables, start: date, now: datetime) -> dict[str, Any]:
    """Section 3: the object under `data` of `GET /`."""
    return {
        "traffic": traffic(tables, start),
        "votes": votes(tables),
        "behaviour": behaviour(tables),
        "reoccurring": reoccurring(tables, start, now),
        "historical": historical(tables, start, now),
        "location_and_user_agent": location_and_user_agent(tables),
    }


def traffic(tables: Tables, start: date) -> dict[str, Any]:
    """Section 3, traffic: users and views over every row; bounce rate and visits from `start` on.

    Bounce rate: of the users with a page view since `start`, the share with no estimation since `start`.
    Average duration: the mean visit, in minutes.
    """
    views = tables["fpp_page_views"]
    views_since = since(views, "viewed_at", start)
    estimations_since = since(tables["fpp_estimations"], "estimated_at", start)

    visitors = distinct(views_since, "user_id")
    estimators = distinct(estimations_since, "user_id")
    bounced = [user for user in visitors if user not in estimators]

    lengths = visit_lengths(views_since, estimations_since)
    seconds = sum(lengths, timedelta()).total_seconds()

    return {
        "unique_users": len(distinct(views, "user_id")),
        "page_views": len(views),
        "bounce_rate": ratio(len(bounced), len(visitors)),
        "average_duration": ratio(seconds, 60 * len(lengths)),
    }


def visit_lengths(views: Sequence[Row], estimations: Sequence[Row]) -> list[timedelta]:
    """Section 3, average_duration: a gap of more than 10 minutes starts a new visit of the user.

    A visit lasts from its first to its last activity plus 10 seconds.
    """
    activities: dict[Any, list[datetime]] = {}
    for row in views:
        if row["user_id"] is not None:
            activities.setdefault(row["user_id"], []).append(row["viewed_at"])
    for row in estimations:
        if row["user_id"] is not None:
            activities.setdefault(row["user_id"], []).append(row["estimated_at"])

    lengths = []
    for instants in activities.values():
        instants.sort()
        first = last = instants[0]
        for instant in instants[1:]:
            if instant - last > VISIT_GAP:
                lengths.append(last - first + VISIT_TAIL)
                first = instant
            last = instant
        lengths.append(last - first + VISIT_TAIL)
    return lengths


def votes(tables: Tables) -> dict[str, Any]:
    """Section 3, votes: totals and means over every vote, votes per weekday, estimations per value."""
    rows = tables["fpp_votes"]

    weekday_counts = dict.fromkeys(WEEKDAYS, 0)
    for row in rows:
        day = day_of(row["voted_at"])
        if day is not None:
            weekday_counts[WEEKDAYS[day.weekday()]] += 1

    values = Counter(known(tables["fpp_estimations"], "estimation"))
    durations = known(rows, "duration")

    return {
        "total_votes": len(rows),
        "total_estimations": sum(known(rows, "amount_of_estimations")),
        "avg_estimations_per_vote": mean(rows, "amount_of_estimations"),
        "avg_spectators_per_vote": mean(rows, "amount_of_spectators"),
        "avg_duration_per_vote": ratio(sum(durations), 60 * len(durations)),
        "avg_estimation": mean(rows, "avg_estimation"),
        "avg_min_estimation": mean(rows, "min_estimation"),
        "avg_max_estimation": mean(rows, "max_estimation"),
        "weekday_counts": weekday_counts,
        "estimation_counts": {str(value): values[value] for value in sorted(values)},
    }


def behaviour(tables: Tables) -> dict[str, Any]:
    """Section 3, behaviour: page views per route and source category, events per event, votes per room name."""
    views = tables["fpp_page_views"]

    sources = Counter(source_category(source) for source in known(views, "source"))
    sources["Other"] += 0

    room_names = {room["id"]: room["name"] for room in tables["fpp_rooms"] if room["id"] is not None}
    rooms = Counter(label(room_names.get(vote["room_id"])) for vote in tables["fpp_votes"])

    return {
        "routes": label_counts(views, "route"),
        "events": label_counts(tables["fpp_events"], "event"),
        "sources": dict(ordered(sources)),
        "rooms": dict(ordered(rooms)[:TOP]),
    }


def source_category(source: str) -> str:
    """Section 3, sources: the first rule that matches wins; everything else is `Other`."""
    for category, parts in SOURCES:
        for part in parts:
            if part in source:
                return category
    return "Other"


def reoccurring(tables: Tables, start: date, now: datetime) -> list[dict[str, Any]]:
    """Section 3, reoccurring: who has estimations on at least two different days in `start`..D.

    Adjusted: only those of them whose last such day is at most 30 days before D.
    """
    rows = since(tables["fpp_estimations"], "estimated_at", start)
    user_days = days_per_key(rows, "user_id")
    room_days = days_per_key(rows, "room_id")

    series = []
    for day in weekdays(start, now):
        users, adjusted_users = reoccurring_on(day, user_days)
        rooms, adjusted_rooms = reoccurring_on(day, room_days)
        series.append(
            {
                "date": day.isoformat(),
                "reoccurring_users": users,
                "reoccurring_rooms": rooms,
                "adjusted_reoccurring_users": adjusted_users,
                "adjusted_reoccurring_rooms": adjusted_rooms,
            }
        )
    return series


def days_per_key(estimations: Sequence[Row], key: str) -> dict[Any, list[date]]:
    """Section 3, reoccurring: the different days with an estimation of each user (room), in order."""
    days: dict[Any, set[date]] = {}
    for row in estimations:
        day = day_of(row["estimated_at"])
        if row[key] is not None and day is not None:
            days.setdefault(row[key], set()).add(day)
    return {value: sorted(its_days) for value, its_days in days.items()}


def reoccurring_on(day: date, days_of: Mapping[Any, Sequence[date]]) -> tuple[int, int]:
    """Section 3, reoccurring: how many have two different days up to `day`, and how many of them a recent one."""
    count = adjusted = 0
    for days in days_of.values():
        so_far = [its_day for its_day in days if its_day <= day]
        if len(so_far) >= 2:
            count += 1
            if (day - so_far[-1]).days <= ADJUSTED_DAYS:
                adjusted += 1
    return count, adjusted


def historical(tables: Tables, start: date, now: datetime) -> list[dict[str, Any]]:
    """Section 3, historical: per weekday the day's rows, all rows since `start` and the mean of the last 30 rows."""
    fields = {
        "new_users": rows_per_day(tables["fpp_users"], "created_at"),
        "page_views": rows_per_day(tables["fpp_page_views"], "viewed_at"),
        "rooms": rows_per_day(tables["fpp_rooms"], "first_used_at"),
        "estimations": rows_per_day(tables["fpp_estimations"], "estimated_at"),
        "votes": rows_per_day(tables["fpp_votes"], "voted_at"),
    }
    series: list[dict[str, Any]] = []
    for day in weekdays(start, now):
        row: dict[str, Any] = {"date": day.isoformat()}
        for field, counts in fields.items():
            row[field] = counts[day]
            # Weekends have no row of their own, but belong to the total.
            row[f"acc_{field}"] = sum(count for its_day, count in counts.items() if start <= its_day <= day)
        series.append(row)
        last_rows = series[-MOVING_AVERAGE_ROWS:]
        for field in fields:
            full = len(last_rows) == MOVING_AVERAGE_ROWS
            row[f"ma_{field}"] = ratio(sum(one[field] for one in last_rows), MOVING_AVERAGE_ROWS) if full else None
    return series


def rows_per_day(rows: Sequence[Row], time: str) -> Counter[date]:
    """Section 3, historical: the number of rows of each UTC day; rows without an instant belong to none."""
    counts: Counter[date] = Counter()
    for row in rows:
        day = day_of(row[time])
        if day is not None:
            counts[day] += 1
    return counts


def location_and_user_agent(tables: Tables) -> dict[str, Any]:
    """Section 3, location_and_user_agent: counts over every user, null labels as `unknown`."""
    users = tables["fpp_users"]
    return {
        "device": label_counts(users, "device"),
        "os": label_counts(users, "os"),
        "browser": label_counts(users, "browser"),
        "country": dict(list(label_counts(users, "country").items())[:TOP]),
        "country_region": places(users, "region"),
        "country_city": places(users, "city"),
    }


def places(users: Sequence[Row], part: str) -> list[dict[str, Any]]:
    """Section 3, location_and_user_agent: the 40 most common pairs of country and region (city)."""
    pairs = Counter((label(user["country"]), label(user[part])) for user in users)
    return [{"country": country, part: place, "count": count} for (country, place), count in ordered(pairs)[:TOP]]


def room_stats(tables: Tables, room_id: int) -> dict[str, Any]:
    """Section 4, `GET /room/{room_id}/stats`: means and sums over the room's votes; all zeros without votes.

    `duration` is in whole seconds; `*_per_vote` divide the sums by all votes of the room.
    """
    rows = [row for row in tables["fpp_votes"] if row["room_id"] == room_id]
    durations = known(rows, "duration")
    estimations = sum(known(rows, "amount_of_estimations"))
    spectators = sum(known(rows, "amount_of_spectators"))
    return {
        "votes": len(rows),
        "duration": round(sum(durations) / len(durations)) if durations else 0,
        "estimations": estimations,
        "estimations_per_vote": ratio(estimations, len(rows)),
        "avg_min_estimation": mean(rows, "min_estimation"),
        "avg_avg_estimation": mean(rows, "avg_estimation"),
        "avg_max_estimation": mean(rows, "max_estimation"),
        "spectators": spectators,
        "spectators_per_vote": ratio(spectators, len(rows)),
    }


def rooms(tables: Tables) -> list[dict[str, Any]]:
    """Every room with a vote, by id: name and times (`unknown` and null when it no longer exists) and `room_stats`."""
    erased = {"name": None, "first_used_at": None, "last_used_at": None}
    room_by_id = {room["id"]: room for room in tables["fpp_rooms"]}
    listed = []
    for room_id in sorted(distinct(tables["fpp_votes"], "room_id")):
        room = room_by_id.get(room_id, erased)
        times = {"first_used_at": room["first_used_at"], "last_used_at": room["last_used_at"]}
        listed.append({"id": room_id, "name": label(room["name"])} | times | room_stats(tables, room_id))
    return listed


def room_series(tables: Tables, room_id: int, edges: Sequence[datetime]) -> list[dict[str, Any]]:
    """The room's votes and their estimations from each edge (inclusive) to the next (exclusive)."""
    rows = [row for row in tables["fpp_votes"] if row["room_id"] == room_id and row["voted_at"] is not None]
    series = []
    for number in range(len(edges) - 1):
        inside = [row for row in rows if edges[number] <= row["voted_at"] < edges[number + 1]]
        estimations = sum(known(inside, "amount_of_estimations"))
        series.append({"bucket": number, "votes": len(inside), "estimations": estimations})
    return series


def daily(tables: Tables, now: datetime) -> dict[str, Any]:
    """Section 4, `GET /daily-analytics`: the 24 hours before `now`, which itself is no longer part of them."""

    def in_window(instant: datetime | None) -> bool:
        return instant is not None and now - timedelta(hours=24) <= instant < now

    rows = [row for row in tables["fpp_votes"] if in_window(row["voted_at"])]
    views = [row for row in tables["fpp_page_views"] if in_window(row["viewed_at"])]
    return {
        "votes": len(rows),
        "estimations": sum(known(rows, "amount_of_estimations")),
        "rooms": len(distinct(rows, "room_id")),
        "unique_users": len(distinct(views, "user_id")),
        "page_views": len(views),
    }


def day_of(instant: datetime | None) -> date | None:
    """Section 1: a day is a UTC calendar day."""
    return None if instant is None else instant.astimezone(UTC).date()


def since(rows: Sequence[Row], time: str, start: date) -> list[Row]:
    """Section 1: the rows at or after `start` 00:00 UTC."""
    midnight = datetime(start.year, start.month, start.day, tzinfo=UTC)
    return [row for row in rows if row[time] is not None and row[time] >= midnight]


def weekdays(start: date, now: datetime) -> list[date]:
    """Section 1: Monday to Friday from `start` to today, both inclusive."""
    today = now.astimezone(UTC).date()
    every_day = [start + timedelta(days=n) for n in range((today - start).days + 1)]
    return [day for day in every_day if WEEKDAYS[day.weekday()] not in ("Saturday", "Sunday")]


def known(rows: Iterable[Row], column: str) -> list[Any]:
    """Section 1: the values of a column that are not null."""
    return [row[column] for row in rows if row[column] is not None]


def distinct(rows: Iterable[Row], column: str) -> set[Any]:
    """Section 1: the different values of a column; null is none of them."""
    return set(known(rows, column))


def mean(rows: Iterable[Row], column: str) -> float:
    """Section 1: the mean of the known values with two decimals, 0 over nothing; Decimals are summed exactly."""
    values = known(rows, column)
    return ratio(float(sum(values)), len(values))


def ratio(part: float, whole: int) -> float:
    """Section 1: two decimals; 0 over nothing."""
    return round(part / whole, 2) if whole else 0.0


def label(value: str | None) -> str:
    """Section 1: a missing value used as a label is `unknown`."""
    return "unknown" if value is None else value


def label_counts(rows: Iterable[Row], column: str) -> dict[str, int]:
    """Section 1: rows per label, most common first, then by name."""
    return dict(ordered(Counter(label(row[column]) for row in rows)))


def ordered[Name: (str, tuple[str, str])](counts: Counter[Name]) -> list[tuple[Name, int]]:
    """Section 1: by count descending, then by name ascending."""
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))
