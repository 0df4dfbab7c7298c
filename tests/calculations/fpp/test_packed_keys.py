"""Keys of activities and of days, worked by hand at their limits, and against tuples."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby, pairwise
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calculations.fpp.packed_keys import (
    ESTIMATED,
    LOOKED,
    activity,
    at_most,
    begins_user,
    day_of,
    gap,
    is_estimation,
    microsecond,
    microseconds,
    packed_day,
    subject_of,
    user_hash,
)
from calculations.time.period import MICROSECOND
from read_model.table import INSTANT

type Activity = tuple[str | None, datetime | None, int]

NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)
TEN_MINUTES = timedelta(minutes=10)
KINDS = (LOOKED, ESTIMATED)
# A user's last key and the one of a user whose hash is the next: as close as two users can come.
FIRST_HASH, NEXT_HASH = 2**63, 2**63 + 1
LAST_TIME = datetime.max.replace(tzinfo=UTC)
FIRST_TIME = datetime(1970, 1, 1, tzinfo=UTC)


def keys_of(activities: Sequence[Activity]) -> list[int | None]:
    """The keys of activities: user, time and kind."""
    frame = pl.DataFrame(
        {name: [row[i] for row in activities] for i, name in enumerate(("user", "at", "kind"))},
        schema={"user": pl.String, "at": INSTANT, "kind": pl.Int8},
    )
    packed = {kind: activity("user", "at", kind) for kind in KINDS}
    both = frame.select(pl.when(pl.col("kind") == ESTIMATED).then(packed[ESTIMATED]).otherwise(packed[LOOKED]))
    return both.to_series().to_list()


def instant(of: str) -> pl.Expr:
    """The time of a packed activity (Datetime)."""
    return microsecond(of).cast(INSTANT)


def key(hashed: int, at: datetime, kind: int) -> int:
    """The key of a user whose hash is known, in Python's integers."""
    return (hashed << 64) + (at - FIRST_TIME) // MICROSECOND * 4 + kind


def sorted_frame(keys: Sequence[int | None]) -> pl.DataFrame:
    """`key` in order, as Polars knows, and `gap`."""
    frame = pl.Series("key", keys, dtype=pl.UInt128).sort().to_frame()
    return frame.with_columns(gap=gap("key"))


def told(keys: Sequence[int | None], *expressions: pl.Expr) -> list[Any]:
    """What expressions tell of sorted keys: values, or tuples of several."""
    told = sorted_frame(keys).select(expression.alias(str(i)) for i, expression in enumerate(expressions)).rows()
    return [row[0] for row in told] if len(expressions) == 1 else told


# Activities


def test_a_key_is_the_hash_the_time_and_the_kind() -> None:
    """From high to low: 64 bits of the user, microseconds since 1970 times 4, 1 for an estimation."""
    hashed = pl.DataFrame({"user": ["ann"]}).select(user_hash("user")).item()
    assert keys_of([("ann", NINE, LOOKED), ("ann", NINE + MICROSECOND, ESTIMATED)]) == [
        key(hashed, NINE, LOOKED),
        key(hashed, NINE, LOOKED) + 4 + 1,
    ]


def test_keys_sort_by_user_then_time_then_kind() -> None:
    """Two users by turns: each one's four activities together, at one instant the view before the estimation."""
    users, times = ("zoë", "ann"), (NINE + MICROSECOND, NINE)
    drawn = [(user, at, kind) for kind in (ESTIMATED, LOOKED) for at in times for user in users]
    ordered = [row for _, row in sorted(zip(keys_of(drawn), drawn, strict=True))]
    each = [(at, kind) for at in reversed(times) for kind in KINDS]
    assert ordered in ([(user, *rest) for user in order for rest in each] for order in (users, users[::-1]))


activities = st.lists(
    st.tuples(
        st.sampled_from(("zoë", "ann", "Ann", "李雷", "")),
        st.integers(0, 5).map(lambda n: NINE + n * MICROSECOND)
        | st.datetimes(FIRST_TIME.replace(tzinfo=None)).map(lambda at: at.replace(tzinfo=UTC)),
        st.sampled_from(KINDS),
    ),
    max_size=12,
)


@given(activities)
def test_keys_sort_as_tuples_do(drawn: list[Activity]) -> None:
    """Each user's rows lie together, in the order of time and kind; `gap` finds where another user begins."""
    ordered = [row for _, row in sorted(zip(keys_of(drawn), drawn, strict=True))]
    together = [(user, list(rows)) for user, rows in groupby(ordered, key=lambda row: row[0])]
    assert len(together) == len({user for user, _, _ in drawn})
    for _, rows in together:
        assert rows == sorted(rows, key=lambda row: row[1:])
    begins = [i == 0 or row[0] != ordered[i - 1][0] for i, row in enumerate(ordered)]
    assert told(keys_of(drawn), begins_user("gap")) == begins


@given(activities)
def test_keys_tell_time_and_kind(drawn: list[Activity]) -> None:
    """Of every activity, in the order of keys."""
    expected = [row[1:] for _, row in sorted(zip(keys_of(drawn), drawn, strict=True))]
    found = told(keys_of(drawn), instant("key"), is_estimation("key"))
    assert found == [(at, kind == ESTIMATED) for at, kind in expected]


@given(activities, st.sampled_from((timedelta(), 3 * MICROSECOND, TEN_MINUTES, 100 * 365 * timedelta(days=1))))
def test_gaps_are_distances_in_time(drawn: list[Activity], longest: timedelta) -> None:
    """Between neighbours of one user, exactly; neighbours of two users are never near."""
    ordered = [row for _, row in sorted(zip(keys_of(drawn), drawn, strict=True))]
    found = told(keys_of(drawn), at_most("gap", longest), microseconds("gap"))[1:]
    for (earlier, later), (is_near, distance_us) in zip(pairwise(ordered), found, strict=True):
        assert earlier[1] is not None
        assert later[1] is not None
        distance = later[1] - earlier[1]
        if earlier[0] == later[0]:
            assert (is_near, distance_us) == (distance <= longest, distance // MICROSECOND)
        else:
            assert is_near is False


@pytest.mark.parametrize("longest", [TEN_MINUTES, MICROSECOND, timedelta(), timedelta(days=36_500)])
@pytest.mark.parametrize("first", KINDS, ids=["view", "estimation"])
@pytest.mark.parametrize("second", KINDS, ids=["then view", "then estimation"])
def test_at_most_is_exact_to_the_microsecond(first: int, second: int, longest: timedelta) -> None:
    """One microsecond less and the longest gap itself are within it, one microsecond more is not: for all kinds."""
    for more, is_within in ((-1, True), (0, True), (1, False)):
        distance = longest + more * MICROSECOND
        if distance < timedelta() or (not distance and first > second):
            continue
        keys = keys_of([("ann", NINE, first), ("ann", NINE + distance, second)])
        assert told(keys, at_most("gap", longest), microseconds("gap"))[1] == (is_within, distance // MICROSECOND)


def test_the_first_gap_is_null() -> None:
    """Nothing lies above: no distance, and the first key begins a user."""
    keys = keys_of([("ann", NINE, LOOKED)])
    assert told(keys, pl.col("gap"), at_most("gap", TEN_MINUTES), begins_user("gap"), microseconds("gap")) == [
        (None, None, True, None)
    ]


def test_users_with_neighbouring_hashes_stay_apart() -> None:
    """The last activity in the year 9999, then the next hash's first in 1970, though the gap is less than 2⁶⁴."""
    keys = [key(FIRST_HASH, LAST_TIME, ESTIMATED), key(NEXT_HASH, FIRST_TIME, LOOKED)]
    assert keys[1] - keys[0] < 2**64
    assert told(keys, begins_user("gap"), at_most("gap", timedelta(days=36_500))) == [(True, None), (True, False)]


def test_one_user_from_1970_to_9999_is_one_user() -> None:
    """The longest gap there is, exact to the microsecond."""
    keys = [key(FIRST_HASH, FIRST_TIME, LOOKED), key(FIRST_HASH, LAST_TIME, ESTIMATED)]
    distance_us = (LAST_TIME - FIRST_TIME) // MICROSECOND
    assert told(keys, begins_user("gap"), microseconds("gap"))[1] == (False, distance_us)


@pytest.mark.parametrize("hashed", [0, 1, 2**63, 2**64 - 1])
def test_the_highest_and_lowest_hash(hashed: int) -> None:
    """All 64 bits are the user's: time and kind are told all the same."""
    keys = [key(hashed, NINE, LOOKED), key(hashed, NINE, ESTIMATED)]
    assert told(keys, instant("key"), is_estimation("key"), begins_user("gap")) == [
        (NINE, False, True),
        (NINE, True, False),
    ]


def test_what_is_told_of_sorted_keys_is_not_taken_for_sorted() -> None:
    """Three users, old views and new ones: keys ascend, their times do not.

    Polars takes what it casts from a sorted column for sorted, and would compare only until the answer changes.
    """
    keys = [
        key(1, NINE, ESTIMATED),
        key(2, FIRST_TIME, LOOKED),
        key(2, NINE - TEN_MINUTES, LOOKED),
        key(3, FIRST_TIME, LOOKED),
        key(3, NINE, LOOKED),
    ]
    expressions = (is_estimation("key"), instant("key") >= NINE)
    expected = [(True, True), (False, False), (False, False), (False, False), (False, True)]
    frame = sorted_frame(keys)
    assert frame["key"].flags["SORTED_ASC"]
    assert told(keys, *expressions) == expected
    counts = [sum(column) for column in zip(*expected, strict=True)]
    with pl.Config(engine_affinity="in-memory"):
        assert [frame.lazy().filter(expression).collect().height for expression in expressions] == counts
    with pl.Config(engine_affinity="streaming"):
        assert [frame.lazy().filter(expression).collect().height for expression in expressions] == counts
    assert frame.select(instant("key").max()).item() == NINE
    assert (
        frame.select(instant("key")).to_series().sort().to_list()
        == [FIRST_TIME] * 2 + [NINE - TEN_MINUTES] + [NINE] * 2
    )


@pytest.mark.parametrize("kind", KINDS, ids=["view", "estimation"])
def test_an_activity_of_nobody_has_no_key(kind: int) -> None:
    """Whether it has a time or not; a name of no letters is somebody."""
    null, timeless, nameless = keys_of([(None, NINE, kind), (None, None, kind), ("", NINE, kind)])
    assert (null, timeless) == (None, None)
    assert nameless is not None


def test_an_activity_without_a_time_has_no_key() -> None:
    """Somebody, some time."""
    assert keys_of([("ann", None, LOOKED), ("ann", None, ESTIMATED)]) == [None, None]


def test_user_hash_is_exact() -> None:
    """Ann, ann, zoë and zoe are four; the same name in another table is the same user; null is nobody."""
    names = ["Ann", "ann", "zoë", "zoe", "", None]
    first = pl.DataFrame({"user_id": names}).select(user_hash()).to_series()
    second = pl.DataFrame({"id": [*names[::-1], "bob"]}).select(user_hash("id")).to_series()
    assert first.dtype == pl.UInt64
    assert first.to_list()[-1] is None
    assert first.drop_nulls().n_unique() == 5
    assert second.to_list()[:6] == first.to_list()[::-1]


# Days


def days_of(subjects: pl.Series, days: Sequence[int | None]) -> pl.DataFrame:
    """`key`, `subject` and `day` of packed days."""
    frame = pl.DataFrame({"subject": subjects, "day": pl.Series(days, dtype=pl.Int32)})
    packed = frame.select(key=packed_day(pl.col("subject"), pl.col("day")))
    return packed.select("key", subject=subject_of("key"), day=day_of("key"))


LAST_DAY = 2**24 - 1
LIMIT = 2**39


@pytest.mark.parametrize(
    ("dtype", "subjects"),
    [
        (pl.UInt32(), [0, 1, 2**32 - 1]),
        (pl.Int32(), [-(2**31), -1, 0, 1, 2**31 - 1]),
        (pl.Int64(), [-LIMIT, -1, 0, 1, LIMIT - 1]),
        (pl.UInt64(), [0, 1, LIMIT - 1]),
    ],
    ids=str,
)
def test_subjects_and_days_are_told_at_their_limits(dtype: pl.DataType, subjects: list[int]) -> None:
    """The least and the greatest, -1, 0 and 1, on the first and last day: in the order of subjects, then of days."""
    drawn = [(subject, day) for subject in subjects for day in (0, LAST_DAY)]
    found = days_of(pl.Series([subject for subject, _ in drawn], dtype=dtype), [day for _, day in drawn])
    assert found.schema == {"key": pl.Int64, "subject": pl.Int64, "day": pl.Int32}
    assert found.select("subject", "day").rows() == drawn
    assert found["key"].is_sorted()
    assert found["key"].n_unique() == len(drawn)


def test_no_subject_or_no_day_has_no_key() -> None:
    """A room without an id, and one without a time."""
    found = days_of(pl.Series([None, 7], dtype=pl.Int32), [1, None])
    assert found.rows() == [(None, None, None)] * 2


@given(st.lists(st.tuples(st.integers(-LIMIT, LIMIT - 1), st.integers(0, LAST_DAY)), max_size=10))
def test_packed_days_sort_as_tuples_do(drawn: list[tuple[int, int]]) -> None:
    """And are told back."""
    subjects, days = [subject for subject, _ in drawn], [day for _, day in drawn]
    found = days_of(pl.Series(subjects, dtype=pl.Int64), days).sort("key")
    assert list(zip(found["subject"], found["day"], strict=True)) == sorted(drawn)
