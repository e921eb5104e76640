"""What an authority decides about a certificate after its issue, and the certificate with its history."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from api.answers import HistoryOut, RecordedOut, problems
from api.deps import CallerHere, ClientHere, EdgeHere, StrictRoute, now
from api.schemas import InspectionIn, StatusChangeIn
from vault.lifecycle import (
    change_status,
    history_json,
    history_of,
    read_change,
    read_inspection,
    record_inspection,
    recorded_json,
)
from vault.lookup import FOR_CLIENTS, summary_json

router = APIRouter(tags=["lifecycle"], prefix="/v1/certificates", route_class=StrictRoute)

_REPEATED: dict[int | str, dict[str, Any]] = {
    200: {"model": RecordedOut, "description": "It was recorded before: the same event."}
}


@router.get(
    "/{certificate_id}",
    summary="A certificate with its history",
    response_model=HistoryOut,
    responses=problems(401, 404, 422, 503),
)
def get_certificate(certificate_id: UUID, edge: EdgeHere, caller: CallerHere) -> JSONResponse:
    """For the approval system that deposited it or acts for its authority, and that authority's staff.

    The look is recorded.
    """
    at = now()
    found = history_of(edge.workshop, caller, certificate_id, at=at)
    summary = summary_json(found.record, edge.workshop.shelf.types(at), files_at=FOR_CLIENTS)
    return JSONResponse({**summary, **history_json(found)})


@router.post(
    "/{certificate_id}/status",
    summary="Suspend, resume, cancel, withdraw, revoke or abolish a certificate",
    status_code=201,
    response_model=RecordedOut,
    responses={**_REPEATED, **problems(400, 401, 404, 409, 415, 422, 503)},
)
def post_status(
    certificate_id: UUID, body: StatusChangeIn, edge: EdgeHere, client: ClientHere
) -> JSONResponse:
    """A decision of the issuing authority (暂扣、发还、注销、撤销、吊销、签发错误).

    Send the same body again after any failure: it is recorded once. What the certificate's status does not
    permit is refused (409) with the reason in words. Reason and day are shown to whoever verifies.
    """
    at = now()
    change = read_change(body.model_dump(), at=at)
    done = change_status(edge.workshop, client, certificate_id, change, at=at)
    return JSONResponse(recorded_json(done), 200 if done.repeated else 201)


@router.post(
    "/{certificate_id}/inspections",
    summary="Record an annual inspection",
    status_code=201,
    response_model=RecordedOut,
    responses={**_REPEATED, **problems(400, 401, 404, 409, 415, 422, 503)},
)
def post_inspection(
    certificate_id: UUID, body: InspectionIn, edge: EdgeHere, client: ClientHere
) -> JSONResponse:
    """A dated result (年检、年审) in the certificate's history; its status stays what it is."""
    at = now()
    inspection = read_inspection(body.model_dump(), at=at)
    done = record_inspection(edge.workshop, client, certificate_id, inspection, at=at)
    return JSONResponse(recorded_json(done), 200 if done.repeated else 201)
