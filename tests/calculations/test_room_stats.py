"""The figures of one room, worked by hand."""

import pytest

from calculations.room_stats import RoomStats, room_stats
from read_model.tables import VOTES
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
