"""All figures of `GET /` in Polars as a competent engineer writes them first.

User ids stay strings: it sorts by user and time, compares with the previous row, joins and counts distinct ids. There
is no loop over days; a version with one takes more than ten times as long (see the README of this folder).
"""

from collections.abc import Sequence
from typing import Any

import polars as pl

from calculations.fpp.behaviour import OTHER, SOURCE_RULES
from calculations.fpp.votes import WEEKDAYS
from calculations.time.period import Period
from read_model.snapshot import Snapshot
from read_model.tables.fpp import ESTIMATIONS, EVENTS, PAGE_VIEWS, ROOMS, USERS, VOTES

type Figures = dict[str, Any]

SERIES = {
    "new_users": (USERS, "created_at"),
    "page_views": (PAGE_VIEWS, "viewed_at"),
    "rooms": (ROOMS, "first_used_at"),
    "estimations": (ESTIMATIONS, "estimated_at"),
    "votes": (VOTES, "voted_at"),
}
TOP = 40
UNKNOWN = "unknown"


def figures(snapshot: Snapshot, period: Period) -> Figures:
    """The `data` of `GET /` as JSON values."""
    return {
        "traffic": traffic(snapshot, period),
        "votes": votes(snapshot),
        "behaviour": behaviour(snapshot),
        "reoccurring": reoccurring(snapshot, period),
        "historical": historical(snapshot, period),
        "location_and_user_agent": location(snapshot),
    }


def traffic(snapshot: Snapshot, period: Period) -> Figures:
    """Visitors, bounce rate and visits."""
    page_views = snapshot.scan(PAGE_VIEWS)
    views = page_views.filter(period.has_begun("viewed_at")).select("user_id", at="viewed_at")
    estimations = (
        snapshot.scan(ESTIMATIONS).filter(period.has_begun("estimated_at")).select("user_id", at="estimated_at")
    )
    visitors = views.select("user_id").drop_nulls().unique()
    totals, visited, bounced, visits = pl.collect_all(
        [
            page_views.select(users=pl.col("user_id").drop_nulls().n_unique(), views=pl.len()),
            visitors.select(pl.len()),
            visitors.join(estimations.select("user_id").unique(), on="user_id", how="anti").select(pl.len()),
            visit_lengths(pl.concat([views, estimations])).select(pl.col("minutes").mean()),
        ]
    )
    return {
        "unique_users": totals["users"].item(),
        "page_views": totals["views"].item(),
        "bounce_rate": round(bounced.item() / visited.item(), 2) if visited.item() else 0.0,
        "average_duration": round(visits.item() or 0.0, 2),
    }


def visit_lengths(activities: pl.LazyFrame) -> pl.LazyFrame:
    """One row per visit: `minutes` (Float64)."""
    starts = (pl.col("at").diff() > pl.duration(minutes=10)).fill_null(value=True).cum_sum().over("user_id")
    return (
        activities.drop_nulls("user_id")
        .sort("user_id", "at")
        .with_columns(visit=starts)
        .group_by("user_id", "visit")
        .agg(length=pl.col("at").max() - pl.col("at").min())
        .select(minutes=(pl.col("length") + pl.duration(seconds=10)).dt.total_seconds() / 60)
    )


def votes(snapshot: Snapshot) -> Figures:
    """Totals and averages."""
    table = snapshot.scan(VOTES)

    def average(column: str) -> pl.Expr:
        return pl.col(column).cast(pl.Float64).mean().fill_null(0)

    totals, weekdays, values = pl.collect_all(
        [
            table.select(
                total_votes=pl.len(),
                total_estimations=pl.col("amount_of_estimations").cast(pl.Int64).sum(),
                avg_estimations_per_vote=average("amount_of_estimations"),
                avg_spectators_per_vote=average("amount_of_spectators"),
                avg_duration_per_vote=average("duration") / 60,
                avg_estimation=average("avg_estimation"),
                avg_min_estimation=average("min_estimation"),
                avg_max_estimation=average("max_estimation"),
            ).with_columns(pl.col(pl.Float64).round(2)),
            table.group_by(weekday=pl.col("voted_at").dt.weekday()).len(),
            snapshot.scan(ESTIMATIONS).drop_nulls("estimation").group_by("estimation").len().sort("estimation"),
        ]
    )
    per_weekday = dict(weekdays.iter_rows())
    return totals.row(0, named=True) | {
        "weekday_counts": {name: per_weekday.get(number, 0) for number, name in enumerate(WEEKDAYS, start=1)},
        "estimation_counts": {str(value): count for value, count in values.iter_rows()},
    }


def behaviour(snapshot: Snapshot) -> Figures:
    """Counts per route, event, category of source and room."""
    views = snapshot.scan(PAGE_VIEWS)
    named = snapshot.scan(VOTES).join(snapshot.scan(ROOMS), left_on="room_id", right_on="id", how="left")
    sourced = views.drop_nulls("source").with_columns(category=category(pl.col("source")))
    routes, events, sources, rooms = pl.collect_all(
        [
            most_common(views, "route"),
            most_common(snapshot.scan(EVENTS), "event"),
            most_common(sourced, "category"),
            most_common(named, "name").head(TOP),
        ]
    )
    return {
        "routes": dict(routes.iter_rows()),
        "events": dict(events.iter_rows()),
        "sources": {**dict(sources.iter_rows()), OTHER: dict(sources.iter_rows()).get(OTHER, 0)},
        "rooms": dict(rooms.iter_rows()),
    }


def category(source: pl.Expr) -> pl.Expr:
    """The first rule that matches."""
    chosen = pl.lit(OTHER)
    for name, pattern in reversed(SOURCE_RULES):
        chosen = pl.when(source.str.contains(pattern)).then(pl.lit(name)).otherwise(chosen)
    return chosen


def most_common(table: pl.LazyFrame, *columns: str) -> pl.LazyFrame:
    """Rows per label, the most common first."""
    return (
        table.with_columns(pl.col(columns).fill_null(UNKNOWN))
        .group_by(columns)
        .agg(count=pl.len())
        .sort("count", *columns, descending=[True, *[False] * len(columns)])
    )


def reoccurring(snapshot: Snapshot, period: Period) -> list[Figures]:
    """Users and rooms that come back."""
    estimations = snapshot.scan(ESTIMATIONS).filter(period.has_begun("estimated_at"))
    joined = weekday_series(
        period,
        [changes(estimations, "user_id", "users"), changes(estimations, "room_id", "rooms")],
        cumulated=pl.exclude("day").cum_sum(),
    ).collect()
    names = (
        "date",
        "reoccurring_users",
        "reoccurring_rooms",
        "adjusted_reoccurring_users",
        "adjusted_reoccurring_rooms",
    )
    return as_json(joined.select(names))


def changes(estimations: pl.LazyFrame, subject: str, name: str) -> pl.LazyFrame:
    """Changes in the numbers of reoccurring users (rooms), one row per day with any."""
    days = (
        estimations.select(subject, day=pl.col("estimated_at").dt.date())
        .drop_nulls(subject)
        .unique()
        .sort(subject, "day")
        .with_columns(turn=pl.int_range(pl.len()).over(subject), next=pl.col("day").shift(-1).over(subject))
        .filter(pl.col("turn") > 0)
        .with_columns(until=pl.min_horizontal("next", pl.col("day") + pl.duration(days=31)))
    )
    opened = days.group_by("day").agg(second=(pl.col("turn") == 1).sum(), opened=pl.len())
    ended = days.group_by(day="until").agg(ended=pl.len())
    return (
        opened.join(ended, on="day", how="full", coalesce=True)
        .fill_null(0)
        .select(
            "day",
            pl.col("second").cast(pl.Int64).alias(f"reoccurring_{name}"),
            (pl.col("opened").cast(pl.Int64) - pl.col("ended").cast(pl.Int64)).alias(f"adjusted_reoccurring_{name}"),
        )
    )


def historical(snapshot: Snapshot, period: Period) -> list[Figures]:
    """Counts, running totals and moving averages."""
    counted = [
        snapshot.scan(table).group_by(day=pl.col(time).dt.date()).agg(pl.len().cast(pl.Int64).alias(name))
        for name, (table, time) in SERIES.items()
    ]
    names = list(SERIES)
    series = weekday_series(period, counted, cumulated=pl.col(names).cum_sum().name.prefix("acc_"))
    averaged = series.with_columns(pl.col(names).rolling_mean(30).round(2).name.prefix("ma_")).collect()
    pairs = [column for name in names for column in (name, f"acc_{name}")]
    return as_json(averaged.select("date", *pairs, pl.col("^ma_.*$")))


def weekday_series(period: Period, counted: Sequence[pl.LazyFrame], cumulated: pl.Expr) -> pl.LazyFrame:
    """Join counts per day to all days, cumulate, keep Monday to Friday."""
    days = pl.LazyFrame({"day": pl.date_range(period.first, period.last, eager=True)})
    for counts in counted:
        days = days.join(counts, on="day", how="left")
    return (
        days.fill_null(0)
        .sort("day")
        .with_columns(cumulated)
        .filter(pl.col("day").dt.weekday() <= 5)
        .rename({"day": "date"})
    )


def as_json(series: pl.DataFrame) -> list[Figures]:
    """Rows with their dates as text."""
    return series.with_columns(pl.col("date").cast(pl.String)).to_dicts()


def location(snapshot: Snapshot) -> Figures:
    """Users per device, system, browser and place."""
    users = snapshot.scan(USERS)
    maps = pl.collect_all([most_common(users, name) for name in ("device", "os", "browser", "country")])
    region, city = pl.collect_all([most_common(users, "country", place).head(TOP) for place in ("region", "city")])
    device, system, browser, country = maps
    return {
        "device": dict(device.iter_rows()),
        "os": dict(system.iter_rows()),
        "browser": dict(browser.iter_rows()),
        "country": dict(country.head(TOP).iter_rows()),
        "country_region": region.to_dicts(),
        "country_city": city.to_dicts(),
    }
