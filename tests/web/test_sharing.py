"""Who computes and who waits, without a server: nobody hangs, and nothing is left over."""

from collections.abc import Awaitable, Callable

import anyio
import pytest
from fastapi import Response
from fastapi.responses import StreamingResponse

from web.limits import TooBusyError
from web.shared_work import AnsweredByAnother, SharedWork
from web.state import RequestState

PATIENCE_S = 30.0
TAG, OTHER = "tag", "other"
SHORTLY_S = 0.02

type Compute = Callable[[], Awaitable[Response]]


def a_request(patience_s: float = PATIENCE_S) -> RequestState:
    """One that waits no longer than that for the answer of a tag."""
    return RequestState(waited_s=PATIENCE_S - patience_s)


class Crowd:
    """Requests at the same work, and what became of them by their names."""

    def __init__(self) -> None:
        self.shared = SharedWork(PATIENCE_S)
        self.came: dict[str, anyio.Event] = {}
        self.gates: dict[str, anyio.Event] = {}
        self.became: dict[str, str] = {}

    async def ask(self, name: str, *tags: str, outcome: Response | None = None, patience_s: float = PATIENCE_S) -> None:
        """Ask as a route does: once per tag, as if started over, and answer with `name` unless told otherwise."""
        request, response = a_request(patience_s), None
        try:
            for tag in tags or (TAG,):
                await self.shared.join(request, tag)
                await self.compute(name)
            if outcome is None:
                response = Response(name)
                self.became[name] = "computed"
            else:
                response = outcome
                self.became[name] = "failed"
        except AnsweredByAnother as answered:
            self.became[name] = bytes(answered.response.body).decode()
        except TooBusyError:
            self.became[name] = "busy"
        finally:
            self.shared.finish(request, response)

    async def compute(self, name: str) -> None:
        """Wait until let through."""
        self.gates[name] = anyio.Event()
        self.came.setdefault(name, anyio.Event()).set()
        await self.gates[name].wait()

    async def at_work(self, name: str) -> None:
        """Wait until that request computes."""
        await self.came.setdefault(name, anyio.Event()).wait()

    async def let(self, name: str) -> None:
        """Let it through, now that the others have come."""
        await self.at_work(name)
        await anyio.wait_all_tasks_blocked()
        self.came.pop(name)
        self.gates.pop(name).set()


def test_one_computes_and_the_others_get_it() -> None:
    """Ann computes; Bob and Cem wait for her."""
    crowd = Crowd()

    async def run() -> None:
        async with anyio.create_task_group() as tasks:
            for name in ("ann", "bob", "cem"):
                tasks.start_soon(crowd.ask, name)
            await crowd.let("ann")

    within_patience(run)
    assert crowd.became == {"ann": "computed", "bob": "ann", "cem": "ann"}
    assert_nothing_is_left(crowd)


@pytest.mark.parametrize("outcome", [Response("a bug", 500), StreamingResponse(iter(()))], ids=["crash", "stream"])
def test_without_an_answer_to_share_one_of_the_others_computes(outcome: Response) -> None:
    """Ann crashes, or streams: Bob computes, for Cem and Dan too."""
    crowd = Crowd()

    async def run() -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(lambda: crowd.ask("ann", outcome=outcome))
            await crowd.at_work("ann")
            for name in ("bob", "cem", "dan"):
                tasks.start_soon(crowd.ask, name)
            await crowd.let("ann")
            await crowd.let("bob")

    within_patience(run)
    assert crowd.became == {"ann": "failed", "bob": "computed", "cem": "bob", "dan": "bob"}
    assert_nothing_is_left(crowd)


def test_one_that_starts_over_leaves_its_work_to_the_others() -> None:
    """Ann starts over with another tag: Bob computes the first one for Cem, Dan gets Ann's."""
    crowd = Crowd()

    async def run() -> None:
        async with anyio.create_task_group() as tasks:
            for name, tags in {"ann": (TAG, OTHER), "bob": (TAG,), "cem": (TAG,)}.items():
                tasks.start_soon(crowd.ask, name, *tags)
            await crowd.let("ann")
            await crowd.at_work("ann")
            tasks.start_soon(crowd.ask, "dan", OTHER)
            await crowd.let("ann")
            await crowd.let("bob")

    within_patience(run)
    assert crowd.became == {"ann": "computed", "bob": "computed", "cem": "bob", "dan": "ann"}
    assert_nothing_is_left(crowd)


def test_one_that_starts_over_may_wait_too() -> None:
    """Bob is at work on the other tag when Ann comes to it."""
    crowd = Crowd()

    async def run() -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(crowd.ask, "ann", TAG, OTHER)
            tasks.start_soon(crowd.ask, "bob", OTHER)
            await crowd.let("ann")
            await crowd.let("bob")

    within_patience(run)
    assert crowd.became == {"bob": "computed", "ann": "bob"}
    assert_nothing_is_left(crowd)


def test_when_who_computes_is_cancelled_another_computes() -> None:
    """Ann is gone in the middle."""
    crowd = Crowd()

    async def run() -> None:
        async with anyio.create_task_group() as tasks:
            async with anyio.create_task_group() as cancelled:
                cancelled.start_soon(crowd.ask, "ann")
                await crowd.at_work("ann")
                tasks.start_soon(crowd.ask, "bob")
                tasks.start_soon(crowd.ask, "cem")
                await anyio.wait_all_tasks_blocked()
                cancelled.cancel_scope.cancel()
            await crowd.let("bob")

    within_patience(run)
    assert crowd.became == {"bob": "computed", "cem": "bob"}
    assert_nothing_is_left(crowd)


def test_who_waits_may_leave() -> None:
    """Bob is gone, Cem has no patience; Ann computes to the end, for Dan."""
    crowd = Crowd()

    async def run() -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(crowd.ask, "ann")
            await crowd.at_work("ann")
            tasks.start_soon(crowd.ask, "dan")
            async with anyio.create_task_group() as leaving:
                leaving.start_soon(crowd.ask, "bob")
                await anyio.wait_all_tasks_blocked()
                leaving.cancel_scope.cancel()
            await crowd.ask("cem", patience_s=SHORTLY_S)
            await crowd.let("ann")

    within_patience(run)
    assert crowd.became == {"cem": "busy", "ann": "computed", "dan": "ann"}
    assert_nothing_is_left(crowd)


@pytest.mark.parametrize("leader_has_turn", [False, True])
def test_a_request_with_a_turn_waits_only_for_one_with_a_turn(leader_has_turn: bool) -> None:
    """Otherwise it would wait for one that waits for its turn."""

    async def run() -> None:
        shared, leader, started_over = SharedWork(PATIENCE_S), a_request(), a_request(SHORTLY_S)
        await shared.join(leader, TAG)
        leader.has_turn, started_over.has_turn = leader_has_turn, True
        if leader_has_turn:
            with pytest.raises(TooBusyError):
                await shared.join(started_over, TAG)
        else:
            await shared.join(started_over, TAG)
        shared.finish(started_over, Response("not shared"))
        with pytest.raises(TooBusyError):
            await shared.join(a_request(SHORTLY_S), TAG)

    within_patience(run)


def within_patience(run: Callable[[], Awaitable[None]]) -> None:
    """Run it to its end, which comes long before anybody loses patience."""

    async def limited() -> None:
        with anyio.fail_after(PATIENCE_S / 2):
            await run()

    anyio.run(limited)


def assert_nothing_is_left(crowd: Crowd) -> None:
    """Whoever asks next finds no work under way."""
    assert not crowd.shared._under_way
