"""How many of a cohort are still there: worked by hand, by a slow twin, and what must add up."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any, get_args

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calculations.fpp.active_buckets import Entity
from calculations.fpp.retention import Retention, RetentionGranularity, RetentionType, retention
from calculations.time.buckets import WeekStart
from calculations.time.period import MICROSECOND, Period
from read_model.tables.fpp import ESTIMATIONS
from tests.calculations.fpp.lives import CLOSE, Lives, groups_of_subjects, lives
from tests.rows import rows

type Cell = tuple[int | None, float | None]
type Means = list[tuple[int, int, int, float | None]]

THREE_WEEKS = Period.of_days(date(2026, 3, 2), date(2026, 3, 22))  # Monday to Sunday
MONDAY = Period.of_days(date(2026, 3, 2), date(2026, 3, 2))
LATER = datetime(2027, 1, 1, tzinfo=UTC)

# Ann comes in week 1, 2 and 4, Bob in week 1 and 3, Cem in week 2; Dan came the week before, and comes in week 2.
FOUR_USERS = """
    user_id | room_id | estimated_at
    dan     | 4       | 2026-03-01 23:59:59.999999
    ann     | 1       | 2026-03-02 00:00
    bob     | -2      | 2026-03-03 09:00
    ann     | 1       | 2026-03-08 23:59:59.999999
    ann     | 1       | 2026-03-09 00:00
    cem     | 0       | 2026-03-10 09:00
    dan     | 4       | 2026-03-11 09:00
    bob     | -2      | 2026-03-17 09:00
    bob     | -2      | 2026-03-17 09:00
    ann     | 1       | 2026-03-24 09:00
    -       | -       | 2026-03-02 09:00
    -       | -       | 2026-03-09 09:00
    eve     | 5       | -
    """


def retained(
    estimations: str,
    period: Period = THREE_WEEKS,
    granularity: RetentionGranularity = "week",
    *,
    entity: Entity = "user",
    week_start: WeekStart = "monday",
    intervals: int = 3,
    retention_type: RetentionType = "first_time",
    cumulative: bool = False,
    known_until: datetime = LATER,
) -> Retention:
    """Retention of a drawn table."""
    table = rows(ESTIMATIONS, estimations)
    return retention(
        table,
        period,
        entity=entity,
        granularity=granularity,
        week_start=week_start,
        intervals=intervals,
        retention_type=retention_type,
        cumulative=cumulative,
        known_until=known_until,
    )


def cohorts(result: Retention) -> list[tuple[int, list[int | None]]]:
    """Each cohort's size and its retained users or rooms, interval by interval."""
    grouped = result.cells.group_by("bucket", maintain_order=True).agg(pl.col("size").first(), "retained")
    assert grouped["bucket"].to_list() == list(range(len(grouped)))
    return grouped.select("size", "retained").rows()


def test_cohorts_of_those_who_come_for_the_first_time() -> None:
    """Ann and Bob are week 1's cohort, Ann is there in week 2 and Bob in week 3. Cem is week 2's, and gone. Dan is
    older than all cohorts."""
    result = retained(FOUR_USERS)
    assert cohorts(result) == [(2, [2, 1, 1]), (1, [1, 0, 0]), (0, [0, 0, 0])]
    assert result.cells["rate"].to_list() == [1.0, 0.5, 0.5, 1.0, 0.0, 0.0, None, None, None]
    assert result.means.rows() == [(0, 3, 3, 1.0), (1, 3, 1, 0.3333), (2, 3, 1, 0.3333)]


def test_cohorts_of_all_who_are_active() -> None:
    """Week 1: Ann and Bob. Week 2: Ann, Cem and Dan, of whom Ann is there two weeks later. Week 3: Bob."""
    result = retained(FOUR_USERS, retention_type="recurring")
    assert cohorts(result) == [(2, [2, 1, 1]), (3, [3, 0, 1]), (1, [1, 0, 0])]
    assert result.means.rows() == [(0, 6, 6, 1.0), (1, 6, 1, 0.1667), (2, 6, 2, 0.3333)]


def test_cumulative_counts_those_who_come_later_too() -> None:
    """In week 2 or later both of week 1's come, in week 3 or later, too: Ann in week 4, behind the last interval."""
    assert cohorts(retained(FOUR_USERS, cumulative=True)) == [(2, [2, 2, 2]), (1, [1, 0, 0]), (0, [0, 0, 0])]
    assert cohorts(retained(FOUR_USERS, cumulative=True, retention_type="recurring")) == [
        (2, [2, 2, 2]),
        (3, [3, 1, 1]),
        (1, [1, 0, 0]),
    ]


def test_cumulative_knows_no_end_but_known_until() -> None:
    """Ann is back ten months later, which is retained until the clock stands right before."""
    drawn = """
        user_id | estimated_at
        ann     | 2026-03-02 09:00
        ann     | 2026-12-24 09:00
        """
    back = datetime(2026, 12, 24, 9, tzinfo=UTC)
    assert cohorts(retained(drawn, MONDAY, cumulative=True, known_until=back + MICROSECOND)) == [(1, [1, 1, 1])]
    assert cohorts(retained(drawn, MONDAY, cumulative=True, known_until=back)) == [(1, [1, 0, 0])]
    assert cohorts(retained(drawn, MONDAY)) == [(1, [1, 0, 0])]


@pytest.mark.parametrize(
    ("known_until", "expected"),
    [
        (datetime(2026, 3, 16, tzinfo=UTC), [(2, [2, 1, None]), (1, [1, None, None]), (0, [None, None, None])]),
        (
            datetime(2026, 3, 16, tzinfo=UTC) - MICROSECOND,
            [(2, [2, None, None]), (1, [None, None, None]), (0, [None, None, None])],
        ),
        (datetime(2026, 3, 3, 9, tzinfo=UTC), [(1, [None] * 3), (0, [None] * 3), (0, [None] * 3)]),
        (datetime(2026, 3, 3, 9, tzinfo=UTC) + MICROSECOND, [(2, [None] * 3), (0, [None] * 3), (0, [None] * 3)]),
    ],
    ids=["week 2 has ended", "but for a microsecond", "Bob is yet to come", "Bob is there"],
)
def test_a_cell_is_null_until_its_bucket_has_ended(
    known_until: datetime, expected: list[tuple[int, list[int | None]]]
) -> None:
    """The sizes are those so far."""
    assert cohorts(retained(FOUR_USERS, known_until=known_until)) == expected


def test_means_are_over_cohorts_with_a_cell() -> None:
    """Week 2 has just ended: at once 3 of 3, a week later 1 of week 1's 2, two weeks later nothing is known."""
    result = retained(FOUR_USERS, known_until=datetime(2026, 3, 16, tzinfo=UTC))
    assert result.means.rows() == [(0, 3, 3, 1.0), (1, 2, 1, 0.5), (2, 0, 0, None)]


def test_the_first_and_the_last_cohort_count_whole() -> None:
    """From Wednesday to Wednesday: Ann on the Monday before and Bob on the Sunday after belong to the two weeks."""
    period = Period(datetime(2026, 3, 4, tzinfo=UTC), datetime(2026, 3, 11, tzinfo=UTC))
    drawn = """
        user_id | estimated_at
        ann     | 2026-03-02 00:00
        bob     | 2026-03-15 23:59:59.999999
        """
    for retention_type in get_args(RetentionType.__value__):
        result = retained(drawn, period, intervals=2, retention_type=retention_type)
        assert cohorts(result) == [(1, [1, 0]), (1, [1, 0])]


def test_weeks_may_begin_on_sunday() -> None:
    """Ann on Saturday, Sunday and Monday: the same week, or the week after."""
    drawn = """
        user_id | estimated_at
        ann     | 2026-03-07 09:00
        ann     | 2026-03-08 09:00
        """
    assert cohorts(retained(drawn, MONDAY, intervals=2)) == [(1, [1, 0])]
    assert cohorts(retained(drawn, MONDAY, intervals=2, week_start="sunday")) == [(1, [1, 1])]


def test_days_are_local() -> None:
    """Berlin's 29 March has 23 hours: Ann comes on 28, 29 and 30 March. The last of them ends on 30 March 22:00 UTC."""
    period = Period.of_days(date(2026, 3, 28), date(2026, 3, 28), "Europe/Berlin")
    drawn = """
        user_id | estimated_at
        ann     | 2026-03-28 22:59
        ann     | 2026-03-28 23:00
        ann     | 2026-03-29 22:00
        """
    end = datetime(2026, 3, 30, 22, tzinfo=UTC)
    assert cohorts(retained(drawn, period, "day", known_until=end)) == [(1, [1, 1, 1])]
    assert cohorts(retained(drawn, period, "day", known_until=end - MICROSECOND)) == [(1, [1, 1, None])]


def test_months_are_buckets_too() -> None:
    """Ann on 31 January and on 1 and 31 March; February is short, and quiet. From December 2027 on nothing is known."""
    period = Period.of_days(date(2026, 1, 31), date(2026, 1, 31))
    drawn = """
        user_id | estimated_at
        ann     | 2026-01-31 09:00
        ann     | 2026-03-01 09:00
        ann     | 2026-03-31 09:00
        """
    result = retained(drawn, period, "month", intervals=60, known_until=datetime(2027, 12, 31, tzinfo=UTC))
    assert cohorts(result) == [(1, [1, 0, 1, *[0] * 20, *[None] * 37])]


@pytest.mark.parametrize("retention_type", get_args(RetentionType.__value__))
@pytest.mark.parametrize("cumulative", [False, True])
def test_rooms_are_followed_like_users(retention_type: RetentionType, cumulative: bool) -> None:
    """Everybody estimates in a room of their own: the same figures."""
    users = retained(FOUR_USERS, retention_type=retention_type, cumulative=cumulative)
    rooms = retained(FOUR_USERS, entity="room", retention_type=retention_type, cumulative=cumulative)
    assert rooms.cells.equals(users.cells)
    assert rooms.means.equals(users.means)


@pytest.mark.parametrize("entity", get_args(Entity.__value__))
@pytest.mark.parametrize("cumulative", [False, True])
def test_an_empty_table_has_all_cells(entity: Entity, cumulative: bool) -> None:
    """Three quiet cohorts: nobody of nobody, which is no rate."""
    result = retained("", entity=entity, cumulative=cumulative)
    assert cohorts(result) == [(0, [0, 0, 0])] * 3
    assert result.means.rows() == [(0, 0, 0, None), (1, 0, 0, None), (2, 0, 0, None)]
    counts = {"size": pl.Int64, "interval": pl.Int32, "retained": pl.Int64, "rate": pl.Float64}
    assert result.cells.schema == {"bucket": pl.Int32, **counts}
    assert result.means.schema == {name: counts[name] for name in ("interval", "size", "retained", "rate")}


@pytest.mark.parametrize("cumulative", [False, True])
def test_an_empty_period_has_no_cohorts(cumulative: bool) -> None:
    """From Monday to the Sunday before."""
    empty = Period.of_days(date(2026, 3, 2), date(2026, 3, 1))
    result = retained(FOUR_USERS, empty, intervals=2, cumulative=cumulative)
    assert cohorts(result) == []
    assert result.means.rows() == [(0, 0, 0, None), (1, 0, 0, None)]


def test_a_cell_without_a_number_has_no_rate() -> None:
    """Week 1 has ended, week 2 has not."""
    result = retained(FOUR_USERS, MONDAY, intervals=2, known_until=datetime(2026, 3, 15, tzinfo=UTC))
    assert result.cells.rows() == [(0, 2, 0, 2, 1.0), (0, 2, 1, None, None)]


def test_one_interval_is_the_cohort_itself() -> None:
    """Everybody is there."""
    assert cohorts(retained(FOUR_USERS, intervals=1)) == [(2, [2]), (1, [1]), (0, [0])]


# The slow twin.


@dataclass(frozen=True)
class Question:
    """Rows of estimations and a question about them."""

    case: Lives
    intervals: int
    retention_type: RetentionType
    cumulative: bool
    known_until: datetime

    def ask(self, frame: pl.LazyFrame | None = None) -> Retention:
        """What the service computes."""
        case = self.case
        assert case.granularity in get_args(RetentionGranularity.__value__)
        return retention(
            case.frame() if frame is None else frame,
            case.period,
            entity=case.entity,
            granularity=case.granularity,  # type: ignore[arg-type]
            week_start=case.week_start,
            intervals=self.intervals,
            retention_type=self.retention_type,
            cumulative=self.cumulative,
            known_until=self.known_until,
        )

    def sizes_and_cells(self) -> list[tuple[int, list[Cell]]]:
        """Each cohort's size and cells: the definitions of the terms, line by line."""
        active = self.case.active(self.known_until)
        result = []
        for cohort in self.case.buckets():
            if self.retention_type == "first_time":
                members = [buckets for buckets in active if min(buckets) == cohort]
            else:
                members = [buckets for buckets in active if cohort in buckets]
            result.append((len(members), self.cells(cohort, members)))
        return result

    def cells(self, bucket: datetime, members: list[set[datetime]]) -> list[Cell]:
        """How many of them are active in a bucket, and in each of the following ones."""
        cells: list[Cell] = []
        for _ in range(self.intervals):
            following = self.case.following(bucket)
            if following > self.known_until:
                cells.append((None, None))
            else:
                there = [one for one in members if bucket in one or (self.cumulative and max(one) > bucket)]
                cells.append((len(there), round(len(there) / len(members), 4) if members else None))
            bucket = following
        return cells

    def means(self) -> Means:
        """Per interval: over the cohorts with a cell."""
        means: Means = []
        table = self.sizes_and_cells()
        for interval in range(self.intervals):
            known = [(size, cells[interval][0] or 0) for size, cells in table if cells[interval][0] is not None]
            size, there = sum(size for size, _ in known), sum(there for _, there in known)
            means.append((interval, size, there, round(there / size, 4) if size else None))
        return means


@st.composite
def questions(draw: st.DrawFn) -> Question:
    """A clock close to the edges of buckets, within the period, before and behind it."""
    case = draw(lives(get_args(RetentionGranularity.__value__)))
    edge = case.begin(case.period.start)
    for _ in range(draw(st.integers(0, 9))):
        edge = case.following(edge)
    return Question(
        case,
        draw(st.integers(1, 6)),
        draw(st.sampled_from(get_args(RetentionType.__value__))),
        draw(st.booleans()),
        edge + draw(st.sampled_from(CLOSE)),
    )


def rows_of(table: list[tuple[int, list[Cell]]]) -> list[tuple[int, int, int, int | None, float | None]]:
    """The cells as rows of `Retention.cells`."""
    return [
        (bucket, size, interval, *cell)
        for bucket, (size, cells) in enumerate(table)
        for interval, cell in enumerate(cells)
    ]


@settings(max_examples=4 * settings().max_examples)
@given(questions())
def test_fast_and_slow_agree(question: Question) -> None:
    """Cell by cell, in every zone."""
    result = question.ask()
    assert result.cells.rows() == rows_of(question.sizes_and_cells())
    assert result.means.rows() == question.means()


@given(questions())
def test_cumulative_never_grows_and_is_never_less(question: Question) -> None:
    """Who is there later was there before, too; at once, all are."""
    exact = replace(question, cumulative=False).ask().cells.drop_nulls("retained")
    cumulative = replace(question, cumulative=True).ask().cells.drop_nulls("retained")
    assert cumulative["size"].to_list() == exact["size"].to_list()
    assert (cumulative["retained"] >= exact["retained"]).all()
    assert cumulative.select((pl.col("retained").diff() <= 0).over("bucket").all()).item()
    at_once = exact.filter(pl.col("interval") == 0)
    assert at_once["retained"].to_list() == at_once["size"].to_list()


@given(questions(), groups_of_subjects)
def test_groups_add_up(question: Question, groups: Mapping[Any, int]) -> None:
    """Sizes and retained of parts of the users (rooms) sum to those of all."""
    parts = pl.concat(replace(question, case=part).ask().cells for part in question.case.groups(groups))
    counts = pl.when(pl.col("retained").null_count() == 0).then(pl.col("retained").sum())
    sums = parts.group_by("bucket", "interval").agg(pl.col("size").sum(), retained=counts).sort("bucket", "interval")
    columns = ("bucket", "size", "interval", "retained")
    assert sums.select(columns).equals(question.ask().cells.select(columns))


@given(questions(), st.integers(0, 2**32))
def test_neither_order_nor_engine_matters(question: Question, seed: int) -> None:
    """Shuffled and streamed in pieces of three rows, or in memory at once."""
    shuffled = question.case.frame().collect().sample(fraction=1, shuffle=True, seed=seed).lazy()
    with pl.Config(engine_affinity="in-memory"):
        in_memory = question.ask()
    with pl.Config(engine_affinity="streaming", streaming_chunk_size=3):
        streamed = question.ask(shuffled)
    assert streamed.cells.equals(in_memory.cells)
    assert streamed.means.equals(in_memory.means)
