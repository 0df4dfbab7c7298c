"""Routes that read a snapshot, which may be removed while a slow request reads it, and whose answers are shared."""

from collections.abc import Callable, Coroutine, Mapping
from typing import Any, ClassVar

from fastapi import Request, Response
from fastapi.routing import APIRoute
from polars.exceptions import ComputeError

from config import ServerSettings
from read_model.snapshot import FileDamagedError, Snapshot, SnapshotError, is_replaced
from util.errors import Severity
from web.file_access import FileAccess
from web.shared_work import SharedWork
from web.state import state_of

RETRY_AFTER_S = 1
UNREADABLE = (FileDamagedError, FileNotFoundError, PermissionError, ComputeError)


class SnapshotDamagedError(SnapshotError):
    """A file of the current snapshot is missing or damaged."""

    severity = Severity.HIGH
    is_lasting = True

    def __init__(self, snapshot: Snapshot, error: BaseException) -> None:
        first_line = str(error).partition("\n")[0].replace(f"{snapshot.directory}/", "")
        super().__init__(
            f"The read model is damaged ({first_line}): run `uv run python update_readmodel.py --verify`, then --repair"
        )


class SnapshotReplacedError(SnapshotError):
    """The snapshot was replaced and removed while it was being read, and so was the next one."""

    headers: ClassVar[Mapping[str, str]] = {"Retry-After": str(RETRY_AFTER_S)}

    def __init__(self) -> None:
        super().__init__("The read model was replaced while it was being read: try again")


class SnapshotRoute(APIRoute):
    """Starts a request over once, on the snapshot that is then current, if a file of its own can't be read."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler, tried twice; its answer goes to all requests that wait for it."""
        handle = super().get_route_handler()

        async def handle_twice(request: Request) -> Response:
            try:
                return await handle(request)
            except UNREADABLE:
                try:
                    return await handle(request)
                except UNREADABLE as error:
                    explained = await _explained(request, error)
                    if explained is error:
                        raise
                    raise explained from error

        async def handle_and_share(request: Request) -> Response:
            shared: SharedWork = request.app.state.shared_work
            response = None
            try:
                response = await handle_twice(request)
                return response
            finally:
                shared.finish(state_of(request.scope), response)

        return handle_and_share


async def _explained(request: Request, error: Exception) -> Exception:
    """The error to answer when a file can't be read even on the second try."""
    settings: ServerSettings = request.app.state.settings
    files: FileAccess = request.app.state.file_access
    snapshot = state_of(request.scope).snapshot
    if snapshot is None:
        return error
    if await files.look(lambda: is_replaced(snapshot, settings.data_dir)):
        return SnapshotReplacedError()
    return error if isinstance(error, FileDamagedError) else SnapshotDamagedError(snapshot, error)
