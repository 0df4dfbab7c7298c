"""The figures of one room, worked by hand, and rounded as Python rounds."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calculations.fpp.room_stats import TOTALS, RoomStats, figures, room_stats
from calculations.frames.arithmetic import rounded
from read_model.tables.fpp import VOTES
from tests import oracle
from tests.calculations.strategies import Case
from tests.rows import repeated, rows

ZEROS = RoomStats(
    votes=0,
    duration=0,
    estimations=0,
    estimations_per_vote=0,
    avg_min_estimation=0,
    avg_avg_estimation=0,
    avg_max_estimation=0,
    spectators=0,
    spectators_per_vote=0,
)

# Counts that divide into ties, and others; with totals in hundredths and whole.
COUNTS = st.one_of(st.sampled_from((1, 2, 4, 8, 20, 40, 200, 2_000)), st.integers(1, 10**7))
SUMS = st.integers(-(10**6), 10**6) | st.integers(-(2**40), 2**40)
QUOTIENTS = st.builds(lambda total, count: float(total) / count, SUMS, COUNTS)
QUOTIENTS_OF_HUNDREDTHS = st.builds(lambda total, count: float(Decimal(total).scaleb(-2)) / count, SUMS, COUNTS)
FLOATS = st.floats(-1e9, 1e9)


def test_an_empty_table_is_all_zeros() -> None:
    """Nobody has voted anywhere."""
    assert room_stats(rows(VOTES), 7) == ZEROS


@pytest.mark.parametrize("room_id", [1, 2**31 - 1, 2**31, 2**63 - 1, 2**63])
def test_a_room_without_votes_is_all_zeros(room_id: int) -> None:
    """Only room 7 and no room have votes; a number too large for the column is just a room without votes."""
    votes = rows(
        VOTES,
        """
        room_id | amount_of_estimations
        7       | 3
        null    | 3
        """,
    )
    assert room_stats(votes, room_id) == ZEROS


def test_only_the_votes_of_the_room_count() -> None:
    """Room 7: 2 + 3 estimations and 1 + 0 spectators in two votes; those of room 8 and of none don't matter."""
    votes = rows(
        VOTES,
        """
        room_id | amount_of_estimations | amount_of_spectators | duration
        7       | 2                     | 1                    | 10
        8       | 100                   | 100                  | 100
        7       | 3                     | 0                    | 20
        null    | 100                   | 100                  | 100
        """,
    )
    result = room_stats(votes, 7)
    assert (result.votes, result.estimations, result.spectators, result.duration) == (2, 5, 1, 15)
    assert (result.estimations_per_vote, result.spectators_per_vote) == (2.5, 0.5)


def test_averages_are_means_over_votes() -> None:
    """Over three votes: (1+1+2)/3, (1.50+2.25+3.00)/3 and (2+3+8)/3, with two decimals."""
    votes = rows(
        VOTES,
        """
        room_id | min_estimation | avg_estimation | max_estimation
        7       | 1              | 1.50           | 2
        7       | 1              | 2.25           | 3
        7       | 2              | 3.00           | 8
        """,
    )
    result = room_stats(votes, 7)
    assert (result.avg_min_estimation, result.avg_avg_estimation, result.avg_max_estimation) == (1.33, 2.25, 4.33)


@pytest.mark.parametrize(("seconds", "duration"), [((30, 31, 31), 31), ((30, 30, 31), 30), ((0, 0, 0), 0)])
def test_duration_is_in_whole_seconds(seconds: tuple[int, ...], duration: int) -> None:
    """92 s in three votes are 30.67, rounded 31; 91 s are 30.33, rounded 30."""
    votes = rows(VOTES, "room_id | duration\n" + "\n".join(f"7 | {value}" for value in seconds))
    result = room_stats(votes, 7).duration
    assert result == duration
    assert isinstance(result, int)


def test_per_vote_divides_by_all_votes_while_means_are_over_known_values() -> None:
    """One of two votes has no numbers: 3/2 estimations and 1/2 spectators per vote; the means are 2, 3, 5 and 60."""
    votes = rows(
        VOTES,
        """
        room_id|amount_of_estimations|amount_of_spectators|min_estimation|avg_estimation|max_estimation|duration
        7      |3                    |1                   |2             |3.00          |5             |60
        7      |null                 |null                |null          |null          |null          |null
        """,
    )
    assert room_stats(votes, 7) == RoomStats(
        votes=2,
        duration=60,
        estimations=3,
        estimations_per_vote=1.5,
        avg_min_estimation=2,
        avg_avg_estimation=3,
        avg_max_estimation=5,
        spectators=1,
        spectators_per_vote=0.5,
    )


def test_votes_of_any_time_count() -> None:
    """Before any START_DATE, at midnight, on a Saturday and at an unknown time: four votes."""
    votes = rows(
        VOTES,
        """
        room_id | voted_at
        7       | 2001-01-01 09:00
        7       | 2026-03-02 00:00
        7       | 2026-03-07 09:00
        7       | null
        """,
    )
    assert room_stats(votes, 7).votes == 4


def test_sums_above_32_bits() -> None:
    """70,000 votes of 32,767 estimations, spectators and seconds each: 2,293,690,000 is more than 2³¹."""
    drawn = rows(
        VOTES,
        """
        room_id | amount_of_estimations | amount_of_spectators | duration
        7       | 32767                 | 32767                | 32767
        """,
    )
    result = room_stats(repeated(drawn, 70_000), 7)
    assert (result.votes, result.estimations, result.spectators) == (70_000, 2_293_690_000, 2_293_690_000)
    assert (result.duration, result.estimations_per_vote) == (32_767, 32_767)


@pytest.mark.parametrize(
    ("values", "mean"),
    [
        (("2.67", "2.68"), 2.67),
        (("2.66", "2.67"), 2.67),
        (("1.00", "1.01"), 1.0),
        (("0.12", "0.13"), 0.12),
        (("0.13", "0.14"), 0.14),
        (("-0.29", "-0.30"), -0.29),
        (("0.07", "0.07"), 0.07),
        (("-0.01", "0.00", "0.00"), -0.0),
    ],
)
def test_a_mean_between_two_hundredths_goes_to_the_nearer_one(values: tuple[str, ...], mean: float) -> None:
    """In binary 2.675 and 1.005 are less than written, 2.665 and -0.295 more; 0.125 is exact and goes to the even 12,
    while 0.135 is more. A mean of -0.003 is -0.0, and 0.07 has no further digits."""
    drawn = rows(VOTES, "room_id | avg_estimation\n" + "\n".join(f"7 | {value}" for value in values))
    assert repr(room_stats(drawn, 7).avg_avg_estimation) == repr(mean)


@given(st.lists(QUOTIENTS | QUOTIENTS_OF_HUNDREDTHS | FLOATS, max_size=100))
def test_numbers_are_rounded_as_python_rounds(numbers: list[float]) -> None:
    """To the last bit, and to the sign of a zero."""
    table = pl.LazyFrame({"number": numbers}, schema={"number": pl.Float64()})
    result = table.select(rounded(pl.col("number"))).collect().to_series().to_list()
    assert [repr(number) for number in result] == [repr(round(number, 2)) for number in numbers]


def test_every_tie_up_to_a_hundred_is_rounded_as_python_rounds() -> None:
    """0.005, 0.015, ... 99.995 and the numbers just before and after them, of both signs."""
    ties = pl.Series([(2 * number + 1) / 200 for number in range(10_000)])
    numbers = pl.concat([sign * (ties + step * 1e-14) for sign in (-1, 1) for step in (-1, 0, 1)])
    result = numbers.to_frame("number").select(rounded(pl.col("number"))).to_series().to_list()
    assert result == [round(number, 2) for number in numbers]


@st.composite
def votes_of_one_room(draw: st.DrawFn) -> Case:
    """Few votes of any numbers: means of any two decimals, amounts as large as the columns hold."""
    is_wide = draw(st.booleans())
    largest = 2**31 - 1 if is_wide else 2**15 - 1
    amounts = st.none() | st.integers(0, 20) | st.integers(largest - 20, largest)
    points = st.none() | st.integers(-1, 100)
    row = st.fixed_dictionaries(
        dict.fromkeys(VOTES.columns, st.none())
        | dict.fromkeys(("amount_of_estimations", "amount_of_spectators", "duration"), amounts)
        | dict.fromkeys(("min_estimation", "max_estimation"), points)
        | {"room_id": st.just(7), "avg_estimation": st.none() | st.decimals("-99.99", "99.99", places=2)}
    )
    votes: list[dict[str, Any]] = draw(st.lists(row, max_size=10)) * draw(st.sampled_from((1, 3)))
    return Case({VOTES: votes}, date(2026, 3, 2), datetime(2026, 3, 2, tzinfo=UTC), is_wide)


@given(votes_of_one_room())
def test_figures_of_any_numbers_are_those_of_plain_python(case: Case) -> None:
    """Sums above 2³¹ and averages of Decimal(4, 2), also in pieces of one row."""
    expected = oracle.room_stats(case.tables, 7)
    with pl.Config(engine_affinity="streaming", streaming_chunk_size=1):
        streamed = room_stats(case.frame(VOTES), 7).model_dump()
    assert repr(room_stats(case.frame(VOTES), 7).model_dump()) == repr(streamed) == repr(expected)


def test_figures_are_the_fields_in_order() -> None:
    """After the keys; whole numbers Int64, means Float64."""
    totals = rows(VOTES).group_by("room_id").agg(TOTALS)
    schema = figures(totals, "room_id").collect_schema()
    whole = ("votes", "duration", "estimations", "spectators")
    fields = {name: pl.Int64() if name in whole else pl.Float64() for name in RoomStats.model_fields}
    assert list(schema.items()) == [("room_id", pl.Int32()), *fields.items()]
