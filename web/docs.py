"""The page that shows the description of the API: its parts come from here, so it needs no internet."""

import hashlib
import re
from base64 import b64encode
from importlib.resources import files

from fastapi import APIRouter
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse

from web.security_headers import POLICY

# Addresses of the page's parts are relative to it: they hold below any prefix a proxy puts before them.
PARTS_PATH = "/docs/parts"
# Those of the package: they are all in one directory.
PARTS = str(files("fastapi_offline") / "static")
_PARTS = PARTS_PATH.removeprefix("/")
_PAGE = get_swagger_ui_html(
    openapi_url="openapi.json",
    title="FPP Analytics",
    swagger_js_url=f"{_PARTS}/swagger-ui-bundle.js",
    swagger_css_url=f"{_PARTS}/swagger-ui.css",
    swagger_favicon_url=f"{_PARTS}/favicon.png",
    # By default a picture from swagger.io tells whether the description is valid.
    swagger_ui_parameters={"validatorUrl": None},
).body

router = APIRouter(include_in_schema=False)


@router.get("/docs")
async def get_docs() -> HTMLResponse:
    """The description of the API, to read and to try."""
    return HTMLResponse(_PAGE, headers={POLICY: _policy(bytes(_PAGE).decode())})


def _policy(page: str) -> str:
    """What the page needs: its own files, and the one script that stands in it."""
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
