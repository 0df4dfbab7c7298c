"""The calls of an incident, as a slice to work on."""

import base64
import binascii
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Response
from pydantic_core import to_json

from calculations.frames.json_rows import json_rows
from calculations.llm.incidents import Page, Place, UnknownPlaceError, page
from routers.llm.answers import nested
from routers.llm.parameters import IncidentParameters
from routers.llm.question import CallsQuestion, asked
from routers.llm.route import DOCUMENTED, LlmRoute
from routers.llm.schemas import IncidentsAnswer
from web.callers import requires
from web.computing import computing
from web.errors import InvalidParameterError
from web.questions.formats import MEDIA_TYPES, TableResponse
from web.questions.schemas import ALSO_ROWS

router = APIRouter(route_class=LlmRoute, dependencies=[requires("llm:incidents")], responses=DOCUMENTED)

IncidentsQuestion = Annotated[CallsQuestion[IncidentParameters], asked(IncidentParameters, default_format="csv")]


@router.get("/orgs/{orgId}/incidents", response_model=IncidentsAnswer, responses=ALSO_ROWS)
def get_llm_incidents(question: IncidentsQuestion) -> Response:
    """The calls themselves, the newest first, a page at a time: `X-Next-Cursor` names the next one."""
    cursor = question.parameters.cursor
    after = None if cursor is None else place_of(cursor)
    try:
        with computing(question.request, question.snapshot):
            found = page(question.calls, question.organisation, after, question.parameters.limit)
    except UnknownPlaceError:
        raise _cursor_error("the call it names is gone; ask again without it") from None
    headers = question.headers | question.facts | _paging(found)
    if question.format != "json":
        return TableResponse(found.calls, question.format, "incidents", headers)
    told = (to_json(question.org_id), json_rows(nested(found.calls)), question.meta.model_dump_json().encode())
    return Response(b'{"orgId":%s,"events":[%s],"meta":%s}' % told, headers=headers, media_type=MEDIA_TYPES["json"])


def _paging(found: Page) -> dict[str, str]:
    cursor = {"X-Next-Cursor": cursor_of(found.following)} if found.following else {}
    return {"X-Truncated": "true" if found.following else "false", "X-Total-Rows": str(found.total), **cursor}


def cursor_of(place: Place) -> str:
    """A place as a text of letters, digits, `-` and `_`. It says nothing that the page before it did not."""
    text = f"{place.occurred_at.isoformat()} {place.event_id}"
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def place_of(cursor: str) -> Place:
    """The place a cursor stands for.

    Raises:
        InvalidParameterError: It is none that `cursor_of` made.
    """
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
        time, _, event_id = text.partition(" ")
        return Place(datetime.fromisoformat(time).astimezone(UTC), event_id)
    except (binascii.Error, ValueError, OverflowError):
        raise _cursor_error("it is none; take it from `X-Next-Cursor`") from None


def _cursor_error(reason: str) -> InvalidParameterError:
    return InvalidParameterError("cursor", f"`cursor` names no page: {reason}.")
