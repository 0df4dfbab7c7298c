"""What the routes of LLM usage have in common: 400 for a wrong parameter, and which organisation a caller may see."""

import logging
import re
from typing import Annotated

from fastapi import Depends, Path
from pydantic import AfterValidator, WithJsonSchema

from util.errors import AnalyticsError
from web.callers import Caller, CallerDep
from web.conditional import UNCHANGED
from web.errors import REFUSED, UNAVAILABLE, Problem, Responses
from web.snapshot_route import SnapshotRoute

logger = logging.getLogger(__name__)

INVALID: Responses = {400: {"model": Problem, "description": "A parameter is unknown or wrong."}}
DOCUMENTED_UNTAGGED = REFUSED | INVALID | UNAVAILABLE
DOCUMENTED = DOCUMENTED_UNTAGGED | UNCHANGED
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class LlmRoute(SnapshotRoute):
    """Answers 400 where others answer 422, since clients of such services rely on it."""

    status_of_invalid = 400


class OrganisationRefusedError(AnalyticsError):
    """The token may not see the organisation, whether or not there is such a one."""

    status = 403

    def __init__(self, caller: Caller) -> None:
        super().__init__(
            f"The token `{caller.name}` may not see this organisation: use one that may, or add it in TOKENS_FILE"
        )


def _as_uuid(text: str) -> str:
    if not _UUID.fullmatch(text.lower()):
        raise ValueError("an organisation is a UUID such as 3f2504e0-4f89-41d3-9a0c-0305e82c3301")
    return text.lower()


async def get_organisation(
    caller: CallerDep,
    org_id: Annotated[
        str,
        AfterValidator(_as_uuid),
        WithJsonSchema({"type": "string", "format": "uuid"}),
        Path(alias="orgId", description="Id of the organisation, a UUID; its case does not matter."),
    ],
) -> str:
    """The organisation that is asked about, in lower case. Nothing is looked up: a refusal says nothing of it.

    Raises:
        OrganisationRefusedError: The caller may not see it.
    """
    if not caller.sees(org_id):
        logger.info("Refused the token %s: it may not see the organisation %s", caller.name, org_id)
        raise OrganisationRefusedError(caller)
    return org_id


OrganisationDep = Annotated[str, Depends(get_organisation)]
