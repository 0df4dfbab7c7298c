"""One codebase: its figures, activity, branches, people, areas, paths, rhythm, and how its extraction went."""

import datetime as dt
from typing import Annotated, Literal
from uuid import UUID

import polars as pl
from fastapi import APIRouter, Path, Response
from pydantic import BaseModel, Field
from pydantic_core import to_json

from calculations.repositories.activity import Activity, activity
from calculations.repositories.branches import Branch, branches
from calculations.repositories.files import HotSpot, Pair, hot_spots, pairs
from calculations.repositories.ownership import Ownership, ownership
from calculations.repositories.people import Contributor, contributors
from calculations.repositories.rhythm import RhythmHour, rhythm
from calculations.repositories.totals import Totals, totals
from read_model.tables.repositories import BRANCHES, COMMIT_BRANCHES, TREE
from routers.repositories.asking import Code, asked
from routers.repositories.parameters import (
    ActivityParameters,
    BranchesParameters,
    CommitRhythmParameters,
    FilesParameters,
    OverviewParameters,
    OwnershipParameters,
    PeopleParameters,
    StatusParameters,
)
from routers.repositories.tables import areas_answer, list_answer
from web.computing import computing
from web.errors import Problem, Responses
from web.questions.answers import object_answer, table_answer
from web.questions.figures import figures
from web.questions.question import Question
from web.questions.schemas import ALSO_ROWS, Bucket, answer_of
from web.questions.series import series
from web.questions.tables import Table, computed, cut, ordered, parsed_order
from web.snapshot_route import SnapshotRoute

router = APIRouter(prefix="/codebases/{codebase_id}/analytics", route_class=SnapshotRoute)

CodebaseId = Annotated[UUID, Path(description="Id of the codebase.")]
OverviewQuestion = Annotated[Question[OverviewParameters], asked(OverviewParameters)]
ActivityQuestion = Annotated[Question[ActivityParameters], asked(ActivityParameters)]
BranchesQuestion = Annotated[Question[BranchesParameters], asked(BranchesParameters)]
OwnershipQuestion = Annotated[Question[OwnershipParameters], asked(OwnershipParameters)]
PeopleQuestion = Annotated[Question[PeopleParameters], asked(PeopleParameters)]
FilesQuestion = Annotated[Question[FilesParameters], asked(FilesParameters)]
RhythmQuestion = Annotated[Question[CommitRhythmParameters], asked(CommitRhythmParameters)]
StatusQuestion = Annotated[Question[StatusParameters], asked(StatusParameters, is_cheap=True)]

MISSING: Responses = {
    404: {"model": Problem, "description": "There is no such codebase, or nothing is known of it yet."}
}
BRANCH_ATTRIBUTES = ("is_default", "head", "divergence", "created", "last_commit", "status")
CONTRIBUTOR_ATTRIBUTES = ("name", "status", "languages", "first", "last")


class Overview(Totals, frozen=True):
    """A codebase as a whole."""

    codebase_id: str = Field(description="Id (UUID).")
    organization_id: str = Field(description="The organisation it is of.")
    display_name: str = Field(description="`owner/name`.")
    provider: str = Field(description="Where it is hosted.")
    default_branch: str | None = Field(description="The default branch; null in an empty repository.")
    primary_language: str | None = Field(description="Language most of the tree is written in; null without any.")
    first_commit_date: dt.datetime | None = Field(description="Time of the first commit selected, ever (UTC).")
    last_commit_date: dt.datetime | None = Field(description="Time of the last commit selected, ever (UTC).")
    collected_at: dt.datetime = Field(description="When it was extracted (UTC).")


class ActivityBucket(Activity, Bucket, frozen=True):
    """What happened in one bucket."""


class Directory(Ownership, frozen=True):
    """A directory and who knows it; with `by`, the field is called `file` or `language`."""

    directory: str = Field(description="The directory, `root` for files at the top.")


class HotSpots(BaseModel, frozen=True):
    """The paths that change most, and pairs of them."""

    files: list[HotSpot] = Field(description="Paths, the most changed first.")
    pairs: list[Pair] = Field(
        description="Pairs of the 300 most changed paths, in commits that change at most 50 of them, most often first."
    )


class Extraction(BaseModel, frozen=True):
    """How a codebase's extraction went."""

    codebase_id: str = Field(description="Id (UUID).")
    status: Literal["complete", "failed", "none"] = Field(
        description="`complete`; `failed`, so the figures are of the last success; `none`, nothing is known of it."
    )
    generated_at: dt.datetime | None = Field(description="When it was last extracted (UTC); null if it never was.")
    generation_seconds: float | None = Field(description="How long that took, in seconds; null if it never was.")
    attempted_at: dt.datetime | None = Field(description="When that was last tried (UTC); null if it never was.")
    failed_since: dt.datetime | None = Field(description="Since when it has failed (UTC); null if it has not.")
    error: str | None = Field(description="Why it failed and what to do; null if it has not.")


@router.get("/overview", response_model=answer_of(Overview, OverviewParameters), responses=ALSO_ROWS | MISSING)
def get_codebase_overview(codebase_id: CodebaseId, question: OverviewQuestion) -> Response:
    """Commits, people, lines and size of a codebase."""
    code = Code.one(question, codebase_id)
    resolved = code.resolved()
    found = figures(
        resolved, lambda part: totals(code.history.within(part.period), code.rows(BRANCHES), code.rows(TREE))
    )
    known = code.identity
    described = {
        "codebase_id": known["codebase_id"],
        "organization_id": known["organization_id"],
        "display_name": f"{known['owner']}/{known['name']}",
        "provider": known["provider"],
        "default_branch": known["default_branch"],
        "primary_language": known["primary_language"],
        "first_commit_date": resolved.first_commit,
        "last_commit_date": resolved.last_commit,
        "collected_at": known["generated_at"],
    }
    rows = pl.concat([pl.DataFrame([described]), found.table.frame], how="horizontal")
    return object_answer(resolved, [to_json(described | found.as_object())], rows, "overview")


@router.get(
    "/activity", response_model=answer_of(list[ActivityBucket], ActivityParameters), responses=ALSO_ROWS | MISSING
)
def get_codebase_activity(codebase_id: CodebaseId, question: ActivityQuestion) -> Response:
    """Commits, lines, bytes and people of a codebase per bucket, quiet ones included."""
    code = Code.one(question, codebase_id)
    resolved, merges = code.resolved(), question.parameters.merges
    table = series(resolved, lambda part: activity(code.history.within(part.begun), part.buckets, merges=merges))
    return table_answer(resolved, table, "activity")


@router.get("/branches", response_model=answer_of(list[Branch], BranchesParameters), responses=ALSO_ROWS | MISSING)
def get_codebase_branches(codebase_id: CodebaseId, question: BranchesQuestion) -> Response:
    """The branches of a codebase, deleted ones included, the last changed first."""
    code = Code.one(question, codebase_id)
    return list_answer(
        code.resolved(),
        lambda _: branches(code.rows(BRANCHES), code.rows(COMMIT_BRANCHES), code.history, question.now),
        ("name",),
        BRANCH_ATTRIBUTES,
        {"last_commit": True, "name": False},
        "branches",
    )


@router.get("/ownership", response_model=answer_of(list[Directory], OwnershipParameters), responses=ALSO_ROWS | MISSING)
def get_codebase_ownership(codebase_id: CodebaseId, question: OwnershipQuestion) -> Response:
    """Who changed which directories, files or languages of a codebase, the most changed first."""
    code, asked_for = Code.one(question, codebase_id), question.parameters
    return areas_answer(
        code.resolved(),
        lambda part: ownership(
            code.history.within(part.period), code.shown, asked_for.by, asked_for.depth, asked_for.timezone
        ),
        asked_for.by,
        {"sloc": True, asked_for.by: False},
    )


@router.get(
    "/contributors", response_model=answer_of(list[Contributor], PeopleParameters), responses=ALSO_ROWS | MISSING
)
def get_codebase_contributors(codebase_id: CodebaseId, question: PeopleQuestion) -> Response:
    """The people of a codebase and what they did, those with most commits first."""
    code, zone = Code.one(question, codebase_id), question.parameters.timezone
    return list_answer(
        code.resolved(),
        lambda part: contributors(
            code.history.within(part.period), code.shown, code.history, question.known_until, zone
        ),
        ("email",),
        CONTRIBUTOR_ATTRIBUTES,
        {"commits": True, "churn": True, "email": False},
        "contributors",
    )


@router.get("/files", response_model=answer_of(HotSpots, FilesParameters), responses=ALSO_ROWS | MISSING)
def get_codebase_files(codebase_id: CodebaseId, question: FilesQuestion) -> Response:
    """The paths of a codebase that change most, and those that change together.

    `limit` and `offset` hold for both lists, `order_by` for the paths. Other formats than JSON hold the paths.
    """
    code = Code.one(question, codebase_id)
    resolved = code.resolved()
    order = parsed_order(resolved, list(HotSpot.model_fields), {"changes": True, "churn": True, "path": False})
    within = code.history.within(resolved.period)
    with computing(question.request, question.snapshot):
        found = hot_spots(within, question.known_until)
        together = pairs(within, found)
    files = ordered(Table(found.drop("path_key"), ("path", "first", "last"), is_compared=False), order)
    paired = ordered(
        Table(together, ("path", "other"), is_compared=False), {"together": True, "path": False, "other": False}
    )
    shown = cut(files, resolved)
    data = b'{"files":%s,"pairs":%s}' % (b"".join(shown.as_json()), b"".join(cut(paired, resolved).as_json()))
    return object_answer(resolved, [data], shown.frame, "files", files.frame.height)


@router.get(
    "/rhythm", response_model=answer_of(list[RhythmHour], CommitRhythmParameters), responses=ALSO_ROWS | MISSING
)
def get_codebase_rhythm(codebase_id: CodebaseId, question: RhythmQuestion) -> Response:
    """When the people of a codebase commit: every hour of the week, in each author's own time zone."""
    code = Code.one(question, codebase_id)
    resolved = code.resolved()
    keys = ("weekday", "hour")
    table = computed(resolved, lambda part: rhythm(code.history.within(part.period)), keys)
    return table_answer(resolved, ordered(table, dict.fromkeys(keys, False)), "rhythm")


@router.get("/status", response_model=answer_of(Extraction, StatusParameters), responses=ALSO_ROWS)
def get_codebase_status(codebase_id: CodebaseId, question: StatusQuestion) -> Response:
    """How the last extraction of a codebase went; `none` for one that the token does not see."""
    known = Code.visible(question).only(codebase_id).known
    empty = dict.fromkeys(Extraction.model_fields) | {"codebase_id": str(codebase_id), "status": "none"}
    row = known.select(*Extraction.model_fields).row(0, named=True) if known.height else empty
    return object_answer(question, [to_json(row)], pl.DataFrame([row]), "status")
