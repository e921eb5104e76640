"""What holders see of their own."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse, Response

from api.answers import problems
from api.answers.certificates import MyCertificatesOut
from api.answers.uses import AccessesOut, UseOut
from api.auth import refuse_cross_origin
from api.deps import EdgeHere, PersonHere, now
from api.files import FILE_RESPONSES, file_response
from vault.download import document_for_delegate, document_for_holder
from vault.lookup import FOR_HOLDERS, delegated_json, of_delegator, of_person, summary_json
from vault.model.catalogue import DocumentFormat
from vault.uses import ACCESSES_MAX, accesses_json, accesses_of, revoke_by_holder, use_json

router = APIRouter(tags=["holder"], prefix="/v1/me")


_OnBehalfOf = Annotated[
    UUID | None, Query(description="A delegation (委托) to me: then what it delegates, and nothing else.")
]


@router.get(
    "/certificates",
    summary="My certificates",
    response_model=MyCertificatesOut,
    responses=problems(401, 403, 404, 422, 503),
)
def my_certificates(edge: EdgeHere, person: PersonHere, on_behalf_of: _OnBehalfOf = None) -> JSONResponse:
    """Every certificate of the person who is signed in, newest first; or what somebody delegated to them."""
    at = now()
    types = edge.workshop.shelf.types(at)
    if on_behalf_of is not None:
        delegation, delegated = of_delegator(edge.workshop, person, on_behalf_of, at=at)
        return JSONResponse(delegated_json(delegation, delegated, types))
    found = of_person(edge.workshop, person, at=at)
    return JSONResponse(
        {"certificates": [summary_json(record, types, files_at=FOR_HOLDERS) for record in found]}
    )


@router.get(
    "/certificates/{certificate_id}/document",
    summary="My sealed file",
    response_class=Response,
    responses={**FILE_RESPONSES, **problems(401, 403, 404, 422, 503)},
)
def my_document(
    certificate_id: UUID,
    edge: EdgeHere,
    person: PersonHere,
    wanted: Annotated[DocumentFormat, Query(alias="format")] = DocumentFormat.PDF,
    on_behalf_of: _OnBehalfOf = None,
) -> Response:
    """Byte for byte what was sealed; `Repr-Digest` (RFC 9530) carries its SHA-256."""
    if on_behalf_of is not None:
        file = document_for_delegate(edge.workshop, person, on_behalf_of, certificate_id, wanted, at=now())
        return file_response(file)
    return file_response(document_for_holder(edge.workshop, person, certificate_id, wanted, at=now()))


@router.get(
    "/accesses",
    summary="Who used what is mine",
    response_model=AccessesOut,
    responses=problems(401, 422, 503),
)
def my_accesses(
    edge: EdgeHere,
    person: PersonHere,
    before: Annotated[UUID | None, Query(description="`next` of the page before.")] = None,
    limit: Annotated[int, Query(ge=1, le=ACCESSES_MAX)] = ACCESSES_MAX,
) -> JSONResponse:
    """Every use of a certificate or material of mine, newest first: by whom, for which case, and why."""
    at = now()
    found = accesses_of(edge.workshop, person, before=before, limit=limit)
    shelf = edge.workshop.shelf
    return JSONResponse(accesses_json(found, shelf.types(at), shelf.items(at)))


@router.delete(
    "/uses/{use_id}",
    summary="Revoke a use of what is mine",
    response_model=UseOut,
    responses=problems(401, 403, 404, 422, 503),
)
def revoke_my_use(use_id: UUID, request: Request, edge: EdgeHere, person: PersonHere) -> JSONResponse:
    """Its codes open nothing from now on, its copy verifies as not in force. What happened stays recorded."""
    refuse_cross_origin(request.headers)
    return JSONResponse(use_json(revoke_by_holder(edge.workshop, person, use_id, at=now())))
