"""The fast figures equal those that a few lines of plain Python count."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import combinations
from zoneinfo import ZoneInfo

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from calculations.repositories.activity import activity
from calculations.repositories.files import hot_spots, pairs
from calculations.repositories.ownership import ownership
from calculations.repositories.people import QUIET_AFTER, contributors
from calculations.repositories.rhythm import rhythm
from calculations.repositories.totals import totals
from calculations.time.buckets import Buckets
from calculations.time.period import Period
from read_model.tables.repositories import BRANCHES, TREE
from tests.calculations.repositories.cases import START, Case, Row, cases

# The clocks go forward in the night to the 29th.
ZONE = "Europe/Berlin"
PERIOD = Period(START, START + timedelta(hours=80), ZONE)
WITHIN = Period(START + timedelta(hours=10), START + timedelta(hours=60), ZONE)
SHOWN = pl.LazyFrame(
    {"person": ["ann@a.b", "bob@a.b", "cem@a.b"], "email": ["a", "b", "c"], "name": ["Ann", "Bob", "Cem"]}
)
EMAILS = {"ann@a.b": "a", "bob@a.b": "b", "cem@a.b": "c"}


def total(rows: Iterable[Row], *columns: str) -> int:
    return sum(row[column] for row in rows for column in columns)


def inside(rows: Iterable[Row], period: Period = WITHIN) -> list[Row]:
    return [row for row in rows if period.start <= row["committed_at"] < period.end]


def local_day(row: Row) -> object:
    return row["committed_at"].astimezone(ZoneInfo(ZONE)).date()


def lines(commit: Row) -> int:
    return total(commit["own"], "additions_lines", "deletions_lines")


def net(commit: Row) -> int:
    return total(commit["own"], "additions_lines") - total(commit["own"], "deletions_lines")


@given(cases())
def test_activity(case: Case) -> None:
    commits, _ = case.selected()
    buckets = Buckets.of(PERIOD)
    rows = activity(case.history().within(PERIOD), buckets, merges=case.selection.merges).to_dicts()
    so_far: list[Row] = []
    assert len(rows) == len(buckets)
    for row in rows:
        first, end = buckets.edges[row["bucket"]], buckets.edges[row["bucket"] + 1]
        here = [commit for commit in inside(commits, PERIOD) if first <= commit["committed_at"] < end]
        changes = [change for commit in here for change in commit["own"]]
        so_far += changes
        sized = [commit for commit in here if not commit["is_merge"] or case.selection.merges == "include"]
        added, deleted = total(changes, "additions_lines"), total(changes, "deletions_lines")
        all_bytes = total(changes, "addition_bytes", "deletion_bytes")
        assert row == {
            "bucket": row["bucket"],
            "commits": len(here),
            "merges": sum(commit["is_merge"] for commit in here),
            "additions": added,
            "deletions": deleted,
            "net": added - deleted,
            "churn": added + deleted,
            "addition_bytes": total(changes, "addition_bytes"),
            "deletion_bytes": total(changes, "deletion_bytes"),
            "bytes": all_bytes,
            "sloc": all_bytes // 50,
            "active_contributors": len({commit["person"] for commit in here}),
            "files_changed": total(here, "files_changed"),
            "cumulative_lines": total(so_far, "additions_lines") - total(so_far, "deletions_lines"),
            "cumulative_sloc": (total(so_far, "addition_bytes") - total(so_far, "deletion_bytes")) // 50,
            "tiny": sum(lines(commit) < 10 for commit in sized),
            "small": sum(10 <= lines(commit) < 50 for commit in sized),
            "medium": sum(50 <= lines(commit) < 200 for commit in sized),
            "large": sum(lines(commit) >= 200 for commit in sized),
            "refactorings": sum(
                total(commit["own"], "additions_lines") > 0
                and total(commit["own"], "deletions_lines") > 0
                and abs(net(commit)) < 0.1 * lines(commit)
                for commit in here
            ),
        }


def slow_area(change: Row, by: str, depth: int) -> str:
    if by == "file":
        return str(change["path"])
    if by == "language":
        return change["language"] or "unknown"
    return "/".join(change["path"].split("/")[:-1][:depth]) or "root"


@given(cases(), st.sampled_from(["directory", "file", "language"]), st.integers(1, 3))
def test_ownership(case: Case, by: str, depth: int) -> None:
    _, changes = case.selected()
    areas_of = ownership(case.history().within(WITHIN), SHOWN, by, depth, ZONE)  # type: ignore[arg-type]
    found = areas_of.figures.join(areas_of.owners(areas_of.figures["area"]), on="area", how="full", coalesce=True)
    areas = defaultdict(list)
    for change in inside(changes):
        areas[slow_area(change, by, depth)].append(change)
    assert set(found["area"]) == areas.keys()
    for row in found.to_dicts():
        here = areas[row["area"]]
        by_person = {person: [c for c in here if c["person"] == person] for person in {c["person"] for c in here}}
        size = {person: total(own, "addition_bytes", "deletion_bytes") for person, own in by_person.items()}
        everything = sum(size.values())
        assert row["sloc"] == everything // 50
        assert row["commits"] == len({change["commit_sha"] for change in here})
        assert row["unique_contributors"] == len(by_person)
        largest = sorted(size.values(), reverse=True)
        fewest = next(n for n in range(len(largest) + 1) if sum(largest[:n]) * 2 >= everything)
        assert row["contributor_absence_factor"] == fewest
        for person in row["contributors"]:
            [own] = [own for known, own in by_person.items() if EMAILS[known] == person["email"]]
            part = total(own, "addition_bytes", "deletion_bytes")
            assert person["sloc"] == part // 50
            assert person["share"] == (round(part / everything, 4) if everything else 0)
            assert person["commits"] == len({change["commit_sha"] for change in own})
            assert person["active_days"] == len({local_day(change) for change in own})
            assert (person["first"], person["last"]) == (
                min(change["committed_at"] for change in own),
                max(change["committed_at"] for change in own),
            )
        shares = [person["share"] for person in row["contributors"]]
        assert shares == sorted(shares, reverse=True)
        first = row["contributors"][0]
        assert row["primary_owner"] == {name: first[name] for name in ("email", "name", "share")}


@given(cases(), st.integers(0, 200))
def test_contributors(case: Case, days: int) -> None:
    commits, _ = case.selected()
    now = START + timedelta(days=days)
    history = case.history()
    found = {row["email"]: row for row in contributors(history.within(WITHIN), SHOWN, history, now, ZONE).to_dicts()}
    here = inside(commits)
    assert found.keys() == {EMAILS[commit["person"]] for commit in here}
    for person in {commit["person"] for commit in here}:
        row, own = found[EMAILS[person]], [commit for commit in here if commit["person"] == person]
        ever = [commit["committed_at"] for commit in commits if commit["person"] == person]
        changes = [change for commit in own for change in commit["own"]]
        sizes: Counter[str] = Counter()
        for change in changes:
            if change["language"]:
                sizes[change["language"]] += change["addition_bytes"] + change["deletion_bytes"]
        assert row["commits"] == len(own)
        assert row["merges"] == total(own, "is_merge")
        assert row["churn"] == total(changes, "additions_lines", "deletions_lines")
        assert row["sloc"] == total(changes, "addition_bytes", "deletion_bytes") // 50
        assert row["files"] == len({change["path"] for change in changes})
        assert row["active_days"] == len({local_day(commit) for commit in own})
        assert row["languages"] == sorted(sizes, key=lambda name: (-sizes[name], name))
        quiet = now - QUIET_AFTER
        assert row["status"] == ("gone" if max(ever) < quiet else "new" if min(ever) >= quiet else "active")


@given(cases())
def test_hot_spots_and_pairs(case: Case) -> None:
    _, changes = case.selected()
    now = START + timedelta(days=10)
    history = case.history().within(WITHIN)
    changed = hot_spots(history, now)
    spots = {row["path"]: row for row in changed.to_dicts()}
    here = inside(changes)
    assert spots.keys() == {change["path"] for change in here}
    for path, row in spots.items():
        own = [change for change in here if change["path"] == path]
        first: datetime = min(change["committed_at"] for change in own)
        assert row["changes"] == len(own)
        assert row["authors"] == len({change["person"] for change in own})
        assert row["churn"] == total(own, "additions_lines", "deletions_lines")
        assert (row["first"], row["age_days"]) == (first, (now - first).days)
    counted = Counter(
        pair
        for sha in {change["commit_sha"] for change in here}
        for pair in combinations(sorted(change["path"] for change in here if change["commit_sha"] == sha), 2)
    )
    found = pairs(history, changed).to_dicts()
    assert {(row["path"], row["other"]): row["together"] for row in found} == counted
    for row in found:
        rarer = min(spots[row["path"]]["changes"], spots[row["other"]]["changes"])
        assert row["share"] == round(row["together"] / rarer, 4)


@given(cases())
def test_rhythm(case: Case) -> None:
    commits, _ = case.selected()
    local = [row["authored_at"] + timedelta(minutes=row["utc_offset_minutes"]) for row in commits]
    counted = Counter((time.isoweekday(), time.hour) for time in local)
    rows = rhythm(case.history()).rows()
    assert rows == [(day, hour, counted[day, hour]) for day in range(1, 8) for hour in range(24)]


@given(cases())
def test_totals(case: Case) -> None:
    commits, changes = case.selected()
    nothing = [pl.LazyFrame(schema=dict(table.columns)) for table in (BRANCHES, TREE)]
    found = totals(case.history(), *nothing)
    assert found.total_commits == len(commits)
    assert found.total_merges == total(commits, "is_merge")
    assert found.total_contributors == len({commit["person"] for commit in commits})
    assert found.total_churn == total(changes, "additions_lines", "deletions_lines")
    assert found.total_sloc == total(changes, "addition_bytes", "deletion_bytes") // 50
    assert found.net_sloc == (total(changes, "addition_bytes") - total(changes, "deletion_bytes")) // 50
