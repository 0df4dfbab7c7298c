"""The daily report: what a daily mail needs, in one call."""

import datetime as dt
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import HTMLResponse, PlainTextResponse
from pydantic import AfterValidator, Field, WithJsonSchema

from calculations.fpp.daily_report import DailyReport
from calculations.time.date_ranges import EARLIEST, LATEST
from calculations.time.period import local_day
from reports.daily_html import daily_html
from reports.daily_text import daily_text
from reports.making import made
from routers.health import freshness
from web.callers import CallerDep
from web.conditional import headers_if_changed
from web.dependencies import NowDep, SettingsDep, SnapshotDep
from web.errors import Responses
from web.limits import query_slot
from web.questions.answers import Meta
from web.questions.parameters import Parameters, TimeZone
from web.questions.schemas import answer_of
from web.security_headers import POLICY
from web.server_timing import timed
from web.snapshot_route import SnapshotRoute
from web.validation import choice_error

router = APIRouter(prefix="/reports", route_class=SnapshotRoute)

YESTERDAY = "yesterday"
# The document has styles at its elements, as mail clients want them, and pictures within; it runs nothing.
DOCUMENT_POLICY = {POLICY: "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'"}
ALSO_DOCUMENTS: Responses = {
    200: {
        "content": {
            "text/html": {"schema": {"type": "string", "description": "One file, as mail clients show it."}},
            "text/plain": {"schema": {"type": "string", "description": "Text for a terminal."}},
        }
    }
}


def _is_day(text: str) -> str:
    try:
        if text == YESTERDAY or (EARLIEST <= dt.date.fromisoformat(text) <= LATEST and len(text) == len("YYYY-MM-DD")):
            return text
    except ValueError:
        pass
    raise choice_error(f"no day from {EARLIEST} to {LATEST}", YESTERDAY, "YYYY-MM-DD")


Day = Annotated[
    str,
    AfterValidator(_is_day),
    WithJsonSchema({"type": "string", "format": "day", "pattern": "^(yesterday|[0-9]{4}-[0-9]{2}-[0-9]{2})$"}),
]


class DailyReportParameters(Parameters):
    """The report of one day."""

    date: Day = Field(
        default=YESTERDAY, description=f"The local day: `{YESTERDAY}` or `YYYY-MM-DD`.", examples=["2026-01-31"]
    )
    timezone: TimeZone = Field(
        default="UTC", description="Time zone (IANA name) in which days begin.", examples=["Europe/Berlin"]
    )
    format: Literal["json", "html", "text"] = Field(
        default="json", description="What the answer is: figures, a file for mail clients, or text for a terminal."
    )

    def day(self, now: dt.datetime) -> dt.date:
        """The day that is meant at an instant."""
        if self.date != YESTERDAY:
            return dt.date.fromisoformat(self.date)
        return local_day(now, self.timezone) - dt.timedelta(days=1)


ANSWER = answer_of(DailyReport, DailyReportParameters)
ParametersDep = Annotated[DailyReportParameters, Query()]


async def answer_if_changed(
    request: Request,
    response: Response,
    caller: CallerDep,
    snapshot: SnapshotDep,
    settings: SettingsDep,
    now: NowDep,
    parameters: ParametersDep,
) -> None:
    """Tag the answer.

    Raises:
        NotModified: The client has this answer already.
    """
    state = freshness(snapshot.data_updated_at, now, settings).status
    facts = [snapshot.id, request.url.path, str(parameters), parameters.day(now).isoformat(), state]
    response.headers.update(headers_if_changed(request, caller, facts))


@router.get(
    "/daily",
    dependencies=[Depends(answer_if_changed), Depends(query_slot, scope="function")],
    response_model=ANSWER,
    responses=ALSO_DOCUMENTS,
)
def get_daily_report(
    request: Request,
    response: Response,
    snapshot: SnapshotDep,
    settings: SettingsDep,
    now: NowDep,
    parameters: ParametersDep,
) -> Response:
    """The figures of a day beside those of the same weekday before, and what moved most."""
    with timed(request, "compute"):
        state = freshness(snapshot.data_updated_at, now, settings)
        document = made(snapshot, parameters.day(now), parameters.timezone, now, settings.start_date, state.status)
    if parameters.format == "html":
        return HTMLResponse(daily_html(document), headers={**response.headers, **DOCUMENT_POLICY})
    if parameters.format == "text":
        return PlainTextResponse(daily_text(document), headers=dict(response.headers))
    meta = Meta(
        snapshot=snapshot.id,
        data_updated_at=snapshot.data_updated_at,
        age_seconds=state.age_seconds or 0,
        freshness=state.status,
        exact=True,
        notices=list(document.notices),
        total_rows=None,
    )
    query = parameters.model_dump() | {"date": document.report.date.isoformat()}
    body = ANSWER(data=document.report, meta=meta, query=query)
    return Response(body.model_dump_json(), headers=dict(response.headers), media_type="application/json")
