"""People: a person is an e-mail after `.mailmap`, without case; how they are shown depends on who asks."""

import datetime as dt

import polars as pl
from pydantic import BaseModel, Field

from calculations.frames.arithmetic import NotAdditive
from calculations.frames.collecting import collect, collect_all
from calculations.repositories.history import History, changes_by_person
from calculations.repositories.lines import BYTES, CHURN, SUMS, source_lines

LANGUAGES = 5
QUIET_AFTER = dt.timedelta(days=90)


class Contributor(BaseModel, frozen=True):
    """A person and what they did in a period."""

    email: str = Field(description="E-mail; a pseudonym without the scope `repositories:people`.")
    name: str = Field(description="Name in the latest commit; a pseudonym without the scope `repositories:people`.")
    status: str = Field(
        description="`gone` without a commit in the last 90 days, `new` if the first one is not older, else `active`."
    )
    languages: list[str] = Field(description="Languages of most bytes changed, at most 5.")
    first: dt.datetime = Field(description="Time of the first commit of the period (UTC).")
    last: dt.datetime = Field(description="Time of the last commit of the period (UTC).")
    commits: int = Field(ge=0, description="Commits, merges included.")
    merges: int = Field(ge=0, description="Merges.")
    additions: int = Field(ge=0, description="Lines added.")
    deletions: int = Field(ge=0, description="Lines deleted.")
    churn: int = Field(ge=0, description="Lines added or deleted.")
    sloc: NotAdditive[int] = Field(ge=0, description="Bytes of the lines added or deleted, in source lines of 50.")
    files: NotAdditive[int] = Field(ge=0, description="Distinct paths changed.")
    active_days: NotAdditive[int] = Field(ge=0, description="Days with a commit, in the requested time zone.")


def names(commits: pl.LazyFrame) -> pl.LazyFrame:
    """How people call themselves: `person`, and `name` and `email` as in their latest commit."""
    latest = ("committed_at", "commit_sha")
    return commits.group_by("person").agg(
        name=pl.col("author_name").sort_by(latest).last(), email=pl.col("author_email").sort_by(latest).last()
    )


def pseudonyms(people: pl.LazyFrame) -> pl.LazyFrame:
    """What stands for people where they may not be named: `person`, and `name` and `email`, both the pseudonym.

    Args:
        people: Rows of `repo_people`.
    """
    return people.select("person", name="pseudonym", email="pseudonym").unique()


def contributors(history: History, shown: pl.LazyFrame, before: History, now: dt.datetime, zone: str) -> pl.DataFrame:
    """What each person did.

    Args:
        history: The commits of a period.
        shown: How people are shown (see `names` and `pseudonyms`).
        before: The commits of all time, which tell who is new and who is gone.
        now: The instant that is told from.
        zone: The time zone of days.

    Returns:
        One row per person with a commit, in no order, with the fields of `Contributor`.
    """
    day = pl.col("committed_at").dt.convert_time_zone(zone).dt.date()
    did = history.commits.group_by("person").agg(
        *SUMS,
        commits=pl.len(),
        merges=pl.col("is_merge").sum(),
        first=pl.col("committed_at").min(),
        last=pl.col("committed_at").max(),
        active_days=day.n_unique(),
    )
    ever = before.commits.group_by("person").agg(
        ever_first=pl.col("committed_at").min(), ever_last=pl.col("committed_at").max()
    )
    quiet = pl.lit(now - QUIET_AFTER, pl.Datetime("us", "UTC"))
    status = (
        pl.when(pl.col("ever_last") < quiet)
        .then(pl.lit("gone"))
        .when(pl.col("ever_first") >= quiet)
        .then(pl.lit("new"))
        .otherwise(pl.lit("active"))
    )
    changes = changes_by_person(history)
    return collect(
        did.join(ever, on="person")
        .join(shown, on="person", how="left")
        .join(_files(changes), on="person", how="left")
        .join(_languages(changes), on="person", how="left")
        .with_columns(
            pl.col("files").fill_null(0),
            pl.col("languages").fill_null(pl.lit([], pl.List(pl.String))),
            status=status,
            churn=CHURN,
            sloc=source_lines(BYTES),
        )
        .select(*Contributor.model_fields)
    )


def _files(changes: pl.LazyFrame) -> pl.LazyFrame:
    # Distinct pairs first: counting distinct values within groups is slower.
    counted = changes.select("person", "path_key").unique().group_by("person").agg(files=pl.len())
    return counted.with_columns(pl.col("person").cast(pl.String))


def _languages(changes: pl.LazyFrame) -> pl.LazyFrame:
    sizes = changes.drop_nulls("language").group_by("person", "language").agg(bytes=BYTES.sum())
    sizes = sizes.with_columns(pl.col("person").cast(pl.String))
    ranked = sizes.sort("bytes", "language", descending=[True, False])
    return ranked.group_by("person", maintain_order=True).agg(languages=pl.col("language").head(LANGUAGES))


def people_behind(commits: pl.LazyFrame, people: pl.LazyFrame, author: str, *, may_name: bool) -> list[str]:
    """The people that an `author` parameter means: one by pseudonym or, for who may, by e-mail; none if unknown."""
    by_pseudonym = people.filter(pl.col("pseudonym") == author).select("person").unique()
    by_email = commits.filter(pl.col("person") == author.lower()).select("person").unique()
    found = collect_all([by_pseudonym, by_email] if may_name else [by_pseudonym])
    return sorted({person for frame in found for person in frame["person"]})
