"""Tables as JSON, without an object per row in between."""

import re
from io import BytesIO

import polars as pl


def json_rows(rows: pl.DataFrame) -> bytes:
    """The rows as JSON objects with commas between them.

    Dates and instants are ISO 8601; decimals are numbers with all of their places.
    """
    text = BytesIO()
    rows.write_json(text)
    return _with_plain_decimals(text.getvalue()[1:-1], rows)


def json_lines(rows: pl.DataFrame) -> bytes:
    """The rows as JSON objects, one per line."""
    text = BytesIO()
    rows.write_ndjson(text)
    return _with_plain_decimals(text.getvalue(), rows)


def _with_plain_decimals(text: bytes, rows: pl.DataFrame) -> bytes:
    """Take off the quotes that Polars puts around decimals.

    Within a text every quote has a backslash before it, so nothing else looks like a key with its value.
    """
    names = [re.escape(name).encode() for name, dtype in rows.schema.items() if dtype.is_decimal()]
    if not names:
        return text
    return re.sub(rb'("(?:%s)":)"([-0-9.]+)"' % b"|".join(names), rb"\1\2", text)
