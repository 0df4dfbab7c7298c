"""Tables of figures as CSV, NDJSON or Parquet: one response class for all formats without an envelope."""

from collections.abc import Iterator, Mapping
from io import BytesIO
from typing import Any, Literal

import polars as pl
from fastapi.responses import StreamingResponse

# Not a `type`: the description of the API would make a model of it.
Format = Literal["json", "csv", "ndjson", "parquet"]
type TableFormat = Literal["csv", "ndjson", "parquet"]

MEDIA_TYPES: Mapping[Format, str] = {
    "json": "application/json",
    "csv": "text/csv",
    "ndjson": "application/x-ndjson",
    "parquet": "application/vnd.apache.parquet",
}
# For the description of the API: what an answer may be besides JSON.
OTHER_CONTENT: Mapping[str, Mapping[str, Any]] = {
    MEDIA_TYPES["csv"]: {"schema": {"type": "string", "description": "A line of column names, then a line per row."}},
    MEDIA_TYPES["ndjson"]: {"schema": {"type": "string", "description": "A JSON object per row."}},
    MEDIA_TYPES["parquet"]: {"schema": {"type": "string", "format": "binary", "description": "A Parquet file."}},
}
ANYTHING = ("*/*", "application/*")
ROWS_AT_ONCE = 50_000
INSTANTS = "%Y-%m-%dT%H:%M:%S%.f%:z"
# A spreadsheet takes a cell that begins so for a formula, and runs it.
FORMULA = r"^[=+\-@\t\r\n]"


def format_of(accept: str) -> Format:
    """The format an `Accept` header likes best; JSON for one that names none of them."""
    liked: dict[Format, float] = {}
    for part in accept.split(","):
        name, *options = (piece.strip().lower() for piece in part.split(";"))
        quality = next((_quality(option[2:]) for option in options if option.startswith("q=")), 1.0)
        if name in ANYTHING:
            liked.setdefault("json", quality)
        for format_, media_type in MEDIA_TYPES.items():
            if name == media_type:
                liked[format_] = quality
    wanted = [format_ for format_, quality in liked.items() if quality > 0]
    return max(wanted, key=lambda format_: liked[format_]) if wanted else "json"


def _quality(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0


class TableResponse(StreamingResponse):
    """The rows of a table in a format, sent piece by piece; in Parquet all at once."""

    def __init__(self, table: pl.DataFrame, format_: TableFormat, name: str, headers: Mapping[str, str]) -> None:
        download = {"Content-Disposition": f'attachment; filename="{name}.{format_}"'}
        super().__init__(pieces(table, format_), headers={**headers, **download}, media_type=MEDIA_TYPES[format_])


def pieces(table: pl.DataFrame, format_: TableFormat) -> Iterator[bytes]:
    """The text or file of a table, in pieces."""
    match format_:
        case "parquet":
            file = BytesIO()
            table.write_parquet(file)
            yield file.getvalue()
        case "csv":
            safe = _without_formulas(table)
            yield safe.clear().write_csv().encode()
            for rows in safe.iter_slices(ROWS_AT_ONCE):
                yield rows.write_csv(include_header=False).encode()
        case "ndjson":
            for rows in table.iter_slices(ROWS_AT_ONCE):
                yield rows.write_ndjson().encode()


def _without_formulas(table: pl.DataFrame) -> pl.DataFrame:
    """Cells a spreadsheet would run get an apostrophe before them; instants become texts with their offset."""
    texts = [pl.col(name) for name, dtype in table.schema.items() if dtype == pl.String]
    instants = [pl.col(name) for name, dtype in table.schema.items() if isinstance(dtype, pl.Datetime)]
    return table.with_columns(
        *(text.str.replace(FORMULA, "'$0") for text in texts),
        *(instant.dt.strftime(INSTANTS) for instant in instants),
    )
