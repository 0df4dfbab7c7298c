"""Tables as JSON, without an object per row in between."""

from io import BytesIO

import polars as pl
import polars.selectors as cs

INSTANTS = "%Y-%m-%dT%H:%M:%S%.f%:z"


def json_rows(rows: pl.DataFrame) -> bytes:
    """The rows as JSON objects with commas between them; dates and instants as ISO 8601, UTC as `Z`."""
    text = BytesIO()
    rows.with_columns(written_instants(rows)).write_json(text)
    return text.getvalue()[1:-1]


def written_instants(rows: pl.DataFrame) -> list[pl.Expr]:
    """The instants of a table as texts with the offset of their time zone, which is `Z` where there is none."""
    instants = cs.expand_selector(rows, cs.datetime())
    return [pl.col(name).dt.strftime(INSTANTS).str.replace(r"\+00:00$", "Z") for name in instants]
