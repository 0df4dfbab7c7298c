"""Turns rotate among callers, cheap questions have a lane of their own, and nothing is left over."""

from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime

import anyio
import pytest

from routers.v1.cohort_parameters import LifecycleParameters, RetentionParameters
from routers.v1.parameters import ReoccurringParameters
from web.callers import Caller
from web.limits import QueryLimit, TooBusyError
from web.questions.parameters import Bare, FiguresParameters, Parameters, SeriesParameters
from web.state import RequestState

PATIENCE_S = 30.0
SHORTLY_S = 0.02
ANN, BOB, CEM = (Caller(name, frozenset()) for name in ("ann", "bob", "cem"))
NOW = datetime(2026, 3, 5, 12, 30, tzinfo=UTC)


class Line:
    """Requests that wait for one turn, and the order in which they got it."""

    def __init__(self) -> None:
        self.limit = QueryLimit(1, PATIENCE_S)
        self.order: list[str] = []

    async def ask(self, caller: Caller, patience_s: float = PATIENCE_S) -> None:
        """Take a turn and hand it on."""
        await self.limit.acquire(RequestState(waited_s=PATIENCE_S - patience_s), caller)
        self.order.append(caller.name)
        self.limit.release()


def run(steps: Callable[[], Awaitable[None]]) -> None:
    """Run it to its end, which comes long before anybody loses patience."""

    async def limited() -> None:
        with anyio.fail_after(PATIENCE_S / 2):
            await steps()

    anyio.run(limited)


def test_turns_go_round_the_callers() -> None:
    """Ann's four requests came first; Bob waits for one of them, Cem for one of each."""

    async def steps() -> None:
        line = Line()
        await line.limit.acquire(RequestState(), CEM)
        async with anyio.create_task_group() as tasks:
            for caller in (ANN, ANN, ANN, ANN, BOB, CEM, BOB):
                tasks.start_soon(line.ask, caller)
                await anyio.wait_all_tasks_blocked()
            line.limit.release()
        assert line.order == ["ann", "bob", "cem", "ann", "bob", "ann", "ann"]

    run(steps)


def test_who_leaves_the_line_leaves_nothing_behind() -> None:
    """Ann is cancelled, Bob loses patience; Cem is next, and then the turn is free."""

    async def steps() -> None:
        line = Line()
        await line.limit.acquire(RequestState(), CEM)
        async with anyio.create_task_group() as tasks:
            async with anyio.create_task_group() as leaving:
                leaving.start_soon(line.ask, ANN)
                await anyio.wait_all_tasks_blocked()
                leaving.cancel_scope.cancel()
            with pytest.raises(TooBusyError):
                await line.ask(BOB, SHORTLY_S)
            tasks.start_soon(line.ask, CEM)
            await anyio.wait_all_tasks_blocked()
            line.limit.release()
        assert line.order == ["cem"]
        await line.ask(ANN, 0)

    run(steps)


def test_a_turn_that_comes_too_late_is_handed_on() -> None:
    """Ann is cancelled at the moment her turn comes: Bob gets it."""

    async def steps() -> None:
        line = Line()
        await line.limit.acquire(RequestState(), CEM)
        async with anyio.create_task_group() as tasks:
            async with anyio.create_task_group() as leaving:
                leaving.start_soon(line.ask, ANN)
                await anyio.wait_all_tasks_blocked()
                line.limit.release()
                leaving.cancel_scope.cancel()
            tasks.start_soon(line.ask, BOB)
        assert line.order[-1] == "bob"

    run(steps)


@pytest.mark.parametrize(
    ("parameters", "cheap"),
    [
        (FiguresParameters(date_range="24h"), True),
        (SeriesParameters(date_range="2026-03-01,2026-03-02"), True),
        (FiguresParameters(date_range="24h", compare="previous_period"), True),
        (FiguresParameters(date_range="7d"), False),
        (FiguresParameters(), False),
        (FiguresParameters(date_range="2026-03-01,2026-03-01", compare="2016-01-01,2025-12-31"), False),
        (LifecycleParameters(date_range="24h"), False),
        (RetentionParameters(date_range="24h"), False),
        (ReoccurringParameters(date_range="24h"), False),
        (Bare(), False),
    ],
    ids=str,
)
def test_what_reads_little_is_cheap(parameters: Parameters, cheap: bool) -> None:
    """Two days at most, of the comparison too, unless what came before is read as well."""
    period = parameters.asked_period(NOW, date(2024, 6, 3), NOW)
    assert parameters.is_cheap(period, parameters.asked_comparison(period)) == cheap
