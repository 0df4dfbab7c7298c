"""The dashboard: a page of static files that asks the API, and holds no figure itself."""

from pathlib import Path
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.responses import FileResponse, Response
from fastapi.staticfiles import StaticFiles

from web.security_headers import POLICY

PAGE = Path(__file__).parent.parent / "dashboard" / "page"
# Addresses of the page's parts are relative to it: they hold below any prefix a proxy puts before them.
PARTS_PATH = "/dashboard"
# A browser asks each time whether what it has is still right.
CACHING = {"Cache-Control": "no-cache"}
PAGE_POLICY = {
    POLICY: "; ".join(
        [
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            # Pictures of charts are drawn by way of `data:`.
            "img-src 'self' data:",
            "connect-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
            "require-trusted-types-for 'script'",
            # One that lets through no markup but the empty one.
            "trusted-types default",
        ]
    )
}

router = APIRouter(include_in_schema=False)


class Parts(StaticFiles):
    """The page's files; their tags are weak, since they may be compressed."""

    def __init__(self) -> None:
        super().__init__(directory=PAGE)

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        """One file, or 304."""
        response = super().file_response(*args, **kwargs)
        response.headers.update(CACHING | {"ETag": f"W/{response.headers['ETag']}"})
        return response


@router.api_route("/dashboard", methods=["GET", "HEAD"])
async def get_dashboard_page() -> Response:
    """The page; it needs no token, since it has no data in it."""
    return FileResponse(PAGE / "index.html", headers=CACHING | PAGE_POLICY)


def add_dashboard(app: FastAPI) -> None:
    """Serve the page and its files."""
    app.include_router(router)
    app.mount(PARTS_PATH, Parts())
