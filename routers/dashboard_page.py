"""The dashboard: a page of static files that asks the API, and holds no figure itself."""

from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import FileResponse, Response

from web.security_headers import POLICY

PARTS = Path(__file__).parent.parent / "dashboard" / "page"
PARTS_PATH = "/dashboard"
HEADERS = {
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
    ),
    "Cache-Control": "no-cache",
}

router = APIRouter(include_in_schema=False)


@router.api_route("/dashboard", methods=["GET", "HEAD"])
async def get_dashboard_page() -> Response:
    """The page; it needs no token, since it has no data in it."""
    return FileResponse(PARTS / "index.html", headers=HEADERS)
