"""Concurrent requests for the same answer: one computes it, and the others wait for it and share it.

Nothing is kept once it is answered: a later request computes it again.
"""

import anyio
from fastapi import Request, Response, status

from web.errors import answer_crash
from web.limits import waiting
from web.state import RequestState


class AnsweredByAnother(Exception):  # noqa: N818 - not an error
    """Another request has computed this one's answer."""

    def __init__(self, response: Response) -> None:
        super().__init__()
        self.response = response


class Work:
    """A computation under way; once it is `done`, `response` is the answer, or None if there is none to share."""

    def __init__(self, state: RequestState) -> None:
        self.state = state
        self.done = anyio.Event()
        self.response: Response | None = None


class SharedWork:
    """The computations under way, by the tag of the answer."""

    def __init__(self, patience_s: float) -> None:
        self._patience_s = patience_s
        self._under_way: dict[str, Work] = {}
        self._door = anyio.Lock()

    async def join(self, state: RequestState, tag: str) -> None:
        """Wait for the answer with this tag if it is being computed; return if this request has to compute it.

        Raises:
            AnsweredByAnother: Another request has computed it.
            TooBusyError: It takes longer than a request may wait.
        """
        self.finish(state, None)
        while (work := self._under_way.get(tag)) is not None:
            if state.has_turn and not work.state.has_turn:
                # That one waits for the turn that this one, started over, still holds: neither would compute.
                return
            with waiting(state, self._patience_s):
                await work.done.wait()
                # Wake them one after the other: all at once would delay `/health`.
                async with self._door:
                    await anyio.sleep(0)
            if work.response is not None:
                raise AnsweredByAnother(work.response)
        self._under_way[tag] = Work(state)
        state.shared_tag = tag

    def finish(self, state: RequestState, response: Response | None) -> None:
        """Give the answer to those who wait for this request; if it is None or streamed, the next one computes it."""
        if state.shared_tag is None:
            return
        work = self._under_way.pop(state.shared_tag)
        state.shared_tag = None
        # A streamed answer has no body to share.
        if response is not None and response.status_code == status.HTTP_200_OK and getattr(response, "body", None):
            # The middlewares change the headers of an answer as it is sent.
            work.response = copy(response)
        work.done.set()


async def answer_shared(request: Request, answered: Exception) -> Response:
    """The other request's answer."""
    if not isinstance(answered, AnsweredByAnother):
        return answer_crash(request, answered)
    return copy(answered.response)


def copy(response: Response) -> Response:
    """The same answer, to be sent once more."""
    same = Response(bytes(response.body), response.status_code)
    same.raw_headers = list(response.raw_headers)
    return same
