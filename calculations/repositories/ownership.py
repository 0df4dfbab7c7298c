"""Who knows what: per directory, file or language, who changed how much of it, and how many people it hangs on."""

import datetime as dt
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
    active_days: int = Field(ge=0, description="Days with one, in the time zone asked for.")


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


def ownership(history: History, shown: pl.LazyFrame, by: Area, depth: int, zone: str) -> pl.DataFrame:
    """Who changed which area of one codebase.

    Args:
        history: What counts.
        shown: How people are shown (see `people.names`).
        by: What an area is.
        depth: The parts of a directory's path that tell areas apart.
        zone: The time zone of days.

    Returns:
        One row per area, in no order: `area` (String), and the fields of `Ownership`.
    """
    did = _by_area_and_person(history, by, depth, zone)
    ranked = did.join(shown, on="person", how="left").sort(
        "area", "bytes", "commits", "email", descending=[False, True, True, False]
    )
    total = pl.col("bytes").sum()
    share = pl.when(total > 0).then(pl.col("bytes") / total).otherwise(0.0).round(DECIMALS)
    before = pl.col("bytes").cum_sum() - pl.col("bytes")
    person = pl.struct(
        *("email", "name", source_lines(pl.col("bytes")).alias("sloc"), share.alias("share")),
        *("commits", "first", "last", "active_days"),
    )
    return collect(
        ranked.group_by("area", maintain_order=True).agg(
            primary_owner=pl.struct("email", "name", share.alias("share")).first(),
            contributors=person.head(TOP_PEOPLE),
            commits=pl.col("commits").sum(),
            sloc=source_lines(total),
            unique_contributors=pl.len(),
            contributor_absence_factor=(before * 2 < total).sum(),
        )
    )


def _by_area_and_person(history: History, by: Area, depth: int, zone: str) -> pl.LazyFrame:
    """What each person did in each area: `area`, `person`, `bytes`, `commits`, `first`, `last` and `active_days`.

    Areas, people and commits, in order of time, are numbered, and each row is packed into one number. Sorted by it, a
    person's commits of an area stand together in order of time, and distinct ones are told by where it changes.
    """
    commits, areas = collect_all([_numbered_commits(history), _numbered_areas(history, by, depth)])
    people = commits.select("person", "person_number").unique()
    packed = _packed(history, commits, areas, people.height).sort("key")
    key, at = pl.col("key"), pl.lit(commits["committed_at"])
    number = key % max(1, commits.height)
    marked = packed.lazy().select(
        "bytes",
        owner=key // max(1, commits.height),
        commit=number,
        is_commit=_differs(key),
        day=at.gather(number).dt.convert_time_zone(zone).dt.date(),
    )
    is_owner = _differs(pl.col("owner"))
    did = (
        marked.with_columns(is_day=is_owner | _differs(pl.col("day")))
        .group_by(pl.col("owner").set_sorted())
        .agg(
            pl.col("bytes").sum(),
            commits=pl.col("is_commit").sum(),
            active_days=pl.col("is_day").sum(),
            first=pl.col("commit").min(),
            last=pl.col("commit").max(),
        )
    )
    return (
        did.with_columns(
            at.gather(pl.col("first")).alias("first"),
            at.gather(pl.col("last")).alias("last"),
            area_number=pl.col("owner") // max(1, people.height),
            person_number=pl.col("owner") % max(1, people.height),
        )
        .join(areas.lazy().select("area", "area_number").unique(), on="area_number")
        .join(people.lazy(), on="person_number")
    )


def _differs(value: pl.Expr) -> pl.Expr:
    return value.ne_missing(value.shift(1))


def _numbered_commits(history: History) -> pl.LazyFrame:
    """The commits in order of time, numbered from 0, and so are their people."""
    return (
        history.commits.select("commit_key", "person", "committed_at")
        .sort("committed_at", "commit_key")
        .with_columns(
            commit=pl.int_range(pl.len(), dtype=pl.Int64),
            person_number=pl.col("person").rank("dense").cast(pl.Int64) - 1,
        )
    )


def _numbered_areas(history: History, by: Area, depth: int) -> pl.LazyFrame:
    """The area of each path, numbered from 0."""
    paths = history.changes.group_by("path_key").agg(pl.col("path", "language").first())
    named = paths.select("path_key", area=area(by, depth))
    return named.with_columns(area_number=pl.col("area").rank("dense").cast(pl.Int64) - 1)


def _packed(history: History, commits: pl.DataFrame, areas: pl.DataFrame, people: int) -> pl.DataFrame:
    """The rows of changes: `bytes`, and `key`, the numbers of area, person and commit in one."""
    most = (areas["area_number"].n_unique() + 1) * (people + 1) * (commits.height + 1)
    number = pl.Int64() if most <= MOST_PACKED else pl.Int128()
    area_number, person, commit = (pl.col(name).cast(number) for name in ("area_number", "person_number", "commit"))
    rows = history.changes.select("commit_key", "path_key", BYTES.alias("bytes"))
    of_commit = commits.lazy().select("commit_key", "commit", "person_number")
    of_path = areas.lazy().select("path_key", "area_number")
    key = (area_number * people + person) * commits.height + commit
    return collect(rows.join(of_commit, on="commit_key").join(of_path, on="path_key").select("bytes", key=key))
