"""Who asks: what a client needs to know to offer only what may be asked."""

from fastapi import APIRouter
from pydantic import BaseModel, Field

router = APIRouter()


class Me(BaseModel, frozen=True):
    """The token that asks, and what it may do."""

    name: str = Field(description="Name of the token.")
    scopes: list[str] = Field(description="What it may read and do, in order.")
    organisations: list[str] = Field(description="The organisations it may see, in order; `*` means all.")


@router.get("/me")
def get_me() -> Me:
    """The name, scopes and organisations of the token that asks."""
    return Me(name="default", scopes=["fpp:read"], organisations=["*"])
