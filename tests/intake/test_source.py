"""The collector's database as a source of the updater: the same rows in the read model, whatever comes late."""

from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from pydantic import SecretStr
from sqlalchemy import URL, Engine, insert

from config import CollectorDatabaseSettings
from intake.llm.storing import store
from intake.migrating import downgrade, migrate
from intake.tables import USAGE_EVENTS
from intake.writer import Writer
from read_model.model import ReadModel
from read_model.snapshot import open_snapshot
from read_model.source import SchemaRefusedError, SourceError
from read_model.sync import Options, Synced, sync
from read_model.tables.llm import LLM
from read_model.tables.llm import USAGE_EVENTS as DECLARED
from sources.collected.source import consistent_source
from tests.intake.batches import batch
from tests.intake.events import ORG, event, event_id


def settings(url: URL) -> CollectorDatabaseSettings:
    """The settings that name a database."""
    return CollectorDatabaseSettings(collector_database_url=SecretStr(url.render_as_string(hide_password=False)))


def synced(url: URL, data_dir: Path, **options: Any) -> Synced:
    """Sync once."""
    with consistent_source(settings(url)) as source:
        return sync(source, data_dir, LLM, Options(**options), lambda *_: None)


def read(data_dir: Path) -> pl.DataFrame:
    """The table of the read model, by id."""
    return open_snapshot(data_dir, LLM).scan(DECLARED).sort("id").collect()


def test_rows_arrive_typed(engine: Engine, tmp_path: Path) -> None:
    """Every column, with its extremes and nulls, exactly."""
    extreme = event(2, cost_estimate="99999999999999.9999", model_id="🦄", metadata={"a": "ü"}, input_tokens=2**53)
    empty = {name: value for name, value in event(3).items() if value is not None}
    for name in ("model_id", "actor_id", "cost_estimate", "metadata"):
        del empty[name]
    (receipt,) = Writer(engine, store).write([batch(extreme, empty)])
    assert synced(engine.url, tmp_path).rows_read == 2
    first, second = read(tmp_path).to_dicts()
    assert first == {
        "id": 1,
        "event_id": event_id(2),
        "org_id": ORG,
        "occurred_at": pl.Series(["2026-03-02T09:00:00.123456+0000"]).str.to_datetime().item(),
        "model_id": "🦄",
        "actor_id": "ann",
        "input_tokens": 2**53,
        "output_tokens": 30,
        "latency_ms": 850,
        "status": "success",
        "error_code": None,
        "cost_estimate": Decimal("99999999999999.9999"),
        "metadata": '{"a":"ü"}',
        "received_at": pl.Series([1_780_000_000_000_000]).cast(pl.Datetime("us", "UTC")).item(),
        "batch_id": receipt.batch_id,
    }
    assert [second[name] for name in ("model_id", "actor_id", "error_code", "cost_estimate", "metadata")] == [None] * 5
    assert read(tmp_path).schema == pl.Schema(DECLARED.columns)


def test_only_what_may_have_changed_is_read_again(engine: Engine, tmp_path: Path) -> None:
    """After a full sync, rows older than the overlap are settled; new ones arrive, old ones stay as they are."""
    writer = Writer(engine, store)
    writer.write([batch(*(event(number) for number in range(50)))])
    # They were received long before the sync's overlap began.
    assert synced(engine.url, tmp_path).why_full
    writer.write([batch(event(100), event(0))])
    again = synced(engine.url, tmp_path)
    assert (again.why_full, again.rows_read) == (None, 1)
    assert read(tmp_path).height == 51
    assert synced(engine.url, tmp_path, overlap=timedelta(days=36_500)).rows_read == 51


def test_late_commit_with_a_lower_id_arrives(engine: Engine, tmp_path: Path) -> None:
    """A row with a lower id and an older time is committed after a sync has seen higher ids: the overlap finds it."""
    if engine.dialect.name == "sqlite":
        pytest.skip("SQLite admits one writer at a time")
    row = {
        "org_id": b"o" * 16,
        "occurred_at": 1,
        "input_tokens": 1,
        "output_tokens": 1,
        "latency_ms": 1,
        "status": "success",
        "batch_id": 1,
    }
    recent = pl.Series([consistent_now(engine.url)]).dt.epoch("us").item()
    with engine.connect() as late, engine.connect() as early:
        late.execute(insert(USAGE_EVENTS).values(event_id=b"1" * 16, received_at=recent - 1_000_000, **row))
        early.execute(insert(USAGE_EVENTS).values(event_id=b"2" * 16, received_at=recent, **row))
        early.commit()
        synced(engine.url, tmp_path)
        late.commit()
    assert read(tmp_path)["id"].to_list() == [2]
    assert synced(engine.url, tmp_path).why_full is None
    assert read(tmp_path)["id"].to_list() == [1, 2]


def consistent_now(url: URL) -> Any:
    """The database's time."""
    with consistent_source(settings(url)) as source:
        return source.now


def test_view_does_not_change_while_it_is_read(engine: Engine) -> None:
    """A row committed after the view was opened is not in it; nor does the reader block the writer."""
    writer = Writer(engine, store)
    writer.write([batch(event(1))])
    with consistent_source(settings(engine.url)) as source:
        described = source.describe(DECLARED)
        writer.write([batch(event(2))])
        assert sum(frame.height for frame in source.rows(described)) == 1
        assert source.time_of(described, 1) is not None
        assert source.time_of(described, 2) is None


def test_other_database_is_noticed(engine: Engine, tmp_path: Path) -> None:
    """The same address with another identity is read from its start."""
    writer = Writer(engine, store)
    writer.write([batch(event(1))])
    synced(engine.url, tmp_path)
    downgrade(engine.url, "base")
    migrate(engine.url)
    writer.write([batch(event(2))])
    assert "the source is another one" in str(synced(engine.url, tmp_path).why_full)
    assert read(tmp_path)["event_id"].to_list() == [event_id(2)]


def test_large_table_comes_in_batches(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """No batch is larger than it may be, all together are everything, in order."""
    monkeypatch.setattr("sources.collected.source.BATCH_ROWS", 40)
    Writer(engine, store).write([batch(*(event(number) for number in range(100)))])
    with consistent_source(settings(engine.url)) as source:
        frames = list(source.rows(source.describe(DECLARED)))
        assert [frame.height for frame in frames] == [40, 40, 20]
        assert pl.concat(frames)["id"].is_sorted()
        assert sum(frame.height for frame in source.rows(source.describe(DECLARED), since=91)) == 10


def test_database_without_the_table_is_refused(empty_database: URL) -> None:
    """With the command that makes it."""
    migrate(empty_database, "0001")
    with (
        consistent_source(settings(empty_database)) as source,
        pytest.raises(SchemaRefusedError, match=r"collector\.py migrate"),
    ):
        source.describe(DECLARED)


def test_unknown_table_is_refused(engine: Engine) -> None:
    """A read model that is not the collector's."""
    unknown = ReadModel("other", (type(DECLARED)("other", key="id", grows=DECLARED.grows),)).tables[0]
    with consistent_source(settings(engine.url)) as source, pytest.raises(SchemaRefusedError, match="other"):
        source.describe(unknown)


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("sqlite:///nowhere/collector.db", "no file nowhere/collector.db"),
        ("postgresql://nobody:secret@127.0.0.1:1/none", "COLLECTOR_DATABASE_URL"),
        ("mysql://nobody:secret@127.0.0.1:1/none", "COLLECTOR_DATABASE_URL"),
    ],
)
def test_unreachable_database_is_one_line_without_the_password(url: str, says: str) -> None:
    """It names the variable to look at."""
    given = CollectorDatabaseSettings(collector_database_url=SecretStr(url))
    with pytest.raises(SourceError, match=says) as raised, consistent_source(given):
        pass
    assert "secret" not in str(raised.value)
    assert "\n" not in str(raised.value)
