"""The server with further routes, each of which crashes in its own way."""

from collections.abc import Iterator

from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from polars.exceptions import PanicException

from server import configured_app


def make_app() -> FastAPI:
    """The app of `main`, settings from the environment."""
    app = configured_app()

    @app.get("/crash")
    @app.get("/crash/{mark}")
    def crash() -> None:
        raise RuntimeError("a bug in a worker thread")

    @app.get("/crash-in-the-loop")
    async def crash_in_the_loop() -> None:
        raise RuntimeError("a bug in the event loop")

    @app.get("/panic")
    def panic() -> None:
        raise PanicException("a bug in the query engine")

    @app.get("/crash-in-the-answer")
    def crash_in_the_answer() -> StreamingResponse:
        def answer() -> Iterator[bytes]:
            yield b"half of the ans"
            raise RuntimeError("a bug after the answer began")

        return StreamingResponse(answer())

    return app
