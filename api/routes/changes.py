"""The feed of changes, for approval systems and whoever copies what they may see."""

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse

from api.answers import problems
from api.answers.changes import ChangesOut
from api.deps import ClientHere, EdgeHere, StrictRoute
from vault.changes import PAGE_DEFAULT, PAGE_MAX, changes_after, page_json

router = APIRouter(tags=["changes"], route_class=StrictRoute)


@router.get(
    "/v1/changes",
    summary="Everything that happened, in order",
    response_model=ChangesOut,
    responses=problems(401, 409, 422, 503),
)
def get_changes(
    edge: EdgeHere,
    client: ClientHere,
    after: Annotated[str, Query(description="The cursor read so far; left out or 0: from the start.")] = "",
    limit: Annotated[int, Query(description=f"At most so many, 1 to {PAGE_MAX}.")] = PAGE_DEFAULT,
) -> JSONResponse:
    """Certificates of the caller's authorities and types, and materials that it handed in; replayable.

    A page may have fewer changes than asked for, or none: `more` says whether to read on at once.

    Nothing is ever missing between two cursors, however transactions overlapped. A cursor that this feed
    never gave out is refused (409, `unknown-cursor`): read anew from the start then.
    """
    page = changes_after(edge.workshop, after, limit, client)
    return JSONResponse(page_json(page))
