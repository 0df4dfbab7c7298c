"""How often an organisation's calls fail, and how long they take."""

from typing import Annotated

from fastapi import APIRouter, Response

from calculations.llm.events import GROUP_COLUMNS
from calculations.llm.reliability import reliability
from routers.llm.answers import series_answer
from routers.llm.parameters import ReliabilityParameters
from routers.llm.question import CallsQuestion, asked, buckets_of
from routers.llm.route import DOCUMENTED, LlmRoute
from routers.llm.schemas import ReliabilityAnswer
from web.callers import requires
from web.computing import computing
from web.questions.schemas import ALSO_ROWS

router = APIRouter(route_class=LlmRoute, dependencies=[requires("llm:read")], responses=DOCUMENTED)

ReliabilityQuestion = Annotated[CallsQuestion[ReliabilityParameters], asked(ReliabilityParameters)]


@router.get("/orgs/{orgId}/reliability", response_model=ReliabilityAnswer, responses=ALSO_ROWS)
def get_llm_reliability(question: ReliabilityQuestion) -> Response:
    """Failures and latencies of an organisation's calls per bucket and group, and of the whole range."""
    buckets, by = buckets_of(question), GROUP_COLUMNS[question.parameters.group_by]
    percentiles = list(dict.fromkeys(question.parameters.percentile))
    with computing(question.request, question.snapshot):
        found = reliability(question.calls, buckets, by, percentiles)
        return series_answer(question, found.series, found.totals, buckets, "reliability")
