"""The state of a request, passed from layer to layer."""

from dataclasses import dataclass, field

from starlette.types import Scope

from read_model.snapshot import Snapshot

_KEY = "request_state"


@dataclass
class RequestState:
    """The facts about one request that more than one layer needs."""

    # Shared by the answer, the log lines and the error reports of a request.
    request_id: str = ""
    # Measured times in seconds, by part.
    timings: dict[str, float] = field(default_factory=dict)
    # The snapshot it opened last, to tell why reading a file failed.
    snapshot: Snapshot | None = None
    # The tag under which others wait for its answer.
    shared_tag: str | None = None
    has_turn: bool = False
    # Whether the client sent HEAD, which is handled as GET.
    is_head: bool = False
    # Total time it has waited so far, in seconds.
    waited_s: float = 0.0


def state_of(scope: Scope) -> RequestState:
    """The state of a request, the same object in every layer."""
    state: RequestState = scope.setdefault("state", {}).setdefault(_KEY, RequestState())
    return state
