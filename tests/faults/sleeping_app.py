"""The real application with a route whose computation never ends."""

import logging
import time

from fastapi import FastAPI

from server import configured_app


def make_app() -> FastAPI:
    """The app of `main`, settings from the environment."""
    app = configured_app()

    @app.get("/sleep")
    def sleep() -> None:
        logging.getLogger(__name__).info("asleep")
        time.sleep(1_000)

    return app
