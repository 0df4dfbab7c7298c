"""The read-only server: `uvicorn main:app`, or `python main.py`. `server` assembles it."""

from util.allocator import keep_freed_memory

keep_freed_memory()  # Polars reads it when it is loaded.

import uvicorn

from config import ServerSettings
from server import configured_app

app = configured_app()


def main() -> None:
    """Serve on HOST and PORT."""
    settings: ServerSettings = app.state.settings
    uvicorn.run(app, host=settings.host, port=settings.port, server_header=False)


if __name__ == "__main__":
    main()
