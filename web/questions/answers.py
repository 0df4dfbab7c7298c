"""The answers of the API: the envelope that all share, and the tables of figures that go into it."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

import polars as pl
import polars.selectors as cs
from fastapi import Response
from fastapi.responses import StreamingResponse
from pydantic import AwareDatetime, BaseModel, Field
from pydantic_core import to_json

from calculations.frames.comparison import PARTS, compared, parted
from calculations.frames.json_rows import json_rows
from calculations.time.period import Period
from web.errors import InvalidParameterError, shortened
from web.questions.formats import MEDIA_TYPES, ROWS_AT_ONCE, TableResponse
from web.questions.parameters import ComparedParameters, ListsParameters, OfPeriod, Parameters
from web.questions.question import Part, Question
from web.server_timing import timed

# Columns, and whether they descend.
type Order = Mapping[str, bool]

# Periods of as many days may differ by this much less a moment.
CLOCK_CHANGES = timedelta(hours=3)
DIRECTIONS = {"asc": False, "desc": True}
BUCKET = ("date", "start", "end", "partial")
# In a compared series, of the bucket that a row is compared with.
OTHER_BUCKET = ("comparison_start", "comparison_partial")


class Meta(BaseModel, frozen=True):
    """Of which data the figures are."""

    snapshot: str = Field(description="Id of the snapshot all figures come from.")
    data_updated_at: AwareDatetime = Field(description="The instant of the source the figures show (ISO 8601, UTC).")
    age_seconds: int = Field(ge=0, description="Time since the updater read them, in seconds.")
    freshness: Literal["ok", "stale", "dead", "future"] = Field(description="What /health calls that age.")
    exact: bool = Field(description="Whether the figures are counted, not estimated; they always are.")
    notices: list[str] = Field(description="What to know before relying on the figures, in sentences.")
    total_rows: int | None = Field(
        description="Rows of the list (of the longest one where there are several) without `limit` and `offset`; "
        "null for what is no list."
    )


@dataclass(frozen=True)
class Table:
    """Rows of figures: `keys` tell the rows apart, all other columns are figures, in `parted` columns if compared."""

    frame: pl.DataFrame
    keys: tuple[str, ...]
    is_compared: bool

    @property
    def figures(self) -> list[str]:
        """The names of the figures."""
        columns = [name for name in self.frame.columns if name not in self.keys]
        return columns[:: len(PARTS)] if self.is_compared else columns

    def nested(self) -> pl.DataFrame:
        """The rows as JSON has them: each compared figure is one struct of its parts."""
        if not self.is_compared:
            return self.frame
        figures = [
            pl.struct(pl.col(column).alias(part) for column, part in zip(parted(name), PARTS, strict=True)).alias(name)
            for name in self.figures
        ]
        return self.frame.select(*self.keys, *figures)

    def as_json(self) -> Iterator[bytes]:
        """The rows as a JSON array, piece by piece."""
        return _json_array(self.nested())


def _json_array(rows: pl.DataFrame) -> Iterator[bytes]:
    yield b"["
    for number, some in enumerate(rows.iter_slices(ROWS_AT_ONCE)):
        yield (b"," if number else b"") + json_rows(some)
    yield b"]"


def computed[P: Parameters](
    question: Question[P],
    calculate: Callable[[Part], pl.DataFrame],
    keys: tuple[str, ...] = (),
    rows: Literal["all", "of_now"] = "all",
) -> Table:
    """A table of the question's period, set beside that of the period to compare with, if there is one."""
    with timed(question.request, "compute"):
        now = _plain(calculate(question.part(question.period)))
        if question.comparison is None:
            return Table(now, keys, is_compared=False)
        then = _plain(calculate(question.part(question.comparison)))
        return Table(compared(now, then, keys, rows), keys, is_compared=True)


def series[P: Parameters](question: Question[P], calculate: Callable[[Part], pl.DataFrame]) -> Table:
    """A table with a row per bucket, the buckets of a comparison in their order beside those of the period.

    Args:
        question: What is asked.
        calculate: Gives one row per bucket in order, `bucket` (its number) and figures.

    Returns:
        One row per bucket that is asked for, in order: the columns of `BUCKET`, those of `OTHER_BUCKET` when compared
        (null where the other period has no such bucket), and the figures.
    """

    def numbered(part: Part) -> pl.DataFrame:
        shown = _shown(part.buckets.dated(), question).select("row", "bucket")
        return shown.join(calculate(part), on="bucket", maintain_order="left").drop("bucket")

    figures = computed(question, numbered, ("row",), "of_now")
    buckets = _described(question, question.period).select("row", *BUCKET)
    keys: tuple[str, ...] = BUCKET
    if question.comparison is not None:
        others = _described(question, question.comparison)
        named = others.select("row", comparison_start="start", comparison_partial="partial")
        buckets, keys = buckets.join(named, on="row", how="left", maintain_order="left"), BUCKET + OTHER_BUCKET
    frame = buckets.join(figures.frame, on="row", maintain_order="left")
    return Table(frame.drop("row"), keys, figures.is_compared)


def _described[P: Parameters](question: Question[P], period: Period) -> pl.DataFrame:
    return _shown(described_buckets(question.part(period), question.known_until), question)


def _shown[P: Parameters](buckets: pl.DataFrame, question: Question[P]) -> pl.DataFrame:
    """Those of the buckets that are asked for, numbered as `row`."""
    return buckets.filter(question.shown).with_row_index("row")


def described_buckets(part: Part, known_until: datetime) -> pl.DataFrame:
    """What every bucket carries: `bucket`, its number, and the columns of `BUCKET` (see `schemas.Bucket`)."""
    buckets, known_end = part.buckets, min(part.period.end, known_until)
    starts, ends = buckets.edges.head(len(buckets)), buckets.edges.tail(len(buckets))
    return buckets.dated().with_columns(
        start=starts.dt.convert_time_zone(buckets.zone),
        end=ends.dt.convert_time_zone(buckets.zone),
        partial=(starts < part.period.start) | (ends > known_end),
    )


def _plain(frame: pl.DataFrame) -> pl.DataFrame:
    """Figures of one type: unsigned counts can't be subtracted."""
    return frame.with_columns(cs.integer().cast(pl.Int64), cs.float().cast(pl.Float64))


def columns_of[P: ComparedParameters](question: Question[P], figures: Sequence[str]) -> list[str]:
    """The columns that figures have in a table, compared or not."""
    return list(figures) if question.comparison is None else [column for name in figures for column in parted(name)]


def parsed_order[P: ListsParameters](question: Question[P], columns: Sequence[str], default: Order) -> Order:
    """What `order_by` asks for; `default` decides between equals.

    Raises:
        InvalidParameterError: It names no column of the list, or no direction.
    """
    order: dict[str, bool] = {}
    asked = question.parameters.order_by
    for part in [] if asked is None else asked.split(","):
        name, _, direction = part.strip().partition(":")
        if name not in columns or (direction or "asc") not in DIRECTIONS:
            message = (
                f"`order_by` is `{shortened(part)}`; allowed: one or more of {', '.join(columns)}, separated by "
                "commas, each with or without :asc or :desc."
            )
            raise InvalidParameterError("order_by", message, columns)
        order.setdefault(name, DIRECTIONS[direction or "asc"])
    return order | {name: descending for name, descending in default.items() if name not in order}


def ordered(table: Table, order: Order) -> Table:
    """A table in order of those of the columns that it has."""
    by = {name: descending for name, descending in order.items() if name in table.frame.columns}
    frame = table.frame.sort(list(by), descending=list(by.values()), nulls_last=True)
    return Table(frame, table.keys, table.is_compared)


def cut[P: ListsParameters](table: Table, question: Question[P]) -> Table:
    """The rows that `limit` and `offset` ask for."""
    frame = table.frame.slice(question.parameters.offset, question.parameters.limit)
    return Table(frame, table.keys, table.is_compared)


def table_answer[P: Parameters](
    question: Question[P], table: Table, name: str, total_rows: int | None = None
) -> Response:
    """An answer that is one table, in any format."""
    if question.format != "json" or table.frame.height <= ROWS_AT_ONCE:
        return object_answer(question, table.as_json(), table.frame, name, total_rows)
    body = _enveloped(question, table.as_json(), total_rows)
    return StreamingResponse(body, headers=question.headers(), media_type=MEDIA_TYPES["json"])


def object_answer[P: Parameters](
    question: Question[P], data: Iterable[bytes], rows: pl.DataFrame, name: str, total_rows: int | None = None
) -> Response:
    """An answer that is `data` in JSON, and `rows` in other formats."""
    if question.format == "json":
        body = b"".join(_enveloped(question, data, total_rows))
        return Response(body, headers=question.headers(), media_type=MEDIA_TYPES["json"])
    return TableResponse(rows, question.format, name, _headers(question, total_rows))


def _enveloped[P: Parameters](question: Question[P], data: Iterable[bytes], total_rows: int | None) -> Iterator[bytes]:
    yield b'{"data":'
    yield from data
    yield b',"meta":' + _meta(question, total_rows).model_dump_json().encode()
    yield b',"query":' + to_json(question.resolved()) + b"}"


def _meta[P: Parameters](question: Question[P], total_rows: int | None) -> Meta:
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
    known_until = question.known_until.isoformat(timespec="seconds")
    if question.freshness.status == "future":
        yield "The data are dated ahead of the clock of the updater or of this server: see /health."
    elif question.freshness.status != "ok":
        yield f"The data are {question.freshness.status}: nothing after {known_until} is counted."
    if not isinstance(question.parameters, OfPeriod):
        return
    if question.period.start >= question.known_until:
        yield f"The period has not begun by {known_until}, up to which all is known: there is nothing to count yet."
    elif question.period.end > question.known_until:
        yield f"The period is still open: it is counted up to {known_until}."
    elif question.comparison is not None and question.comparison.end > question.known_until:
        yield f"The period to compare with is still open: it is counted up to {known_until}."
    if question.comparison is not None:
        yield from _notices_of_lengths(question, question.comparison)


def _notices_of_lengths[P: Parameters](question: Question[P], comparison: Period) -> Iterator[str]:
    elapsed = min(question.period.end, question.known_until) - question.period.start
    compared_time = min(comparison.end, question.known_until) - comparison.start
    if abs(elapsed - compared_time) >= CLOCK_CHANGES:
        yield f"The comparison covers {_days(compared_time)} days, the period {_days(elapsed)}."
    elif question.period.end > question.known_until:
        yield "The comparison covers the time that has elapsed of the period."


def _days(time: timedelta) -> str:
    return f"{max(time, timedelta()) / timedelta(days=1):.1f}"


def _headers[P: Parameters](question: Question[P], total_rows: int | None) -> dict[str, str]:
    """What `meta` says of the data, for formats that hold rows only."""
    told = {
        "X-Snapshot": question.snapshot.id,
        "X-Data-Updated-At": question.snapshot.data_updated_at.isoformat(),
        "X-Freshness": question.freshness.status,
    }
    return question.headers() | told | ({} if total_rows is None else {"X-Total-Rows": str(total_rows)})
