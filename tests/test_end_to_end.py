"""The main job, end to end: a database in a foreign time zone, updater, server, and every figure by its slow twin."""

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from demo.sample import sample
from tests import oracle
from tests.processes import ROOT, finished, serving
from tests.source_database import SourceDatabase

pytestmark = [pytest.mark.database, pytest.mark.server]

START = date(2024, 6, 3)
LATER = ("fpp_estimations", "fpp_page_views", "fpp_votes", "fpp_users", "fpp_rooms", "fpp_events")


def halves(tables: dict[str, pl.DataFrame]) -> tuple[dict[str, pl.DataFrame], dict[str, pl.DataFrame]]:
    """What there was before the first run, and what came after it."""
    cut = datetime.now(UTC) - timedelta(minutes=50)
    times = {name: rows.columns[-1] for name, rows in tables.items()} | {"fpp_rooms": "first_used_at"}
    before = {name: rows.filter(pl.col(times[name]) < cut) for name, rows in tables.items()}
    return before, {name: rows.filter(pl.col(times[name]) >= cut) for name, rows in tables.items()}


def run_updater(database: SourceDatabase) -> None:
    """One run of the real command."""
    database.data_dir.parent.mkdir(exist_ok=True)
    run = finished([ROOT / "update_readmodel.py"], database.data_dir.parent, **database.environment())
    assert run.returncode == 0, run.stderr


def test_every_figure_equals_the_slow_twin_before_and_after_further_inserts(database: SourceDatabase) -> None:
    """The twin reads the database itself, the server what the updater made of it."""
    before, after = halves(sample(datetime.now(UTC), scale=0.03))
    assert all(rows.height for rows in after.values())
    database.fill(before)
    run_updater(database)
    with serving(database.data_dir) as server:
        for inserted in ({}, after):
            if inserted:
                database.fill(inserted)
                run_updater(database)
            tables = {name: database.rows(name) for name in LATER}
            today = datetime.now(UTC)
            assert server.get("/").json()["data"] == oracle.bundle(tables, START, today)
            for room_id in (1, 2, 3, 10**6):
                assert server.get(f"/room/{room_id}/stats").json() == oracle.room_stats(tables, room_id)
