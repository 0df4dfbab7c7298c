"""Import of files: every format, twice, with bad lines, and cut short."""

import csv
import gzip
import io
import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import URL

from intake.database import database_url
from intake.migrating import migrate
from intake.tables import DEAD_LETTERS, USAGE_EVENTS
from tests.intake.collecting import environment, rows
from tests.intake.events import event, event_id, ndjson
from tests.processes import ROOT, finished

pytestmark = pytest.mark.server


@pytest.fixture
def url(tmp_path: Path) -> URL:
    """A migrated database."""
    made = database_url(f"sqlite:///{tmp_path}/collector.db")
    migrate(made)
    return made


def imported(url: URL, directory: Path, *files: Path, **variables: object) -> Any:
    """Run the import to its end."""
    return finished([ROOT / "collector.py", "import", *files], directory, **environment(url, directory, **variables))


def as_csv(*events: dict[str, Any]) -> bytes:
    """Events as a CSV with a header."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(events[0]))
    writer.writeheader()
    for each in events:
        writer.writerow(each | {"metadata": json.dumps(each["metadata"])})
    return text.getvalue().encode()


def test_every_format_becomes_the_same_events(url: URL, tmp_path: Path) -> None:
    """NDJSON and CSV, plain and gzipped, with and without a telling name."""
    first, second = event(1, actor_id='a "quoted",\nname'), event(2, actor_id=None)
    contents = {"a.ndjson": ndjson(first), "b.csv": as_csv(first, second), "c": ndjson(second), "d": as_csv(second)}
    files = []
    for name, content in contents.items():
        files += [tmp_path / name, tmp_path / f"{name}.gz"]
        files[-2].write_bytes(content)
        files[-1].write_bytes(gzip.compress(content))
    run = imported(url, tmp_path, *files)
    assert run.returncode == 0, run.stderr
    assert run.stdout.split()[-4:] == ["total", "2", "8", "0"]
    stored = rows(url, USAGE_EVENTS)
    assert [(row.actor_id, row.cost_estimate, row.metadata) for row in stored] == [
        ('a "quoted",\nname', 125_000, '{"region":"eu"}'),
        (None, 125_000, '{"region":"eu"}'),
    ]


def test_second_import_changes_nothing(url: URL, tmp_path: Path) -> None:
    """No event or dead letter is stored twice; the bad lines are reported again, and the exit code is 65."""
    file = tmp_path / "events.ndjson"
    file.write_bytes(ndjson(event(1), event(2, status="ok")) + b"broken\n" + b"x" * 70_000 + b"\n" + ndjson(event(3)))
    for accepted in (2, 0):
        run = imported(url, tmp_path, file)
        assert run.returncode == 65
        assert run.stdout.split()[-3:] == [str(accepted), str(2 - accepted), "3"]
        assert f"events.ndjson:2: {event_id(2)}: status is" in run.stderr
        assert "events.ndjson:3: no event_id: this is not JSON" in run.stderr
        assert "events.ndjson:4: no event_id: the line is longer" in run.stderr
    assert len(rows(url, USAGE_EVENTS)) == 2
    assert [row.position for row in rows(url, DEAD_LETTERS)] == [2, 3, 4]


def test_bad_rows_of_a_csv_are_named(url: URL, tmp_path: Path) -> None:
    """A missing cell, a malformed number, metadata that is not JSON, and a byte that is not UTF-8."""
    good = as_csv(event(1)).splitlines()
    header, row = good[0], good[1]
    lines = [
        header,
        row,
        row + b",more",
        row.replace(b"120", b"12x"),
        row.replace(b'""region""', b"region"),
        row.replace(b"ann", b"\xff"),
    ]
    file = tmp_path / "events.csv"
    file.write_bytes(b"\r\n".join(lines) + b"\r\n")
    run = imported(url, tmp_path, file)
    assert run.returncode == 65
    told = [line.partition("events.csv:")[2] for line in run.stderr.splitlines() if "events.csv:" in line]
    assert [line.partition(":")[0] for line in told] == ["3", "4", "5", "6"]
    for line, says in zip(told, ("cells", "input_tokens", "metadata", "actor_id"), strict=True):
        assert says in line


def test_file_cut_short_is_reported_after_what_could_be_read(url: URL, tmp_path: Path) -> None:
    """The events before the cut are stored, and the exit code is not 0."""
    file = tmp_path / "events.ndjson.gz"
    content = ndjson(*(event(number) for number in range(3000)))
    file.write_bytes(gzip.compress(content)[:-2000])
    run = imported(url, tmp_path, file)
    assert run.returncode == 66
    assert "can't be read to its end" in run.stderr
    assert "Traceback" not in run.stderr
    assert len(rows(url, USAGE_EVENTS)) >= 1000


def test_missing_file_is_one_line(url: URL, tmp_path: Path) -> None:
    """Without a traceback."""
    run = imported(url, tmp_path, tmp_path / "nowhere.csv")
    assert run.returncode == 66
    assert "nowhere.csv" in run.stderr
    assert "Traceback" not in run.stderr


def test_prices_fill_in_missing_costs(url: URL, tmp_path: Path) -> None:
    """120 input and 30 output tokens at 250 and 1,000 cents per million are 0.06 cents; a given cost stays."""
    prices = tmp_path / "prices.yaml"
    prices.write_text("- {model: gpt-4*, from: 2026-01-01, input: 250, output: '1000'}\n")
    file = tmp_path / "events.ndjson"
    file.write_bytes(ndjson(event(1, cost_estimate=None), event(2), event(3, cost_estimate=None, model_id="other")))
    assert imported(url, tmp_path, file, LLM_PRICES=prices).returncode == 0
    assert [row.cost_estimate for row in rows(url, USAGE_EVENTS)] == [600, 125_000, None]
