"""Flat files, whose instants other programs write in other units and zones, or without a zone."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path

import polars as pl
import polars.selectors as cs
import pytest

from read_model.tables.fpp import FPP
from tests.routers.v1.api import DRAWN, NOW, PERIODS, Api, drawn_frame

ASKED: Mapping[str, Mapping[str, str]] = {
    **{path: {} for path in PERIODS},
    "rhythm": {},
    "distribution": {"of": "visit_duration"},
    "funnel": {"steps": "page_view,event:LEFT_ROOM,estimation"},
    "lifecycle/rooms": {"start": "2026-03-02", "state": "new", "granularity": "week"},
}
INSTANTS = {
    "microseconds without a zone": pl.Datetime("us"),
    "milliseconds without a zone": pl.Datetime("ms"),
    "nanoseconds without a zone": pl.Datetime("ns"),
    "another zone": pl.Datetime("us", "Europe/Berlin"),
}

type FlatApi = Callable[[pl.Datetime], Api]


@pytest.fixture
def flat_api(tmp_path: Path) -> FlatApi:
    """Make the API over `DRAWN` as flat files, all of whose instants are of one type."""

    def over(dtype: pl.Datetime) -> Api:
        for table in FPP.tables:
            frame = drawn_frame(table, DRAWN[table]).with_columns(cs.datetime().cast(dtype))
            file = tmp_path / f"{table.name}.parquet"
            frame.write_parquet(file)
            os.utime(file, (NOW.timestamp(), NOW.timestamp()))
        return Api(tmp_path, NOW)

    return over


@pytest.mark.parametrize("dtype", [pl.Datetime("us"), pl.Datetime("us", "Europe/Berlin")], ids=str)
def test_answers_are_those_of_a_snapshot(api: Api, flat_api: FlatApi, dtype: pl.Datetime) -> None:
    """To every question, in every format; instants are told with their offset."""
    flat = flat_api(dtype)
    for path, asked in ASKED.items():
        assert flat.data(path, **asked) == api.data(path, **asked), path
        for format_ in ("csv", "ndjson", "parquet"):
            assert flat.rows(path, format_, **asked) == api.rows(path, format_, **asked), (path, format_)


@pytest.mark.parametrize("dtype", INSTANTS.values(), ids=INSTANTS)
def test_rooms_show_their_instants_in_utc(flat_api: FlatApi, dtype: pl.Datetime) -> None:
    """Both columns, in JSON and in CSV."""
    flat = flat_api(dtype)
    times = {"first_used_at": "2026-02-23T09:00:00Z", "last_used_at": "2026-03-03T09:11:00Z"}
    (row,) = (row for row in flat.data("rooms") if row["id"] == 1)
    assert {name: row[name] for name in times} == times
    (line,) = (line for line in flat.rows("rooms", "csv") if line["id"] == "1")
    assert {name: line[name] for name in times} == times
