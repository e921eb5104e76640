"""What is needed to check the statements in QR codes without network."""

from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from api.answers.problem import problems
from api.deps import EdgeHere, now
from vault.stating import LIST_PATH, trust_list

router = APIRouter(tags=["verification"])

TEXT = "text/plain; charset=utf-8"
# A list is good for a month; a revoked key should be known within the hour where there is a network.
FRESH_S = 3600
_NOTE: dict[int | str, dict[str, Any]] = {
    200: {"description": "A signed note.", "content": {"text/plain": {"schema": {"type": "string"}}}},
    **problems(503),
}


@router.get(LIST_PATH, summary="The trust list for offline checks", response_class=Response, responses=_NOTE)
def get_statement_keys(edge: EdgeHere) -> Response:
    """Which keys sign the statements in this vault's QR codes, and from when until when (docs/offline.md).

    A note (C2SP signed-note) by the log's key: its name, and one line of JSON. Keep it for the checks without
    network, and fetch it again within thirty days.
    """
    content = trust_list(edge.workshop, at=now())
    return Response(content, headers={"Cache-Control": f"public, max-age={FRESH_S}"}, media_type=TEXT)
