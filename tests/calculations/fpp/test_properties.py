"""What must make no difference (order, segments, engines), and what must add up (groups of users or rooms)."""

from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from calculations.fpp.activities import activities
from calculations.fpp.behaviour import behaviour
from calculations.fpp.daily import daily
from calculations.fpp.historical import historical
from calculations.fpp.location import location
from calculations.fpp.reoccurring import reoccurring
from calculations.fpp.traffic import traffic, users_and_visits
from calculations.fpp.votes import votes
from read_model.table import Table
from read_model.tables.fpp import ESTIMATIONS, EVENTS, PAGE_VIEWS, ROOMS, USERS, VOTES
from tests.calculations.figures import fast
from tests.calculations.strategies import ROOM_IDS, USER_IDS, Case, busy_case, cases, pools, tables_of

type Counts = Mapping[Any, int]
type Groups = Mapping[object, int]

USER_KEYS = {ESTIMATIONS: "user_id", EVENTS: "user_id", PAGE_VIEWS: "user_id", USERS: "id"}
ROOM_KEYS = {ESTIMATIONS: "room_id", ROOMS: "id", VOTES: "room_id"}

# Every example computes all figures twice.
fewer_examples = settings(max_examples=settings().max_examples // 2)

groups_of_users = st.fixed_dictionaries({user: st.integers(0, 2) for user in (*USER_IDS, None)})
groups_of_rooms = st.fixed_dictionaries({room: st.integers(0, 2) for room in (*ROOM_IDS, None)})


@fewer_examples
@given(cases(), st.integers(0, 2**32))
def test_the_order_of_rows_does_not_matter(case: Case, seed: int) -> None:
    """Every table shuffled: the same figures."""
    shuffled = {
        table: frame.collect().sample(fraction=1, shuffle=True, seed=seed).lazy()
        for table, frame in case.frames.items()
    }
    assert fast(case, shuffled) == fast(case, case.frames)


@fewer_examples
@given(cases(), st.lists(st.integers(0, 12), max_size=4).map(sorted))
def test_the_cut_into_segments_does_not_matter(case: Case, cuts: list[int]) -> None:
    """Every table cut at the same places, some segments empty: the same figures."""
    segmented = {table: pl.concat(segments(frame, cuts)) for table, frame in case.frames.items()}
    assert fast(case, segmented) == fast(case, case.frames)


def test_parquet_segments_do_not_matter(tmp_path: Path) -> None:
    """300 rows per table in three files, one of them empty, scanned as one table: the same figures."""
    case = busy_case(300)
    scanned = {}
    for table, frame in case.frames.items():
        files = [tmp_path / f"{table.name}.{number}.parquet" for number in range(3)]
        for file, segment in zip(files, segments(frame, [200, 200]), strict=True):
            segment.sink_parquet(file)
        scanned[table] = pl.scan_parquet(files)
    assert fast(case, scanned) == fast(case, case.frames)


@fewer_examples
@given(cases())
def test_the_engines_agree(case: Case) -> None:
    """In memory at once, or streamed in pieces of three rows."""
    with pl.Config(engine_affinity="in-memory"):
        in_memory = fast(case, case.frames)
    with pl.Config(engine_affinity="streaming", streaming_chunk_size=3):
        assert fast(case, case.frames) == in_memory


def test_the_engines_agree_on_busy_tables() -> None:
    """3,000 rows per table, streamed in pieces of 100."""
    case = busy_case(3_000)
    with pl.Config(engine_affinity="in-memory"):
        in_memory = fast(case, case.frames)
    with pl.Config(engine_affinity="streaming", streaming_chunk_size=100):
        assert fast(case, case.frames) == in_memory


@given(cases(PAGE_VIEWS, ESTIMATIONS), groups_of_users)
def test_visitors_add_up_over_users(case: Case, groups: Groups) -> None:
    """Unique users and page views."""

    def figures(part: Case) -> Counts:
        result = traffic(part.frame(PAGE_VIEWS), part.frame(ESTIMATIONS), part.period)
        return {"unique_users": result.unique_users, "page_views": result.page_views}

    assert_adds_up(figures, case, USER_KEYS, groups)


@given(cases(PAGE_VIEWS, ESTIMATIONS), groups_of_users)
def test_visits_add_up_over_users(case: Case, groups: Groups) -> None:
    """Their number and their total length, of which the average is made."""

    def figures(part: Case) -> Counts:
        active = activities(part.frame(ESTIMATIONS), part.period, part.frame(PAGE_VIEWS))
        return dict(users_and_visits(active).collect().row(0, named=True))

    assert_adds_up(figures, case, USER_KEYS, groups)


@given(cases(ESTIMATIONS), groups_of_users)
def test_reoccurring_users_add_up_over_users(case: Case, groups: Groups) -> None:
    """Both series of users."""

    def figures(part: Case) -> Counts:
        return series(
            reoccurring(part.frame(ESTIMATIONS), part.period), "reoccurring_users", "adjusted_reoccurring_users"
        )

    assert_adds_up(figures, case, USER_KEYS, groups)


@given(cases(ESTIMATIONS), groups_of_rooms)
def test_reoccurring_rooms_add_up_over_rooms(case: Case, groups: Groups) -> None:
    """Both series of rooms."""

    def figures(part: Case) -> Counts:
        return series(
            reoccurring(part.frame(ESTIMATIONS), part.period), "reoccurring_rooms", "adjusted_reoccurring_rooms"
        )

    assert_adds_up(figures, case, ROOM_KEYS, groups)


@given(cases(PAGE_VIEWS, EVENTS), groups_of_users)
def test_behaviour_adds_up_over_users(case: Case, groups: Groups) -> None:
    """Routes, events and sources."""

    def figures(part: Case) -> Counts:
        result = behaviour(tables_of(part.frames))
        return labelled(routes=result.routes, events=result.events, sources=result.sources)

    assert_adds_up(figures, case, USER_KEYS, groups)


@given(cases(VOTES, ROOMS, crowds=False), groups_of_rooms)
def test_votes_per_room_add_up_over_rooms(case: Case, groups: Groups) -> None:
    """As long as there are no more names than the list is long."""

    def figures(part: Case) -> Counts:
        return behaviour(tables_of(part.frames)).rooms

    assert_adds_up(figures, case, ROOM_KEYS, groups)


@given(cases(USERS, PAGE_VIEWS, ESTIMATIONS, crowds=False), groups_of_users)
def test_historical_adds_up_over_users(case: Case, groups: Groups) -> None:
    """New users, page views and estimations of each day and in total."""
    fields = ("new_users", "page_views", "estimations")

    def figures(part: Case) -> Counts:
        return series(history(part), *fields, *(f"acc_{field}" for field in fields))

    assert_adds_up(figures, case, USER_KEYS, groups)


@given(cases(ROOMS, ESTIMATIONS, VOTES, crowds=False), groups_of_rooms)
def test_historical_adds_up_over_rooms(case: Case, groups: Groups) -> None:
    """Rooms, estimations and votes of each day and in total."""
    fields = ("rooms", "estimations", "votes")

    def figures(part: Case) -> Counts:
        return series(history(part), *fields, *(f"acc_{field}" for field in fields))

    assert_adds_up(figures, case, ROOM_KEYS, groups)


@given(cases(USERS, crowds=False), groups_of_users)
def test_location_adds_up_over_users(case: Case, groups: Groups) -> None:
    """Every map and both lists, as long as there are no more places than a list is long."""

    def figures(part: Case) -> Counts:
        result = location(part.frame(USERS))
        return labelled(
            device=result.device,
            os=result.os,
            browser=result.browser,
            country=result.country,
            region={(place.country, place.region): place.count for place in result.country_region},
            city={(place.country, place.city): place.count for place in result.country_city},
        )

    assert_adds_up(figures, case, USER_KEYS, groups)


@given(cases(VOTES, crowds=False), groups_of_rooms)
def test_vote_totals_add_up_over_rooms(case: Case, groups: Groups) -> None:
    """Votes, their estimations and their weekdays."""

    def figures(part: Case) -> Counts:
        result = votes(part.frame(VOTES), part.frame(ESTIMATIONS))
        totals = {"votes": result.total_votes, "estimations": result.total_estimations}
        return labelled(totals=totals, weekdays=result.weekday_counts)

    assert_adds_up(figures, case, ROOM_KEYS, groups)


@given(cases(ESTIMATIONS), groups_of_users)
def test_estimation_counts_add_up_over_users(case: Case, groups: Groups) -> None:
    """Estimations per value."""

    def figures(part: Case) -> Counts:
        return labelled(values=votes(part.frame(VOTES), part.frame(ESTIMATIONS)).estimation_counts)

    assert_adds_up(figures, case, USER_KEYS, groups)


@given(cases(PAGE_VIEWS), groups_of_users)
def test_the_day_adds_up_over_users(case: Case, groups: Groups) -> None:
    """Users and page views of the last 24 hours."""

    def figures(part: Case) -> Counts:
        result = daily(part.frame(VOTES), part.frame(PAGE_VIEWS), part.now)
        return {"unique_users": result.unique_users, "page_views": result.page_views}

    assert_adds_up(figures, case, USER_KEYS, groups)


@given(cases(VOTES, crowds=False), groups_of_rooms)
def test_the_day_adds_up_over_rooms(case: Case, groups: Groups) -> None:
    """Votes, their estimations and rooms of the last 24 hours."""

    def figures(part: Case) -> Counts:
        result = daily(part.frame(VOTES), part.frame(PAGE_VIEWS), part.now)
        return {"votes": result.votes, "estimations": result.estimations, "rooms": result.rooms}

    assert_adds_up(figures, case, ROOM_KEYS, groups)


def assert_adds_up(figures: Callable[[Case], Counts], case: Case, keys: Mapping[Table, str], groups: Groups) -> None:
    """The figures of each group of users (rooms) add up to those of all."""
    total: Counter[Any] = Counter()
    for group in sorted(set(groups.values())):
        total.update(figures(part_of(case, keys, groups, group)))
    assert dict(total) == dict(figures(case))


def part_of(case: Case, keys: Mapping[Table, str], groups: Groups, group: int) -> Case:
    """The rows of one group's users (rooms); rows of nobody belong to a group, too."""
    return case.only(
        {
            table: [row for row in rows if groups[row[keys[table]]] == group]
            for table, rows in case.rows.items()
            if table in keys
        }
    )


def history(case: Case) -> pl.DataFrame:
    """The historical series of a case."""
    return historical(tables_of(case.frames), case.period)


def series(days: pl.DataFrame, *fields: str) -> Counts:
    """Some fields of a series by day and name."""
    return {(day["date"], field): day[field] for day in days.to_dicts() for field in fields}


def labelled(**maps: Counts) -> Counts:
    """Several maps as one."""
    return {(name, label): count for name, counts in maps.items() for label, count in counts.items()}


def segments(frame: pl.LazyFrame, cuts: list[int]) -> list[pl.LazyFrame]:
    """The table in pieces that end before `cuts`; the last one holds the rest."""
    edges = zip([0, *cuts], [*cuts, None], strict=True)
    return [frame.slice(begin, None if end is None else end - begin) for begin, end in edges]


def test_every_table_belongs_to_users_or_rooms() -> None:
    """So that no table that is drawn is forgotten in the splits."""
    assert USER_KEYS.keys() | ROOM_KEYS.keys() == pools((), (), 1).keys()
