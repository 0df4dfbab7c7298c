"""Who asks: what a client needs to know to offer only what may be asked."""

from collections.abc import Iterable
from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field

from config import ServerSettings
from read_model.model import ReadModel
from read_model.snapshot import SnapshotError, open_snapshot
from web.callers import CallerDep, requires
from web.dependencies import SettingsDep
from web.errors import REFUSED, UNAVAILABLE
from web.file_access import FileAccess
from web.questions.parameters import Bare

router = APIRouter(dependencies=[requires()], responses=REFUSED | UNAVAILABLE)


class Me(BaseModel, frozen=True):
    """The caller whose token was sent, what they may do, and what there is to ask about."""

    name: str = Field(description="Name of the token.")
    scopes: list[str] = Field(description="Scopes of the token, in order; `*` stands for all.")
    organisations: list[str] = Field(description="Organisations it may see, in order; `*` stands for all.")
    read_models: list[str] = Field(description="Read models that this server has data of, whoever asks.")


@router.get("/v1/me")
async def get_me(request: Request, caller: CallerDep, settings: SettingsDep, _: Annotated[Bare, Query()]) -> Me:
    """The name, the scopes and the organisations of the token that is sent."""
    models: Iterable[ReadModel] = request.app.state.read_models
    files: FileAccess = request.app.state.file_access
    there = await files.look(lambda: [model.name for model in models if _is_there(model, settings)])
    return Me(
        name=caller.name,
        scopes=sorted(caller.scopes),
        organisations=sorted(caller.organisations),
        read_models=there,
    )


def _is_there(model: ReadModel, settings: ServerSettings) -> bool:
    try:
        open_snapshot(settings.data_dir, model)
    except SnapshotError:
        return False
    return True
