"""Tables as JSON, without an object per row in between."""

from io import BytesIO

import polars as pl


def json_rows(rows: pl.DataFrame) -> bytes:
    """The rows as JSON objects with commas between them; dates and instants as ISO 8601."""
    text = BytesIO()
    rows.write_json(text)
    return text.getvalue()[1:-1]
