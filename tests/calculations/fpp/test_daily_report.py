"""The report of a day, worked by hand, and against a slow, obvious twin."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calculations.fpp.daily_report import DailyReport, Mover, daily_report
from calculations.fpp.tables import Tables
from read_model.table import INSTANT
from read_model.tables.fpp import PAGE_VIEWS, ROOMS, VOTES
from tests.rows import rows

FRIDAY = date(2026, 3, 6)
LATER = datetime(2026, 3, 9, tzinfo=UTC)
USERS = {"id": pl.String(), "country": pl.String()}


def report(
    views: str = "",
    votes: str = "",
    rooms: str = "",
    countries: dict[str, str] | None = None,
    zone: str = "UTC",
    known_until: datetime = LATER,
) -> DailyReport:
    """The report of Friday over drawn tables."""
    users = pl.LazyFrame(list((countries or {}).items()), USERS, orient="row")
    tables = Tables(page_views=rows(PAGE_VIEWS, views), votes=rows(VOTES, votes), rooms=rows(ROOMS, rooms), users=users)
    return daily_report(tables, FRIDAY, zone, known_until)


def test_empty_tables_are_all_zeros() -> None:
    """Nothing happened: no change in percent, nothing that moved, 29 days."""
    empty = report()
    assert {figure["value"] for figure in empty.figures.model_dump().values()} == {0}
    assert {figure["change_pct"] for figure in empty.figures.model_dump().values()} == {None}
    assert empty.movers.model_dump() == {"sources": [], "countries": [], "rooms": []}
    assert [day.date for day in empty.days] == [date(2026, 2, 6) + timedelta(days=day) for day in range(29)]


def test_a_figure_is_compared_with_the_weekday_before_and_the_mean_of_four() -> None:
    """Three votes on Friday, two a week before, and 2, 1, 1 and 0 on the Fridays before: a mean of 1."""
    votes = report(
        votes="""
        room_id | amount_of_estimations | voted_at
        1       | 4                     | 2026-03-06 09:00
        1       | 5                     | 2026-03-06 10:00
        2       | 6                     | 2026-03-06 23:59:59
        1       | 3                     | 2026-02-27 09:00
        1       | 3                     | 2026-02-27 10:00
        1       | 3                     | 2026-02-20 10:00
        1       | 3                     | 2026-02-13 10:00
        9       | 9                     | 2026-03-05 23:59:59
        9       | 9                     | 2026-03-07 00:00
        """
    ).figures
    assert votes.votes.model_dump() == {
        "value": 3,
        "comparison": 2,
        "change": 1,
        "change_pct": 50.0,
        "four_week_mean": 1.0,
        "four_week_change_pct": 200.0,
    }
    assert (votes.estimations.value, votes.estimations.comparison) == (15, 6)
    assert (votes.rooms.value, votes.rooms.comparison) == (2, 1)


def test_returning_users_had_a_page_view_on_an_earlier_day() -> None:
    """Of Ann, Bob and Cem on Friday, Ann was there years before, and Bob earlier the same day only: a third."""
    figures = report(
        """
        user_id | viewed_at
        ann     | 2020-01-01 00:00
        ann     | 2026-03-06 09:00
        bob     | 2026-03-06 08:00
        bob     | 2026-03-06 09:00
        cem     | 2026-03-06 09:00
        cem     | 2026-03-07 09:00
        null    | 2026-03-06 09:00
        """
    ).figures
    assert (figures.unique_users.value, figures.page_views.value) == (3, 5)
    assert (figures.returning_users.value, figures.returning_share.value) == (1, 0.3333)


def test_days_are_those_of_the_zone() -> None:
    """23:30 UTC on Thursday is Friday in Berlin, 23:30 UTC on Friday is not."""
    views = """
        user_id | viewed_at
        ann     | 2026-03-05 23:30
        bob     | 2026-03-06 23:30
        cem     | 2026-03-06 12:00
        """
    assert report(views).figures.page_views.value == 2
    berlin = report(views, zone="Europe/Berlin")
    assert berlin.figures.page_views.value == 2
    assert [day.unique_users for day in berlin.days[-2:]] == [0, 2]


def test_while_the_day_is_open_the_others_are_cut_at_the_same_time() -> None:
    """At noon, the afternoon of the Friday before does not count either."""
    votes = """
        room_id | amount_of_estimations | voted_at
        1       | 1                     | 2026-03-06 11:00
        1       | 1                     | 2026-02-27 11:59:59
        1       | 1                     | 2026-02-27 12:00
        """
    open_day = report(votes=votes, known_until=datetime(2026, 3, 6, 12, tzinfo=UTC))
    assert (open_day.figures.votes.value, open_day.figures.votes.comparison) == (1, 1)
    assert report(votes=votes).figures.votes.comparison == 2


def test_a_day_that_has_not_begun_has_no_figures() -> None:
    votes = """
        room_id | amount_of_estimations | voted_at
        1       | 1                     | 2026-02-27 00:00
        """
    assert report(votes=votes, known_until=datetime(2026, 3, 5, tzinfo=UTC)).figures.votes.comparison == 0


def test_what_moved_most_comes_first_whatever_its_direction() -> None:
    """GitHub fell by two, Bing rose by one and Teams did neither; visitors count once per country."""
    moved = report(
        """
        user_id | source              | viewed_at
        ann     | https://teams.x     | 2026-03-06 09:00
        ann     | https://www.bing.com| 2026-03-06 09:00
        ann     | https://teams.x     | 2026-02-27 09:00
        bob     | https://github.com  | 2026-02-27 09:00
        gone    | https://github.com  | 2026-02-27 09:00
        """,
        countries={"ann": "DE", "bob": "FR"},
    ).movers
    assert moved.sources == [
        Mover(name="GitHub", value=0, comparison=2, change=-2, change_pct=-100.0),
        Mover(name="Bing", value=1, comparison=0, change=1, change_pct=None),
    ]
    assert [(mover.name, mover.change) for mover in moved.countries] == [("FR", -1), ("unknown", -1)]


def test_rooms_move_by_their_votes() -> None:
    """Room 404 no longer exists."""
    moved = report(
        votes="""
        room_id | amount_of_estimations | voted_at
        1       | 1                     | 2026-03-06 09:00
        1       | 1                     | 2026-03-06 09:00
        404     | 1                     | 2026-02-27 09:00
        """,
        rooms="""
        id | name | first_used_at
        1  | team | 2026-01-01 00:00
        """,
    ).movers.rooms
    assert [(mover.name, mover.change) for mover in moved] == [("team", 2), ("unknown", -1)]


def test_at_most_five_move_by_name_between_equals() -> None:
    views = "user_id | source | viewed_at\n" + "\n".join(f"u{n} | null | 2026-03-06 09:00" for n in range(7))
    moved = report(views, countries={f"u{n}": f"C{6 - n}" for n in range(7)}).movers.countries
    assert [mover.name for mover in moved] == ["C0", "C1", "C2", "C3", "C4"]


def test_users_may_have_another_key() -> None:
    """Older databases call it `user_id`."""
    users = pl.LazyFrame({"user_id": ["ann"], "country": ["DE"]})
    views = rows(PAGE_VIEWS, "user_id | viewed_at\nann | 2026-03-06 09:00")
    tables = Tables(page_views=views, votes=rows(VOTES, ""), rooms=rows(ROOMS, ""), users=users)
    assert daily_report(tables, FRIDAY, "UTC", LATER).movers.countries[0].name == "DE"


# --- The twin ---------------------------------------------------------------------------------------------------------

ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Pacific/Apia"]
INSTANTS = st.datetimes(datetime(2026, 2, 1), datetime(2026, 4, 2)).map(lambda time: time.replace(tzinfo=UTC))  # noqa: DTZ001
VIEWS = st.lists(st.tuples(st.sampled_from(["ann", "bob", "cem", None]), INSTANTS), max_size=30)
VOTED = st.lists(st.tuples(st.sampled_from([1, 2, None]), st.integers(0, 9), INSTANTS), max_size=30)


def counted(views: list[Any], votes: list[Any], day: date, zone: str, known_until: datetime) -> dict[str, float]:
    """The figures of one local day, row by row."""

    def begin(of: date) -> datetime:
        return datetime(of.year, of.month, of.day, tzinfo=ZoneInfo(zone)).astimezone(UTC)

    elapsed = min(known_until, begin(FRIDAY + timedelta(days=1))) - begin(FRIDAY)
    is_over = known_until >= begin(FRIDAY + timedelta(days=1))

    def counts(time: datetime) -> bool:
        return time.astimezone(ZoneInfo(zone)).date() == day and (is_over or time - begin(day) < elapsed)

    seen = {user for user, time in views if user and counts(time)}
    earlier = {user for user, time in views if time < begin(day)}
    voted = [(room, estimations) for room, estimations, time in votes if counts(time)]
    return {
        "votes": len(voted),
        "estimations": sum(estimations for _, estimations in voted),
        "rooms": len({room for room, _ in voted if room}),
        "unique_users": len(seen),
        "page_views": sum(counts(time) for _, time in views),
        "returning_users": len(seen & earlier),
        "returning_share": round(len(seen & earlier) / len(seen), 4) if seen else 0,
    }


@settings(max_examples=60, deadline=None)
@given(views=VIEWS, votes=VOTED, zone=st.sampled_from(ZONES), known_until=INSTANTS)
def test_the_twin_agrees(views: list[Any], votes: list[Any], zone: str, known_until: datetime) -> None:
    """On every figure, its comparison and its mean."""
    tables = Tables(
        page_views=pl.LazyFrame(
            [(user, None, time) for user, time in views],
            {"user_id": pl.String(), "source": pl.String(), "viewed_at": INSTANT},
            orient="row",
        ),
        votes=pl.LazyFrame(
            votes, {"room_id": pl.Int32(), "amount_of_estimations": pl.Int16(), "voted_at": INSTANT}, orient="row"
        ),
        rooms=rows(ROOMS, ""),
        users=pl.LazyFrame([], USERS),
    )
    found = daily_report(tables, FRIDAY, zone, known_until)
    weeks = [counted(views, votes, FRIDAY - timedelta(days=7 * week), zone, known_until) for week in range(5)]
    for name, figure in found.figures.model_dump().items():
        value, *earlier = (week[name] for week in weeks)
        assert (figure["value"], figure["comparison"]) == (value, earlier[0]), name
        assert figure["four_week_mean"] == pytest.approx(sum(earlier) / 4, abs=0.005), name
