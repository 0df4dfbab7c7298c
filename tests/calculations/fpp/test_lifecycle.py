"""New, returning, resurrecting and dormant users and rooms: worked by hand, by a slow twin, and what must add up."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calculations.fpp.active_buckets import Entity
from calculations.fpp.lifecycle import COUNTS, LifecycleCounts, lifecycle
from calculations.time.buckets import Granularity, WeekStart
from calculations.time.period import MICROSECOND, Period
from read_model.tables.fpp import ESTIMATIONS
from tests.calculations.fpp.lives import Lives, groups_of_subjects, lives, more_examples
from tests.rows import rows

type Row = Mapping[str, Any]

WEEK = Period.of_days(date(2026, 3, 2), date(2026, 3, 8))  # Monday to Sunday
FOUR_WEEKS = Period.of_days(date(2026, 3, 2), date(2026, 3, 29))


def counts_of(
    estimations: str,
    period: Period,
    granularity: Granularity = "week",
    entity: Entity = "user",
    week_start: WeekStart = "monday",
) -> list[tuple[int, ...]]:
    """New, returning, resurrecting and dormant of a drawn table, bucket by bucket."""
    result = lifecycle(
        rows(ESTIMATIONS, estimations),
        period,
        entity=entity,
        granularity=granularity,
        week_start=week_start,
        known_until=period.end,
    )
    assert result["bucket"].to_list() == list(range(len(result)))
    return result.select(COUNTS).rows()


def test_the_life_of_a_user() -> None:
    """Ann comes in week 1, returns in week 2, stays away in week 3, and resurrects in week 4."""
    assert counts_of(
        """
        user_id | estimated_at
        ann     | 2026-03-03 09:00
        ann     | 2026-03-10 09:00
        ann     | 2026-03-12 09:00
        ann     | 2026-03-24 09:00
        """,
        FOUR_WEEKS,
    ) == [(1, 0, 0, 0), (0, 1, 0, 0), (0, 0, 0, 1), (0, 0, 1, 0)]


def test_users_are_counted_together() -> None:
    """Ann and Bob come in week 1; in week 2 Ann returns, Bob is dormant, and Cem comes; in week 3 only Bob is there."""
    assert counts_of(
        """
        user_id | estimated_at
        bob     | 2026-03-02 00:00
        ann     | 2026-03-03 09:00
        cem     | 2026-03-10 09:00
        ann     | 2026-03-11 09:00
        bob     | 2026-03-17 09:00
        """,
        FOUR_WEEKS,
    ) == [(2, 0, 0, 0), (1, 1, 0, 1), (0, 0, 1, 2), (0, 0, 0, 1)]


def test_a_user_is_dormant_once() -> None:
    """Ann in week 1 only: dormant in week 2, and nothing afterwards."""
    assert counts_of("user_id | estimated_at\nann | 2026-03-03 09:00", FOUR_WEEKS) == [
        (1, 0, 0, 0),
        (0, 0, 0, 1),
        (0, 0, 0, 0),
        (0, 0, 0, 0),
    ]


def test_history_before_the_period_counts() -> None:
    """Ann and Bob were there the week before: Ann returns, Bob is dormant. Cem was a week earlier: he resurrects."""
    assert counts_of(
        """
        user_id | estimated_at
        cem     | 2026-02-22 23:59:59.999999
        bob     | 2026-02-23 00:00
        ann     | 2026-03-01 23:59:59.999999
        ann     | 2026-03-02 00:00
        cem     | 2026-03-02 00:00
        dan     | 2026-03-02 00:00
        """,
        WEEK,
    ) == [(1, 1, 1, 1)]


def test_all_history_is_not_the_bucket_before() -> None:
    """Ann years ago and again today: resurrecting, and dormant only on the day after; Bob years ago is in no bucket."""
    assert counts_of(
        """
        user_id | estimated_at
        ann     | 2020-03-02 09:00
        bob     | 2020-03-02 09:00
        ann     | 2026-03-02 09:00
        """,
        Period.of_days(date(2026, 3, 2), date(2026, 3, 4)),
        "day",
    ) == [(0, 0, 1, 0), (0, 0, 0, 1), (0, 0, 0, 0)]


def test_the_first_bucket_counts_whole_and_the_last_one_up_to_what_is_known() -> None:
    """From Wednesday to Wednesday noon, until which all is known: Ann's Monday is in week 1; Bob just before counts,
    Cem at noon not."""
    period = Period(datetime(2026, 3, 4, tzinfo=UTC), datetime(2026, 3, 11, 12, tzinfo=UTC))
    assert counts_of(
        """
        user_id | estimated_at
        ann     | 2026-03-02 09:00
        bob     | 2026-03-11 11:59:59.999999
        cem     | 2026-03-11 12:00
        """,
        period,
    ) == [(1, 0, 0, 0), (1, 0, 0, 1)]


def test_weeks_may_begin_on_sunday() -> None:
    """Ann on Saturday and Sunday: one week of Mondays, two of Sundays."""
    drawn = """
        user_id | estimated_at
        ann     | 2026-03-07 09:00
        ann     | 2026-03-08 09:00
        """
    assert counts_of(drawn, WEEK) == [(1, 0, 0, 0)]
    assert counts_of(drawn, WEEK, week_start="sunday") == [(1, 0, 0, 0), (0, 1, 0, 0)]


def test_days_are_local() -> None:
    """Clocks in Berlin go forward on 29 March: its day is 28 March 23:00 to 29 March 22:00 UTC, and Ann was there on
    the three days from 28 March on. Bob was there one microsecond before its end, and never again."""
    period = Period.of_days(date(2026, 3, 28), date(2026, 3, 30), "Europe/Berlin")
    assert counts_of(
        """
        user_id | estimated_at
        ann     | 2026-03-28 22:59:59.999999
        ann     | 2026-03-28 23:00
        bob     | 2026-03-29 21:59:59.999999
        ann     | 2026-03-29 22:00
        """,
        period,
        "day",
    ) == [(1, 0, 0, 0), (1, 1, 0, 0), (0, 1, 0, 1)]


def test_hours_are_buckets_too() -> None:
    """Ann at 08:59, 09:00 and 10:59."""
    period = Period(datetime(2026, 3, 2, 9, tzinfo=UTC), datetime(2026, 3, 2, 12, tzinfo=UTC))
    assert counts_of(
        """
        user_id | estimated_at
        ann     | 2026-03-02 08:59
        ann     | 2026-03-02 09:00
        ann     | 2026-03-02 10:59
        """,
        period,
        "hour",
    ) == [(0, 1, 0, 0), (0, 1, 0, 0), (0, 0, 0, 1)]


def test_rooms_are_counted_like_users() -> None:
    """Room 1 comes and returns, room -1 comes and is dormant; whoever estimates there doesn't matter."""
    assert counts_of(
        """
        room_id | user_id | estimated_at
        1       | ann     | 2026-03-02 09:00
        1       | -       | 2026-03-03 09:00
        -1      | ann     | 2026-03-02 09:00
        """,
        Period.of_days(date(2026, 3, 2), date(2026, 3, 3)),
        "day",
        "room",
    ) == [(2, 0, 0, 0), (0, 1, 0, 1)]


@pytest.mark.parametrize("entity", ["user", "room"])
def test_nobody_is_not_counted(entity: Entity) -> None:
    """Rows without a user, a room or a time."""
    drawn = """
        room_id | user_id | estimated_at
        -       | -       | 2026-03-02 09:00
        -       | -       | 2026-02-02 09:00
        1       | ann     | -
        """
    assert counts_of(drawn, WEEK, entity=entity) == [(0, 0, 0, 0)]


@pytest.mark.parametrize("entity", ["user", "room"])
def test_an_empty_table_has_a_row_of_zeros_per_bucket(entity: Entity) -> None:
    """Seven quiet days."""
    result = lifecycle(
        rows(ESTIMATIONS), WEEK, entity=entity, granularity="day", week_start="monday", known_until=WEEK.end
    )
    assert result.schema == {"bucket": pl.Int32, **dict.fromkeys(COUNTS, pl.Int64)}
    assert result.select(COUNTS).rows() == [(0, 0, 0, 0)] * 7


def test_an_empty_period_has_no_row() -> None:
    """From Monday to the Sunday before."""
    empty = Period.of_days(date(2026, 3, 2), date(2026, 3, 1))
    assert counts_of("user_id | estimated_at\nann | 2026-03-01 09:00", empty, "day") == []


def test_a_row_is_what_the_model_describes() -> None:
    """The columns are the model's fields."""
    estimations = rows(ESTIMATIONS, "user_id | estimated_at\nann | 2026-03-02 09:00")
    result = lifecycle(estimations, WEEK, entity="user", granularity="week", week_start="monday", known_until=WEEK.end)
    assert LifecycleCounts.model_validate(result.drop("bucket").row(0, named=True)) == LifecycleCounts(
        new=1, returning=0, resurrecting=0, dormant=0
    )


# The slow twin.


def slow_lifecycle(case: Lives) -> list[tuple[int, int, int, int]]:
    """The definitions of the terms, line by line."""
    active = case.active(case.period.end)
    result = []
    for bucket in case.buckets():
        before = case.begin(bucket - MICROSECOND)
        here = [buckets for buckets in active if bucket in buckets]
        new = [buckets for buckets in here if min(buckets) == bucket]
        returning = [buckets for buckets in here if before in buckets]
        resurrecting = [buckets for buckets in here if before not in buckets and min(buckets) < bucket]
        dormant = [buckets for buckets in active if before in buckets and bucket not in buckets]
        result.append((len(new), len(returning), len(resurrecting), len(dormant)))
    return result


GRANULARITIES: tuple[Granularity, ...] = ("hour", "day", "week", "month", "quarter", "year")
WEEK_STARTS: tuple[WeekStart, ...] = ("monday", "sunday")


# Clocks change at other times of the day, at midnight, or by half an hour; or local time is half an hour off.
def fast_lifecycle(case: Lives, frame: pl.LazyFrame | None = None) -> list[tuple[int, ...]]:
    """What the service computes."""
    estimations = case.frame() if frame is None else frame
    result = lifecycle(
        estimations,
        case.period,
        entity=case.entity,
        granularity=case.granularity,
        week_start=case.week_start,
        known_until=case.period.end,
    )
    return result.select(COUNTS).rows()


@more_examples
@given(lives())
def test_fast_and_slow_agree(case: Lives) -> None:
    """Bucket by bucket, in every zone."""
    assert fast_lifecycle(case) == slow_lifecycle(case)


@given(lives())
def test_who_is_active_came_from_somewhere(case: Lives) -> None:
    """New, returning and resurrecting are all the active ones; of the bucket before, all others are dormant."""
    active = case.active(case.period.end)
    result = fast_lifecycle(case)
    assert len(result) == len(case.buckets())
    for bucket, (new, returning, resurrecting, dormant) in zip(case.buckets(), result, strict=True):
        before = case.begin(bucket - MICROSECOND)
        assert new + returning + resurrecting == sum(bucket in buckets for buckets in active)
        assert dormant == sum(before in buckets for buckets in active) - returning


@given(lives(), groups_of_subjects)
def test_groups_add_up(case: Lives, groups: Mapping[Any, int]) -> None:
    """The counts of parts of the users (rooms) sum to those of all."""
    parts = [fast_lifecycle(part) for part in case.groups(groups)]
    sums = [tuple(map(sum, zip(*buckets, strict=True))) for buckets in zip(*parts, strict=True)]
    assert sums == fast_lifecycle(case)


@given(lives(), st.integers(0, 2**32))
def test_neither_order_nor_engine_matters(case: Lives, seed: int) -> None:
    """Shuffled and streamed in pieces of three rows, or in memory at once."""
    shuffled = case.frame().collect().sample(fraction=1, shuffle=True, seed=seed).lazy()
    with pl.Config(engine_affinity="in-memory"):
        in_memory = fast_lifecycle(case)
    with pl.Config(engine_affinity="streaming", streaming_chunk_size=3):
        assert fast_lifecycle(case, shuffled) == in_memory
