"""Who knows what: per directory, file or language, who changed how much of it, and how many people it hangs on."""

import datetime as dt
from typing import Literal

import polars as pl
from pydantic import BaseModel, Field

from calculations.frames.arithmetic import UNKNOWN, NotAdditive
from calculations.frames.collecting import collect
from calculations.repositories.history import History
from calculations.repositories.lines import BYTES, source_lines

type Area = Literal["directory", "file", "language"]

ROOT = "root"
TOP_PEOPLE = 10
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
    # One author each, so a commit counts for one person of an area.
    in_commits = history.changes.group_by(area(by, depth).alias("area"), "person", "commit_sha").agg(
        bytes=BYTES.sum(), at=pl.col("committed_at").first()
    )
    did = in_commits.group_by("area", "person").agg(
        pl.col("bytes").sum(),
        commits=pl.len(),
        first=pl.col("at").min(),
        last=pl.col("at").max(),
        active_days=pl.col("at").dt.convert_time_zone(zone).dt.date().n_unique(),
    )
    ranked = did.join(shown, on="person", how="left").sort(
        "area", "bytes", "commits", "email", descending=[False, True, True, False]
    )
    total = pl.col("bytes").sum()
    share = pl.when(total > 0).then(pl.col("bytes") / total).otherwise(0.0).round(DECIMALS)
    before = pl.col("bytes").cum_sum() - pl.col("bytes")
    person = pl.struct(
        "email", "name", source_lines(pl.col("bytes")).alias("sloc"), share.alias("share"),
        "commits", "first", "last", "active_days",
    )  # fmt: skip
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
