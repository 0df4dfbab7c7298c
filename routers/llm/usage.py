"""What an organisation uses and spends."""

from typing import Annotated

from fastapi import APIRouter, Response

from calculations.llm.events import GROUP_COLUMNS
from calculations.llm.usage import usage
from routers.llm.answers import series_answer
from routers.llm.parameters import UsageParameters
from routers.llm.question import CallsQuestion, asked, buckets_of
from routers.llm.route import DOCUMENTED, LlmRoute
from routers.llm.schemas import UsageAnswer
from web.callers import requires
from web.computing import computing
from web.questions.schemas import ALSO_ROWS

router = APIRouter(route_class=LlmRoute, dependencies=[requires("llm:read")], responses=DOCUMENTED)

UsageQuestion = Annotated[CallsQuestion[UsageParameters], asked(UsageParameters)]


@router.get("/orgs/{orgId}/usage", response_model=UsageAnswer, responses=ALSO_ROWS)
def get_llm_usage(question: UsageQuestion) -> Response:
    """Calls, tokens and costs of an organisation per bucket and group, and of the whole range."""
    buckets = buckets_of(question)
    with computing(question.request, question.snapshot):
        found = usage(question.calls, buckets, GROUP_COLUMNS[question.parameters.group_by])
        return series_answer(question, found.series, found.totals, buckets, "usage")
