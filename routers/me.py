"""Who asks: what a client needs to know to offer only what may be asked."""

from fastapi import APIRouter
from pydantic import BaseModel, Field

from web.callers import CallerDep, requires
from web.errors import REFUSED

router = APIRouter(dependencies=[requires()], responses=REFUSED)


class Me(BaseModel, frozen=True):
    """The caller whose token was sent, and what they may do."""

    name: str = Field(description="Name of the token.")
    scopes: list[str] = Field(description="Scopes of the token, in order; `*` stands for all.")
    organisations: list[str] = Field(description="Organisations it may see, in order; `*` stands for all.")


@router.get("/v1/me")
async def get_me(caller: CallerDep) -> Me:
    """The name, the scopes and the organisations of the token that is sent."""
    return Me(name=caller.name, scopes=sorted(caller.scopes), organisations=sorted(caller.organisations))
