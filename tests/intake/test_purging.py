"""Deleting by age and by organisation, on every database and by the command."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from intake.llm import purging
from intake.llm.purging import age, purge
from intake.llm.storing import store
from intake.tables import DEAD_LETTERS, USAGE_EVENTS
from intake.values import uuid_bytes
from intake.writer import Writer
from tests.intake.batches import NOW, batch
from tests.intake.collecting import environment, rows
from tests.intake.events import OTHER_ORG, event, event_id
from tests.processes import ROOT, finished

MARCH_2 = 1_772_442_000_123_456


@pytest.fixture
def filled(engine: Engine) -> Engine:
    """Two events of March 2nd in two organisations, one of March 1st, and a dead letter of each organisation."""
    old = event(3, occurred_at="2026-03-01T00:00:00Z")
    bad = [event(4, status="ok"), event(5, status="ok", org_id=OTHER_ORG)]
    Writer(engine, store).write([batch(event(1), event(2, org_id=OTHER_ORG), old, *bad)])
    return engine


def left(engine: Engine) -> list[str]:
    """The ids of what is left, dead letters after events."""
    events = sorted(row.event_id.hex() for row in rows(engine.url, USAGE_EVENTS))
    return [*events, *(row.event_id.replace("-", "") for row in rows(engine.url, DEAD_LETTERS))]


def ids(*numbers: int) -> list[str]:
    """The ids of events by their numbers."""
    return [event_id(number).replace("-", "") for number in numbers]


@pytest.mark.parametrize(
    ("before", "org_id", "remaining"),
    [
        (MARCH_2, None, (1, 2, 4, 5)),
        (MARCH_2 + 1, None, (4, 5)),
        (NOW + 1, None, ()),
        (None, OTHER_ORG, (1, 3, 4)),
        (MARCH_2, OTHER_ORG, (1, 2, 3, 4, 5)),
    ],
)
def test_what_matches_goes_and_nothing_else(
    filled: Engine, monkeypatch: pytest.MonkeyPatch, before: int | None, org_id: str | None, remaining: tuple[int, ...]
) -> None:
    """Events by when they occurred, dead letters by when they came; in ranges smaller than the table."""
    monkeypatch.setattr(purging, "IDS_PER_TRANSACTION", 2)
    steps = list(purge(filled, before, uuid_bytes("org", org_id) if org_id else None))
    assert left(filled) == ids(*remaining)
    assert steps[-1].events + steps[-1].dead_letters == 5 - len(remaining)


@pytest.mark.parametrize("text", ["400", "400y", "-1d", "", "d", "1.5d"])
def test_invalid_age_is_refused(text: str) -> None:
    """With an example."""
    with pytest.raises(ValueError, match="400d"):
        age(text)


@pytest.mark.server
def test_command_says_what_it_deleted(filled: Engine, tmp_path: Path) -> None:
    """By organisation, then by age; without either it deletes nothing."""

    def purged(*arguments: str) -> Any:
        return finished([ROOT / "collector.py", "purge", *arguments], tmp_path, **environment(filled.url, tmp_path))

    if filled.dialect.name != "sqlite":
        pytest.skip("The command does not know which database it is")
    assert purged().returncode == 2
    assert "Deleted 1 events and 1 dead letters" in purged("--org", OTHER_ORG).stdout
    assert "Deleted 2 events and 1 dead letters" in purged("--older-than", "0d").stdout
