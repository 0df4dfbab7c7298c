"""The examples in the description of the API."""

import json
from pathlib import Path
from typing import Any

# Real answers per path and status, and errors per status, shortened: `python -m tests.examples` writes them anew.
EXAMPLES: dict[str, dict[str, Any]] = json.loads(Path(__file__).with_name("examples.json").read_text(encoding="utf-8"))
