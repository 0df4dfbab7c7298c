"""Several questions at once, answered from one snapshot."""

from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial, reduce
from operator import or_
from typing import Annotated, Any, Literal, get_args

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field, create_model

from read_model.snapshot import Snapshot
from routers.v1.asking import APP
from routers.v1.cohort_parameters import FunnelParameters, LifecycleParameters, RetentionParameters
from routers.v1.cohorts import get_funnel, get_retention
from routers.v1.figures import get_distribution, get_traffic, get_votes
from routers.v1.lists import (
    BehaviourList,
    LocationList,
    get_behaviour,
    get_behaviour_list,
    get_location,
    get_location_list,
)
from routers.v1.parameters import (
    DISTRIBUTIONS,
    BehaviourParameters,
    DistributionParameters,
    HistoricalParameters,
    ListParameters,
    LocationParameters,
    PlacesParameters,
    ReoccurringParameters,
    RhythmParameters,
    RoomsParameters,
    TrafficParameters,
    VotesParameters,
)
from routers.v1.rooms import get_rooms
from routers.v1.series import get_historical, get_lifecycle, get_reoccurring, get_rhythm
from web.callers import CallerDep
from web.dependencies import NowDep, SettingsDep, snapshot_of
from web.errors import InvalidParameterError
from web.json_body import JsonRequest
from web.limits import Lanes, its_turn
from web.questions.answers import Meta, together
from web.questions.parameters import Bare, Parameters, Span
from web.questions.question import Question
from web.questions.texts import FilterOn, Names
from web.snapshot_route import SnapshotRoute

MOST_QUERIES = 20


class QueryRoute(SnapshotRoute):
    """Reads its body strictly."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler with strict parsing of JSON."""
        handle = super().get_route_handler()

        async def handle_strictly(request: Request) -> Response:
            return await handle(JsonRequest(request.scope, request.receive))

        return handle_strictly


router = APIRouter(route_class=QueryRoute)


@dataclass(frozen=True)
class Asked:
    """What a question can be about: its parameters, and the function that answers it."""

    parameters: type[Parameters]
    answer: Callable[[Any], Response]
    given: Mapping[str, object] | None = None


ASKED: Mapping[str, Asked] = {
    "traffic": Asked(TrafficParameters, get_traffic),
    "votes": Asked(VotesParameters, get_votes),
    "behaviour": Asked(BehaviourParameters, get_behaviour),
    **{
        f"behaviour/{name}": Asked(ListParameters, partial(get_behaviour_list, name))
        for name in get_args(BehaviourList)
    },
    "location": Asked(LocationParameters, get_location),
    **{
        f"location/{name}": Asked(PlacesParameters, partial(get_location_list, name)) for name in get_args(LocationList)
    },
    "historical": Asked(HistoricalParameters, get_historical),
    "reoccurring": Asked(ReoccurringParameters, get_reoccurring),
    "lifecycle": Asked(LifecycleParameters, get_lifecycle),
    "rhythm": Asked(RhythmParameters, get_rhythm),
    "retention": Asked(RetentionParameters, get_retention),
    "funnel": Asked(FunnelParameters, get_funnel),
    "rooms": Asked(RoomsParameters, get_rooms),
    # `/v1/distribution` has a parameter `of` itself.
    **{f"distribution/{name}": Asked(DistributionParameters, get_distribution, {"of": name}) for name in DISTRIBUTIONS},
}


class Exact(BaseModel):
    """Parameters without conversion between types, such as 0 into false: unlike URLs, JSON has types."""

    model_config = ConfigDict(strict=True)


def _query_of(names: tuple[str, ...], parameters: type[Parameters]) -> Any:
    """The type of a question: the parameters, and `of`."""
    fields: dict[str, Any] = {"of": (Literal[names], Field(description="The path under /v1 that answers it."))}
    for name, field in parameters.model_fields.items():
        if marker := next((part for part in field.metadata if isinstance(part, FilterOn | Names)), None):
            in_body = Annotated[str | None, replace(marker, is_list=True)]
            fields[name] = (in_body, Field(default=None, description=field.description))
    title = f"{parameters.__name__.removesuffix('Parameters')}Question"
    return create_model(title, __base__=(Exact, parameters), __doc__=parameters.__doc__, **fields)


def _queries() -> Any:
    names: dict[type[Parameters], list[str]] = {}
    for name, each in ASKED.items():
        names.setdefault(each.parameters, []).append(name)
    return reduce(or_, (_query_of(tuple(of), parameters) for parameters, of in names.items()))


class SomeQueries(BaseModel):
    """Questions to be answered together."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    queries: list[Any]


_FIELDS: dict[str, Any] = {
    "queries": (
        list[Annotated[_queries(), Field(discriminator="of")]],  # type: ignore[misc] # made of the parameters
        Field(
            min_length=1,
            max_length=MOST_QUERIES,
            description="The questions: `of` names a path under /v1, the other fields are its parameters, with "
            "`filters` as an array.",
        ),
    )
}
Queries = create_model("Queries", __base__=SomeQueries, __doc__=SomeQueries.__doc__, **_FIELDS)


class QueryAnswer(BaseModel, frozen=True):
    """The answer to one of several questions."""

    data: Any = Field(description="The figures, as the path returns them.")
    query: dict[str, str | int | bool | list[Any] | Span | None] = Field(
        description="Every parameter as it was understood, and the instants it means."
    )
    notices: list[str] = Field(description="What to know before relying on the figures, in sentences.")


class QueryAnswers(BaseModel, frozen=True):
    """The answers to several questions, in order."""

    data: list[QueryAnswer] = Field(description="One per question.")
    meta: Meta = Field(description="The data behind all the figures.")


@dataclass(frozen=True)
class Several:
    """Questions and the functions that answer them."""

    questions: list[Question[Any]]
    answers: list[Callable[[Any], Response]]


@contextmanager
def _telling(number: int) -> Iterator[None]:
    """Add the number of the question to errors in parameters."""
    try:
        yield
    except InvalidParameterError as error:
        fault, where = error.fault, f"queries[{number}]"
        parameter = f"{where}.{fault.parameter}"
        raise InvalidParameterError(parameter, f"{where}: {fault.message}", fault.allowed, "body") from None


def _plain(query: Any) -> Parameters:
    """The parameters of a question, as its path takes them."""
    asked = ASKED[query.of]
    given = query.model_dump(exclude={"of"}, exclude_unset=True) | dict(asked.given or {})
    return asked.parameters.model_validate(given)


async def ask_several(
    request: Request,
    caller: CallerDep,
    snapshot: Annotated[Snapshot, Depends(snapshot_of(APP.model))],
    settings: SettingsDep,
    now: NowDep,
    body: Queries,
    _: Annotated[Bare, Query()],
) -> AsyncIterator[Several]:
    """Check all questions, then wait for the turn to answer them.

    Raises:
        InvalidParameterError: A parameter is wrong; the message says of which question.
    """
    first_day = APP.first_day(snapshot, settings)
    questions = []
    for number, query in enumerate(body.queries):
        with _telling(number):
            question = Question(request, caller, _plain(query), snapshot, settings, now, first_day, True)
            question.check()
            questions.append(question)
    lanes: Lanes = request.app.state.lanes
    async with its_turn(request, caller, lanes.costly):
        yield Several(questions, [ASKED[query.of].answer for query in body.queries])


@router.post("/query", response_model=QueryAnswers)
def post_query(several: Annotated[Several, Depends(ask_several, scope="function")]) -> Response:
    """Several questions at once, at most 20, answered from one snapshot. Read-only."""
    answers = []
    for number, (question, answer) in enumerate(zip(several.questions, several.answers, strict=True)):
        with _telling(number):
            answers.append(answer(question))
    return together(several.questions, answers)
