"""How far the events of an organisation are known."""

from typing import Annotated

from fastapi import APIRouter

from calculations.llm.freshness import last_events
from routers.llm.parameters import LlmParameters
from routers.llm.question import Question, untagged
from routers.llm.recency import recency
from routers.llm.route import DOCUMENTED_UNTAGGED, LlmRoute, get_organisation
from routers.llm.schemas import FreshnessAnswer, ModelRecency
from web.callers import requires
from web.computing import computing

router = APIRouter(route_class=LlmRoute, dependencies=[requires("llm:read")], responses=DOCUMENTED_UNTAGGED)

FreshnessQuestion = Annotated[Question[LlmParameters], untagged(get_organisation)]


@router.get("/orgs/{orgId}/freshness")
def get_llm_freshness(question: FreshnessQuestion) -> FreshnessAnswer:
    """How far the events of an organisation are known, and those of each of its models."""
    with computing(question.request, question.snapshot):
        found = last_events(question.organisation, "model_id")
    entries = [
        ModelRecency(model_id=model, **dict(recency(question, last_event))) for model, last_event in found.iter_rows()
    ]
    whole = recency(question, found["last_event_at"].max())  # type: ignore[arg-type] # a column of instants
    return FreshnessAnswer(org_id=question.org_id, entries=entries, meta=question.meta, **dict(whole))
