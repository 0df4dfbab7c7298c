"""The real server with a clock that stands still: `uvicorn benchmarks.server:app --factory`."""

import os
from datetime import datetime

from fastapi import FastAPI

from config import ServerSettings
from server import create_app

NOW = "BENCHMARK_NOW"


def app() -> FastAPI:
    """The server with its usual settings, and a clock that always shows `BENCHMARK_NOW`."""
    now = datetime.fromisoformat(os.environ[NOW])
    return create_app(ServerSettings.load(), clock=lambda: now)
