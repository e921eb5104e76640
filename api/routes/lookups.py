"""Look-up by approval systems: what a holder has, what bears a number, and the sealed files themselves."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse, Response

from api.answers import CertificatesOut, HoldingsOut, problems
from api.deps import CallerHere, ClientHere, EdgeHere, StrictRoute, now
from api.files import FILE_RESPONSES, SHA256_HEX, WHICH_RENDITION, file_response
from api.schemas import HoldingsIn, LookupIn
from vault.download import document_for_client
from vault.errors import InputError
from vault.lookup import FOR_CLIENTS, by_number, holdings, summary_json
from vault.material_archive import material_json
from vault.model.catalogue import DocumentFormat
from vault.model.footing import footing_json
from vault.model.holders import HolderCode

router = APIRouter(tags=["look-up"], route_class=StrictRoute)


@router.post(
    "/v1/holdings",
    summary="What a holder has",
    response_model=HoldingsOut,
    responses=problems(400, 401, 403, 404, 415, 422, 503),
)
def post_holdings(body: HoldingsIn, edge: EdgeHere, caller: CallerHere) -> JSONResponse:
    """Every certificate and every archived material of a holder, newest first.

    Who asked, when, why and on what footing is recorded for the holder. An organisation without statutory
    function gets what the holder consents to, for its purpose: types, fields, and no sealed files; else 404.
    A clerk who signed in names the case, and a service item that their organisation handles.
    """
    at = now()
    try:
        holder = HolderCode.parse(body.holder.code_type, body.holder.code, today=at.date())
    except InputError as error:
        raise error.under("/holder") from None
    found = holdings(
        edge.workshop,
        caller,
        holder,
        purpose=body.purpose,
        service_item=body.service_item,
        case_number=body.case_number,
        at=at,
    )
    types = edge.workshop.shelf.types(at)
    return JSONResponse(
        {
            "certificates": [
                found.ground.shown(summary_json(record, types, files_at=FOR_CLIENTS))
                for record in found.certificates
            ],
            "materials": [material_json(material) for material in found.materials],
            **footing_json(found.ground.footing),
        }
    )


@router.post(
    "/v1/lookups",
    summary="Certificates by number",
    response_model=CertificatesOut,
    responses=problems(400, 401, 415, 422, 503),
)
def post_lookup(body: LookupIn, edge: EdgeHere, client: ClientHere) -> JSONResponse:
    """Certificates with this number that an authority of the client has issued, newest first."""
    at = now()
    found = by_number(edge.workshop, client, body.number, purpose=body.purpose, at=at)
    types = edge.workshop.shelf.types(at)
    return JSONResponse(
        {"certificates": [summary_json(record, types, files_at=FOR_CLIENTS) for record in found]}
    )


@router.get(
    "/v1/certificates/{certificate_id}/document",
    summary="A sealed file, as a receipt's href names it",
    response_class=Response,
    responses={**FILE_RESPONSES, **problems(401, 404, 422, 503)},
)
def get_document(
    certificate_id: UUID,
    edge: EdgeHere,
    caller: CallerHere,
    wanted: Annotated[DocumentFormat, Query(alias="format")] = DocumentFormat.PDF,
    sha256: Annotated[str | None, Query(pattern=SHA256_HEX, description=WHICH_RENDITION)] = None,
) -> Response:
    """Byte for byte what was sealed; `Repr-Digest` (RFC 9530) carries its SHA-256."""
    file = document_for_client(edge.workshop, caller, certificate_id, wanted, at=now(), sha256=sha256)
    return file_response(file)
