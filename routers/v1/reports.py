"""The daily report: the content of a daily mail in one call."""

import datetime as dt
from typing import Annotated, ClassVar, Literal

import polars as pl
from fastapi import APIRouter, Response
from fastapi.responses import HTMLResponse, PlainTextResponse
from pydantic import AfterValidator, Field, WithJsonSchema

from calculations.fpp.daily_report import DailyReport
from calculations.time.date_ranges import EARLIEST, LATEST
from calculations.time.period import Period, local_day
from reports.daily_html import daily_html
from reports.daily_text import daily_text
from reports.making import made
from routers.v1.asking import asked
from web.errors import Responses
from web.questions.answers import object_answer
from web.questions.notations import TimeZone
from web.questions.parameters import Meaning, Parameters
from web.questions.question import Question
from web.questions.schemas import answer_of
from web.security_headers import POLICY
from web.server_timing import timed
from web.snapshot_route import SnapshotRoute
from web.validation import choice_error

router = APIRouter(prefix="/reports", route_class=SnapshotRoute)

YESTERDAY = "yesterday"
WRITTEN = "YYYY-MM-DD"
# The document has inline styles and images, as mail clients need them, and no scripts.
DOCUMENT_POLICY = {POLICY: "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'"}
ALSO_DOCUMENTS: Responses = {
    200: {
        "content": {
            "text/html": {"schema": {"type": "string", "description": "A single file for mail clients."}},
            "text/plain": {"schema": {"type": "string", "description": "Text for a terminal."}},
        }
    }
}


def _is_day(text: str) -> str:
    try:
        is_day = text == YESTERDAY or (len(text) == len(WRITTEN) and EARLIEST <= dt.date.fromisoformat(text) <= LATEST)
    except ValueError:
        is_day = False
    if not is_day:
        raise choice_error(f"a day is from {EARLIEST} to {LATEST}", YESTERDAY, WRITTEN)
    return text


Day = Annotated[
    str,
    AfterValidator(_is_day),
    WithJsonSchema({"type": "string", "format": "day", "pattern": "^(yesterday|[0-9]{4}-[0-9]{2}-[0-9]{2})$"}),
]


class DailyReportParameters(Parameters):
    """The report of one day."""

    has_period: ClassVar[bool] = True

    date: Day = Field(
        default=YESTERDAY, description=f"The local day: `{YESTERDAY}` or `{WRITTEN}`.", examples=["2026-01-31"]
    )
    timezone: TimeZone = Field(
        default="UTC", description="Time zone (IANA name) in which days begin.", examples=["Europe/Berlin"]
    )
    format: Literal["json", "html", "text"] = Field(
        default="json", description="Format of the answer: figures, a file for mail clients, or text for a terminal."
    )

    def asked_period(self, now: dt.datetime, _first_day: dt.date, _known_until: dt.datetime) -> Period:
        """The day."""
        yesterday = local_day(now, self.timezone) - dt.timedelta(days=1)
        day = yesterday if self.date == YESTERDAY else dt.date.fromisoformat(self.date)
        return Period.of_days(day, day, self.timezone)

    def meant(self, meaning: Meaning) -> dict[str, object]:
        """With the resolved day."""
        return super().meant(meaning) | {"date": meaning.period.first.isoformat()}


DailyReportQuestion = Annotated[Question[DailyReportParameters], asked(DailyReportParameters)]


@router.get("/daily", response_model=answer_of(DailyReport, DailyReportParameters), responses=ALSO_DOCUMENTS)
def get_daily_report(question: DailyReportQuestion) -> Response:
    """The figures of a day compared with the same weekday before, and the largest changes."""
    parameters = question.parameters
    with timed(question.request, "compute"):
        document = made(question.snapshot, question.period.first, parameters.timezone, question.now, question.settings)
    if parameters.format == "html":
        return HTMLResponse(daily_html(document), headers={**question.headers, **DOCUMENT_POLICY})
    if parameters.format == "text":
        return PlainTextResponse(daily_text(document), headers=question.headers)
    return object_answer(question, [document.report.model_dump_json().encode()], pl.DataFrame(), "daily")
