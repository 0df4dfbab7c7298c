"""The organisations a token may see."""

from typing import Annotated

from fastapi import APIRouter

from calculations.llm.freshness import last_events
from routers.llm.parameters import LlmParameters
from routers.llm.question import Question, untagged
from routers.llm.route import DOCUMENTED_UNTAGGED, LlmRoute
from routers.llm.schemas import Organisation, OrganisationsAnswer
from web.callers import EVERYTHING, requires
from web.computing import computing

router = APIRouter(route_class=LlmRoute, dependencies=[requires("llm:read")], responses=DOCUMENTED_UNTAGGED)


def _no_organisation() -> str:
    return ""


AnyQuestion = Annotated[Question[LlmParameters], untagged(_no_organisation)]


@router.get("/orgs")
def get_llm_organisations(question: AnyQuestion) -> OrganisationsAnswer:
    """The organisations the token may see; a token for all of them sees those with events."""
    seen = question.caller.organisations
    with computing(question.request, question.snapshot):
        found = dict(last_events(question.events_of(seen), "org_id").iter_rows())
    names = sorted(found if EVERYTHING in seen else seen)
    orgs = [Organisation(org_id=name, last_event_at=found.get(name)) for name in names]
    return OrganisationsAnswer(orgs=orgs, meta=question.meta)
