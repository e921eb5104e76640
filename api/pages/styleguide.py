"""Every component of the pages on one page, for whoever writes or reviews them; in development only."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from api.deps import EdgeHere
from api.edge import Mode
from api.pages.rendering import pages_of
from vault.errors import NotFound

router = APIRouter(include_in_schema=False)


@router.get("/styleguide")
def styleguide_page(request: Request, edge: EdgeHere) -> Response:
    """Colours, sizes of type and components.

    Raises:
        NotFound: the vault serves in earnest.
    """
    if edge.settings.mode is not Mode.DEVELOPMENT:
        raise NotFound("There is no such page.")
    return pages_of(request).render(request, "styleguide.html")
