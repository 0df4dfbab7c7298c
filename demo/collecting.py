"""The made-up LLM calls as a published read model, sent through the collector like real ones."""

import os
import subprocess
import sys
from datetime import datetime
from pathlib import Path

from demo.llm import ndjson, usage_events
from demo.publishing import is_recent
from read_model.tables.llm import LLM

ROOT = Path(__file__).parent.parent
DATABASE = "collector.db"
EVENTS = "llm-events.ndjson"
SYSTEM_VARIABLES = frozenset({"PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TZ"})


def collect_recent_calls(data_dir: Path, now: datetime) -> None:
    """Migrate, import and update, unless the read model is recent; replaces what was collected before."""
    if is_recent(data_dir, LLM, now):
        return
    home = LLM.directory(data_dir)
    home.mkdir(parents=True, exist_ok=True)
    for old in home.glob(f"{DATABASE}*"):
        old.unlink()
    events = home / EVENTS
    with events.open("w", encoding="utf-8") as file:
        file.writelines(ndjson(usage_events(now)))
    _run("collector.py", "migrate", data_dir=data_dir)
    _run("collector.py", "import", str(events.resolve()), data_dir=data_dir)
    _run("update_readmodel.py", LLM.name, data_dir=data_dir)
    events.unlink()


def _run(program: str, *arguments: str, data_dir: Path) -> None:
    """Run one of this project's commands over the demo's own files, without any setting of a real deployment."""
    home = LLM.directory(data_dir).resolve()
    settings = {
        "COLLECTOR_DATABASE_URL": f"sqlite:///{home / DATABASE}",
        "DATA_DIR": str(data_dir.resolve()),
        "LOG_LEVEL": "WARNING",
    }
    subprocess.run(  # noqa: S603 - this project's own commands, no shell
        [sys.executable, str(ROOT / program), *arguments],
        # Use neither the variables of this process nor the `.env` of its working directory.
        env={name: value for name, value in os.environ.items() if name in SYSTEM_VARIABLES} | settings,
        cwd=home,
        stdout=subprocess.DEVNULL,
        check=True,
    )
