"""Who knows what: per directory, file or language, who changed how much of it, and how many people it hangs on."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Literal

import polars as pl
from pydantic import BaseModel, Field

from calculations.frames.arithmetic import UNKNOWN, NotAdditive
from calculations.frames.collecting import collect, collect_all
from calculations.repositories.history import History
from calculations.repositories.lines import BYTES, source_lines

type Area = Literal["directory", "file", "language"]

ROOT = "root"
TOP_PEOPLE = 10
MOST_PACKED = 2**63 - 1
DECIMALS = 4


class Owner(BaseModel, frozen=True):
    """A person and their part of an area."""

    email: str = Field(description="E-mail; a pseudonym without the scope `repositories:people`.")
    name: str = Field(description="Name; a pseudonym without the scope `repositories:people`.")
    sloc: int = Field(ge=0, description="Bytes they added or deleted, in source lines of 50.")
    share: float = Field(ge=0, le=1, description="Their part of all bytes added or deleted, 0 to 1.")
    commits: int = Field(ge=0, description="Their commits that changed the area.")
    first: dt.datetime = Field(description="Time of the first of them (UTC).")
    last: dt.datetime = Field(description="Time of the last of them (UTC).")
    active_days: int = Field(ge=0, description="Days with one, in the requested time zone.")


class PrimaryOwner(BaseModel, frozen=True):
    """Who changed most of an area."""

    email: str = Field(description="E-mail; a pseudonym without the scope `repositories:people`.")
    name: str = Field(description="Name; a pseudonym without the scope `repositories:people`.")
    share: float = Field(ge=0, le=1, description="Their part of all bytes added or deleted, 0 to 1.")


class Ownership(BaseModel, frozen=True):
    """An area of a codebase and who knows it."""

    primary_owner: PrimaryOwner = Field(description="Who added or deleted most bytes.")
    contributors: list[Owner] = Field(description="People by bytes added or deleted, at most 10.")
    commits: NotAdditive[int] = Field(ge=0, description="Commits that changed the area.")
    sloc: NotAdditive[int] = Field(ge=0, description="Bytes added or deleted, in source lines of 50.")
    unique_contributors: NotAdditive[int] = Field(ge=0, description="People with such a commit.")
    contributor_absence_factor: NotAdditive[int] = Field(
        ge=0, description="The fewest people who added or deleted half of the bytes; 0 where there are none."
    )


def area(by: Area, depth: int) -> pl.Expr:
    """The directory (its first `depth` parts, `root` at the top), file or language of a path."""
    if by == "file":
        return pl.col("path")
    if by == "language":
        return pl.col("language").fill_null(UNKNOWN)
    within = pl.col("path").str.extract(rf"^((?:[^/]+/){{0,{depth - 1}}}[^/]+)/")
    return within.fill_null(ROOT)


@dataclass(frozen=True)
class Areas:
    """The areas of one codebase. Who owns them is worked out for those that are shown, as there may be many.

    `sizes` has a row per area: `area` (String), the figures of `Ownership`, `area_number`, `total` (its bytes), and
    `least` (the bytes of the last of its top people). `did` has a row per area and person: `area_number`,
    `person_number`, `bytes`, `commits`, and the `first` and number (`rows`) of their rows in `changed`, the commit of
    each change in order of time. `commits` have their `committed_at` and `day`, `people` their `person_number`, `name`
    and `email`.
    """

    sizes: pl.DataFrame
    did: pl.DataFrame
    changed: pl.Series
    commits: pl.DataFrame
    people: pl.LazyFrame

    @property
    def figures(self) -> pl.DataFrame:
        """One row per area, in no order: `area` (String), and the figures of `Ownership`."""
        return self.sizes.drop("area_number", "total", "least")

    def owners(self, areas: pl.Series) -> pl.DataFrame:
        """Who owns some areas.

        Returns:
            One row per area, in no order: `area` (String), and `primary_owner` and `contributors` of `Ownership`.
        """
        asked = self.sizes.lazy().filter(pl.col("area").is_in(areas.implode()))
        limits = asked.select("area_number", "area", "total", "least")
        foremost = self.did.lazy().join(limits, on="area_number").filter(pl.col("bytes") >= pl.col("least"))
        ranked = foremost.join(self.people, on="person_number").sort(
            "area", "bytes", "commits", "email", descending=[False, True, True, False]
        )
        top = collect(ranked.group_by("area", maintain_order=True).head(TOP_PEOPLE))
        total = pl.col("total")
        share = pl.when(total > 0).then(pl.col("bytes") / total).otherwise(0.0).round(DECIMALS)
        person = pl.struct(
            *("email", "name", source_lines(pl.col("bytes")).alias("sloc"), share.alias("share")),
            *("commits", "first", "last", "active_days"),
        )
        return (
            top.select("area", "total", "bytes", "commits", "email", "name", *self._times(top))
            .group_by("area", maintain_order=True)
            .agg(primary_owner=pl.struct("email", "name", share.alias("share")).first(), contributors=person)
        )

    def _times(self, did: pl.DataFrame) -> pl.DataFrame:
        """The `first`, `last` and `active_days` of some rows of `did`, in their order."""
        first, number = did["first"], did["rows"]
        row = pl.int_range(pl.len(), dtype=pl.Int64)
        each = did.select(row=row, change=pl.int_ranges("first", pl.col("first") + number)).explode("change")
        days = each.select("row", day=self.commits["day"].gather(self.changed.gather(each["change"])))
        is_new = _differs(pl.col("row")) | _differs(pl.col("day"))
        times = self.commits["committed_at"]
        return pl.DataFrame(
            {
                "first": times.gather(self.changed.gather(first)),
                "last": times.gather(self.changed.gather(first + number - 1)),
                "active_days": _sums_of_runs(days.with_columns(is_new=is_new), "row", "is_new")["is_new"],
            }
        )


def ownership(history: History, shown: pl.LazyFrame, by: Area, depth: int, zone: str) -> Areas:
    """Who changed which area of one codebase.

    Args:
        history: What counts.
        shown: How people are shown (see `people.names`).
        by: What an area is.
        depth: The parts of a directory's path that tell areas apart.
        zone: The time zone of days.
    """
    commits, paths = collect_all([_numbered_commits(history, zone), _numbered_areas(history, by, depth)])
    people = commits.lazy().select("person", "person_number").unique().join(shown, on="person", how="left")
    areas = paths.lazy().select("area", "area_number").unique()
    did, changed = _by_area_and_person(_changed(history, commits, paths), commits)
    return Areas(collect(areas.join(_sizes(did).lazy(), on="area_number")), did, changed, commits, people)


def _numbered_commits(history: History, zone: str) -> pl.LazyFrame:
    """The commits in order of time, numbered from 0, and so are their people; with their `day`."""
    return (
        history.commits.select("commit_key", "person", "committed_at")
        .sort("committed_at", "commit_key")
        .with_columns(
            commit=pl.int_range(pl.len(), dtype=pl.Int64),
            # Ranking the numbers of categories is faster than ranking texts.
            person_number=pl.col("person").cast(pl.Categorical).to_physical().rank("dense").cast(pl.Int64) - 1,
            day=pl.col("committed_at").dt.convert_time_zone(zone).dt.date(),
        )
    )


def _numbered_areas(history: History, by: Area, depth: int) -> pl.LazyFrame:
    """The area of each path, numbered from 0."""
    named = history.paths.select("path_key", area=area(by, depth))
    return named.with_columns(area_number=pl.col("area").rank("dense").cast(pl.Int64) - 1)


def _by_area_and_person(changed: pl.DataFrame, commits: pl.DataFrame) -> tuple[pl.DataFrame, pl.Series]:
    """What each person did in each area.

    Changes are packed into one number each, of their area, person, commit and bytes. When these are sorted, a person's
    commits of an area stand together in order of time. That is several times faster than grouping.

    Returns:
        `did` and `changed` of `Areas`; of the former, rows in order of both numbers.
    """
    people, most_commits = _below(commits["person_number"]), max(1, commits.height)
    scales = (people, most_commits, _below(changed["bytes"]))
    packed = _packed(changed, ("area_number", "person_number", "commit", "bytes"), scales).sort()
    act = packed // scales[2]
    rows = pl.DataFrame({"owner": act // most_commits, "act": act, "bytes": packed % scales[2]}).cast(pl.Int64)
    summed = _sums_of_runs(rows.with_columns(commits=_differs(pl.col("act"))), "owner", "bytes", "commits")
    did = summed.select(
        *("bytes", "commits", "rows"),
        area_number=pl.col("owner") // people,
        person_number=pl.col("owner") % people,
        first=pl.col("rows").cum_sum() - pl.col("rows"),
    )
    return did, (act % most_commits).cast(pl.Int64)


def _changed(history: History, commits: pl.DataFrame, paths: pl.DataFrame) -> pl.DataFrame:
    """The rows of changes: `area_number`, `person_number`, `commit` and `bytes`."""
    rows = history.changes.select("commit_key", "path_key", BYTES.alias("bytes"))
    of_commit = commits.lazy().select("commit_key", "commit", "person_number")
    of_path = paths.lazy().select("path_key", "area_number")
    joined = rows.join(of_commit, on="commit_key").join(of_path, on="path_key")
    return collect(joined.select("area_number", "person_number", "commit", "bytes"))


def _sizes(did: pl.DataFrame) -> pl.DataFrame:
    """The areas, of what each person did in each: `area_number`, and the columns of `Areas.sizes` but `area`."""
    areas = _sums_of_runs(did, "area_number", "bytes", "commits")
    total, people = areas["bytes"], areas["rows"]
    # The people of each area by bytes, the largest first.
    scale = _below(did["bytes"])
    descending = did.select(area=_differs(pl.col("area_number")).cum_sum() - 1, bytes=scale - 1 - pl.col("bytes"))
    packed = _packed(descending, ("area", "bytes"), (scale,)).sort()
    ranked = pl.DataFrame({"area": packed // scale, "bytes": scale - 1 - packed % scale}).cast(pl.Int64)
    here, size = pl.col("area"), pl.col("bytes")
    before = size.cum_sum() - size - pl.lit(total.cum_sum() - total).gather(here)
    needed = ranked.select("area", is_needed=before * 2 < pl.lit(total).gather(here))
    last_of_top = people.cum_sum() - people + people.clip(upper_bound=TOP_PEOPLE) - 1
    return areas.select(
        "area_number",
        "commits",
        sloc=source_lines(pl.col("bytes")),
        unique_contributors="rows",
        contributor_absence_factor=_sums_of_runs(needed, "area", "is_needed")["is_needed"],
        total="bytes",
        least=pl.lit(ranked["bytes"].gather(last_of_top)),
    )


def _sums_of_runs(rows: pl.DataFrame, run: str, *columns: str) -> pl.DataFrame:
    """Sums of columns over rows that stand together with one value of `run`: sums up to the end of a run less those
    up to the end of the one before, which is faster than grouping.

    Returns:
        A row per run, in order: `run`, the columns, and the number of `rows` (all Int64).
    """
    up_to_end = rows.select(
        run,
        pl.col(columns).cum_sum().cast(pl.Int64),
        rows=pl.int_range(1, pl.len() + 1, dtype=pl.Int64),
        is_last=_differs(pl.col(run)).shift(-1, fill_value=True),
    ).filter("is_last")
    sums = pl.col(*columns, "rows")
    return up_to_end.select(run, sums - sums.shift(1, fill_value=0))


def _differs(value: pl.Expr) -> pl.Expr:
    return value.ne_missing(value.shift(1))


def _below(values: pl.Series) -> int:
    """The least number above all of some numbers that are not negative."""
    return int(values.max() or 0) + 1  # type: ignore[arg-type]


def _packed(rows: pl.DataFrame, columns: Sequence[str], scales: Sequence[int]) -> pl.Series:
    """Numbers in one: the columns from the most significant one on, each but the first below its scale."""
    most = _below(rows[columns[0]]) * prod(scales)
    number = pl.Int64() if most <= MOST_PACKED else pl.Int128()
    packed = pl.col(columns[0]).cast(number)
    for column, scale in zip(columns[1:], scales, strict=True):
        packed = packed * scale + pl.col(column)
    return rows.select(packed=packed).to_series()
