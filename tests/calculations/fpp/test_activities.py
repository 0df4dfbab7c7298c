"""The activities of all users in one order, worked by hand, and against a sort of tuples."""

from datetime import UTC, date, datetime

import polars as pl
from hypothesis import given

from calculations.fpp.activities import activities, estimations_of
from calculations.fpp.packed_keys import begins_user, gap, is_estimation, microsecond, user_hash
from calculations.time.period import Period
from read_model.table import INSTANT
from read_model.tables.fpp import ESTIMATIONS, PAGE_VIEWS
from tests.calculations.strategies import Case, cases
from tests.rows import rows

type Told = tuple[int, str, datetime]

WEEK = Period.of_days(date(2026, 3, 2), date(2026, 3, 6))  # Monday to Friday
KINDS = {True: "estimated", False: "looked"}


def drawn(views: str = "", estimations: str = "", period: Period = WEEK) -> list[Told]:
    """The activities of two drawn tables, as `told` tells them."""
    return told(activities(rows(ESTIMATIONS, estimations), period, rows(PAGE_VIEWS, views)))


def told(found: pl.LazyFrame) -> list[Told]:
    """User (1, 2, … in their order), kind and time of each activity."""
    frame = found.with_columns(gap=gap("key")).select(
        begins_user("gap").cum_sum(),
        is_estimation("key").alias("kind"),
        instant("key"),
    )
    return [(user, KINDS[kind], at) for user, kind, at in frame.collect().rows()]


def instant(of: str) -> pl.Expr:
    """The time of a packed activity (Datetime)."""
    return microsecond(of).cast(INSTANT)


def monday(time: str) -> datetime:
    """An instant of the period's first day."""
    return datetime.fromisoformat(f"2026-03-02 {time}").replace(tzinfo=UTC)


def test_empty_tables_have_no_activities() -> None:
    """With page views and without; the column is there."""
    found = activities(rows(ESTIMATIONS), WEEK)
    assert found.collect().schema == {"key": pl.UInt128}
    assert drawn() == told(found) == []
    assert estimations_of(found).collect().schema == {"key": pl.UInt128, "user": pl.UInt32}


def test_activities_are_in_order_of_time_and_kind() -> None:
    """Ann's two views and two estimations: at 9:00:00 both, the view first."""
    found = drawn(
        views="""
        user_id | viewed_at
        ann     | 2026-03-02 09:00:01
        ann     | 2026-03-02 09:00:00
        """,
        estimations="""
        user_id | estimated_at
        ann     | 2026-03-02 09:00:02
        ann     | 2026-03-02 09:00:00
        """,
    )
    assert found == [
        (1, "looked", monday("09:00:00")),
        (1, "estimated", monday("09:00:00")),
        (1, "looked", monday("09:00:01")),
        (1, "estimated", monday("09:00:02")),
    ]


def test_activities_of_nobody_are_left_out() -> None:
    """A view without a user, one from before the period, an estimation without a user: only Ann's are left."""
    found = drawn(
        views="""
        user_id | viewed_at
        null    | 2026-03-02 09:00
        null    | 2020-01-01 09:00
        null    | null
        ann     | 2026-03-02 10:00
        """,
        estimations="""
        user_id | estimated_at
        null    | 2026-03-02 09:00
        """,
    )
    assert found == [(1, "looked", monday("10:00"))]


def test_activities_before_the_period_are_left_out() -> None:
    """Sunday's last second and 2020 are before, Monday's midnight is not; without a time is never."""
    found = drawn(
        views="""
        user_id | viewed_at
        ann     | 2026-03-02 00:00:00
        ann     | 2026-03-01 23:59:59
        ann     | 2020-01-01 09:00:00
        ann     | null
        """,
        estimations="""
        user_id | estimated_at
        ann     | 2026-03-01 23:59:59
        ann     | 2026-03-02 00:00:00
        ann     | null
        """,
    )
    assert found == [(1, "looked", monday("00:00")), (1, "estimated", monday("00:00"))]


def test_activities_after_the_period_are_kept() -> None:
    """A period that is over has begun: Ann's view and estimation of 2030."""
    found = drawn(
        views="""
        user_id | viewed_at
        ann     | 2030-01-01 09:00
        """,
        estimations="""
        user_id | estimated_at
        ann     | 2030-01-01 09:00
        """,
    )
    later = datetime(2030, 1, 1, 9, tzinfo=UTC)
    assert found == [(1, "looked", later), (1, "estimated", later)]


def test_the_period_begins_at_the_midnight_of_its_zone() -> None:
    """Monday in Berlin begins at 23:00 UTC on Sunday."""
    table = rows(
        ESTIMATIONS,
        """
        user_id | estimated_at
        ann     | 2026-03-01 22:59:59
        ann     | 2026-03-01 23:00:00
        """,
    )
    period = Period.of_days(date(2026, 3, 2), date(2026, 3, 6), "Europe/Berlin")
    assert told(activities(table, period)) == [(1, "estimated", datetime(2026, 3, 1, 23, tzinfo=UTC))]


def test_keys_are_known_to_be_sorted() -> None:
    """In memory, so that they are sorted once; and without nulls."""
    table = rows(
        ESTIMATIONS,
        """
        user_id | estimated_at
        ann     | 2026-03-03 09:00
        bob     | 2026-03-02 09:00
        null    | 2026-03-02 09:00
        ann     | 2026-03-02 09:00
        """,
    )
    keys = activities(table, WEEK).collect()["key"]
    assert keys.flags["SORTED_ASC"]
    assert keys.to_list() == sorted(keys.to_list())
    assert (len(keys), keys.null_count()) == (3, 0)


def test_estimations_of_numbers_users_from_one() -> None:
    """Three users estimated, one more than once; who only looked has no number."""
    found = activities(
        rows(
            ESTIMATIONS,
            """
            user_id | estimated_at
            ann     | 2026-03-02 09:00
            bob     | 2026-03-02 09:00
            cem     | 2026-03-02 09:00
            ann     | 2026-03-06 09:00
            ann     | 2026-03-04 09:00
            """,
        ),
        WEEK,
        rows(
            PAGE_VIEWS,
            """
            user_id | viewed_at
            ann     | 2026-03-03 09:00
            bob     | 2020-01-01 09:00
            dia     | 2026-03-02 09:00
            eve     | 2026-03-02 09:00
            """,
        ),
    )
    numbered = estimations_of(found).with_columns(instant("key").alias("at")).collect()
    assert numbered.schema == {"key": pl.UInt128, "user": pl.UInt32, "at": pl.Datetime("us", "UTC")}
    assert numbered["user"].unique().sort().to_list() == [1, 2, 3]
    assert numbered["user"].is_sorted()
    (ann,) = numbered.filter(pl.len().over("user") > 1)["user"].unique()
    assert numbered.filter(pl.col("user") == ann)["at"].dt.day().to_list() == [2, 4, 6]


@given(cases(PAGE_VIEWS, ESTIMATIONS))
def test_activities_are_a_sort_of_tuples(case: Case) -> None:
    """By user, time and kind; users in the order of their hashes."""
    start = case.period.start
    names = pl.DataFrame(
        {"user_id": [row["user_id"] for table in case.rows.values() for row in table]}, schema={"user_id": pl.String}
    )
    hashes = dict(names.with_columns(hashed=user_hash()).rows())
    drawn = [
        (row["user_id"], row[time], kind)
        for table, time, kind in ((PAGE_VIEWS, "viewed_at", 0), (ESTIMATIONS, "estimated_at", 1))
        for row in case.rows[table]
    ]
    expected = sorted(
        (hashes[user], at, kind) for user, at, kind in drawn if user is not None and at is not None and at >= start
    )
    found = activities(case.frame(ESTIMATIONS), case.period, case.frame(PAGE_VIEWS))
    numbers = {hashed: number for number, hashed in enumerate(sorted({hashed for hashed, _, _ in expected}), start=1)}
    assert told(found) == [(numbers[hashed], KINDS[bool(kind)], at) for hashed, at, kind in expected]
    estimators = sorted({hashed for hashed, _, kind in expected if kind})
    assert estimations_of(found).select("user").collect().to_series().to_list() == [
        estimators.index(hashed) + 1 for hashed, _, kind in expected if kind
    ]
