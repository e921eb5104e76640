"""Portable evidence of a certificate."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter
from starlette.responses import Response

from api.answers.problem import problems
from api.deps import CallerHere, EdgeHere, StrictRoute, now
from vault.download import proven_document
from vault.evidence import make_evidence
from vault.model.catalogue import DocumentFormat
from vault.verify import by_file, report_json

router = APIRouter(tags=["look-up"], route_class=StrictRoute)

_ZIP = "application/zip"
_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The evidence.",
        "content": {_ZIP: {"schema": {"type": "string", "format": "binary"}}},
    },
    **problems(401, 404, 422, 503),
}


@router.get(
    "/v1/certificates/{certificate_id}/evidence",
    summary="A sealed file with all that proves it",
    response_class=Response,
    responses=_RESPONSES,
)
def get_evidence(certificate_id: UUID, edge: EdgeHere, caller: CallerHere) -> Response:
    """A zip of the sealed file, what the vault says of it now, its `.tlog-proof`, and what proves both.

    `certvault verify evidence.zip` checks it on a machine that has never seen the vault. The file is the
    newest rendition whose leaf the log has published: a seal that was raised (docs/long-term.md) is good for
    as long as its last time-stamp, another for as long as its certificate. For whoever may have the sealed
    file, and recorded as its download. Of the PDF: 404 for a certificate made as OFD alone, and until
    the log has published the leaf of its issue; the promise in the receipt says by when.
    """
    at = now()
    proven = proven_document(edge.workshop, caller, certificate_id, DocumentFormat.PDF, at=at)
    file = proven.file
    report = report_json(by_file(edge.workshop, file.content, at=at))
    content = make_evidence(edge.workshop, certificate_id, file.content, proven.leaf_hash, report, at=at)
    name = file.file_name.removesuffix(f".{DocumentFormat.PDF}")
    headers = {"Content-Disposition": f'attachment; filename="{name}.evidence.zip"'}
    return Response(content, headers=headers, media_type=_ZIP)
