"""The page with the API documentation; its files are served from here, so it needs no internet access."""

import hashlib
import os
import re
from base64 import b64encode
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse, Response
from fastapi.staticfiles import StaticFiles

from web.openapi import Api
from web.security_headers import POLICY

# URLs of the page's files are relative, so that they work below any prefix a proxy adds.
DOCS_PATH = "/docs"
PARTS_PATH = f"{DOCS_PATH}/parts"
SWAGGER_UI = Path(__file__).with_name("swagger_ui")
PARTS = frozenset({"swagger-ui-bundle.js", "swagger-ui.css", "favicon.png"})
_PARTS = PARTS_PATH.removeprefix("/")
_PAGE = get_swagger_ui_html(
    openapi_url="openapi.json",
    title="FPP Analytics",
    swagger_js_url=f"{_PARTS}/swagger-ui-bundle.js",
    swagger_css_url=f"{_PARTS}/swagger-ui.css",
    swagger_favicon_url=f"{_PARTS}/favicon.png",
    # By default, a badge from swagger.io shows whether the description is valid.
    swagger_ui_parameters={"validatorUrl": None},
).body

router = APIRouter(include_in_schema=False)


class Parts(StaticFiles):
    """The page's files, and no others in their directory; their tags are weak, since they may be compressed."""

    def __init__(self) -> None:
        super().__init__(directory=SWAGGER_UI)

    def lookup_path(self, path: str) -> tuple[str, os.stat_result | None]:
        """The path of a file."""
        return super().lookup_path(path) if path in PARTS else ("", None)

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        """One file, or 304."""
        response = super().file_response(*args, **kwargs)
        response.headers["ETag"] = f"W/{response.headers['ETag']}"
        return response


def add_docs(app: Api) -> None:
    """Serve the page, its files, and the API description it shows."""
    app.docs_url = DOCS_PATH
    app.include_router(router)
    app.mount(PARTS_PATH, Parts())


@router.get("/openapi.json")
async def get_description(request: Request) -> Response:
    """The description of the API."""
    api: Api = request.app
    return Response(api.openapi_json(request.scope.get("root_path", "")), media_type="application/json")


@router.get(DOCS_PATH)
async def get_docs() -> HTMLResponse:
    """The description of the API, to read and to try."""
    return HTMLResponse(_PAGE, headers={POLICY: _policy(bytes(_PAGE).decode())})


def _policy(page: str) -> str:
    """A policy that allows what the page needs: its own files and its one inline script."""
    scripts = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    hashes = [f"'sha256-{b64encode(hashlib.sha256(script.encode()).digest()).decode()}'" for script in scripts]
    return "; ".join(
        [
            "default-src 'none'",
            f"script-src 'self' {' '.join(hashes)}",
            "style-src 'self'",
            "img-src 'self' data:",
            "connect-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        ]
    )
