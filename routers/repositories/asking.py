"""Questions about repositories: who may see which codebases, and what of them a question is of."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any
from uuid import UUID

import polars as pl

from calculations.repositories.history import History, Selection, history
from calculations.repositories.people import names, people_behind, pseudonyms
from calculations.time.date_ranges import LATEST
from calculations.time.period import MICROSECOND, Period, local_day
from read_model.table import Table
from read_model.tables.repositories import (
    CODEBASES,
    COMMIT_BRANCHES,
    COMMITS,
    FILE_CHANGES,
    PATHS,
    PEOPLE,
    REPOSITORIES,
)
from routers.repositories.parameters import OfBranch, OfPaths, Selecting
from util.errors import AnalyticsError
from web.computing import computing
from web.errors import InvalidParameterError
from web.questions.asking import Subject
from web.questions.parameters import OfPeriod, Parameters
from web.questions.question import Part, Question

READ, NAME_PEOPLE = "repositories:read", "repositories:people"
PSEUDONYM = re.compile(r"person-[0-9a-f]+")

# `all` runs from the first commit to the last, which takes a look into the tables: see `CodeQuestion`.
REPOSITORIES_SUBJECT = Subject(REPOSITORIES, first_day=lambda _, __: LATEST)
asked = REPOSITORIES_SUBJECT.asked


class UnknownCodebaseError(AnalyticsError):
    """There is no such codebase, or the caller may not see it."""

    status = 404

    def __init__(self, codebase_id: UUID) -> None:
        super().__init__(f"No codebase has the id {codebase_id}: /analytics/codebases lists them")


class NoDataError(AnalyticsError):
    """Nothing was extracted from a codebase yet."""

    status = 404

    def __init__(self, codebase_id: UUID) -> None:
        super().__init__(
            f"Nothing is known of the codebase {codebase_id} yet: run `uv run python update_readmodel.py repositories`;"
            f" /codebases/{codebase_id}/analytics/status says how the last run went"
        )


@dataclass(frozen=True, kw_only=True)
class CodeQuestion[P: Parameters](Question[P]):
    """A question whose `all` runs from the first of some commits to the last, dates in the future included.

    `asked` is the question as it came, by which the answer is known to who has it already.
    """

    asked: Question[P]
    first_commit: datetime | None
    last_commit: datetime | None
    commits_ahead: int

    @property
    def headers(self) -> dict[str, str]:
        """The headers of the question as it came."""
        return self.asked.headers

    @property
    def notices(self) -> Iterator[str]:
        """That some commits are dated ahead."""
        if self.commits_ahead:
            yield f"{self.commits_ahead:,} commits are dated in the future; they are counted at their dates."

    @property
    def asked_period(self) -> Period:
        parameters = self.parameters
        if isinstance(parameters, OfPeriod) and parameters.date_range != "all":
            return super().asked_period
        zone = parameters.timezone if isinstance(parameters, OfPeriod) else "UTC"
        first, last = (local_day(instant or self.now, zone) for instant in (self.first_commit, self.last_commit))
        return Period.of_days(first, last, zone)

    def part(self, period: Period) -> Part:
        """The tables, and a period of them in buckets that have begun, or hold commits that are dated ahead."""
        until = max(self.now, self.last_commit or self.now) + MICROSECOND
        begun = Period(period.start, max(period.start, min(period.end, until)), period.zone)
        return Part(self.snapshot, period, begun, self.granularity, self.parameters.first_weekday)


@dataclass(frozen=True)
class Code[P: Parameters]:
    """The codebases a question is of, as far as its caller may see them: all of them, or one."""

    question: Question[P]
    known: pl.DataFrame

    @classmethod
    def visible(cls, question: Question[P]) -> "Code[P]":
        """All that the caller may see: those of their organisations, narrowed down by id or `owner/name`."""
        with computing(question.request, question.snapshot):
            every = question.snapshot.scan(CODEBASES).collect()
        caller = question.caller
        seen = [
            row["codebase_id"]
            for row in every.to_dicts()
            if caller.sees(row["organization_id"])
            and (caller.sees_codebase(row["codebase_id"]) or caller.sees_codebase(f"{row['owner']}/{row['name']}"))
        ]
        return cls(question, every.filter(pl.col("codebase_id").is_in(seen)))

    @classmethod
    def one(cls, question: Question[P], codebase_id: UUID) -> "Code[P]":
        """One of them, of which there are data.

        Raises:
            UnknownCodebaseError: The caller sees no such codebase.
            NoDataError: Nothing was extracted from it yet.
        """
        code = cls.visible(question).only(codebase_id)
        if code.known.is_empty():
            raise UnknownCodebaseError(codebase_id)
        if code.known["generated_at"].item() is None:
            raise NoDataError(codebase_id)
        return code

    def only(self, codebase_id: UUID) -> "Code[P]":
        """At most the one with an id."""
        return Code(self.question, self.known.filter(pl.col("codebase_id") == str(codebase_id)))

    @property
    def identity(self) -> dict[str, Any]:
        """The row of the only one."""
        return self.known.row(0, named=True)

    def rows(self, table: Table) -> pl.LazyFrame:
        """The rows of these codebases in a table."""
        return self.question.snapshot.scan(table).filter(
            pl.col("codebase_id").is_in(self.known["codebase_id"].implode())
        )

    @cached_property
    def history(self) -> History:
        """What the parameters select of all time.

        Raises:
            InvalidParameterError: `author` is not a pseudonym, and the caller may not name people.
        """
        changes = self.rows(FILE_CHANGES)
        # Until its next run, an earlier version of the updater has told paths with their changes only.
        paths = self.rows(PATHS) if self.question.snapshot.files(PATHS) else changes
        return history(self.rows(COMMITS), changes, paths, self.rows(COMMIT_BRANCHES), self._selection())

    def _selection(self) -> Selection:
        parameters = self.question.parameters
        return Selection(
            branch=parameters.branch if isinstance(parameters, OfBranch) else None,
            path=parameters.path if isinstance(parameters, OfPaths) else None,
            people=self._people(parameters.author) if isinstance(parameters, Selecting) else None,
            merges=parameters.merges if isinstance(parameters, Selecting) else "exclude",
        )

    def _people(self, author: str | None) -> list[str] | None:
        if author is None:
            return None
        if not self.may_name_people and not PSEUDONYM.fullmatch(author):
            message = (
                f"`author` takes pseudonyms such as person-0123456789abcdef; e-mails need the scope {NAME_PEOPLE}."
            )
            raise InvalidParameterError("author", message)
        with computing(self.question.request, self.question.snapshot):
            return people_behind(self.rows(COMMITS), self.rows(PEOPLE), author, may_name=self.may_name_people)

    @property
    def may_name_people(self) -> bool:
        """Whether the caller may be told names and e-mails."""
        return self.question.caller.may(NAME_PEOPLE)

    @property
    def shown(self) -> pl.LazyFrame:
        """How people are shown to the caller: `person`, `name`, `email`."""
        return names(self.rows(COMMITS)) if self.may_name_people else pseudonyms(self.rows(PEOPLE))

    def resolved(self) -> CodeQuestion[P]:
        """The question with the period that `all` means.

        Raises:
            InvalidParameterError: It has too many buckets.
        """
        question = self.question
        with computing(question.request, question.snapshot):
            at = pl.col("committed_at")
            ahead = at > pl.lit(question.now, pl.Datetime("us", "UTC"))
            bounds = self.history.commits.select(first=at.min(), last=at.max(), ahead=ahead.sum()).collect()
        first, last, commits_ahead = bounds.row(0)
        fields = {name: getattr(question, name) for name in Question.__dataclass_fields__}
        resolved = CodeQuestion(
            **fields,
            asked=question,
            first_commit=first,
            last_commit=last,
            commits_ahead=commits_ahead,
        )
        resolved.check()
        return resolved
