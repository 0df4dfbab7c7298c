"""Figures as JSON, tables without an object per row in between."""

from dataclasses import fields
from io import BytesIO

import polars as pl
from pydantic import BaseModel

from calculations.bundle import Figures


def json_rows(rows: pl.DataFrame) -> bytes:
    """The rows as JSON objects with commas between them; dates and instants as ISO 8601."""
    text = BytesIO()
    rows.write_json(text)
    return text.getvalue()[1:-1]


def bundle_json(figures: Figures) -> bytes:
    """The figures as a JSON object, as `Bundle` describes it."""
    return b"{%s}" % b",".join(
        b'"%s":%s' % (field.name.encode(), _json(getattr(figures, field.name))) for field in fields(figures)
    )


def _json(figures: BaseModel | pl.DataFrame) -> bytes:
    return b"[%s]" % json_rows(figures) if isinstance(figures, pl.DataFrame) else figures.model_dump_json().encode()
