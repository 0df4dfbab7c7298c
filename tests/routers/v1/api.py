"""The API in this process over small tables, drawn by hand and published, and its answers in every format."""

import csv
import io
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl
from anyio.from_thread import start_blocking_portal
from fastapi import FastAPI
from fastapi.testclient import TestClient
from httpx2 import Response
from pydantic import SecretStr

from config import ServerSettings
from demo.publishing import publish_sample
from read_model.table import INSTANT, Table
from read_model.tables.fpp import ESTIMATIONS, EVENTS, FPP, PAGE_VIEWS, ROOMS, USERS, VOTES
from server import create_app
from tests.processes import TOKEN
from tests.rows import rows

# Every endpoint: those with a period, those that compare, and all.
PERIODS = (
    "traffic",
    "votes",
    "behaviour",
    "location",
    "historical",
    "reoccurring",
    "lifecycle",
    "retention",
    "rooms",
    "rooms/1",
)
COMPARED = tuple(path for path in PERIODS if path != "retention")
ALL = (*PERIODS, "snapshot")

type Drawn = Mapping[Table, str | pl.LazyFrame]

# Columns of the source that these tables need besides those the calculations do.
FURTHER: Mapping[Table, Mapping[str, pl.DataType]] = {
    EVENTS: {"user_id": pl.String(), "event_at": INSTANT},
    PAGE_VIEWS: {"room_id": pl.Int32()},
    ROOMS: {"last_used_at": INSTANT},
    USERS: {"id": pl.String()},
}

# Thursday.
NOW = datetime(2026, 3, 5, 12, 30, tzinfo=UTC)
START = date(2026, 2, 2)

# Monday 2 to Thursday 5 March 2026, and some of Monday 23 February, ten days before.
DRAWN: Drawn = {
    PAGE_VIEWS: """
        user_id | route | source                    | viewed_at
        ann     | HOME  | https://www.google.com/   | 2026-02-23 09:00
        ann     | HOME  | https://www.google.com/   | 2026-03-02 09:00
        ann     | ROOM  | null                      | 2026-03-02 09:05
        bob     | HOME  | https://github.com/       | 2026-03-03 10:00
        cem     | GUIDE | elsewhere                 | 2026-03-05 12:00
        """,
    ESTIMATIONS: """
        user_id | room_id | estimation | estimated_at
        ann     | 1       | 5          | 2026-02-23 09:10
        ann     | 1       | 5          | 2026-03-02 09:10
        ann     | 1       | 8          | 2026-03-03 09:10
        bob     | 2       | null       | 2026-03-03 09:11
        bob     | 2       | 5          | 2026-03-05 09:00
        """,
    VOTES: """
    voted_at|room_id|avg_estimation|max_estimation|min_estimation|duration|amount_of_estimations|amount_of_spectators
    2026-02-23 09:10|1|4.00|5|3|60|2|0
    2026-03-02 09:10|1|5.00|8|2|30|3|1
    2026-03-03 09:11|1|6.50|8|5|90|4|0
    2026-03-05 09:00|2|3.00|3|3|120|1|2
    2026-03-05 09:00|404|1.00|1|1|60|1|0
        """,
    ROOMS: """
        id | name    | first_used_at    | last_used_at
        1  | =1+1    | 2026-02-23 09:00 | 2026-03-03 09:11
        2  | team    | 2026-03-03 09:00 | 2026-03-05 09:00
        3  | quiet   | 2026-03-04 00:00 | 2026-03-04 00:00
        """,
    EVENTS: """
        event            | event_at
        LEFT_ROOM        | 2026-02-23 09:30
        LEFT_ROOM        | 2026-03-02 09:30
        ENTERED_NEW_ROOM | 2026-03-02 09:00
        LEFT_ROOM        | 2026-03-03 09:30
        """,
    USERS: """
        device  | os    | browser | country | region | city   | created_at
        desktop | Linux | Firefox | DE      | BE     | Berlin | 2026-02-23 09:00
        desktop | Linux | Chrome  | DE      | BE     | Berlin | 2026-03-03 10:00
        mobile  | null  | null    | null    | null   | @home  | 2026-03-05 12:00
        """,
}


@dataclass
class Api:
    """The API in this process, at an instant that may be moved, over what is published in `data_dir`."""

    data_dir: Path
    now: datetime = NOW
    start_date: date = START
    token: str = TOKEN

    def __post_init__(self) -> None:
        settings = ServerSettings(
            data_dir=self.data_dir, analytics_secret_token=SecretStr(TOKEN), start_date=self.start_date
        )
        self.app: FastAPI = create_app(settings, lambda: self.now)
        self._client = TestClient(self.app, raise_server_exceptions=False)

    @contextmanager
    def in_one_loop(self) -> Iterator[None]:
        """Answer all requests in one event loop: starting one takes as long as many an answer."""
        with start_blocking_portal() as portal:
            self._client.portal = portal
            yield

    def ask(self, path: str, headers: Mapping[str, str] | None = None, **parameters: object) -> Response:
        """The answer at a path under `/v1`, whatever its status."""
        given = {"Authorization": self.token, **(headers or {})}
        params = {name: str(parameter) for name, parameter in parameters.items()}
        return self._client.get(f"/v1/{path}", params=params or None, headers=given)

    def get(self, path: str, **parameters: object) -> dict[str, Any]:
        """The body of an answer that is right, in JSON."""
        answer = self.ask(path, None, **parameters)
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json()
        assert list(body) == ["data", "meta", "query"]
        return body

    def data(self, path: str, **parameters: object) -> Any:
        """The figures alone."""
        return self.get(path, **parameters)["data"]

    def rows(self, path: str, format_: str, **parameters: object) -> list[dict[str, Any]]:
        """The rows in another format, read back; cells of CSV as texts, empty ones as None."""
        answer = self.ask(path, None, format=format_, **parameters)
        assert answer.status_code == 200, answer.text
        if format_ == "ndjson":
            return [json.loads(line) for line in answer.text.splitlines()]
        if format_ == "parquet":
            return pl.read_parquet(io.BytesIO(answer.content)).to_dicts()
        lines = csv.DictReader(io.StringIO(answer.content.decode(), newline=""))
        return [{name: cell or None for name, cell in line.items()} for line in lines]


def drawn_frame(table: Table, drawing: str | pl.LazyFrame) -> pl.DataFrame:
    """A drawing, with the columns of `FURTHER`."""
    if isinstance(drawing, pl.LazyFrame):
        return drawing.with_columns(
            pl.lit(None, dtype).alias(name) for name, dtype in FURTHER.get(table, {}).items()
        ).collect()
    wider = replace(table, columns={**table.columns, **FURTHER.get(table, {})})
    return rows(wider, drawing).collect()


def publish(data_dir: Path, drawn: Drawn, now: datetime = NOW) -> str:
    """Publish tables, those not drawn being empty; returns the id of the snapshot."""
    tables = {table.name: drawn_frame(table, drawn.get(table, "")) for table in FPP.tables}
    return publish_sample(tables, data_dir, now).id


def flat(row: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """A row of JSON as the columns of other formats: compared figures in parts, maps with dots."""
    for name, cell in row.items():
        if isinstance(cell, dict) and "change_pct" in cell:
            yield f"{prefix}{name}", cell["value"]
            yield from ((f"{prefix}{name}_{part}", cell[part]) for part in ("comparison", "change", "change_pct"))
        elif isinstance(cell, dict):
            yield from flat(cell, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", cell


def assert_same_rows(api: Api, path: str, expected: list[dict[str, Any]], **parameters: object) -> None:
    """All other formats hold the rows that JSON does, under the same names in the same order."""
    for format_ in ("ndjson", "parquet", "csv"):
        found = api.rows(path, format_, **parameters)
        assert [list(row) for row in found] == [list(row) for row in expected], format_
        for ours, theirs in zip(found, expected, strict=True):
            for name, cell in theirs.items():
                assert same(ours[name], cell), (format_, name, ours[name], cell)


def same(found: object, expected: object) -> bool:
    """Whether a cell of another format says what JSON's does: times may be spelled otherwise, all of CSV is text."""
    if isinstance(expected, str):
        text = found.isoformat() if isinstance(found, date) else str(found)
        return text.removeprefix("'") == expected or moment(text) == moment(expected) is not None
    if isinstance(found, str):
        return (found == "true") is expected if isinstance(expected, bool) else float(found) == expected
    return found == expected


def moment(text: str) -> datetime | None:
    """What a text means as an instant; None when it is none."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None
