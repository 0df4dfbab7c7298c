"""Tables of figures as CSV, NDJSON or Parquet: one response class for the formats without an envelope."""

from collections.abc import Generator, Mapping
from io import BytesIO
from typing import Any, Literal

import polars as pl
from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from calculations.frames.json_rows import json_lines, written_instants
from web.delivery import declare_size

# Not a `type` alias, which the OpenAPI schema would turn into a model.
Format = Literal["json", "csv", "ndjson", "parquet"]
type TableFormat = Literal["csv", "ndjson", "parquet"]

MEDIA_TYPES: Mapping[Format, str] = {
    "json": "application/json",
    "csv": "text/csv",
    "ndjson": "application/x-ndjson",
    "parquet": "application/vnd.apache.parquet",
}
# For the OpenAPI schema: the formats besides JSON.
OTHER_CONTENT: Mapping[str, Mapping[str, Any]] = {
    MEDIA_TYPES["csv"]: {"schema": {"type": "string", "description": "A line of column names, then a line per row."}},
    MEDIA_TYPES["ndjson"]: {"schema": {"type": "string", "description": "A JSON object per row."}},
    MEDIA_TYPES["parquet"]: {"schema": {"type": "string", "format": "binary", "description": "A Parquet file."}},
}
ANYTHING = ("*/*", "application/*")
# About 2 MB per piece: copying larger ones would block the interpreter, and with it all other requests.
ROWS_AT_ONCE = 2_000
# Tells a spreadsheet that a file is UTF-8.
BOM = b"\xef\xbb\xbf"
# A spreadsheet runs a cell that begins like this as a formula.
FORMULA = r"^[=+\-@\t\r\n]"


def format_of(accept: str, default: Format = "json") -> Format:
    """The preferred format of an `Accept` header; `default` if it names none of them."""
    liked: dict[Format, float] = {}
    for part in accept.split(","):
        name, *options = (piece.strip().lower() for piece in part.split(";"))
        quality = next((_quality(option[2:]) for option in options if option.startswith("q=")), 1.0)
        if name in ANYTHING:
            liked.setdefault(default, quality)
        for format_, media_type in MEDIA_TYPES.items():
            if name == media_type:
                liked[format_] = quality
    wanted = [format_ for format_, quality in liked.items() if quality > 0]
    return max(wanted, key=lambda format_: liked[format_]) if wanted else default


def _quality(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0


class TableStream(StreamingResponse):
    """Streams an answer from a table at the client's pace; the table counts as being sent until the end."""

    def __init__(
        self, table: pl.DataFrame, content: Generator[bytes], format_: Format, headers: Mapping[str, str]
    ) -> None:
        super().__init__(content, headers=headers, media_type=MEDIA_TYPES[format_])
        self._content = content
        self._table_bytes = int(table.estimated_size())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it, then drop the table: when a client disconnects, tracebacks would keep it alive for minutes."""
        declare_size(scope, self._table_bytes)
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._content.close()


class TableResponse(TableStream):
    """The rows of a table as a download, sent piece by piece; Parquet all at once."""

    def __init__(
        self, table: pl.DataFrame, format_: TableFormat, name: str, headers: Mapping[str, str], *, bom: bool = False
    ) -> None:
        download = {"Content-Disposition": f'attachment; filename="{name}.{format_}"'}
        super().__init__(table, pieces(table, format_, bom=bom), format_, {**headers, **download})


def pieces(table: pl.DataFrame, format_: TableFormat, *, bom: bool = False) -> Generator[bytes]:
    """The text or file of a table, in pieces; CSV begins with a byte order mark if requested."""
    match format_:
        case "parquet":
            file = BytesIO()
            table.write_parquet(file)
            yield file.getvalue()
        case "csv":
            safe = _without_formulas(table)
            yield (BOM if bom else b"") + safe.clear().write_csv().encode()
            for rows in safe.iter_slices(ROWS_AT_ONCE):
                yield rows.write_csv(include_header=False).encode()
        case "ndjson":
            for rows in table.iter_slices(ROWS_AT_ONCE):
                yield json_lines(rows)


def _without_formulas(table: pl.DataFrame) -> pl.DataFrame:
    """Prefix cells that a spreadsheet would run with an apostrophe; write instants as text with their offset."""
    texts = [pl.col(name) for name, dtype in table.schema.items() if dtype == pl.String]
    return table.with_columns(*(text.str.replace(FORMULA, "'$0") for text in texts), *written_instants(table))
