"""Files of a page, which are sent once."""

from os import PathLike
from typing import Any

from fastapi.responses import Response
from fastapi.staticfiles import StaticFiles


class StaticParts(StaticFiles):
    """The files of a directory; their tags are weak, since they may be compressed, and asked for on every use."""

    def __init__(self, directory: str | PathLike[str]) -> None:
        super().__init__(directory=directory)

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        """One file, or 304."""
        response = super().file_response(*args, **kwargs)
        response.headers["ETag"] = f"W/{response.headers['ETag']}"
        response.headers["Cache-Control"] = "no-cache"
        return response
