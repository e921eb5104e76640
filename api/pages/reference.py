"""The interactive API reference: Swagger UI from a wheel, so that nothing is fetched from elsewhere."""

from importlib.resources import files
from pathlib import Path

from fastapi import APIRouter, Request
from starlette.responses import Response

from api.pages.rendering import pages_of

router = APIRouter(include_in_schema=False)

# `swagger-ui-bundle.js` and `swagger-ui.css`, Apache-2.0; the wheel around them is MIT.
ASSETS = Path(str(files("fastapi_swagger"))) / "resources"
# Swagger UI sets style attributes and draws its icons as data: images.
_POLICY = (
    "default-src 'none'; style-src 'self' 'unsafe-inline'; script-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


@router.get("/docs")
async def docs_page(request: Request) -> Response:
    """The reference, over `/openapi.json`."""
    return pages_of(request).render(request, "docs.html", headers={"Content-Security-Policy": _POLICY})
