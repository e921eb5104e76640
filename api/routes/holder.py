"""What holders see of their own."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse, Response

from api.answers import CertificatesOut, problems
from api.deps import EdgeHere, PersonHere, now
from api.files import FILE_RESPONSES, file_response
from vault.download import document_for_holder
from vault.lookup import FOR_HOLDERS, of_person, summary_json
from vault.model.catalogue import DocumentFormat

router = APIRouter(tags=["holder"], prefix="/v1/me")


@router.get(
    "/certificates", summary="My certificates", response_model=CertificatesOut, responses=problems(401, 503)
)
def my_certificates(edge: EdgeHere, person: PersonHere) -> JSONResponse:
    """Every certificate of the person who is signed in, newest first."""
    at = now()
    types = edge.workshop.shelf.types(at)
    found = of_person(edge.workshop, person, at=at)
    return JSONResponse(
        {"certificates": [summary_json(record, types, files_at=FOR_HOLDERS) for record in found]}
    )


@router.get(
    "/certificates/{certificate_id}/document",
    summary="My sealed file",
    response_class=Response,
    responses={**FILE_RESPONSES, **problems(401, 404, 422, 503)},
)
def my_document(
    certificate_id: UUID,
    edge: EdgeHere,
    person: PersonHere,
    wanted: Annotated[DocumentFormat, Query(alias="format")] = DocumentFormat.PDF,
) -> Response:
    """Byte for byte what was sealed; `Repr-Digest` (RFC 9530) carries its SHA-256."""
    return file_response(document_for_holder(edge.workshop, person, certificate_id, wanted, at=now()))
