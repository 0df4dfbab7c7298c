"""Dependencies that give a route its question, parsed and checked, when it is its turn to compute."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import date
from typing import Annotated

import anyio.to_thread
from fastapi import Depends, Query, Request, Response
from fastapi.params import Depends as Dependency

from config import ServerSettings
from read_model.model import ReadModel
from read_model.snapshot import Snapshot
from web.callers import CallerDep
from web.computing import turn_to_compute
from web.dependencies import NowDep, SettingsDep, snapshot_of
from web.questions.parameters import Parameters
from web.questions.question import Question


@dataclass(frozen=True)
class Subject:
    """What the questions about one read model have in common.

    `first_day` gives the first day of the range `all`; it must not read any table.
    """

    model: ReadModel
    first_day: Callable[[Snapshot, ServerSettings], date]

    def asked[P: Parameters](self, parameters: type[P], *, is_cheap: bool = False) -> Dependency:
        """A dependency that gives a `Question` with these parameters to a route that computes its answer.

        It checks the question, answers 304 if the client has the answer already, then waits for a turn: one for cheap
        computations if the route `is_cheap`, or if the parameters make this question cheap.
        """

        async def ask(
            request: Request,
            response: Response,
            caller: CallerDep,
            snapshot: Annotated[Snapshot, Depends(snapshot_of(self.model))],
            settings: SettingsDep,
            now: NowDep,
            values: Annotated[parameters, Query()],  # type: ignore[valid-type] # known by now
        ) -> AsyncIterator[Question[P]]:
            first_day = self.first_day(snapshot, settings)
            question = Question(request, caller, values, snapshot, settings, now, first_day)
            question.check()
            # This computes buckets, which would block the event loop.
            headers = await anyio.to_thread.run_sync(lambda: question.headers)
            response.headers.update(headers)
            is_cheap_ = is_cheap or question.is_cheap
            # Other formats are streamed.
            is_shared = question.format == "json"
            async with turn_to_compute(request, caller, headers, is_cheap=is_cheap_, is_shared=is_shared):
                yield question

        # The turn ends with the route function, not with the response: sending needs no turn.
        return Dependency(ask, scope="function")
