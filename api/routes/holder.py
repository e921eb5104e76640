"""What holders see of their own."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse, Response

from api.answers import problems
from api.answers.accesses import AccessesOut, DisputeOut, DisputesOut
from api.answers.certificates import MyCertificatesOut
from api.answers.uses import UseOut
from api.auth import refuse_cross_origin
from api.deps import EdgeHere, PersonHere, StrictRoute, now
from api.files import FILE_RESPONSES, SHA256_HEX, WHICH_RENDITION, file_response
from api.schemas import TEXT_MAX_CHARS, DisputeIn
from vault.accesses import ACCESSES_MAX, accesses_json, accesses_of
from vault.disputes import DISPUTES_MAX, dispute_json, disputes_of, page_json, read_dispute, submit
from vault.download import document_for_delegate, document_for_holder
from vault.lookup import FOR_HOLDERS, delegated_json, of_delegator, of_person, summary_json
from vault.model.catalogue import DocumentFormat
from vault.uses import revoke_by_holder, use_json

router = APIRouter(tags=["holder"], prefix="/v1/me", route_class=StrictRoute)


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
    sha256: Annotated[str | None, Query(pattern=SHA256_HEX, description=WHICH_RENDITION)] = None,
    on_behalf_of: _OnBehalfOf = None,
) -> Response:
    """Byte for byte what was sealed; `Repr-Digest` (RFC 9530) carries its SHA-256."""
    if on_behalf_of is not None:
        delegated = document_for_delegate(
            edge.workshop, person, on_behalf_of, certificate_id, wanted, at=now(), sha256=sha256
        )
        return file_response(delegated)
    file = document_for_holder(edge.workshop, person, certificate_id, wanted, at=now(), sha256=sha256)
    return file_response(file)


@router.get(
    "/accesses",
    summary="Who looked at what is mine",
    response_model=AccessesOut,
    responses=problems(401, 403, 404, 422, 503),
)
def my_accesses(
    edge: EdgeHere,
    person: PersonHere,
    certificate_id: Annotated[UUID | None, Query(description="Only accesses to this certificate.")] = None,
    before: Annotated[
        str | None, Query(max_length=TEXT_MAX_CHARS, description="`next` of the page before.")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=ACCESSES_MAX)] = ACCESSES_MAX,
) -> JSONResponse:
    """Every access to a certificate or material of mine, newest first: who, for which case, and why.

    Look-ups, reuse checks, uses, downloads, changes of status, verifications and auditors' looks, each in a
    sentence of plain language. What an order defers appears on its day, and says so.
    """
    at = now()
    found = accesses_of(
        edge.workshop, person, certificate_id=certificate_id, before=before, limit=limit, at=at
    )
    return JSONResponse(accesses_json(found, edge.workshop.shelf.in_force(at)))


@router.post(
    "/disputes",
    summary="Dispute a certificate or an access",
    status_code=201,
    response_model=DisputeOut,
    responses={
        200: {"model": DisputeOut, "description": "The same dispute, which is open."},
        **problems(400, 401, 403, 404, 409, 415, 422, 503),
    },
)
def post_dispute(body: DisputeIn, request: Request, edge: EdgeHere, person: PersonHere) -> JSONResponse:
    """A ticket for the authority that issued the certificate, or for the body that looked (提出异议).

    `due_on` is the last day on which it is decided in time. Once the authority has accepted it, verifiers are
    shown that the certificate is under dispute. The same body again, while it is open, is the same dispute.
    """
    refuse_cross_origin(request.headers)
    at = now()
    done = submit(edge.workshop, person, read_dispute(body.model_dump()), at=at)
    return JSONResponse(dispute_json(done.dispute, at), 200 if done.repeated else 201)


@router.get("/disputes", summary="My disputes", response_model=DisputesOut, responses=problems(401, 422, 503))
def my_disputes(
    edge: EdgeHere,
    person: PersonHere,
    before: Annotated[UUID | None, Query(description="`next` of the page before.")] = None,
    limit: Annotated[int, Query(ge=1, le=DISPUTES_MAX)] = DISPUTES_MAX,
) -> JSONResponse:
    """Newest first, each with every step and what was said about it."""
    at = now()
    found = disputes_of(edge.workshop, person, before=before, limit=limit + 1, at=at)
    return JSONResponse(page_json(found, limit, at))


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
