"""The collector: accepts events, commits them to its own SQL database, and acknowledges them once they are on disk.

`uvicorn collector:app --port 5101` serves it; `python collector.py --help` lists its commands.
"""

import sys

from intake import commands
from intake.server import configured_app

if __name__ == "__main__":
    sys.exit(commands.main())

app = configured_app()
