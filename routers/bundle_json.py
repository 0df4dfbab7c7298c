"""The dashboard's figures, written as JSON."""

from dataclasses import fields

import polars as pl
from pydantic import BaseModel

from calculations.fpp.bundle import Figures
from calculations.frames.json_rows import json_rows


def bundle_json(figures: Figures) -> bytes:
    """The figures as a JSON object, as `Bundle` describes it."""
    return b"{%s}" % b",".join(
        b'"%s":%s' % (field.name.encode(), _json(getattr(figures, field.name))) for field in fields(figures)
    )


def _json(figures: BaseModel | pl.DataFrame) -> bytes:
    return b"[%s]" % json_rows(figures) if isinstance(figures, pl.DataFrame) else figures.model_dump_json().encode()
