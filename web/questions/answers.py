"""The answers of the API and their common envelope."""

from collections.abc import Generator, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Literal

import polars as pl
from fastapi import Response
from pydantic import AwareDatetime, BaseModel, Field
from pydantic_core import to_json

from calculations.time.period import Period
from web.questions.formats import MEDIA_TYPES, TableResponse, TableStream
from web.questions.parameters import Parameters
from web.questions.question import Question
from web.questions.tables import Table

# Periods with the same number of days differ by less than this.
CLOCK_CHANGES = timedelta(hours=3)
# Larger answers are streamed: they are not shared and have no Content-Length.
MOST_ROWS_IN_ONE_BODY = 10_000


class Meta(BaseModel, frozen=True):
    """The data behind the figures."""

    snapshot: str = Field(description="Id of the snapshot all figures come from.")
    data_updated_at: AwareDatetime = Field(description="When the source data was read (ISO 8601, UTC).")
    age_seconds: int = Field(ge=0, description="Time since the updater read the source data, in seconds.")
    freshness: Literal["ok", "stale", "dead", "future"] = Field(description="The name /health gives to that age.")
    exact: bool = Field(description="Whether the figures are exact counts rather than estimates; always true.")
    notices: list[str] = Field(description="What to know before relying on the figures, in sentences.")
    total_rows: int | None = Field(
        description="Rows of the list (of the longest one where there are several) without `limit` and `offset`; "
        "null for answers that are not a list."
    )


def table_answer[P: Parameters](
    question: Question[P], table: Table, name: str, total_rows: int | None = None
) -> Response:
    """An answer that is one table, in any format."""
    if question.format != "json" or table.frame.height <= MOST_ROWS_IN_ONE_BODY or question.is_one_of_several:
        return object_answer(question, table.as_json(), table.frame, name, total_rows)
    body = _enveloped(question, table.as_json(), total_rows)
    return TableStream(table.frame, body, "json", _headers(question, total_rows))


def object_answer[P: Parameters](
    question: Question[P], data: Iterable[bytes], rows: pl.DataFrame, name: str, total_rows: int | None = None
) -> Response:
    """An answer that is `data` in JSON, and `rows` in other formats."""
    if question.format == "json":
        return JsonAnswer(question, b"".join(data), total_rows)
    return TableResponse(rows, question.format, name, _headers(question, total_rows), bom=question.parameters.has_bom)


class JsonAnswer(Response):
    """An answer in JSON; as one of several, it leaves out their common envelope."""

    media_type = MEDIA_TYPES["json"]

    def __init__[P: Parameters](self, question: Question[P], data: bytes, total_rows: int | None) -> None:
        if question.is_one_of_several:
            explanation = to_json({"query": question.resolved(), "notices": list(_notices(question))})
            super().__init__(b'{"data":' + data + b"," + explanation[1:])
        else:
            headers = _headers(question, total_rows)
            super().__init__(b"".join(_enveloped(question, [data], total_rows)), headers=headers)


def together[P: Parameters](questions: Sequence[Question[P]], answers: Sequence[Response]) -> Response:
    """The answers to several questions, in order, each with its query and notices."""
    data = b",".join(bytes(answer.body) for answer in answers)
    told = [list(_notices(question)) for question in questions]
    of_all = [notice for notice in told[0] if all(notice in notices for notices in told)]
    meta = meta_of(questions[0], total_rows=None).model_copy(update={"notices": of_all})
    return Response(
        b'{"data":[%s],"meta":%s}' % (data, meta.model_dump_json().encode()), media_type=MEDIA_TYPES["json"]
    )


def _enveloped[P: Parameters](question: Question[P], data: Iterable[bytes], total_rows: int | None) -> Generator[bytes]:
    yield b'{"data":'
    yield from data
    yield b',"meta":' + meta_of(question, total_rows).model_dump_json().encode()
    yield b',"query":' + to_json(question.resolved()) + b"}"


def meta_of[P: Parameters](question: Question[P], total_rows: int | None) -> Meta:
    """The data behind the figures of a question."""
    return Meta(
        snapshot=question.snapshot.id,
        data_updated_at=question.snapshot.data_updated_at,
        age_seconds=question.freshness.age_seconds or 0,
        freshness=question.freshness.status,
        exact=True,
        notices=list(_notices(question)),
        total_rows=total_rows,
    )


def _notices[P: Parameters](question: Question[P]) -> Iterator[str]:
    known_until = written(question.known_until)
    if question.freshness.status == "future":
        yield "The data are dated ahead of the clock of the updater or of this server: see /health."
    elif question.freshness.status != "ok":
        yield f"The data are {question.freshness.status}: nothing after {known_until} is counted."
    if question.parameters.has_period:
        yield from _notices_of_periods(question, known_until)
    yield from question.notices


def _notices_of_periods[P: Parameters](question: Question[P], known_until: str) -> Iterator[str]:
    if question.period.start >= question.known_until:
        yield f"The period has not begun by {known_until}, the time up to which data are known: nothing is counted yet."
    elif question.period.end > question.known_until:
        yield f"The period is still open: it is counted up to {known_until}."
    elif question.comparison is not None and question.comparison.end > question.known_until:
        yield f"The period to compare with is still open: it is counted up to {known_until}."
    if question.comparison is not None:
        yield from _notices_of_lengths(question, question.comparison)
    if question.period != question.asked_period:
        first, end = written(question.period.start), written(question.period.end)
        yield f"The first and the last {question.granularity} count whole: from {first} to before {end}."


def _notices_of_lengths[P: Parameters](question: Question[P], comparison: Period) -> Iterator[str]:
    elapsed = min(question.period.end, question.known_until) - question.period.start
    compared_time = min(comparison.end, question.known_until) - comparison.start
    if abs(elapsed - compared_time) >= CLOCK_CHANGES:
        yield f"The comparison covers {_days(compared_time)} days, the period {_days(elapsed)}."
    elif question.period.end > question.known_until:
        yield "The comparison covers the time that has elapsed of the period."


def written(instant: datetime) -> str:
    """An instant in UTC, to the second."""
    return instant.strftime("%Y-%m-%dT%H:%M:%SZ")


def _days(time: timedelta) -> str:
    return f"{max(time, timedelta()) / timedelta(days=1):.1f}"


def _headers[P: Parameters](question: Question[P], total_rows: int | None) -> dict[str, str]:
    """The facts of `meta` as headers, for formats that hold only rows."""
    facts = {
        "X-Snapshot": question.snapshot.id,
        "X-Data-Updated-At": written(question.snapshot.data_updated_at),
        "X-Freshness": question.freshness.status,
    }
    return question.headers | facts | ({} if total_rows is None else {"X-Total-Rows": str(total_rows)})
