"""The answers about a repository, counted slowly from git's own output, following docs/repositories.md."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from itertools import combinations, pairwise
from zoneinfo import ZoneInfo

from tests.routers.repositories.git_history import Change, Commit, Made, Row, language_of

type Names = Mapping[str, tuple[str, str]]

ONE_DAY = timedelta(days=1)
QUIET = timedelta(days=90)


def totals(made: Made) -> Row:
    """The totals of some commits."""
    changes = [change for _, change in made.pairs]
    added, deleted = sum(change.added for change in changes), sum(change.deleted for change in changes)
    added_bytes = sum(change.added_bytes for change in changes)
    deleted_bytes = sum(change.deleted_bytes for change in changes)
    churn, size = added + deleted, added_bytes + deleted_bytes
    return {
        "total_commits": len(made.commits),
        "total_merges": sum(commit.is_merge for commit, _ in made.commits),
        "total_contributors": len(made.people),
        "additions_lines": added,
        "deletions_lines": deleted,
        "total_churn": churn,
        "addition_bytes": added_bytes,
        "deletion_bytes": deleted_bytes,
        "total_sloc": size // 50,
        "net_sloc": (added_bytes - deleted_bytes) // 50,
        "avg_bytes_per_line": round(size / churn, 2) if churn else 0,
    }


def activity(made: Made) -> Row:
    """The figures of one bucket, except those that continue from the previous one."""
    all_of = totals(made)
    sized = [
        (sum(change.added for change in lines), sum(change.deleted for change in lines))
        for commit, changes in made.commits
        if (lines := made.counted(commit, changes)) or not commit.is_merge or made.includes_merges
    ]
    churns = [added + deleted for added, deleted in sized]
    return {
        "commits": all_of["total_commits"],
        "merges": all_of["total_merges"],
        "additions": all_of["additions_lines"],
        "deletions": all_of["deletions_lines"],
        "net": all_of["additions_lines"] - all_of["deletions_lines"],
        "churn": all_of["total_churn"],
        "addition_bytes": all_of["addition_bytes"],
        "deletion_bytes": all_of["deletion_bytes"],
        "bytes": all_of["addition_bytes"] + all_of["deletion_bytes"],
        "sloc": all_of["total_sloc"],
        "active_contributors": all_of["total_contributors"],
        "files_changed": sum(len(changes) for _, changes in made.commits),
        "tiny": sum(churn < 10 for churn in churns),
        "small": sum(10 <= churn < 50 for churn in churns),
        "medium": sum(50 <= churn < 200 for churn in churns),
        "large": sum(churn >= 200 for churn in churns),
        "refactorings": sum(
            added > 0 < deleted and abs(added - deleted) * 10 < added + deleted for added, deleted in sized
        ),
    }


def series(made: Made, edges: Sequence[datetime]) -> list[Row]:
    """The activity of the buckets between some instants."""
    rows, lines, size = [], 0, 0
    for start, end in pairwise(edges):
        row = activity(made.within(start, end))
        lines += row["net"]
        size += row["addition_bytes"] - row["deletion_bytes"]
        rows.append({"start": start, **row, "cumulative_lines": lines, "cumulative_sloc": size // 50})
    return rows


def edges_of(first: date, last: date, zone: str, granularity: str) -> list[datetime]:
    """The instants between the buckets that hold local days, those around all of them included."""
    if granularity == "hour":
        begin, end = midnight(first, zone), midnight(last + ONE_DAY, zone)
        return [begin + timedelta(hours=n) for n in range(int((end - begin) / timedelta(hours=1)) + 1)]
    begins = {"day": _itself, "week": _monday, "month": _first_of_month}[granularity]
    edges = [begins(first)]
    while edges[-1] <= last:
        edges.append(next(day for n in range(1, 40) if begins(day := edges[-1] + n * ONE_DAY) == day))
    return [midnight(day, zone) for day in edges]


def _itself(day: date) -> date:
    return day


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _first_of_month(day: date) -> date:
    return day.replace(day=1)


def midnight(day: date, zone: str) -> datetime:
    """When a local day begins."""
    return datetime.combine(day, time(), ZoneInfo(zone)).astimezone(UTC)


def area_of(change: Change, by: str, depth: int) -> str:
    """The area a change is of."""
    if by == "file":
        return change.path
    if by == "language":
        return language_of(change.path) or "unknown"
    return "/".join(change.path.split("/")[:-1][:depth]) or "root"


def ownership(made: Made, names: Names, by: str, depth: int, zone: str) -> list[Row]:
    """Areas, the largest first."""
    areas: dict[str, list[tuple[Commit, Change]]] = defaultdict(list)
    for commit, change in made.pairs:
        areas[area_of(change, by, depth)].append((commit, change))
    rows = [{by: area} | _owned(pairs, names, zone) for area, pairs in areas.items()]
    return sorted(rows, key=lambda row: (-row["sloc"], row[by]))


def _owned(pairs: list[tuple[Commit, Change]], names: Names, zone: str) -> Row:
    everything = sum(change.bytes for _, change in pairs)
    people = []
    for person in {commit.person for commit, _ in pairs}:
        own = [(commit, change) for commit, change in pairs if commit.person == person]
        size = sum(change.bytes for _, change in own)
        name, email = names[person]
        people.append((size, _owner(own, size, everything, zone) | {"email": email, "name": name}))
    people.sort(key=lambda one: (-one[0], -one[1]["commits"], one[1]["email"]))
    top = [row for _, row in people]
    sizes = [size for size, _ in people]
    return {
        "commits": len({commit.sha for commit, _ in pairs}),
        "sloc": everything // 50,
        "unique_contributors": len(people),
        "contributor_absence_factor": next(n for n in range(len(sizes) + 1) if sum(sizes[:n]) * 2 >= everything),
        "primary_owner": {name: top[0][name] for name in ("email", "name", "share")},
        "contributors": top[:10],
    }


def _owner(own: list[tuple[Commit, Change]], size: int, everything: int, zone: str) -> Row:
    times = [commit.committed for commit, _ in own]
    return {
        "sloc": size // 50,
        "share": round(size / everything, 4) if everything else 0,
        "commits": len({commit.sha for commit, _ in own}),
        "first": min(times),
        "last": max(times),
        "active_days": len({at.astimezone(ZoneInfo(zone)).date() for at in times}),
    }


def contributors(made: Made, ever: Made, names: Names, known_until: datetime, zone: str) -> list[Row]:
    """People, those with most commits first."""
    rows = []
    for person in made.people:
        own = Made([each for each in made.commits if each[0].person == person], made.includes_merges)
        times = [commit.committed for commit, _ in own.commits]
        always = [commit.committed for commit, _ in ever.commits if commit.person == person]
        sizes: Counter[str] = Counter()
        for _, change in own.pairs:
            if language := language_of(change.path):
                sizes[language] += change.bytes
        quiet = known_until - QUIET
        counted = totals(own)
        rows.append(
            {
                "email": names[person][1],
                "name": names[person][0],
                "status": "gone" if max(always) < quiet else "new" if min(always) >= quiet else "active",
                "languages": sorted(sizes, key=lambda name: (-sizes[name], name))[:5],
                "first": min(times),
                "last": max(times),
                "commits": counted["total_commits"],
                "merges": counted["total_merges"],
                "additions": counted["additions_lines"],
                "deletions": counted["deletions_lines"],
                "churn": counted["total_churn"],
                "sloc": counted["total_sloc"],
                "files": len({change.path for _, change in own.pairs}),
                "active_days": len({at.astimezone(ZoneInfo(zone)).date() for at in times}),
            }
        )
    return sorted(rows, key=lambda row: (-row["commits"], -row["churn"], row["email"]))


def hot_spots(made: Made, known_until: datetime) -> list[Row]:
    """Paths, the most changed first."""
    paths: dict[str, list[tuple[Commit, Change]]] = defaultdict(list)
    for commit, change in made.pairs:
        paths[change.path].append((commit, change))
    rows = []
    for path, pairs in paths.items():
        times = [commit.committed for commit, _ in pairs]
        added, deleted = sum(change.added for _, change in pairs), sum(change.deleted for _, change in pairs)
        rows.append(
            {
                "path": path,
                "first": min(times),
                "last": max(times),
                "changes": len(pairs),
                "authors": len({commit.person for commit, _ in pairs}),
                "additions": added,
                "deletions": deleted,
                "churn": added + deleted,
                "age_days": int((known_until - min(times)) / ONE_DAY),
            }
        )
    return sorted(rows, key=lambda row: (-row["changes"], -row["churn"], row["path"]))


def changed_together(made: Made) -> list[Row]:
    """Pairs of paths, those that change together most often first."""
    changes = Counter(change.path for _, change in made.pairs)
    together: Counter[tuple[str, str]] = Counter()
    for commit, all_of_it in made.commits:
        paths = sorted(change.path for change in made.counted(commit, all_of_it))
        together.update(combinations(paths, 2))
    rows = [
        {"path": path, "other": other, "together": n, "share": round(n / min(changes[path], changes[other]), 4)}
        for (path, other), n in together.items()
    ]
    return sorted(rows, key=lambda row: (-row["together"], row["path"], row["other"]))


def rhythm(made: Made) -> list[Row]:
    """Commits per hour of the week, by their authors' clocks."""
    counted = Counter((commit.authored.isoweekday(), commit.authored.hour) for commit, _ in made.commits)
    return [
        {"weekday": weekday, "hour": hour, "commits": counted[weekday, hour]}
        for weekday in range(1, 8)
        for hour in range(24)
    ]


def compared(now: Sequence[Row], then: Sequence[Row], keys: Sequence[str], attributes: Sequence[str]) -> list[Row]:
    """Rows whose figures are beside those of another period; figures of a row that one of them lacks are 0 there.

    Args:
        now: The rows.
        then: The rows of the other period.
        keys: The fields that identify a row.
        attributes: Other fields that are not figures.
    """
    ours, theirs = ({tuple(row[key] for key in keys): row for row in rows} for rows in (now, then))
    rows = []
    for key in [*ours, *(key for key in theirs if key not in ours)]:
        known = ours.get(key) or theirs[key]
        figures = [name for name in known if name not in {*keys, *attributes}]
        pairs = {name: [rows_.get(key, {}).get(name, 0) for rows_ in (ours, theirs)] for name in figures}
        rows.append(known | {name: beside(*pair) for name, pair in pairs.items()})
    return rows


def beside(value: float, comparison: float) -> Row:
    """A figure beside that of another period."""
    change = round(value - comparison, 4)
    share = round((value - comparison) / comparison * 100, 4) if comparison else None
    return {"value": value, "comparison": comparison, "change": change, "change_pct": share}
