"""The API over tables drawn by Hypothesis and held in memory: publishing them would take longer than the requests."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from http import HTTPStatus
from itertools import count, cycle
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
from hypothesis import settings
from hypothesis import strategies as st

from read_model.snapshot import Snapshot
from read_model.table import INSTANT, Between, Table
from read_model.tables.fpp import ESTIMATIONS, EVENTS, FPP, PAGE_VIEWS, ROOMS, USERS, VOTES
from tests.calculations.strategies import ZONES, Case, Frames, Row, cases
from tests.routers.v1.api import Api
from web.dependencies import snapshot_of

GRANULARITIES = ("hour", "day", "week", "month", "quarter", "year", "auto")
# An example takes tens of requests.
few = settings(max_examples=settings().max_examples // 5)

TIMES = {
    PAGE_VIEWS: "viewed_at",
    ESTIMATIONS: "estimated_at",
    VOTES: "voted_at",
    USERS: "created_at",
    ROOMS: "first_used_at",
}
_ids = count()


@dataclass(frozen=True)
class Held(Snapshot):
    """A snapshot in memory, up to an instant."""

    frames: Frames = field(default_factory=dict)
    number: int = field(default_factory=_ids.__next__)

    @property
    def id(self) -> str:
        """Of this one only."""
        return f"held-{self.number}"

    @property
    def bytes(self) -> int:
        """Few."""
        return 0

    def scan(self, table: Table, between: Between | None = None) -> pl.LazyFrame:  # noqa: ARG002 - opens no files
        """The rows drawn, with the times of the source that calculations don't need."""
        rows = self.frames[table]
        if table is not EVENTS:
            return rows
        instants = cycle(self.frames[VOTES].select("voted_at").drop_nulls().collect()["voted_at"].to_list() or [None])
        events = rows.collect()
        return events.with_columns(
            event_at=pl.Series([next(instants) for _ in range(len(events))], dtype=INSTANT)
        ).lazy()


class HeldApi(Api):
    """The API over whatever case it is told to hold."""

    def hold(self, case: Case) -> "HeldApi":
        """From now on, these tables, START_DATE and clock."""
        self.now = case.now
        self.app.state.settings = self.app.state.settings.model_copy(update={"start_date": case.start})
        snapshot = Held(FPP, Path(), None, last_written=case.now, frames=case.frames)

        async def held() -> Snapshot:
            return snapshot

        self.app.dependency_overrides[snapshot_of(FPP)] = held
        return self

    def bundle(self) -> Any:
        """The dashboard's figures."""
        answer = self._client.get("/", headers={"Authorization": self.token})
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]

    def answered(self, paths: Iterable[str]) -> list[str]:
        """Those of the paths that are there: a room may not be."""
        return [path for path in paths if self.ask(path, date_range="24h").status_code != HTTPStatus.NOT_FOUND]


def past(case: Case) -> Case:
    """A case without what nobody can have seen: rows at or after its clock, or of no time; rooms may have none."""

    def is_past(table: Table, row: Row) -> bool:
        instant = row.get(TIMES.get(table, ""))
        return table is EVENTS or (table is ROOMS if instant is None else instant < case.now)

    return case.only({table: [row for row in rows if is_past(table, row)] for table, rows in case.rows.items()})


past_cases = cases().map(past)
zones = st.sampled_from(("UTC", *ZONES))


@st.composite
def ranges(draw: st.DrawFn, case: Case, zone: str, *, at_least: int = 1) -> tuple[date, date]:
    """Two local dates that have begun, spanning at least `at_least` days."""
    today = case.now.astimezone(ZoneInfo(zone)).date()
    first = today - timedelta(days=draw(st.integers(at_least - 1, 120)))
    return first, draw(st.dates(first + timedelta(days=at_least - 1), today))


def written(first: date, last: date) -> str:
    """As `date_range` has it."""
    return f"{first},{last}"
