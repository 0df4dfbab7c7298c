"""The report of one local day: its figures beside those of the same weekday before, and what moved most.

While the day is not over, the days it is compared with are counted up to the same time of day.
"""

import datetime as dt
from datetime import timedelta
from typing import Any

import polars as pl
from pydantic import BaseModel, Field

from calculations.fpp.behaviour import page_views_per_source, votes_per_room
from calculations.fpp.tables import Tables
from calculations.frames.arithmetic import NotAdditive, label
from calculations.frames.collecting import collect, collect_all
from calculations.frames.comparison import PERCENT, compared
from calculations.time.buckets import Buckets
from calculations.time.period import MICROSECOND, Period

WEEK = timedelta(days=7)
WEEKS = 4
MOVERS = 5
DECIMALS = 2
SHARE_DECIMALS = 4


class DayFigure(BaseModel, frozen=True):
    """A figure of the day, of the same weekday a week before, and its mean over the four such weekdays before."""

    value: NotAdditive[float] = Field(description="The figure of the day, in its own unit.")
    comparison: NotAdditive[float] = Field(description="The same a week before, in the same unit.")
    change: NotAdditive[float] = Field(description="`value` less `comparison`, in the same unit.")
    change_pct: NotAdditive[float | None] = Field(
        description="`change` in percent of `comparison`; null where that is 0."
    )
    four_week_mean: NotAdditive[float] = Field(
        description="Mean of the same weekday in each of the four weeks before, in the same unit."
    )
    four_week_change_pct: NotAdditive[float | None] = Field(
        description="`value` less `four_week_mean`, in percent of that; null where it is 0."
    )


class DayFigures(BaseModel, frozen=True):
    """What happened on the day."""

    votes: DayFigure = Field(description="Votes.")
    estimations: DayFigure = Field(description="Estimations given in those votes.")
    rooms: DayFigure = Field(description="Distinct rooms of those votes.")
    unique_users: DayFigure = Field(description="Distinct users with a page view.")
    page_views: DayFigure = Field(description="Page views.")
    returning_users: DayFigure = Field(description="Those of the users who had a page view on an earlier day.")
    returning_share: DayFigure = Field(description="Returning users / users, a share from 0 to 1; 0 without users.")


class Mover(BaseModel, frozen=True):
    """A label whose count differs from that of a week before."""

    name: str = Field(description="The label: a category of source, a country code or the name of a room.")
    value: NotAdditive[int] = Field(ge=0, description="Page views, visitors or votes of the day, as the list says.")
    comparison: NotAdditive[int] = Field(ge=0, description="Page views, visitors or votes a week before.")
    change: NotAdditive[int] = Field(description="`value` less `comparison`, in the same unit.")
    change_pct: NotAdditive[float | None] = Field(
        description="`change` in percent of `comparison`; null where that is 0."
    )


class Movers(BaseModel, frozen=True):
    """What changed most against the same weekday a week before: at most five each, the largest change first."""

    sources: list[Mover] = Field(description="Page views per category of source; direct traffic is left out.")
    countries: list[Mover] = Field(description="Visitors per country code; `unknown` for users without one.")
    rooms: list[Mover] = Field(description="Votes per room name; those of rooms that no longer exist are `unknown`.")


class ReportedDay(BaseModel, frozen=True):
    """One of the days before the report."""

    date: dt.date = Field(description="The local calendar day.")
    votes: int = Field(ge=0, description="Votes.")
    unique_users: NotAdditive[int] = Field(ge=0, description="Distinct users with a page view.")


class DailyReport(BaseModel, frozen=True):
    """The content of a daily mail."""

    date: dt.date = Field(description="The local calendar day that is reported.")
    compared_with: dt.date = Field(description="The same weekday a week before.")
    figures: DayFigures = Field(description="What happened, and how that compares.")
    movers: Movers = Field(description="What changed most.")
    days: list[ReportedDay] = Field(description="The day and the 28 days before it, in order.")


COUNTS = ("votes", "estimations", "rooms", "unique_users", "page_views", "returning_users")


def daily_report(tables: Tables, day: dt.date, zone: str, known_until: dt.datetime) -> DailyReport:
    """Count a day and the four weeks before it, and find the largest changes.

    Args:
        tables: Page views, votes, rooms and users.
        day: The local calendar day to report.
        zone: The IANA time zone of days.
        known_until: The instant (UTC) up to which all rows are known.
    """
    days = _Days(day, zone, known_until)
    counted = collect(days.buckets.sums(_counts(days, tables), COUNTS))
    by_date = {row["date"]: row for row in counted.iter_rows(named=True)}
    nothing = dict.fromkeys(COUNTS, 0)

    def back(weeks: int) -> dict[str, Any]:
        return _with_share(by_date.get(day - weeks * WEEK, nothing))

    weekdays = [back(weeks) for weeks in range(WEEKS + 1)]
    figures = {name: _figure([row[name] for row in weekdays], name) for name in DayFigures.model_fields}
    return DailyReport(
        date=day,
        compared_with=day - WEEK,
        figures=DayFigures(**figures),
        movers=_movers(days, tables),
        days=[ReportedDay.model_validate(row) for row in by_date.values()],
    )


class _Days:
    """The local days from four weeks before a day to that day."""

    def __init__(self, day: dt.date, zone: str, known_until: dt.datetime) -> None:
        self.period = Period.of_days(day - WEEKS * WEEK, day, zone)
        self.buckets = Buckets.of(self.period)
        self.last = len(self.buckets) - 1
        reported = Period.of_days(day, day, zone)
        self.elapsed = max(min(known_until, reported.end) - reported.start, timedelta())
        self.is_over = known_until >= reported.end

    def begin(self) -> pl.Expr:
        """The first instant of a row's `bucket`."""
        return pl.lit(self.buckets.edges).gather(pl.col("bucket"))

    def rows(self, table: pl.LazyFrame, time: str) -> pl.LazyFrame:
        """The rows within these days, with the number of their day as `bucket` (Int32)."""
        rows = table.filter(self.period.contains(time)).with_columns(bucket=self.buckets.number(pl.col(time)))
        if self.is_over:
            return rows
        since = (pl.col(time) - self.begin()).dt.total_microseconds()
        return rows.filter(since < self.elapsed // MICROSECOND)

    def number(self, back: timedelta) -> pl.Expr:
        """Whether a row belongs to the day this long before the last one (Boolean)."""
        return pl.col("bucket") == self.last - back.days


def _counts(days: _Days, tables: Tables) -> list[pl.LazyFrame]:
    """Frames of `bucket` and some of `COUNTS`."""
    views, voted = days.rows(tables.page_views, "viewed_at"), days.rows(tables.votes, "voted_at")
    return [
        voted.group_by("bucket").agg(
            votes=pl.len(),
            estimations=pl.col("amount_of_estimations").cast(pl.Int64).sum(),
            rooms=pl.col("room_id").drop_nulls().n_unique(),
        ),
        views.group_by("bucket").agg(page_views=pl.len(), unique_users=pl.col("user_id").drop_nulls().n_unique()),
        _returning(days, views, tables.page_views).group_by("bucket").agg(returning_users=pl.len()),
    ]


def _returning(days: _Days, views: pl.LazyFrame, page_views: pl.LazyFrame) -> pl.LazyFrame:
    """Each user (`user_id`) of each day (`bucket`) who had a page view before that day began."""
    seen = views.select("bucket", "user_id").drop_nulls().unique()
    first = page_views.group_by("user_id").agg(first=pl.col("viewed_at").min())
    return seen.join(first, on="user_id").filter(pl.col("first") < days.begin())


def _with_share(row: dict[str, Any]) -> dict[str, Any]:
    users = row["unique_users"]
    return row | {"returning_share": round(row["returning_users"] / users, SHARE_DECIMALS) if users else 0.0}


def _figure(weekdays: list[float], name: str) -> DayFigure:
    """A figure, from its value on the day and on the same weekday of each week before."""
    value, *earlier = weekdays
    decimals = SHARE_DECIMALS if name == "returning_share" else DECIMALS
    mean = sum(earlier) / len(earlier)
    return DayFigure(
        value=value,
        comparison=earlier[0],
        change=round(value - earlier[0], decimals),
        change_pct=_percent(value, earlier[0]),
        four_week_mean=round(mean, decimals),
        four_week_change_pct=_percent(value, mean),
    )


def _percent(value: float, base: float) -> float | None:
    return round((value - base) / base * PERCENT, DECIMALS) if base else None


def _movers(days: _Days, tables: Tables) -> Movers:
    views, voted = days.rows(tables.page_views, "viewed_at"), days.rows(tables.votes, "voted_at")

    def of(back: timedelta) -> list[pl.LazyFrame]:
        seen = views.filter(days.number(back))
        lists = (
            page_views_per_source(seen),
            _visitors_per_country(seen, tables.users),
            votes_per_room(voted.filter(days.number(back)), tables.rooms),
        )
        return [frame.select(name=frame.collect_schema().names()[0], count=pl.col("count")) for frame in lists]

    frames = collect_all([*of(timedelta()), *of(WEEK)])
    half = len(frames) // 2
    sources, countries, rooms = map(_moved, frames[:half], frames[half:])
    return Movers(sources=sources, countries=countries, rooms=rooms)


def _visitors_per_country(views: pl.LazyFrame, users: pl.LazyFrame) -> pl.LazyFrame:
    """Distinct users of page views per country: `country` (String, `"unknown"` without one) and `count` (UInt32)."""
    # The key of users is `user_id` in some versions of the app's database.
    key = "id" if "id" in users.collect_schema() else "user_id"
    visitors = views.select("user_id").drop_nulls().unique()
    named = visitors.join(users.select("country", user_id=key), on="user_id", how="left")
    return named.group_by(label("country")).len("count")


def _moved(now: pl.DataFrame, then: pl.DataFrame) -> list[Mover]:
    """The labels whose counts differ most between two frames of `name` and `count`."""
    ours, theirs = (frame.with_columns(pl.col("count").cast(pl.Int64)) for frame in (now, then))
    both = compared(ours, theirs, ["name"]).filter(pl.col("count_change") != 0)
    largest = both.sort(pl.col("count_change").abs(), "name", descending=[True, False]).head(MOVERS)
    return [
        Mover(name=name, value=value, comparison=comparison, change=change, change_pct=change_pct)
        for name, value, comparison, change, change_pct in largest.iter_rows()
    ]
