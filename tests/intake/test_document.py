"""docs/collector.md is correct: its first steps work as written, and its tables are complete."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
from pydantic import SecretStr

from config import CollectorSettings, Settings
from intake.llm.events import FIELDS
from tests.processes import ROOT, answering, clean_environment, free_port, running

DOCUMENT = (ROOT / "docs" / "collector.md").read_text(encoding="utf-8")


def table(heading: str) -> list[list[str]]:
    """The cells of the table under a heading."""
    section = DOCUMENT.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def test_every_setting_is_in_the_table_with_its_default() -> None:
    """Those all processes share are elsewhere."""
    own = {name: field for name, field in CollectorSettings.model_fields.items() if name not in Settings.model_fields}
    expected = {}
    for name, field in own.items():
        default = field.default.get_secret_value() if isinstance(field.default, SecretStr) else field.default
        expected[f"`{name.upper()}`"] = (
            "" if default is None else f"`{default:g}`" if isinstance(default, float) else f"`{default}`"
        )
    assert {variable: default for variable, default, _ in table("Settings")} == expected


def test_every_field_is_in_the_table() -> None:
    """And no other one."""
    assert {name for row in table("Events") for name in re.findall(r"`(\w+)`", row[0])} == FIELDS


@pytest.mark.server
def test_first_steps_lead_to_a_row_of_the_read_model(tmp_path: Path) -> None:
    """Migrate, make a token, serve, send the event, update: the row is there, with 12.5 cents."""
    preparation, sending = re.findall(r"```console\n(.*?)```", DOCUMENT, re.DOTALL)
    migrate, new_token, serve = preparation.splitlines()
    send, _, update = sending.rpartition("\nuv")
    environment = clean_environment(
        PYTHONPATH=ROOT, COLLECTOR_DATABASE_URL=f"sqlite:///{tmp_path}/collector.db", DATA_DIR=tmp_path / "data"
    )

    def run(command: str, **variables: str) -> str:
        words = command.replace("uv run python ", f"{sys.executable} {ROOT}/")
        done = subprocess.run(  # noqa: S602 - the document's own commands
            words, shell=True, cwd=tmp_path, env=environment | variables, capture_output=True, text=True, check=True
        )
        return done.stdout

    run(migrate)
    first, _, lines = run(new_token).partition("\n")
    (tmp_path / "tokens.toml").write_text(lines)
    port = free_port()
    arguments = ["-m", *shlex.split(serve)[2:-1], port, "--app-dir", ROOT]
    variables = {name: environment[name] for name in ("COLLECTOR_DATABASE_URL", "DATA_DIR")}
    with (
        running(arguments, TOKENS_FILE=tmp_path / "tokens.toml", **variables) as program,
        answering(program, port),
    ):
        answer = run(send.replace("5101", str(port)), TOKEN=first.removeprefix("token: "))
        assert '"accepted":1' in answer
    run(f"uv{update}")
    rows = pl.read_parquet(tmp_path / "data" / "llm" / "current" / "*.parquet")
    assert rows["cost_estimate"].cast(pl.String).to_list() == ["12.5000"]
