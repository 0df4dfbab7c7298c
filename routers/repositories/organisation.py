"""All codebases that a caller may see: together, and side by side."""

import datetime as dt
from typing import Annotated

import polars as pl
from fastapi import APIRouter, Response
from pydantic import Field
from pydantic_core import to_json

from calculations.repositories.totals import Codebase, Totals, codebases, totals
from read_model.tables.repositories import BRANCHES, TREE
from routers.repositories.asking import Code, asked
from routers.repositories.parameters import CodebasesParameters, SummaryParameters
from routers.repositories.tables import list_answer
from web.questions.answers import object_answer
from web.questions.figures import figures
from web.questions.question import Question
from web.questions.schemas import ALSO_ROWS, Uncompared, answer_of
from web.snapshot_route import SnapshotRoute

router = APIRouter(prefix="/analytics", route_class=SnapshotRoute)

SummaryQuestion = Annotated[Question[SummaryParameters], asked(SummaryParameters)]
CodebasesQuestion = Annotated[Question[CodebasesParameters], asked(CodebasesParameters)]

KEYS = ("codebase_id",)
ATTRIBUTES = ("display_name", "provider", "primary_language", "last_commit_date", "analytics_status")
MOST_COMMITS_FIRST = {"total_commits": True, "display_name": False, "codebase_id": False}


class Summary(Totals, frozen=True):
    """All codebases together."""

    organization_id: str | None = Field(description="The organisation they are of; null without any.")
    total_codebases: Uncompared[int] = Field(ge=0, description="Codebases that are configured.")
    codebases_with_analytics: Uncompared[int] = Field(ge=0, description="Codebases of which there are figures.")
    generated_at: dt.datetime | None = Field(description="When the last of them was extracted (UTC); null without any.")


@router.get("/summary", response_model=answer_of(Summary, SummaryParameters), responses=ALSO_ROWS)
def get_codebases_summary(question: SummaryQuestion) -> Response:
    """Commits, people, lines and sizes of all codebases that the token may see."""
    code = Code.visible(question)
    resolved = code.resolved()
    found = figures(
        resolved,
        lambda part: totals(code.history.within(part.period), code.rows(BRANCHES), code.rows(TREE)),
    )
    described = code.known.select(
        organization_id=pl.col("organization_id").first(),
        total_codebases=pl.len(),
        codebases_with_analytics=pl.col("generated_at").count(),
        generated_at=pl.col("generated_at").max(),
    )
    body = to_json(described.row(0, named=True) | found.as_object())
    rows = pl.concat([described, found.table.frame], how="horizontal")
    return object_answer(resolved, [body], rows, "summary")


@router.get("/codebases", response_model=answer_of(list[Codebase], CodebasesParameters), responses=ALSO_ROWS)
def get_codebases(question: CodebasesQuestion) -> Response:
    """The codebases that the token may see side by side, those with most commits first."""
    code = Code.visible(question)
    return list_answer(
        code.resolved(),
        lambda part: codebases(
            code.known.lazy(), code.history.within(part.period), code.rows(BRANCHES), code.rows(TREE)
        ),
        KEYS,
        ATTRIBUTES,
        MOST_COMMITS_FIRST,
        "codebases",
    )
