"""Totals and averages of votes, worked by hand."""

from calculations.fpp.votes import WEEKDAYS, Votes, votes
from read_model.tables.fpp import ESTIMATIONS, VOTES
from tests.rows import repeated, rows


def votes_of(drawn: str = "", estimations: str = "", zone: str = "UTC") -> Votes:
    """The figures of two drawn tables."""
    return votes(rows(VOTES, drawn), rows(ESTIMATIONS, estimations), zone)


def test_empty_tables_are_all_zeros() -> None:
    """Nothing to count and nothing to average; the seven weekdays are there all the same."""
    assert votes_of() == Votes(
        total_votes=0,
        total_estimations=0,
        avg_estimations_per_vote=0,
        avg_spectators_per_vote=0,
        avg_duration_per_vote=0,
        avg_estimation=0,
        avg_min_estimation=0,
        avg_max_estimation=0,
        weekday_counts=dict.fromkeys(WEEKDAYS, 0),
        estimation_counts={},
    )


def test_totals() -> None:
    """Two votes with 3 and 4 estimations: 7 estimations."""
    result = votes_of("""
        amount_of_estimations
        3
        4
        """)
    assert (result.total_votes, result.total_estimations) == (2, 7)


def test_averages_are_means_over_votes() -> None:
    """Over three votes: (2+3+5)/3, (0+1+1)/3, (1.50+2.25+3.00)/3, (1+1+2)/3 and (2+3+8)/3, with two decimals."""
    result = votes_of("""
        amount_of_estimations | amount_of_spectators | avg_estimation | min_estimation | max_estimation
        2                     | 0                    | 1.50           | 1              | 2
        3                     | 1                    | 2.25           | 1              | 3
        5                     | 1                    | 3.00           | 2              | 8
        """)
    assert result.avg_estimations_per_vote == 3.33
    assert result.avg_spectators_per_vote == 0.67
    assert result.avg_estimation == 2.25
    assert result.avg_min_estimation == 1.33
    assert result.avg_max_estimation == 4.33


def test_average_duration_is_in_minutes() -> None:
    """30 s and 60 s are 90 s, 45 s each, three quarters of a minute."""
    result = votes_of("""
        duration
        30
        60
        """)
    assert result.avg_duration_per_vote == 0.75


def test_nulls_are_left_out_of_sums_and_means() -> None:
    """Both votes count; of every measure only the known value does, so each mean is that value."""
    result = votes_of("""
        amount_of_estimations|amount_of_spectators|avg_estimation|min_estimation|max_estimation|duration
        4                    |2                   |2.50          |1             |8             |120
        null                 |null                |null          |null          |null          |null
        """)
    assert (result.total_votes, result.total_estimations) == (2, 4)
    assert (result.avg_estimations_per_vote, result.avg_spectators_per_vote) == (4, 2)
    assert (result.avg_estimation, result.avg_min_estimation, result.avg_max_estimation) == (2.5, 1, 8)
    assert result.avg_duration_per_vote == 2


def test_decimals_are_summed_exactly() -> None:
    """0.10 + 0.35 are 0.45, the mean 0.225 is 0.23; as binary floats the sum is below 0.45, and the mean 0.22."""
    result = votes_of("""
        avg_estimation
        0.10
        0.35
        """)
    assert result.avg_estimation == 0.23


def test_sums_above_32_bits() -> None:
    """70,000 votes of 32,767 estimations, spectators and seconds each: 2,293,690,000 is more than 2³¹."""
    drawn = rows(
        VOTES,
        """
        amount_of_estimations | amount_of_spectators | duration
        32767                 | 32767                | 32767
        """,
    )
    result = votes(repeated(drawn, 70_000), rows(ESTIMATIONS))
    assert (result.total_votes, result.total_estimations) == (70_000, 2_293_690_000)
    assert (result.avg_estimations_per_vote, result.avg_spectators_per_vote) == (32_767, 32_767)
    assert result.avg_duration_per_vote == 546.12


def test_weekday_counts_begin_a_day_at_midnight() -> None:
    """The last second of Sunday is Sunday's, the next one Monday's; Monday has two votes."""
    result = votes_of("""
        voted_at
        2026-03-01 23:59:59
        2026-03-02 00:00:00
        2026-03-02 23:59:59
        2026-03-03 00:00:00
        """)
    assert result.weekday_counts == {
        "Monday": 2,
        "Tuesday": 1,
        "Wednesday": 0,
        "Thursday": 0,
        "Friday": 0,
        "Saturday": 0,
        "Sunday": 1,
    }
    assert list(result.weekday_counts) == list(WEEKDAYS)


def test_weekdays_are_those_of_the_zone() -> None:
    """Sunday 23:30 in UTC is half past midnight of Monday in Berlin."""
    drawn = """
        voted_at
        2026-03-01 23:30
        """
    for zone, day in (("UTC", "Sunday"), ("Europe/Berlin", "Monday")):
        counts = votes_of(drawn, zone=zone).weekday_counts
        assert {name for name, count in counts.items() if count} == {day}


def test_weekday_counts_hold_the_weekend() -> None:
    """One vote on each day of a week, one more on Saturday."""
    result = votes_of("""
        voted_at
        2026-03-02 09:00
        2026-03-03 09:00
        2026-03-04 09:00
        2026-03-05 09:00
        2026-03-06 09:00
        2026-03-07 09:00
        2026-03-07 10:00
        2026-03-08 09:00
        """)
    assert result.weekday_counts == dict.fromkeys(WEEKDAYS, 1) | {"Saturday": 2}


def test_a_vote_without_a_time_has_no_weekday() -> None:
    """It counts in the total, on none of the seven days."""
    result = votes_of("""
        voted_at
        null
        """)
    assert result.total_votes == 1
    assert result.weekday_counts == dict.fromkeys(WEEKDAYS, 0)


def test_votes_of_any_time_and_of_erased_rooms_count() -> None:
    """One long before any START_DATE, one in a room that no longer exists, one without a room: three votes."""
    result = votes_of("""
        room_id | amount_of_estimations | voted_at
        1       | 1                     | 2001-01-01 00:00
        404     | 1                     | 2026-03-02 09:00
        null    | 1                     | 2026-03-02 09:00
        """)
    assert (result.total_votes, result.total_estimations) == (3, 3)


def test_estimation_counts_ascend_by_number() -> None:
    """Two 2s, one 13, one 100, one 0 and one -1: 2 comes before 13 and 100."""
    result = votes_of(
        estimations="""
        estimation
        13
        2
        100
        -1
        2
        0
        """
    )
    assert list(result.estimation_counts.items()) == [(-1, 1), (0, 1), (2, 2), (13, 1), (100, 1)]


def test_estimation_counts_are_keyed_by_strings_in_json() -> None:
    """JSON has no other keys."""
    result = votes_of(
        estimations="""
        estimation
        13
        2
        """
    )
    assert list(result.model_dump(mode="json")["estimation_counts"].items()) == [("2", 1), ("13", 1)]


def test_estimations_without_a_value_are_left_out() -> None:
    """Of three estimations one has a value; no key stands for null."""
    result = votes_of(
        estimations="""
        estimation | spectator
        null       | true
        5          | false
        null       | false
        """
    )
    assert result.estimation_counts == {5: 1}
