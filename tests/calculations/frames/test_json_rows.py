"""Tables as JSON."""

import json
from datetime import UTC, datetime
from typing import Any

import polars as pl
import pytest

from calculations.frames.json_rows import json_lines, json_rows

NOTHING = {"first": None, "each": None}
NOON, TEXT = datetime(2026, 3, 2, 12, tzinfo=UTC), "2026-03-02T12:00:00Z"


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (NOON, TEXT),
        ({"first": NOON, "days": 1}, {"first": TEXT, "days": 1}),
        ([{"first": NOON, "each": [NOON]}, NOTHING], [{"first": TEXT, "each": [TEXT]}, NOTHING]),
        ([], []),
    ],
)
def test_instants_are_written_alike_wherever_they_stand(value: Any, written: Any) -> None:
    rows = pl.DataFrame({"at": [value, None]})
    expected = [{"at": written}, {"at": None}]
    assert json.loads(b"[%s]" % json_rows(rows)) == expected
    assert [json.loads(line) for line in json_lines(rows).splitlines()] == expected
